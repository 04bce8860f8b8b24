"""From SIP's COMMIT to the first byte of the request at QuickBooks' door, nothing else going on."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, NamedTuple

from syncd.demo.latency import percentile
from tests.bench.figures import Figure, Row, at_most

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.bench.stage import Stage, World

INSERT = "insert into sip.customers (organization_id, name, email, phone) values (1, %s, 'ann@example.com', '555-0100')"
WARM_UP = 10


class Sample(NamedTuple):
    """Wall clock of one change: before its INSERT, before and after COMMIT, its call committed, its arrival."""

    began: float
    committing: float
    committed: float
    intended: float
    arrived: float


def sample(stage: Stage, world: World, number: int) -> list[Sample]:
    """Single inserts about 0.2 s apart, each followed to the sandbox's door."""
    connection = world.database.connection
    written: dict[str, tuple[float, float, float]] = {}
    for n in range(number + WARM_UP):
        name = f"Latency {n}"
        began = time.time()
        connection.execute("begin")
        connection.execute(INSERT, (name,))
        committing = time.time()
        connection.execute("commit")
        written[name] = began, committing, time.time()
        # Never in step with anything of the daemon's.
        time.sleep(random.uniform(0.1, 0.3))
        if n % 50 == 0:
            stage.say(f"insert {n} of {number + WARM_UP}")
    world.rest(60)
    # By object, not by request: a call's items hold the record, the journal its request.
    arrivals: dict[str, float] = {}
    for request in world.sandbox.ask("requests")["requests"]:
        arrivals.setdefault(request["requestid"], request["arrived"])
    calls = world.database.rows(
        "select i.entity_name, c.request_id, extract(epoch from c.committed_at)::float8"
        " from syncd.call c join syncd.call_item i using (call_id) order by c.call_id"
    )
    found = [
        Sample(*written.pop(name), intended, arrivals[request])
        for name, request, intended in calls
        if name in written
    ]
    return found[WARM_UP:]


def milliseconds(values: Sequence[float]) -> str:
    """Percentiles as text."""
    return ", ".join(
        f"{name} {percentile(values, share) * 1000:.1f}"
        for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0))
    )


def run(stage: Stage) -> Iterable[Figure]:
    world = stage.world()
    world.connect(1)
    world.daemon()
    samples = sample(stage, world, stage.size(300, least=5))
    seconds = [s.arrived - s.committed for s in samples]
    for name, share, goal in (("p50", 0.5, 5), ("p99", 0.99, 25)):
        yield Figure(
            f"COMMIT returned -> request arrives, {name}",
            percentile(seconds, share) * 1000,
            "ms",
            at_most(goal),
            f"{len(samples)} inserts 0.1 to 0.3 s apart; ms: {milliseconds(seconds)}; "
            f"from COMMIT being sent: {milliseconds([s.arrived - s.committing for s in samples])}",
        )
    yield Figure(
        "of it, COMMIT returned -> the call's row is written, p50",
        percentile([s.intended - s.committed for s in samples], 0.5) * 1000,
        "ms",
        detail=f"ms: {milliseconds([s.intended - s.committed for s in samples])}",
    )
    yield Figure(
        "of it, the call's row is written -> request arrives, p50",
        percentile([s.arrived - s.intended for s in samples], 0.5) * 1000,
        "ms",
        detail=f"ms: {milliseconds([s.arrived - s.intended for s in samples])}; its commit and the HTTP client",
    )


ROW = Row("latency", "from SIP's COMMIT to the request at QuickBooks' door, idle", run)
