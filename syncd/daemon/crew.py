"""The lanes that this daemon serves: a task for each, at most as many as it has slots."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from syncd.daemon.ending import end
from syncd.daemon.lane import NOTHING_SEEN, Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from syncd.daemon.access import Keys
    from syncd.db.queue import Hold, Leased, Queue
    from syncd.qbo.client import Client

log = structlog.get_logger()

ROOM_SECONDS = 0.1  # between two looks for lanes that wait while all slots are taken
FREE_SHARE = 4  # of the slots one in so many is kept free of lanes that rest
TURN_SECONDS = 2.0  # a lane keeps its slot that long while others wait


class Crew:
    """`ended` is called whenever a lane ends: its slot is free, and it may have left a timer."""

    def __init__(
        self, slots: int, client: Client, queue: Queue, keys: Keys, ended: Callable[[], None]
    ) -> None:
        self._slots = slots
        self._client = client
        self._queue = queue
        self._keys = keys
        self._ended = ended
        self._lanes: dict[str, Lane] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._asked = 0.0

    @property
    def free(self) -> int:
        """Slots."""
        return self._slots - len(self._lanes)

    @property
    def companies(self) -> list[str]:
        """Those whose lanes we know we have."""
        return list(self._lanes)

    @property
    def tasks(self) -> Collection[asyncio.Task[None]]:
        """One for each lane."""
        return self._tasks.values()

    def take(self, leased: Iterable[Leased]) -> None:
        """Start serving lanes just leased."""
        for one in leased:
            company_id = one.hold.company_id
            self._lanes[company_id] = Lane(one, self._client, self._queue, self._keys)
            task = self._tasks[company_id] = asyncio.create_task(self._serve(one), name=company_id)
            task.add_done_callback(self._lane_ended)
        self._keep_some_free()

    def nudge(self, companies: Iterable[str]) -> None:
        """These got work; those that are not ours are passed over."""
        for company_id in companies:
            if lane := self._lanes.get(company_id):
                lane.nudge()

    async def make_room(self) -> None:
        """All slots are taken. If lanes wait, those that only rest give way, else the one that was served longest; and
        the other daemons are told.
        """
        now = asyncio.get_running_loop().time()
        if now - self._asked < ROOM_SECONDS:
            return
        self._asked = now
        if not await self._queue.lanes_wait():
            return
        lanes = list(self._lanes.values())
        giving_way = [lane for lane in lanes if lane.resting]
        if not giving_way and lanes:
            longest = max(lanes, key=lambda lane: lane.seconds_held)
            giving_way = [longest] if longest.seconds_held > TURN_SECONDS else []
        for lane in giving_way:
            lane.leave()
        await self._queue.due_lanes()

    async def finish(self, seconds: float) -> None:
        """Answers under way are recorded; what takes longer is asked for again at the next start."""
        if self._lanes:
            log.info("finishing", lanes=len(self._lanes))
            for lane in self._lanes.values():
                lane.leave()
            await asyncio.wait(self._tasks.values(), timeout=seconds)
        await end(self.tasks)

    def _keep_some_free(self) -> None:
        """Lanes that only rest must not make those wait that have work."""
        lanes = self._lanes.values()
        short = self._slots // FREE_SHARE - self.free - sum(lane.leaving for lane in lanes)
        for lane in [lane for lane in lanes if lane.resting][: max(0, short)]:
            lane.leave()

    def _lane_ended(self, task: asyncio.Task[None]) -> None:
        del self._lanes[task.get_name()], self._tasks[task.get_name()]
        self._ended()

    async def _serve(self, leased: Leased) -> None:
        hold = leased.hold
        try:
            await self._lanes[hold.company_id].run()
        except Exception:
            # The lane stays ours until it is given back; nobody else could serve the company.
            log.exception("a lane failed", company_id=hold.company_id)
            await self._give_back(hold)

    async def _give_back(self, hold: Hold) -> None:
        try:
            await self._queue.pause(hold, 10, "syncd failed on this company; its log says why.")
            await self._queue.release(hold, leaving=True, floors=NOTHING_SEEN)
        except Exception:
            log.exception("a lane could not be given back", company_id=hold.company_id)
