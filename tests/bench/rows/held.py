"""Whether an old transaction of somebody else's slows the queue down: it keeps every dead row from being removed."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, closing
from typing import TYPE_CHECKING

import psycopg

from tests.bench import engine
from tests.bench.figures import Figure, Row, at_most, median

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.bench.stage import Stage

COMPANIES = 500
A_ROUND = 300
HOLDERS = {
    "nobody": "select 1",
    "a snapshot": "begin isolation level repeatable read; select count(*) from sip.customers",
    "a writer": "begin; select pg_current_xact_id()",
}
INSERT = """
    insert into sip.customers (organization_id, name)
    select %s, format('Customer %%s of round %%s', n, %s::int) from generate_series(1, %s) n
"""


async def _process(stage: Stage, rounds: int) -> dict[str, dict[str, float]]:
    """Medians of each step in the last tenth of the rounds, beside each holder. Each has a database of its own, because
    what one holds does not hold in another, and they take turns.
    """
    async with AsyncExitStack() as stack:
        beside = {}
        for name, held in HOLDERS.items():
            database = stage.database()
            engine.add_companies(database, COMPANIES)
            other = stack.enter_context(closing(psycopg.connect(database.dsn, autocommit=True)))
            other.execute(held.encode())
            beside[name] = database, await stack.enter_async_context(engine.worker(database))
        for number in range(rounds):
            if number == rounds - max(1, rounds // 10):
                for _, worker in beside.values():
                    worker.times.clear()
            for database, worker in beside.values():
                database.execute(INSERT, (1 + number % COMPANIES, number, A_ROUND))
                await _serve(worker)
            if number % 100 == 0:
                stage.say(f"{number * A_ROUND:,} of {rounds * A_ROUND:,} jobs processed")
        return {
            name: {step: median(times) for step, times in worker.times.items()}
            for name, (_, worker) in beside.items()
        }


async def _serve(worker: engine.Worker) -> None:
    await worker.absorb()
    for leased in await worker.lease(1):
        while await worker.settle(leased.hold):
            pass
        await worker.release(leased.hold)


def run(stage: Stage) -> Iterable[Figure]:
    rounds = stage.size(500_000 // A_ROUND, least=3)
    found = asyncio.run(_process(stage, rounds))
    without = found.pop("nobody")
    for holder, steps in found.items():
        for step in ("absorb", "pick", "record", "intend", "lease", "release"):
            yield Figure(
                f"{step}, {holder} open / none",
                steps[step] / without[step],
                goal=at_most(2) if step in ("absorb", "pick", "record") else None,
                detail=f"after {rounds * A_ROUND:,} jobs: {steps[step] * 1000:.2f} ms; "
                f"without: {without[step] * 1000:.2f} ms",
            )


ROW = Row("held", "absorb, pick, record with an old transaction open / without", run)
