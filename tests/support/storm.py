"""A storm of SIP: bursts of small transactions over a crowd of companies, while daemons come and go; and how long each
change took on its way.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.crowd import Writer, connect_crowd, merged
from tests.support.processes import until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.support.crowd import Ledger, Sent
    from tests.support.database import Database
    from tests.support.processes import Daemon, Sandbox

CONNECTIONS = 8
TIMED = {"track_commit_timestamp": "on"}
"""What a server is started with to know when each transaction was committed."""

# Each company that was just connected is visited once.
VISITS = "select exists (select from syncd.lane where due_at < 'infinity')"
# Each signal that is absorbed, and by which transaction; the cluster's own commit times tell when.
AUDIT_ABSORBED = """
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


@dataclass(frozen=True)
class Storm:
    """What came of one: company -> realm, what SIP did, all daemons there were, and how long SIP wrote, in seconds."""

    realms: dict[str, str]
    ledger: Ledger
    daemons: list[Daemon]
    seconds: float


def storm(
    database: Database,
    sandbox: Sandbox,
    start: Callable[[], Daemon],
    *,
    companies: int,
    transactions: int,
    pace: float,
    bursts: Sequence[int],
    seed: int,
) -> Storm:
    """So many transactions, about `pace` a second, of eight connections, in bursts of these sizes; `start` starts a
    daemon. Some may be on their way yet when it returns. The database's server is TIMED.
    """
    database.execute(AUDIT_ABSORBED)
    realms = connect_crowd(database, sandbox, companies)
    writers = [Writer(database.dsn, companies, seed, number, CONNECTIONS) for number in range(CONNECTIONS)]
    threads = [
        threading.Thread(target=writer.storm, args=(transactions // CONNECTIONS, pace / CONNECTIONS, bursts))
        for writer in writers
    ]
    over, daemons = threading.Event(), [start()]
    until(lambda: daemons[0].events("on duty"), what="the daemon is on duty")
    until(lambda: not database.value(VISITS), what="the new companies were visited", seconds=120)
    keeper = threading.Thread(target=_come_and_go, args=(start, daemons, over, random.Random(seed)))
    began = time.monotonic()
    for thread in (keeper, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - began
    over.set()
    keeper.join()
    return Storm(realms, merged(writers), daemons, seconds)


def _come_and_go(
    start: Callable[[], Daemon], daemons: list[Daemon], over: threading.Event, dice: random.Random
) -> None:
    """One to three daemons, of which some end and new ones start, until it is over. `daemons` are all there were."""
    running = list(daemons)
    while not over.wait(dice.uniform(2, 5)):
        if len(running) == 1 or (len(running) == 2 and dice.random() < 0.5):
            running.append(start())
            daemons.append(running[-1])
        else:
            leaving = running.pop(dice.randrange(len(running)))
            assert leaving.stop() == 0


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
