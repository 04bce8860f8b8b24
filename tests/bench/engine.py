"""The engine's functions called as the daemon calls them, without HTTP. The only module here that knows their form."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import defaultdict
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from syncd.db.pool import make_pool
from syncd.db.queue import Intent, Queue, Received, Result
from tests.bench.stage import add_company

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from syncd.db.queue import Hold, Leased
    from tests.support.database import Database

AT_MOST = 30
SLICE = 1000
NOTHING_SEEN = (0, 0, 0, 0)


class Worker:
    """One daemon's half of the work that Postgres does, with the seconds of each call by step."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self.id = uuid.uuid4()
        self._since: str | None = None
        self._floors: dict[str, Sequence[int]] = {}
        self.times: defaultdict[str, list[float]] = defaultdict(list)

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.times[step].append(time.perf_counter() - began)

    async def absorb(self) -> int:
        """Take every signal. How many there were."""
        total, signals = 0, SLICE
        while signals >= SLICE:
            with self._timed("absorb"):
                look, _ = await self._queue.look(
                    self.id,
                    SLICE,
                    self._since,
                    everything=self._since is None,
                    slots=0,
                    held=[],
                    patience=True,
                )
            signals, self._since = look.signals, look.seen
            total += signals
        return total

    async def lease(self, lanes: int) -> list[Leased]:
        """Take lanes that have work."""
        with self._timed("lease"):
            return await self._queue.lease(self.id, lanes, [])

    async def settle(self, hold: Hold) -> int:
        """Decide a batch of due records of the lane, commit the call and record its success. How many."""
        floors = self._floors.get(hold.company_id, NOTHING_SEEN)
        with self._timed("pick"):
            decided = await self._queue.decide(hold, (0, AT_MOST), floors, ("after", "after"))
        self._floors[hold.company_id] = decided.floors
        if not decided.jobs:
            return 0
        with self._timed("intend"):
            call, _ = await self._queue.intend(
                hold,
                [Intent(str(place), job) for place, job in enumerate(decided.jobs)],
                kind="batch" if len(decided.jobs) > 1 else "single",
                request_id=str(uuid.uuid4()),
                path="batch",
                body=b"{}",
            )
        answers = [
            Result(bid=str(place), outcome="success", qbo_id=f"{call}{place:03}", sync_token="0")
            for place in range(len(decided.jobs))
        ]
        with self._timed("record"):
            await self._queue.record(hold, call, Received(200, "tid", 1), answers)
        return len(decided.jobs)

    async def release(self, hold: Hold) -> bool:
        """Give the lane back; False if more is due."""
        floors = self._floors.pop(hold.company_id, NOTHING_SEEN)
        with self._timed("release"):
            return await self._queue.release(hold, leaving=False, floors=floors)

    async def drain(self, lanes: int, side_by_side: int) -> int:
        """Settle everything that is due, several lanes at a time. How many records."""
        holds = [leased.hold for leased in await self.lease(lanes)]

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


def refill(database: Database) -> None:
    """Give every lane the batches of a minute back, which Postgres alone uses up in a second."""
    database.execute("update syncd.lane set batches = '{}' where batches <> '{}'")


def quicken(database: Database, rate: int) -> None:
    """Let the daemon's budget for a realm run so many times as fast, to go with a sandbox whose limits do."""
    for function, seconds in (("spend", "1 second"), ("until_batch", "61 seconds")):
        source = database.value("select pg_get_functiondef(%s::regproc)", (f"syncd.{function}",))
        interval = f"interval '{seconds}'"
        if interval not in source:
            raise RuntimeError(f"syncd.{function} no longer has {interval}: follow it here")
        database.execute(source.replace(interval, f"({interval} / {rate})"))
