"""The queue alone, without HTTP: claim, decide, record. With --peers, other queues on Postgres beside it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from syncd.demo.latency import percentile
from tests.bench import engine, peers
from tests.bench.figures import Figure, Row, at_least
from tests.bench.rows.latency import milliseconds, sample

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.bench.stage import Stage

COMPANIES = 100
SIDE_BY_SIDE = 8


async def _drain(stage: Stage, records: int) -> tuple[float, float]:
    database = stage.database()
    engine.add_companies(database, COMPANIES)
    database.execute(
        "insert into sip.customers (organization_id, name, email) "
        "select 1 + n %% %s, 'Customer ' || n, n || '@example.com' from generate_series(1, %s) n",
        (COMPANIES, records),
    )
    database.execute("checkpoint")
    async with engine.worker(database) as worker:
        stage.say(f"absorbing {records}")
        began = time.perf_counter()
        await worker.absorb()
        absorbed = time.perf_counter()
        stage.say(f"settling {records}")
        settled = await worker.drain(COMPANIES, SIDE_BY_SIDE)
        ended = time.perf_counter()
    if settled != records:
        raise RuntimeError(f"{settled} of {records} records were settled")
    return records / (absorbed - began), records / (ended - absorbed)


def run(stage: Stage) -> Iterable[Figure]:
    records = stage.size(30_000, least=COMPANIES)
    absorbs, settles = asyncio.run(_drain(stage, records))
    yield Figure(
        "syncd: jobs claimed, decided and recorded",
        settles,
        "/s",
        detail=f"{records:,} records of {COMPANIES} companies over {SIDE_BY_SIDE} connections, {engine.AT_MOST} a "
        f"claim; each with its document, link, call and log row. Turning signals into jobs: {absorbs:,.0f}/s",
    )
    if not stage.peers:
        return
    world = stage.world()
    world.connect(1)
    world.daemon()
    pairs = stage.size(300, least=5)
    ours = [s.arrived - s.began for s in sample(stage, world, pairs)]
    yield Figure(
        "syncd: INSERT begun -> request at QuickBooks' door, p50",
        percentile(ours, 0.5) * 1000,
        "ms",
        detail=f"ms: {milliseconds(ours)}",
    )
    for peer in peers.installed(stage):
        rate = peer.drain()
        yield Figure(f"{peer.name}: jobs drained", rate, "/s", detail=peer.how)
        yield Figure(f"rate, syncd / {peer.name}", settles / rate, goal=at_least(1))
        waits = peer.latency(pairs)
        yield Figure(
            f"{peer.name}: enqueuing begun -> job starts, p50",
            percentile(waits, 0.5) * 1000,
            "ms",
            detail=f"ms: {milliseconds(waits)}",
        )


ROW = Row("queue", "the queue alone: claim, decide, record; --peers: beside others", run)
