"""Two daemons against one where QuickBooks' answers are what takes the time: few slots, half a second a call."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.bench.figures import Figure, Row, at_least
from tests.bench.writers import alternate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.bench.stage import Stage

SLOTS = 5
LATENCY = 0.5
SETTLE_SECONDS = 3


def run(stage: Stage) -> Iterable[Figure]:
    # More companies than slots, each with more than can be sent meanwhile, so that no slot ever waits for work; and
    # new ones each time, whose budget nothing has been spent of.
    companies = 3 * SLOTS
    seconds = stage.seconds(10)
    world = stage.world("--latency", str(LATENCY))

    def rate(daemons: int) -> float:
        world.database.execute("truncate syncd.outbox, syncd.job")
        world.fill(stage.size(1000, least=50), world.connect(companies))
        for _ in range(daemons):
            world.daemon(SYNCD_SLOTS=str(SLOTS))
        time.sleep(min(SETTLE_SECONDS, seconds))
        began = world.database.value("select clock_timestamp()")
        time.sleep(seconds)
        records = world.database.value(
            "select count(*) from syncd.sync_log"
            " where occurred_at between %s and %s::timestamptz + %s * interval '1 s'",
            (began, began, seconds),
        )
        world.stop_daemons()
        return float(records) / seconds

    rates = alternate(stage, stage.size(3), {"one": lambda: rate(1), "two": lambda: rate(2)})
    one, two = (sorted(rates[name])[len(rates[name]) // 2] for name in ("one", "two"))
    yield Figure(
        "records sent, two daemons / one",
        two / one,
        goal=at_least(1.9),
        detail=f"{SLOTS} slots each, {LATENCY * 1000:.0f} ms a call, {companies} companies; "
        f"one: {one:.1f}/s; two: {two:.1f}/s",
    )


ROW = Row("two-daemons", "two daemons / one, waiting for QuickBooks", run)
