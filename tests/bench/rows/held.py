"""Whether an old transaction of somebody else's slows the queue down: it keeps every dead row from being removed."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import psycopg

from tests.bench import engine
from tests.bench.figures import Figure, Row, at_most, median

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.bench.stage import Stage

COMPANIES = 100
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


async def _process(stage: Stage, holder: str, rounds: int) -> dict[str, float]:
    """Medians of each step in the last tenth of the rounds, each with new records of one company."""
    database = stage.database()
    engine.add_companies(database, COMPANIES)
    with ExitStack() as stack:
        other = stack.enter_context(closing(psycopg.connect(database.dsn, autocommit=True)))
        other.execute(HOLDERS[holder].encode())
        async with engine.worker(database) as worker:
            for number in range(rounds):
                if number == rounds - max(1, rounds // 10):
                    worker.times.clear()
                database.execute(INSERT, (1 + number % COMPANIES, number, A_ROUND))
                await worker.absorb()
                for hold in await worker.lease(1):
                    while await worker.settle(hold):
                        pass
                    await worker.release(hold)
                if number % 100 == 0:
                    stage.say(f"{holder} holds: {number * A_ROUND:,} of {rounds * A_ROUND:,} jobs processed")
    return {step: median(times) for step, times in worker.times.items()}


def run(stage: Stage) -> Iterable[Figure]:
    rounds = stage.size(500_000 // A_ROUND, least=3)
    found = {holder: asyncio.run(_process(stage, holder, rounds)) for holder in HOLDERS}
    without = found.pop("nobody")
    for holder, steps in found.items():
        for step in ("absorb", "pick", "record", "lease", "release"):
            yield Figure(
                f"{step}, {holder} open / none",
                steps[step] / without[step],
                goal=at_most(2) if step in ("absorb", "pick", "record") else None,
                detail=f"after {rounds * A_ROUND:,} jobs: {steps[step] * 1000:.2f} ms; "
                f"without: {without[step] * 1000:.2f} ms",
            )


ROW = Row("held", "absorb, pick, record with an old transaction open / without", run)
