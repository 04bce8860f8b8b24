"""One company with many due records, under QuickBooks' real limits; these, the budget and the latency run faster."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from tests.bench import engine
from tests.bench.figures import Figure, Row, at_least, at_most

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.bench.stage import Stage

RATE = 4
LATENCY = 0.15
BATCHES_A_MINUTE = 40
A_BATCH = 30


def run(stage: Stage) -> Iterable[Figure]:
    records = stage.size(10_000, least=20)
    world = stage.world("--latency", str(LATENCY / RATE))
    world.sandbox.tell("limits", speed=RATE)
    engine.quicken(world.database, RATE)
    world.connect(1)
    world.fill(records)
    world.daemon()
    world.rest()
    requests = [r for r in world.sandbox.ask("requests")["requests"] if r["realm"]]
    recorded, last = world.database.rows(
        "select count(*), extract(epoch from max(occurred_at))::float8 from syncd.sync_log where status = 'success'"
    )[0]
    if recorded != records:
        raise RuntimeError(f"{recorded} of {records} records arrived")
    took = (last - min(r["arrived"] for r in requests)) * RATE
    kinds = Counter(r["path"].rpartition("/")[2] for r in requests)
    # The first forty go at once, one after the other; each further forty when a minute has passed.
    minutes, rest = divmod(math.ceil(records / A_BATCH) - 1, BATCHES_A_MINUTE)
    allowed = 60 * minutes + LATENCY * (rest + 1)
    yield Figure(
        "customers: time that serial batches need / time taken",
        allowed / took,
        goal=at_least(0.95),
        detail=f"{records:,} records took {took:,.0f} s of QuickBooks' time ({RATE} a second), {records / took:.1f}/s; "
        f"{BATCHES_A_MINUTE} batches of {A_BATCH} a minute are {allowed:,.0f} s; requests: "
        + ", ".join(f"{kind} {count:,}" for kind, count in kinds.most_common()),
    )
    yield Figure("requests refused by a limit", sum(r["status"] == 429 for r in requests), "", at_most(0))


ROW = Row("realm", "one company, 10,000 due records, QuickBooks' own limits", run)
