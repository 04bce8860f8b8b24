"""procrastinate: `python procrastinate_peer.py drain N` or `latency N`; one line of JSON."""

from __future__ import annotations

import asyncio
import importlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# Not among our own packages: this file runs where the peer has been installed.
procrastinate: Any = importlib.import_module("procrastinate")
measure: Any = importlib.import_module("measure")


class Procrastinate:
    def __init__(self, app: Any) -> None:
        self._app = app
        self._handle: Callable[[int], None] = lambda _n: None

        async def work(n: int) -> None:
            self._handle(n)

        self._task = app.task(work, name="work")

    async def fill(self, number: int) -> None:
        for first in range(1, number + 1, 1000):
            await self._task.batch_defer_async(
                *({"n": n} for n in range(first, min(number + 1, first + 1000)))
            )

    async def add(self, n: int) -> None:
        await self._task.defer_async(n=n)

    async def start(self, handle: Callable[[int], None]) -> Callable[[], Awaitable[object]]:
        self._handle = handle
        worker = asyncio.create_task(
            self._app.run_worker_async(
                concurrency=10, install_signal_handlers=False, delete_jobs="successful"
            )
        )

        async def stop() -> None:
            worker.cancel()
            with suppress(asyncio.CancelledError):
                await worker

        return stop

    async def left(self) -> int:
        rows = await self._app.connector.execute_query_one_async(
            "select count(*) as left from procrastinate_jobs where status in ('todo', 'doing')"
        )
        return int(rows["left"])


async def main() -> None:
    connector = procrastinate.PsycopgConnector(conninfo=os.environ["DATABASE_URL"], max_size=15)
    app = procrastinate.App(connector=connector)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await measure.measure(Procrastinate(app))


if __name__ == "__main__":
    asyncio.run(main())
