"""In a flood of signals lanes wait until all is absorbed, so that what was written together is sent together; not for
ever.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any, cast

from syncd.daemon import look
from syncd.db.queue import Look

if TYPE_CHECKING:
    import pytest


class Bell:
    """This daemon is on duty."""

    on_duty = healthy = True

    def settled(self) -> None:
        """Nothing to do."""


class Crew:
    """Has room."""

    free = 5
    companies: tuple[str, ...] = ()

    def nudge(self, companies: object) -> None:
        """Nobody is here."""

    def take(self, leased: object) -> None:
        """There is nothing to take."""


class Queue:
    """Absorbs that many signals, one look after the other, and remembers in which of them lanes had to wait."""

    def __init__(self, signals: list[int], stop: asyncio.Event) -> None:
        self.patience: list[bool] = []
        self._signals = signals
        self._stop = stop

    async def look(self, *_: object, patience: bool, **__: object) -> tuple[Look, list[object]]:
        await asyncio.sleep(0.02)
        self.patience.append(patience)
        if len(self.patience) == len(self._signals):
            self._stop.set()
        return Look(self._signals[len(self.patience) - 1], "1:1:", (), 0), []


def patience_in(signals: list[int], away_after: int | None = None) -> list[bool]:
    """Look after look; after so many of them Postgres was away."""

    async def run() -> list[bool]:
        stop = asyncio.Event()
        queue = Queue(signals, stop)
        bell, crew = cast("Any", Bell()), cast("Any", Crew())
        looker = look.Looker(cast("Any", queue), bell, crew, uuid.uuid4, stop, 60)
        while not stop.is_set():
            await looker.turn()
            if len(queue.patience) == away_after:
                looker.forget()
        return queue.patience

    return asyncio.run(run())


def test_lanes_wait_for_a_flood_to_end_but_not_for_one_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    assert patience_in([1000] * 10) == [True] * 10
    monkeypatch.setattr(look, "PATIENT_SECONDS", 0.05)
    found = patience_in([1000] * 10)
    assert found == sorted(found, reverse=True)
    assert (found[0], found[-1]) == (True, False)


def test_each_flood_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "PATIENT_SECONDS", 0.05)
    found = patience_in([1000] * 5 + [10] + [1000] * 5)
    assert (found[0], found[4], found[6], found[10]) == (True, False, True, False)


def test_a_flood_that_is_cut_short_takes_nothing_from_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "PATIENT_SECONDS", 0.05)
    found = patience_in([1000] * 10, away_after=5)
    assert (found[0], found[4], found[5], found[9]) == (True, False, True, False)
