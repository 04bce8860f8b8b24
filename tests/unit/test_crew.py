"""Which lanes a daemon keeps."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from syncd.daemon import crew
from syncd.db.queue import Hold, Leased

ITSELF = UUID(int=1)


class Lane:
    """One that works until it is told to rest, and then stays until it has to leave."""

    def __init__(self, leased: Leased) -> None:
        self.company = leased.hold.company_id
        self.resting = self.leaving = False
        self.seconds_held = 0.0
        self.left = asyncio.Event()

    def leave(self) -> None:
        self.leaving, self.resting = True, False

    async def run(self) -> None:
        await self.left.wait()


class Served:
    """A crew of eight slots, and its lanes in the order in which they were leased."""

    def __init__(self) -> None:
        nobody: Any = None
        self.crew = crew.Crew(8, nobody, nobody, nobody, lambda: None)
        self.lanes: list[Lane] = []

    def lane(self, leased: Leased, *_: Any) -> Lane:
        self.lanes.append(Lane(leased))
        return self.lanes[-1]

    @property
    def leaving(self) -> list[str]:
        return [lane.company for lane in self.lanes if lane.leaving and lane.company in self.crew.companies]

    def take(self, *companies: str) -> None:
        self.crew.take([Leased(Hold(company, ITSELF, 1), None, open_calls=False) for company in companies])

    async def ended(self, company: str) -> None:
        """That lane was given back."""
        next(lane for lane in self.lanes if lane.company == company).left.set()
        await next(task for task in self.crew.tasks if task.get_name() == company)
        await asyncio.sleep(0)  # and its slot is free

    def rest(self) -> None:
        """All that work now have nothing more to do."""
        for lane in self.lanes:
            lane.resting = True


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Served:
    made = Served()
    monkeypatch.setattr(crew, "Lane", made.lane)
    return made


def test_a_quarter_of_the_slots_is_kept_free_of_lanes_that_rest(served: Served) -> None:
    async def storm() -> None:
        served.take("1", "2", "3", "4", "5", "6")
        served.rest()
        assert served.leaving == []
        served.take("7")
        assert served.leaving == ["1"]
        served.take("8")
        assert served.leaving == ["1", "2"]
        await served.ended("1")
        await served.ended("2")
        served.take()
        assert served.leaving == []

    asyncio.run(storm())


def test_lanes_that_work_fill_all_slots(served: Served) -> None:
    async def storm() -> None:
        served.take(*map(str, range(8)))
        assert served.leaving == []
        assert served.crew.free == 0

    asyncio.run(storm())
