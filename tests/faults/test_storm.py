"""A storm of small transactions of SIP over very many companies, while daemons come and go."""

from __future__ import annotations

import os
import random
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from syncd.demo.postgres import throwaway_postgres
from tests.bench.machine import cpu_seconds
from tests.flow.conftest import World
from tests.support.crowd import (
    Writer,
    carried_out,
    connect_crowd,
    just_that_arrived,
    merged,
    quantiles,
    report,
)
from tests.support.database import fresh_database, make_template
from tests.support.processes import Sandbox, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from syncd.demo.postgres import Server
    from tests.support.crowd import Ledger, Sent
    from tests.support.database import Database
    from tests.support.processes import Daemon

CONNECTIONS = 8
MISSED = "the slow look found changes that nothing had announced: report it"

# Each signal that is absorbed, and by which transaction; the clusters' own commit times tell when.
AUDIT = """
    create schema audit;
    create table audit.absorbed (signal_id bigint, entity_id text, writer xid8, absorber xid8);
    create function audit.absorbed() returns trigger language plpgsql security definer as $$ begin
        insert into audit.absorbed select g.signal_id, g.entity_id, g.xid, pg_current_xact_id() from gone g;
        return null;
    end $$;
    create trigger audited after delete on syncd.outbox referencing old table as gone
    for each statement execute function audit.absorbed();
"""
ABSORBED = """
    select extract(epoch from pg_xact_commit_timestamp(a.absorber::xid)
                              - pg_xact_commit_timestamp(a.writer::xid))::float8
    from audit.absorbed a
"""
# Each change that was sent at once: no call of its company was under way when it was committed, or had taken the
# place of the next moments in the company's budget. With the call that brought it.
FREE = """
    select a.entity_id, c.call_id,
           extract(epoch from pg_xact_commit_timestamp(a.writer::xid))::float8,
           extract(epoch from pg_xact_commit_timestamp(a.absorber::xid))::float8
    from audit.absorbed a
    cross join lateral (
        select c.* from syncd.call_item i join syncd.call c using (call_id)
        where i.entity_id = a.entity_id and c.committed_at > pg_xact_commit_timestamp(a.absorber::xid)
        order by c.call_id limit 1
    ) c
    where not exists (
        select from syncd.call o
        where o.company_id = c.company_id and o.call_id < c.call_id
              and o.answered_at + interval '0.3 seconds' > pg_xact_commit_timestamp(a.writer::xid))
"""


@pytest.fixture(scope="module")
def timed() -> Iterator[Server]:
    """A server that remembers when each transaction was committed."""
    with throwaway_postgres({"track_commit_timestamp": "on"}) as running:
        make_template(running)
        yield running


class Storm(World):
    """A world whose server is known by its process."""

    postgres: int


@contextmanager
def a_world(server: Server, folder: Path) -> Iterator[Storm]:
    """A database, a sandbox, and daemons."""
    sandbox = Sandbox()
    sandbox.http.timeout = 60
    for database in fresh_database(server):
        world = Storm(database, sandbox, folder)
        world.postgres = server.pid
        database.execute(AUDIT)
        try:
            yield world
        finally:
            world.end()
            sandbox.stop()


def come_and_go(world: World, daemons: list[Daemon], over: threading.Event, dice: random.Random) -> None:
    """One to three daemons, of which some end and new ones start, until it is over. `daemons` are all there were."""
    running = list(daemons)
    while not over.wait(dice.uniform(2, 5)):
        if len(running) == 1 or (len(running) == 2 and dice.random() < 0.5):
            running.append(world.daemon())
            daemons.append(running[-1])
        else:
            leaving = running.pop(dice.randrange(len(running)))
            assert leaving.stop() == 0


def processor(world: Storm) -> dict[str, float]:
    """Processor seconds used so far, by all that ever ran."""
    ours = os.times()
    return {
        "daemons that have ended": ours.children_user + ours.children_system,
        "sandbox": cpu_seconds(world.sandbox.process.pid),
        "writers": ours.user + ours.system,
        "Postgres": cpu_seconds(world.postgres),
    }


