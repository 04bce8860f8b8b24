"""The engine's functions called as the daemon calls them, without HTTP. The only module here that knows their form."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import defaultdict
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from syncd.db.queue import Queue, Result, make_pool
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
                signals, self._since = await self._queue.absorb(SLICE, self._since)
            total += signals
        return total

    async def lease(self, lanes: int) -> list[Hold]:
        """Take lanes that have work."""
        with self._timed("lease"):
            return await self._queue.lease(self.id, lanes, [])

    async def settle(self, hold: Hold) -> int:
        """Decide some due records of the lane, commit a call for each and record its success. How many."""
        with self._timed("pick"):
            jobs = await self._queue.decide(hold, AT_MOST)
        for job in jobs:
            began = time.perf_counter()
            call = await self._queue.intend(
                hold, job, request_id=str(uuid.uuid4()), path="customer", body=b"{}", notes=[]
            )
            assert call is not None
            answer = Result(
                outcome="success", qbo_id=str(call), sync_token="0", http_status=200, duration_ms=1
            )
            await self._queue.record(hold, call, answer)
            self.times["record"].append(time.perf_counter() - began)
        return len(jobs)

    async def release(self, hold: Hold) -> bool:
        """Give the lane back; False if more is due."""
        with self._timed("release"):
            return await self._queue.release(hold, leaving=False)

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
    source = database.value("select pg_get_functiondef('syncd.take_turn'::regproc)")
    second = "interval '1 second'"
    if second not in source:
        raise RuntimeError("syncd.take_turn no longer counts in seconds: follow it here")
    database.execute(source.replace(second, f"interval '{1 / rate} second'"))
