"""The daemon's memory while it drains a large backlog."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.bench.figures import Figure, Row, at_most, median
from tests.bench.machine import resident_megabytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.bench.stage import Stage

COMPANIES = 1000
LOOK_SECONDS = 0.25


def run(stage: Stage) -> Iterable[Figure]:
    companies = stage.size(COMPANIES, least=3)
    records = stage.size(100_000, least=30)
    world = stage.world()
    stage.say(f"connecting {companies} companies")
    world.connect(companies)
    world.fill(records // companies)
    daemon = world.daemon()
    sizes: list[float] = []
    told = time.monotonic()
    while not world.at_rest():
        sizes.append(resident_megabytes(daemon.process.pid))
        if time.monotonic() > told + 20:
            told = time.monotonic()
            stage.say(f"{world.in_flight():,} left, {sizes[-1]:.0f} MB")
        time.sleep(LOOK_SECONDS)
    sizes.append(resident_megabytes(daemon.process.pid))
    quarter = max(1, len(sizes) // 4)
    early, late = median(sizes[quarter : 2 * quarter] or sizes), median(sizes[-quarter:])
    yield Figure(
        "resident memory, highest",
        max(sizes),
        "MB",
        at_most(150),
        f"{records:,} jobs of {companies:,} companies",
    )
    yield Figure(
        "resident memory, last quarter / second quarter",
        late / early,
        goal=at_most(1.05),
        detail=f"{late:.1f} MB / {early:.1f} MB",
    )


ROW = Row("memory", "the daemon's memory while it drains 100,000 jobs", run)
