"""Whether more daemons cost SIP more. All together serve as many companies at a time as the one does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench.figures import Figure, Row, at_least, median, spread
from tests.bench.writers import CLIENTS, Writers, alternate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.bench.stage import Stage


def run(stage: Stage) -> Iterable[Figure]:
    world = stage.world()
    writers = Writers(stage, world, stage.size(100_000, least=1000))

    def beside(daemons: int) -> float:
        writers.settle()
        for _ in range(daemons):
            world.daemon(SYNCD_SLOTS=str(3 // daemons))
        return writers.rate()

    rates = alternate(stage, stage.size(5), {"one": lambda: beside(1), "three": lambda: beside(3)})
    yield Figure(
        "write rate, three daemons / one",
        median(rates["three"]) / median(rates["one"]),
        goal=at_least(0.95),
        detail=f"{CLIENTS} clients; one: {spread(rates['one'])}; three: {spread(rates['three'])}",
    )


ROW = Row("three-daemons", "SIP's write rate, three daemons / one", run)