def storm(
    world: Storm, *, companies: int, transactions: int, pace: float, seed: int
) -> tuple[dict[str, str], Ledger, list[Daemon]]:
    """The realms, what SIP did, and the daemons there were. All is at rest."""
    realms = connect_crowd(world.database, world.sandbox, companies)
    writers = [
        Writer(world.database.dsn, companies, seed, number, CONNECTIONS) for number in range(CONNECTIONS)
    ]
    threads = [
        threading.Thread(target=writer.storm, args=(transactions // CONNECTIONS, pace / CONNECTIONS))
        for writer in writers
    ]
    over, daemons = threading.Event(), [world.daemon()]
    until(lambda: daemons[0].events("on duty"), what="the daemon is on duty")
    keeper = threading.Thread(target=come_and_go, args=(world, daemons, over, random.Random(seed)))
    used = processor(world)
    began = time.monotonic()
    for thread in (keeper, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    written = time.monotonic() - began
    over.set()
    keeper.join()
    until(world.at_rest, seconds=240, what="all is at rest")
    rest = time.monotonic() - began - written
    spent = {part: round(seconds - used[part]) for part, seconds in processor(world).items()}
    report(f"processor seconds: {spent} of {os.cpu_count()} x {written:.0f}")
    report(f"{transactions} transactions in {written:.1f} s, at rest {rest:.1f} s later")
    return realms, merged(writers), daemons


def delays(database: Database, sent: Sequence[Sent]) -> tuple[list[float], list[float], list[float]]:
    """Seconds from commit to absorbed; and where nothing else was in the way, from commit, and from absorbed, to the
    request's arrival.
    """
    absorbed = [seconds for (seconds,) in database.rows(ABSORBED)]
    arrivals = {one.call_id: one.arrived for one in sent}
    free = [row for row in database.rows(FREE) if row[1] in arrivals]
    return (
        absorbed,
        [arrivals[call] - commit for _, call, commit, _ in free],
        [arrivals[call] - taken for _, call, _, taken in free],
    )


def check(world: World, realms: dict[str, str], ledger: Ledger, daemons: Sequence[Daemon]) -> None:
    journal = world.sandbox.ask("requests")["requests"]
    sent = carried_out(world.database, journal)
    just_that_arrived(world.database, world.sandbox, realms, ledger, sent)
    assert not [r for r in journal if r["status"] == 429]
    for daemon in daemons:
        assert daemon.events(MISSED) == []
        assert "Traceback" not in daemon.log.read_text()
    assert (
        world.database.value("select coalesce(sum((wakeups ->> 'safety')::integer), 0) from syncd.worker")
        == 0
    )
    absorbed, arrived, after = delays(world.database, sent)
    report(
        f"{len(ledger.committed)} changes, {len(ledger.undone)} undone, {ledger.failed} conflicts",
        f"{len(sent)} requests by {len(daemons)} daemons",
        f"commit -> absorbed            {quantiles(absorbed)}",
        f"commit -> request, lane free  {quantiles(arrived)}",
        f"absorbed -> request, the same {quantiles(after)}",
    )
    # Generous: these only tell a change that waited for a timer from a machine that is busy.
    assert max(absorbed) < 25
    assert sorted(arrived)[len(arrived) // 2] < 25


def test_a_gust(timed: Server, tmp_path: Path) -> None:
    with a_world(timed, tmp_path) as world:
        realms, ledger, daemons = storm(world, companies=100, transactions=500, pace=200, seed=1)
        check(world, realms, ledger, daemons)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [20261123])
def test_a_storm(timed: Server, tmp_path: Path, seed: int) -> None:
    with a_world(timed, tmp_path) as world:
        realms, ledger, daemons = storm(world, companies=2000, transactions=10_000, pace=90, seed=seed)
        check(world, realms, ledger, daemons)
