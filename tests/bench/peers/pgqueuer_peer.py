"""pgqueuer on asyncpg: `python pgqueuer_peer.py drain N` or `latency N`; one line of JSON."""

from __future__ import annotations

import asyncio
import importlib
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# Not among our own packages: this file runs where the peer has been installed.
asyncpg: Any = importlib.import_module("asyncpg")
pgqueuer: Any = importlib.import_module("pgqueuer")
measure: Any = importlib.import_module("measure")


class PgQueuer:
    def __init__(self, queries: Any, manager: Any) -> None:
        self._queries = queries
        self._manager = manager

    async def fill(self, number: int) -> None:
        for first in range(1, number + 1, 1000):
            some = range(first, min(number + 1, first + 1000))
            await self._queries.enqueue(
                ["work"] * len(some), [str(n).encode() for n in some], [0] * len(some)
            )

    async def add(self, n: int) -> None:
        await self._queries.enqueue("work", str(n).encode())

    async def start(self, handle: Callable[[int], None]) -> Callable[[], Awaitable[object]]:
        async def work(job: Any) -> None:
            handle(int(job.payload))

        self._manager.entrypoint("work")(work)
        running = asyncio.create_task(self._manager.run(dequeue_timeout=timedelta(seconds=30), batch_size=10))

        async def stop() -> None:
            self._manager.shutdown.set()
            await running

        return stop

    async def left(self) -> int:
        return sum(row.count for row in await self._queries.queue_size())


async def main() -> None:
    address = os.environ["DATABASE_URL"]
    connections = [await asyncpg.connect(address) for _ in range(2)]
    queries = pgqueuer.Queries(pgqueuer.AsyncpgDriver(connections[0]))
    await queries.install()
    manager = pgqueuer.QueueManager(pgqueuer.Queries(pgqueuer.AsyncpgDriver(connections[1])))
    await measure.measure(PgQueuer(queries, manager))
    for connection in connections:
        await connection.close()


if __name__ == "__main__":
    asyncio.run(main())
