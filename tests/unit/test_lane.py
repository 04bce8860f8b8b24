"""A lane that ends while calls of it are under way, and one that has nothing more to do."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from syncd.daemon import lane
from syncd.db.queue import Decided, DueJob, Hold, LaneLost, Leased

if TYPE_CHECKING:
    import pytest


def job(kind: str, *, names: bool) -> DueJob:
    return DueJob(
        kind, "1", "Ann", 1, "{}", "", "create", kind, None, None, 0, None, "sandbox", "9130", names
    )


class Keys:
    """Opens every door."""

    async def door(self, _leased: Leased) -> None:
        return


class Queue:
    """Gives out one job of each queue."""

    async def decide(self, *_: object) -> Decided:
        return Decided([job("invoice", names=False), job("customer", names=True)], [1, 1, 0, 0], None)


class Dispatch:
    """The call of names is refused at once, the other one while it is cancelled: Postgres answers all the same."""

    def __init__(self, *_: object) -> None: ...

    async def commit(self, jobs: list[DueJob]) -> None:
        try:
            await asyncio.sleep(0 if jobs[0].names else 60)
        finally:
            raise LaneLost


def test_a_cancelled_call_that_finds_the_lane_lost_is_no_mistake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lane, "Dispatch", Dispatch)
    mistakes: list[dict[str, Any]] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: mistakes.append(context))
        leased = Leased(Hold("1", uuid4(), 1), None, open_calls=False)
        await lane.Lane(leased, cast("Any", None), cast("Any", Queue()), cast("Any", Keys())).run()

    asyncio.run(run())
    gc.collect()
    assert mistakes == []


class Quiet(Queue):
    """Has one job of which nothing is to be sent, and then none."""

    def __init__(self) -> None:
        self.given = False

    async def decide(self, *_: object) -> Decided:
        jobs = [] if self.given else [job("invoice", names=False)]
        self.given = True
        return Decided(jobs, [1, 0, 0, 0], None)

    async def release(self, *_: object, **__: object) -> bool:
        return True


class Nothing:
    """There is never anything to send."""

    def __init__(self, *_: object) -> None: ...

    async def commit(self, _jobs: list[DueJob]) -> None:
        return


def test_a_lane_that_gets_work_no_longer_rests_from_that_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would be made to give way to others before it has looked."""
    monkeypatch.setattr(lane, "Dispatch", Nothing)

    async def run() -> None:
        leased = Leased(Hold("1", uuid4(), 1), None, open_calls=False)
        one = lane.Lane(leased, cast("Any", None), cast("Any", Quiet()), cast("Any", Keys()))
        working = asyncio.create_task(one.run())
        while not one.resting:  # noqa: ASYNC110 - a lane tells nobody
            await asyncio.sleep(0)
        one.nudge()
        assert not one.resting
        one.leave()
        await working

    asyncio.run(run())
