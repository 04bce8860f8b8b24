"""The bell against NOTIFY in every transaction, with the same triggers and the same daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench.figures import Figure, Row, at_least, median, spread
from tests.bench.writers import CLIENTS, Writers, alternate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.bench.stage import Stage


def run(stage: Stage) -> Iterable[Figure]:
    world = stage.world()
    writers = Writers(stage, world, stage.size(100_000, least=1000))

    def beside_daemon(prepare: Callable[[], None]) -> float:
        writers.settle()
        prepare()
        # One slot: what sending costs the processors is the same for both, and not what is asked here.
        world.daemon(SYNCD_SLOTS="1")
        return writers.rate()

    rates = alternate(
        stage,
        stage.size(5),
        {
            "bell": lambda: beside_daemon(writers.watched),
            "notify": lambda: beside_daemon(writers.always_notify),
        },
    )
    yield Figure(
        "write rate, the bell / NOTIFY in each transaction",
        median(rates["bell"]) / median(rates["notify"]),
        goal=at_least(3),
        detail=f"{CLIENTS} clients; bell: {spread(rates['bell'])}; NOTIFY: {spread(rates['notify'])}",
    )


ROW = Row("notify", "SIP's write rate, the bell / NOTIFY in each transaction", run)
