"""Three daemons, of which each is killed and frozen again and again, while SIP writes and answers are lost."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.faults.conftest import Town
from tests.faults.test_storm import a_world, timed
from tests.support.crowd import (
    Writer,
    carried_out,
    connect_crowd,
    just_that_arrived,
    merged,
    quantiles,
    report,
)
from tests.support.mixed import alongside
from tests.support.processes import until
from tests.support.storm import AUDIT_ABSORBED

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence
    from pathlib import Path

    from syncd.demo.postgres import Server
    from tests.flow.conftest import World
    from tests.support.database import Database
    from tests.support.processes import Daemon

__all__ = ["timed"]

COMPANIES = 12
WRITERS = 3
LEASE = 1.0
DELAY = 0.2  # that QuickBooks takes for a write
SETTINGS = {"SYNCD_LEASE_SECONDS": str(LEASE), "SYNCD_HTTP_TIMEOUT_SECONDS": "3"}
LOST = "lane lost to another daemon"

# Every lease, and every write under one with what the lane said at that moment.
AUDIT = """
    create table audit.lease (company_id text, owner uuid, epoch bigint, xid xid8);
    create function audit.leased() returns trigger language plpgsql security definer as $$ begin
        insert into audit.lease values (new.company_id, new.owner, new.epoch, pg_current_xact_id());
        return null;
    end $$;
    create trigger audited after update of owner, epoch on syncd.lane
    for each row execute function audit.leased();

    create table audit.written (
        company_id text, writer uuid, said_epoch bigint, owner uuid, epoch bigint, xid xid8);
    create function audit.written() returns trigger language plpgsql security definer as $$ begin
        insert into audit.written
        select new.company_id, new.worker_id, (to_jsonb(new) ->> 'epoch')::bigint, l.owner, l.epoch,
               pg_current_xact_id()
        from syncd.lane l where l.company_id = new.company_id;
        return null;
    end $$;
    -- Not of its times, which the test moves: each write of the daemons names the outcome.
    create trigger audited after insert or update of outcome on syncd.call
    for each row execute function audit.written();
    create trigger audited after insert on syncd.sync_log for each row execute function audit.written();
"""
TWO_OWNERS = """
    select company_id, epoch from audit.lease where owner is not null
    group by company_id, epoch having count(distinct owner) > 1
"""
STRANGE_WRITES = """
    select * from audit.written w
    where w.writer is distinct from w.owner or coalesce(w.said_epoch, w.epoch) <> w.epoch
"""
# What was written under an epoch was committed after its lease, and before the next.
OVERLAPS = """
    select w.company_id, w.epoch from audit.written w
    join audit.lease l on l.company_id = w.company_id and l.owner is not null
         and ((l.epoch = w.epoch + 1 and pg_xact_commit_timestamp(l.xid::xid) < pg_xact_commit_timestamp(w.xid::xid))
              or (l.epoch = w.epoch and pg_xact_commit_timestamp(l.xid::xid) > pg_xact_commit_timestamp(w.xid::xid)))
"""
# Who has a call on its way, first who has most.
SENDING = """
    select w.pid from syncd.call k join syncd.lane l using (company_id) join syncd.worker w on w.worker_id = l.owner
    where k.outcome = 'sent' group by w.pid order by count(*) desc
"""
END_LEASE = "update syncd.worker set alive_until = clock_timestamp() where pid = %s"
ON_DUTY = """
    select w.pid from pg_locks k join pg_stat_activity a on a.pid = k.pid
    join syncd.worker w on a.application_name = 'syncd duty ' || w.worker_id
    where k.locktype = 'advisory' and k.classid = 1937337955 and k.objid = 2 and k.granted
"""
# From a moment to the first absorption of something that was committed after it.
HEARD = """
    select min(extract(epoch from pg_xact_commit_timestamp(a.absorber::xid)))::float8 - %s
    from audit.absorbed a where extract(epoch from pg_xact_commit_timestamp(a.writer::xid)) > %s
