"""Whether a backlog slows the next record down: pick and record with 10 million jobs queued / with 10 thousand."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.bench import engine
from tests.bench.figures import Figure, Row, at_most, median

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.bench.stage import Stage
    from tests.support.database import Database

COMPANIES = 1000
SMALL = 10_000
WARM_UP = 0.2  # of the rounds: plans are made, and pages read

# A tenth is in the measured company's own lane, behind what is picked from it.
BACKLOG = """
    insert into syncd.job (company_id, entity_type, entity_id)
    select case when n %% 10 = 0 then '1' else (2 + n %% %s)::text end, 'customer', (1000000000 + n)::text
    from generate_series(1, %s) n
"""

Steps = dict[str, float]


async def _rounds(stage: Stage, database: Database, rounds: int) -> Steps:
    """Medians of each step, in a lane that has a backlog of its own, while every other lane has one too."""
    database.execute("update syncd.lane set owner = null, due_at = clock_timestamp()")
    async with engine.worker(database) as worker:
        held = {hold.company_id: hold for hold in await worker.lease(COMPANIES)}
        for _ in range(rounds):
            database.execute(
                "update sip.customers set phone = phone || '1' where id = (select max(id) from sip.customers)"
            )
            await worker.absorb()
            await worker.settle(held["1"])
            await worker.release(held["1"])
    return {step: median(times[int(len(times) * WARM_UP) :]) for step, times in worker.times.items()}


def _measure(stage: Stage, backlog: int, rounds: int) -> Mapping[str, Steps]:
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
    stage.say(f"queueing {backlog:,} jobs")
    database.execute(BACKLOG, (COMPANIES - 1, backlog))
    database.execute("checkpoint")
    found = {}
    stage.say("statistics of an empty table")
    found["empty"] = asyncio.run(_rounds(stage, database, rounds))
    database.execute("analyze syncd.job")
    stage.say("statistics of the full table")
    found["full"] = asyncio.run(_rounds(stage, database, rounds))
    return found


def run(stage: Stage) -> Iterable[Figure]:
    rounds = stage.size(100, least=10)
    large = stage.size(10_000_000, least=SMALL)
    small = _measure(stage, SMALL, rounds)["full"]
    for statistics, steps in _measure(stage, large, rounds).items():
        for step in ("pick", "record", "absorb", "release"):
            yield Figure(
                f"{step}, statistics of {'an empty' if statistics == 'empty' else 'the full'} table",
                steps[step] / small[step],
                goal=at_most(1.5) if step in ("pick", "record") else None,
                detail=f"{large:,} jobs: {steps[step] * 1000:.2f} ms; {SMALL:,} jobs: {small[step] * 1000:.2f} ms",
            )


ROW = Row("backlog", "pick and record, 10 million jobs queued / 10 thousand", run)
