"""Whether a backlog slows the next record down: pick and record with 10 million jobs queued / with 10 thousand."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from tests.bench import engine
from tests.bench.figures import Figure, Row, at_most, median

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.bench.stage import Stage
    from tests.support.database import Database

COMPANIES = 1000
SMALL = 10_000
WARM_UP = 0.2  # of the rounds: plans are made, and pages read

CHANGE = """
    update sip.customers set phone = phone || '1' where id = (select max(id) from sip.customers)
"""
# A tenth is in the measured company's own lane, behind what is picked from it.
BACKLOG = """
    insert into syncd.job (company_id, entity_type, entity_id, names)
    select case when n %% 10 = 0 then '1' else (2 + n %% %s)::text end, 'customer', (1000000000 + n)::text, true
    from generate_series(1, %s) n
"""

Steps = dict[str, float]


def _queue(stage: Stage, backlog: int, rounds: int) -> Database:
    """A database with that backlog, and statistics from before it."""
    stage.say(f"queueing {backlog:,} jobs")
    database = stage.database()
    engine.add_companies(database, COMPANIES)
    database.execute("alter table syncd.job set (autovacuum_enabled = false)")
    database.execute("analyze syncd.job")
    database.execute(
        "insert into sip.customers (organization_id, name) select 1, 'Customer ' || n from generate_series(1, %s) n",
        (2 * (rounds + 1) * engine.AT_MOST,),
    )

    async def absorb() -> None:
        async with engine.worker(database) as worker:
            await worker.absorb()

    asyncio.run(absorb())
    database.execute(BACKLOG, (COMPANIES - 1, backlog))
    database.execute("checkpoint")
    return database


async def _rounds(databases: Sequence[Database], rounds: int) -> list[Steps]:
    """Medians of each step in a lane with a backlog of its own, in each database, taken in turns."""
    async with AsyncExitStack() as stack:
        served = []
        for database in databases:
            database.execute("update syncd.lane set owner = null, due_at = clock_timestamp()")
            worker = await stack.enter_async_context(engine.worker(database))
            held = {leased.hold.company_id: leased.hold for leased in await worker.lease(COMPANIES)}
            served.append((database, worker, held["1"]))
        for _ in range(rounds):
            for database, worker, hold in served:
                database.execute(CHANGE)
                engine.refill(database)
                await worker.absorb()
                await worker.settle(hold)
                await worker.release(hold)
        return [
            {step: median(times[int(len(times) * WARM_UP) :]) for step, times in worker.times.items()}
            for _, worker, _ in served
        ]


def run(stage: Stage) -> Iterable[Figure]:
    rounds = stage.size(100, least=10)
    backlogs = SMALL, stage.size(10_000_000, least=SMALL)
    small, large = (_queue(stage, backlog, rounds) for backlog in backlogs)
    small.execute("analyze syncd.job")
    for statistics in ("an empty", "the full"):
        stage.say(f"statistics of {statistics} table")
        if statistics == "the full":
            large.execute("analyze syncd.job")
        few, many = asyncio.run(_rounds((small, large), rounds))
        for step in ("pick", "record", "intend", "absorb", "release"):
            yield Figure(
                f"{step}, statistics of {statistics} table",
                many[step] / few[step],
                goal=at_most(1.5) if step in ("pick", "record") else None,
                detail=f"{backlogs[1]:,} jobs: {many[step] * 1000:.2f} ms; "
                f"{SMALL:,} jobs: {few[step] * 1000:.2f} ms",
            )


ROW = Row("backlog", "pick and record, 10 million jobs queued / 10 thousand", run)