"""


@dataclass
class Harm:
    """What was done to the daemons: when one that was on duty was killed, and when one was frozen; how often what."""

    killed_on_duty: list[float] = field(default_factory=list)
    frozen_on_duty: list[float] = field(default_factory=list)
    kills: int = 0
    freezes: int = 0
    usurped: int = 0


class Villain:
    """Kills, freezes and usurps, at moments of a seed's choosing."""

    def __init__(self, world: World, daemons: Sequence[Daemon], seed: int) -> None:
        self.harm = Harm()
        self._world = world
        self._daemons = daemons
        self._dice = random.Random(seed)

    def rage(self, *, kills: int, freezes: int, usurped: int) -> None:
        """So often each, in any order."""
        deeds = [self._kill] * kills + [self._freeze] * freezes + [self._usurp] * usurped
        for deed in self._dice.sample(deeds, len(deeds)):
            time.sleep(self._dice.uniform(0.2, 0.9))  # not for correctness: any moment is a good one
            deed()

    def _victim(self) -> Daemon:
        """Any of them, but every second time the one on duty, once there is one: somebody always follows."""
        if self._dice.random() < 0.5:
            duty = until(self._on_duty, seconds=60, what="one of them is on duty")
            return next(d for d in self._daemons if d.process.pid in duty)
        return self._dice.choice(self._daemons)

    def _on_duty(self) -> set[int]:
        pids = {pid for (pid,) in self._world.database.rows(ON_DUTY)}
        return pids & {d.process.pid for d in self._daemons}

    def _kill(self) -> None:
        victim = self._victim()
        if victim.process.pid in self._on_duty():
            self.harm.killed_on_duty.append(time.time())
        victim.kill()
        victim.start()
        self.harm.kills += 1

    def _freeze(self) -> None:
        victim = self._victim()
        if victim.process.pid in self._on_duty():
            self.harm.frozen_on_duty.append(time.time())
        os.kill(victim.process.pid, signal.SIGSTOP)
        time.sleep(LEASE * self._dice.uniform(1.2, 2.2))
        os.kill(victim.process.pid, signal.SIGCONT)
        self.harm.freezes += 1

    def _usurp(self) -> None:
        """One that has calls on their way loses its lease unawares, and its lanes: their answers are late for sure. One
        that is frozen for longer mostly finds out by its own clock first.
        """
        pid = until(self._sending, seconds=60, what="one of them has a call on its way")
        os.kill(pid, signal.SIGSTOP)
        self._world.database.execute(END_LEASE, (pid,))
        time.sleep(LEASE * 0.45)
        os.kill(pid, signal.SIGCONT)
        self.harm.usurped += 1

    def _sending(self) -> int | None:
        ours = {d.process.pid for d in self._daemons}
        return next((pid for (pid,) in self._world.database.rows(SENDING) if pid in ours), None)


def write_until(writer: Writer, dsn: str, over: threading.Event) -> None:
    """Plain transactions of one record each, about ten a second."""
    with psycopg.connect(dsn, autocommit=True) as sip:
        while not over.wait(0.1):
            writer.edit(sip)


def no_lease_was_held_twice(database: Database) -> None:
    assert database.rows(TWO_OWNERS) == []
    assert database.rows(STRANGE_WRITES) == []
    assert database.rows(OVERLAPS) == []
    assert database.value("select count(*) from audit.written") > 100


def hand_overs(database: Database, moments: Sequence[float]) -> list[float]:
    """Seconds from each moment until somebody absorbed again."""
    found = [database.value(HEARD, (moment, moment)) for moment in moments]
    return [seconds for seconds in found if seconds is not None]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [20261123])
def test_three_daemons_killed_and_frozen(timed: Server, tmp_path: Path, seed: int) -> None:
    with a_world(timed, tmp_path) as world:
        town = Town(world)
        world.database.execute(AUDIT_ABSORBED)
        world.database.execute(AUDIT)
        realms = connect_crowd(world.database, world.sandbox, COMPANIES)
        world.sandbox.tell("faults", kind="delay", times=0, seconds=DELAY, method="POST")
        world.sandbox.tell(
            "faults", kind="drop-after", times=0, probability=0.03, method="POST", entity="Customer"
        )
        daemons = [world.daemon(SETTINGS) for _ in range(3)]
        writers = [Writer(world.database.dsn, COMPANIES, seed, number, WRITERS) for number in range(WRITERS)]
        villain = Villain(world, daemons, seed)
        with ExitStack() as writing:
            for writer in writers:
                writing.enter_context(alongside(partial(write_until, writer, world.database.dsn)))
            villain.rage(kills=20, freezes=20, usurped=6)
        town.calm(DELAY)
        ledger = merged(writers)
        sent = carried_out(world.database, world.sandbox.ask("requests")["requests"])
        just_that_arrived(world.database, world.sandbox, realms, ledger, sent)
        no_lease_was_held_twice(world.database)
        lost = sum(len(daemon.events(LOST)) for daemon in daemons)
        given_up = sum(len(daemon.events("lease given up")) for daemon in daemons)
        killed = hand_overs(world.database, villain.harm.killed_on_duty)
        frozen = hand_overs(world.database, villain.harm.frozen_on_duty)
        report(
            f"{len(ledger.committed)} changes, {len(sent)} requests, {lost} late answers refused",
            f"{given_up} leases given up",
            f"killed on duty -> absorbed {quantiles(killed)}",
            f"frozen on duty -> absorbed {quantiles(frozen)}",
        )
        assert (villain.harm.kills, villain.harm.freezes, villain.harm.usurped) == (20, 20, 6)
        assert (
            world.database.value("select deadlocks from pg_stat_database where datname = current_database()")
            == 0
        )
        assert killed
        assert lost
        for daemon in daemons:
            assert daemon.events("a lane failed") == []
            assert "Traceback" not in daemon.log.read_text()
