"""The engine's functions called as the daemon calls them, without HTTP. The only module here that knows their form."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import defaultdict
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from syncd.daemon.lane import NOTHING_SEEN
from syncd.db.queue import Intent, Queue, Received, Result, make_pool
from tests.bench.stage import add_company

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from syncd.db.queue import Hold
    from tests.support.database import Database

AT_MOST = 30
SLICE = 1000


class Worker:
    """One daemon's half of the work that Postgres does, with the seconds of each call by step."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self.id = uuid.uuid4()
        self._since: str | None = None
        self._floors: dict[Hold, list[int]] = {}
        self.times: defaultdict[str, list[float]] = defaultdict(list)

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.times[step].append(time.perf_counter() - began)

    async def absorb(self) -> int:
        """Take every signal. How many there were."""
        total, signals = 0, SLICE
        while signals == SLICE:
            with self._timed("absorb"):
                look = await self._queue.absorb(self.id, SLICE, self._since, everything=self._since is None)
            signals, self._since = look.signals, look.seen
            total += signals
        return total

    async def lease(self, lanes: int) -> list[Hold]:
        """Take lanes that have work."""
        with self._timed("lease"):
            return [leased.hold for leased in await self._queue.lease(self.id, lanes, [])]

    async def settle(self, hold: Hold) -> int:
        """Decide some due records of the lane, commit one call for them and record its success. How many."""
        floors = self._floors.get(hold, NOTHING_SEEN)
        with self._timed("pick"):
            decided = await self._queue.decide(hold, (AT_MOST, AT_MOST), floors, ("after", "after"))
        self._floors[hold] = decided.floors
        if not decided.jobs:
            return 0
        began = time.perf_counter()
        intents = [Intent(str(number), job) for number, job in enumerate(decided.jobs, 1)]
        request = str(uuid.uuid4())
        call, _ = await self._queue.intend(
            hold, intents, kind="batch", request_id=request, path="batch", body=b"{}"
        )
        results = [
            Result(i.bid, outcome="success", qbo_id=f"{call}.{i.bid}", sync_token="0") for i in intents
        ]
        await self._queue.record(hold, call, Received(http_status=200, duration_ms=1), results)
        self.times["record"].append(time.perf_counter() - began)
        return len(decided.jobs)

    async def release(self, hold: Hold) -> bool:
        """Give the lane back; False if more is due."""
        with self._timed("release"):
            return await self._queue.release(hold, leaving=False, floors=NOTHING_SEEN)

    async def drain(self, lanes: int, side_by_side: int) -> int:
        """Settle everything that is due, several lanes at a time. How many records."""
        holds = await self.lease(lanes)

        async def serve() -> int:
            settled = 0
            while holds:
                hold = holds.pop()
                while some := await self.settle(hold):
                    settled += some
                await self.release(hold)
            return settled

        return sum(await asyncio.gather(*(serve() for _ in range(side_by_side))))


@asynccontextmanager
async def worker(database: Database) -> AsyncIterator[Worker]:
    """A worker with a pool like the daemon's, whose lease outlives the row."""
    pool = make_pool(database.daemon_dsn)
    await pool.open()
    try:
        made = Worker(Queue(pool))
        async with pool.connection() as connection:
            await connection.execute("select syncd.heartbeat(%s, '1 day')", (made.id,))
        yield made
    finally:
        await pool.close()


def add_companies(database: Database, number: int) -> Sequence[str]:
    """Connected companies 1 to n, of realms that nobody asks."""
    ids = [str(n) for n in range(1, number + 1)]
    expires = datetime.now(UTC) + timedelta(hours=1)
    with database.connection.transaction(), database.connection.cursor() as cursor:
        for company in ids:
            add_company(cursor, company, f"9{company}", b"\0", expires)
    return ids


def quicken(database: Database, rate: int) -> None:
    """Let the daemon's budget for a realm run so many times as fast, to go with a sandbox whose limits do."""
    database.execute(
        "update syncd.qbo_limit set override = amount * %s where name like %s", (rate, "%_per_%")
    )
