"""A backlog of many companies, QuickBooks answering after 150 ms; against one call per record."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.bench.figures import Figure, Row, at_least

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.bench.stage import Stage, World

EACH = 30
LATENCY = 0.15
CORES = "cores busy"


class Drain(NamedTuple):
    """How long it took from the first request to the last record, and what the processors did meanwhile."""

    records: int
    seconds: float
    requests: int
    processor: dict[str, float]

    @property
    def detail(self) -> str:
        """As text."""
        busy = ", ".join(f"{name} {used / self.seconds:.2f}" for name, used in self.processor.items())
        return (
            f"{self.records:,} records in {self.requests:,} requests took {self.seconds:.1f} s: "
            f"{self.records / self.seconds:,.0f}/s; {CORES}: {busy}"
        )


def drain(world: World, companies: int, each: int) -> Drain:
    """Make so many records of each company due while nobody looks, then start a daemon and wait."""
    world.fill(each)
    world.sandbox.http.delete("/sandbox/requests")
    before = world.database.value("select coalesce(max(log_id), 0) from syncd.sync_log")
    used = world.processor()
    daemon = world.daemon()
    world.rest()
    spent = {name: seconds - used[name] for name, seconds in world.processor().items()}
    arrived = [r["arrived"] for r in world.sandbox.ask("requests")["requests"]]
    recorded, last = world.database.rows(
        "select count(*) filter (where status = 'success'), extract(epoch from max(occurred_at))::float8"
        " from syncd.sync_log where log_id > %s",
        (before,),
    )[0]
    world.stop_daemons()
    if recorded != companies * each:
        raise RuntimeError(f"{recorded} of {companies * each} records arrived; see {daemon.log}")
    return Drain(recorded, last - min(arrived), len(arrived), spent)


def run(stage: Stage) -> Iterable[Figure]:
    companies = stage.size(1000, least=3)
    world = stage.world("--latency", str(LATENCY))
    stage.say(f"connecting {companies} companies")
    world.connect(companies)
    stage.say("one record a company")
    single = drain(world, companies, 1)
    stage.say(f"{EACH} records a company")
    many = drain(world, companies, EACH)
    yield Figure("records drained", many.records / many.seconds, "/s", detail=many.detail)
    yield Figure(
        "time, one call per record / as it is",
        EACH * single.seconds / many.seconds,
        goal=at_least(10),
        detail=f"one call per record is {EACH} times a drain of one record a company, where nothing can share a call: "
        + single.detail,
    )


ROW = Row("drain", "1,000 companies x 30 due records, 150 ms a call", run)
