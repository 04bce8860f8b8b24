"""Storms of SIP over very many companies while daemons come and go, and single bursts: what waits, and how long."""

from __future__ import annotations

import itertools
import random
import time
from typing import TYPE_CHECKING

from tests.bench.figures import Figure, Row, at_least
from tests.bench.rows.latency import milliseconds
from tests.support.crowd import carried_out, just_that_arrived
from tests.support.storm import TIMED, delays, storm

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.bench.stage import Stage, World

SOON = 0.1
# Bursts of a connection, of which there are eight, and transactions a second.
WIND, GALE = ((1, 3, 10), 45), ((1, 3, 10, 30), 90)
WIDTHS = (10, 30, 60)
ROUNDS = 10

INSERT = "insert into sip.customers (organization_id, name, phone) values (%s, %s, %s) returning id::text"


def share(seconds: Sequence[float]) -> float:
    """How much of it was soon."""
    return 1 - late(seconds) / len(seconds)


def late(seconds: Sequence[float]) -> int:
    """How many were not."""
    return sum(one > SOON for one in seconds)


def stormy(stage: Stage, blows: tuple[Sequence[int], float]) -> Iterable[Figure]:
    """What each change waited for, in a storm of which all is found in QuickBooks once."""
    sizes, pace = blows
    name = f"bursts to {max(sizes)}, {pace}/s"
    stage.say(f"a storm, {name}")
    world = stage.world()
    came = storm(
        world.database,
        world.sandbox,
        world.daemon,
        companies=stage.size(2000, least=20),
        transactions=stage.size(10_000, least=80),
        pace=pace,
        bursts=sizes,
        seed=20261129,
    )
    world.rest(300)
    sent = carried_out(world.database, world.sandbox.ask("requests")["requests"])
    just_that_arrived(world.database, world.sandbox, came.realms, came.ledger, sent)
    absorbed, arrived, after = delays(world.database, sent)
    yield Figure(
        f"{name}: COMMIT -> absorbed within 100 ms, share",
        share(absorbed),
        "",
        at_least(1),
        f"{late(absorbed)} of {len(absorbed)} records in {came.seconds:.0f} s later; ms: {milliseconds(absorbed)}",
    )
    yield Figure(
        f"{name}: lane free, absorbed -> request, the same",
        share(after),
        "",
        at_least(1),
        f"{late(after)} of {len(after)} later; {len(sent)} requests by {len(came.daemons)} daemons;"
        f" ms: {milliseconds(after)}; from COMMIT: {milliseconds(arrived)}",
    )
    world.stop_daemons()


def bursts(world: World, numbers: Iterator[int], *, width: int, rounds: int) -> list[float]:
    """Seconds from commit to request of records that are written one after the other, each of another company."""
    connection = world.database.connection
    committed: dict[str, float] = {}
    for _ in range(rounds):
        for company in random.sample(range(1, WIDTHS[-1] + 1), width):
            number = next(numbers)
            [[record]] = connection.execute(INSERT, (company, f"Customer {number}", f"N{number}N")).fetchall()
            committed[record] = time.time()
        world.rest(60)
        # A burst comes out of the quiet: the daemon has gone to sleep. And never in step with anything of its.
        time.sleep(random.uniform(0.5, 1))
    sent = carried_out(world.database, world.sandbox.ask("requests")["requests"])
    return [
        one.arrived - committed[record] for one in sent for record, _ in one.changes if record in committed
    ]


def run(stage: Stage) -> Iterable[Figure]:
    stage.own_server(TIMED)
    yield from stormy(stage, WIND)
    yield from stormy(stage, GALE)
    world = stage.world()
    world.connect(WIDTHS[-1])
    world.daemon()
    numbers, rounds = itertools.count(1), stage.size(ROUNDS)
    bursts(world, numbers, width=WIDTHS[-1], rounds=2)  # sessions make their plans
    for width in WIDTHS:
        stage.say(f"bursts over {width} companies")
        seconds = bursts(world, numbers, width=width, rounds=rounds)
        yield Figure(
            f"a burst over {width} companies: COMMIT -> request, longest",
            max(seconds) * 1000,
            "ms",
            detail=f"{rounds} bursts, nothing else going on; ms: {milliseconds(seconds)}",
        )


ROW = Row("storm", "bursts of SIP over many companies: how long each change waits", run)
