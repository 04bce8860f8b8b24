"""What watching costs SIP: its write rate, and the time of a bulk update."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench.figures import Figure, Row, at_least, at_most, median, spread
from tests.bench.writers import CLIENTS, Writers, alternate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.bench.stage import Stage


def run(stage: Stage) -> Iterable[Figure]:
    world = stage.world()
    writers = Writers(stage, world, stage.size(100_000, least=1000))

    def bare() -> float:
        writers.settle()
        writers.bare()
        return writers.rate()

    def triggers() -> float:
        writers.settle()
        writers.watched()
        return writers.rate()

    def daemon(slots: int) -> float:
        writers.settle()
        writers.watched()
        world.daemon(SYNCD_SLOTS=str(slots))
        return writers.rate()

    rates = alternate(
        stage,
        stage.size(5),
        {
            "bare": bare,
            "triggers": triggers,
            "one slot": lambda: daemon(1),
            "all slots": lambda: daemon(50),
        },
    )
    without = median(rates["bare"])
    told = f"{CLIENTS} clients, {writers.customers:,} rows; without: {spread(rates['bare'])}; with: "
    for name, way in (
        ("write rate, triggers and a daemon / without", "all slots"),
        ("the same, the daemon sending for one company at a time", "one slot"),
    ):
        yield Figure(name, median(rates[way]) / without, goal=at_least(0.8), detail=told + spread(rates[way]))
    yield Figure(
        "the same, triggers alone",
        median(rates["triggers"]) / without,
        detail=told + spread(rates["triggers"]),
    )

    def bulk(prepare: bool) -> float:
        writers.settle()
        writers.watched() if prepare else writers.bare()
        return writers.bulk_seconds()

    times = alternate(
        stage, stage.size(5), {"bulk, bare": lambda: bulk(False), "bulk, triggers": lambda: bulk(True)}
    )
    yield Figure(
        "time of a bulk update, triggers / without",
        median(times["bulk, triggers"]) / median(times["bulk, bare"]),
        goal=at_most(1.3),
        detail=f"{writers.customers:,} rows in one statement; without: {spread(times['bulk, bare'], '.3f', ' s')}; "
        f"with: {spread(times['bulk, triggers'], '.3f', ' s')}",
    )


ROW = Row("sip-cost", "SIP's write rate and bulk updates, watched / not watched", run)
