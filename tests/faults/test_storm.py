"""A storm of small transactions of SIP over very many companies, while daemons come and go."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from syncd.demo.postgres import throwaway_postgres
from tests.flow.conftest import World
from tests.support.crowd import carried_out, just_that_arrived, quantiles, report
from tests.support.database import fresh_database, make_template
from tests.support.processes import Sandbox, until
from tests.support.storm import TIMED, delays, storm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncd.demo.postgres import Server
    from tests.support.storm import Storm

BURSTS = (1, 3, 10, 30)
MISSED = "the slow look found changes that nothing had announced: report it"


@pytest.fixture(scope="module")
def timed() -> Iterator[Server]:
    """A server that remembers when each transaction was committed."""
    with throwaway_postgres(TIMED) as running:
        make_template(running)
        yield running


@contextmanager
def a_world(server: Server, folder: Path) -> Iterator[World]:
    """A database, a sandbox, and daemons."""
    sandbox = Sandbox()
    sandbox.http.timeout = 60
    for database in fresh_database(server):
        world = World(database, sandbox, folder)
        try:
            yield world
        finally:
            world.end()
            sandbox.stop()


def check(world: World, came: Storm) -> None:
    until(world.at_rest, seconds=240, what="all is at rest")
    journal = world.sandbox.ask("requests")["requests"]
    sent = carried_out(world.database, journal)
    just_that_arrived(world.database, world.sandbox, came.realms, came.ledger, sent)
    assert not [r for r in journal if r["status"] == 429]
    for daemon in came.daemons:
        assert daemon.events(MISSED) == []
        assert "Traceback" not in daemon.log.read_text()
    assert (
        world.database.value("select coalesce(sum((wakeups ->> 'safety')::integer), 0) from syncd.worker")
        == 0
    )
    absorbed, arrived, after = delays(world.database, sent)
    report(
        f"{len(came.ledger.committed)} changes, {len(came.ledger.undone)} undone, {came.ledger.failed} conflicts",
        f"{len(sent)} requests by {len(came.daemons)} daemons",
        f"commit -> absorbed            {quantiles(absorbed)}",
        f"commit -> request, lane free  {quantiles(arrived)}",
        f"absorbed -> request, the same {quantiles(after)}",
    )
    # Generous: these only tell a change that waited for a timer from a machine that is busy.
    assert max(absorbed) < 25
    assert sorted(arrived)[len(arrived) // 2] < 25


def blow(timed: Server, folder: Path, *, companies: int, transactions: int, pace: float, seed: int) -> None:
    with a_world(timed, folder) as world:
        came = storm(
            world.database,
            world.sandbox,
            world.daemon,
            companies=companies,
            transactions=transactions,
            pace=pace,
            bursts=BURSTS,
            seed=seed,
        )
        check(world, came)


def test_a_gust(timed: Server, tmp_path: Path) -> None:
    blow(timed, tmp_path, companies=100, transactions=500, pace=200, seed=1)


@pytest.mark.slow
def test_a_storm(timed: Server, tmp_path: Path) -> None:
    blow(timed, tmp_path, companies=2000, transactions=10_000, pace=90, seed=20261123)
