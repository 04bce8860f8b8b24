"""Races between daemons, and between a daemon and SIP, each played to the letter by two sessions.

Every one of these was lost by a simpler form of the same function; tests/mutations/engine.toml brings those forms back.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.support.engine import Engine, asked, recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.database import Database

SUCCESS = {"outcome": "success", "qbo_id": "501", "sync_token": "0"}


@pytest.fixture
def engine(database: Database) -> Engine:
    """A worker, and company 1 with customers switched on."""
    database.add_company()
    return Engine(database)


@contextmanager
def session(engine: Engine) -> Iterator[psycopg.Connection]:
    """One more session, in a transaction of its own."""
    with psycopg.connect(engine.database.dsn) as connection:
        yield connection


class Meanwhile:
    """A statement that another session runs at the same time, and what came of it."""

    def __init__(self, engine: Engine, query: str, words: Any = None) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self.error: psycopg.Error | None = None
        self._dsn = engine.database.dsn
        self._call = (query, words)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        query, words = self._call
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            try:
                self.rows = connection.execute(query.encode(), words).fetchall()
            except psycopg.Error as error:
                self.error = error

    @property
    def waits(self) -> bool:
        """Whether it is held up; asked after a moment."""
        self._thread.join(0.3)
        return self._thread.is_alive()

    def end(self) -> None:
        """Until it has ended."""
        self._thread.join(20)
        assert not self._thread.is_alive()


# ---- absorb: what becomes visible late


def look(engine: Engine, since: str | None) -> tuple[int, str]:
    """One look of the daemon on duty: how many signals, and the snapshot for the next."""
    [row] = engine.database.rows("select signals, seen::text from syncd.absorb(100, %s)", (since,))
    return row[0], row[1]


def test_a_transaction_that_began_before_a_look_and_commits_after_it_is_found(engine: Engine) -> None:
    """Its xid is below those that the look saw committed, so no floor may be made of them."""
    with session(engine) as slow, session(engine) as later:
        slow.execute("insert into sip.customers (organization_id, name) values (1, 'Slow')")
        later.execute("insert into sip.customers (organization_id, name) values (1, 'Later')")
        later.commit()
        found, seen = look(engine, None)
        assert found == 1
        assert look(engine, seen)[0] == 0
        slow.commit()
        assert look(engine, seen)[0] == 1


def test_a_transaction_whose_xid_is_above_all_committed_ones_is_found(engine: Engine) -> None:
    """pg_snapshot_xmax is the latest completed xid and one; a running transaction may be at or above it."""
    with session(engine) as first, session(engine) as second:
        first.execute("select pg_current_xact_id()")
        second.execute("insert into sip.customers (organization_id, name) values (1, 'Second')")
        found, seen = look(engine, None)
        assert found == 0
        first.execute("insert into sip.customers (organization_id, name) values (1, 'First')")
        first.commit()
        found, seen = look(engine, seen)
        assert found == 1
        second.commit()
        assert look(engine, seen)[0] == 1


def test_a_savepoint_s_signals_are_found_with_the_transaction(engine: Engine) -> None:
    with session(engine) as writer:
        writer.execute("savepoint a")
        writer.execute("insert into sip.customers (organization_id, name) values (1, 'Undone')")
        writer.execute("rollback to a")
        writer.execute("savepoint b")
        writer.execute("insert into sip.customers (organization_id, name) values (1, 'Kept')")
        _, seen = look(engine, None)
        writer.commit()
    assert look(engine, seen)[0] == 1
    [job] = engine.decide(engine.lease()["1"])
    assert job["entity_name"] == "Kept"


def test_what_a_failed_look_gave_back_is_found_by_the_next(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    with session(engine) as failing:
        failing.execute("select syncd.absorb(100)")
        failing.rollback()
    assert engine.absorb() == 1


def test_two_looks_at_once_take_each_signal_once(engine: Engine) -> None:
    for number in range(10):
        engine.database.add_customer(f"Customer {number}")
    with session(engine) as one, session(engine) as two:
        first = one.execute("select signals from syncd.absorb(6)").fetchone()
        second = Meanwhile(engine, "select signals from syncd.absorb(100)")
        assert second.waits, "on the lane, not on the signals"
        one.commit()
        second.end()
        two.rollback()
    assert (first, second.rows) == ((6,), [(4,)])
    assert engine.database.value("select count(*) from syncd.job") == 10


# ---- lanes: who may speak


def test_a_record_that_began_under_a_lease_ends_before_the_next_lease_begins(engine: Engine) -> None:
    """Were the fence a mere check, the next owner would see the job that a late record then deletes."""
    engine.database.add_customer("Ann")
    engine.absorb()
    epoch = engine.lease()["1"]
    call = engine.intend(epoch, engine.decide(epoch)[0])
    assert call
    other = Engine(engine.database)
    with session(engine) as late:
        late.execute(
            "select * from syncd.record(%s, %s)",
            (engine.worker, Jsonb([recorded("1", epoch, call, {"1": SUCCESS})])),
        )
        engine.database.execute(
            "update syncd.worker set alive_until = now() where worker_id = %s", (engine.worker,)
        )
        assert other.lease() == {}, "the lane is locked by what is being recorded"
        late.commit()
    other.database.add_customer("Bob")
    other.absorb()
    [job] = other.decide(other.lease()["1"])
    assert job["entity_name"] == "Bob"


def test_a_late_record_waits_for_the_next_lease_and_is_refused(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    engine.absorb()
    epoch = engine.lease()["1"]
    call = engine.intend(epoch, engine.decide(epoch)[0])
    assert call
    engine.database.execute("update syncd.worker set alive_until = now()")
    other = Engine(engine.database)
    with session(engine) as leasing:
        leasing.execute("select syncd.lease(%s, 10)", (other.worker,))
        late = Meanwhile(
            engine,
            "select * from syncd.record(%s, %s)",
            (engine.worker, Jsonb([recorded("1", epoch, call, {"1": SUCCESS})])),
        )
        assert late.waits
        leasing.commit()
        late.end()
    assert late.error is None
    assert late.rows == []
    assert engine.database.value("select count(*) from syncd.link where qbo_id is not null") == 0
    assert other.reopen(epoch + 1) == call, "the next owner asks again, with the same id"


def test_a_worker_s_former_lease_is_worth_nothing_after_it_got_the_lane_anew(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    engine.absorb()
    former = engine.lease()["1"]
    engine.database.execute("update syncd.lane set owner = null, due_at = now()")
    assert engine.lease()["1"] == former + 1
    for late in (engine.decide, engine.release, engine.reopen):
        with pytest.raises(psycopg.Error) as refused:
            late(former)
        assert refused.value.sqlstate == "SY001"


def test_two_leases_at_once_never_give_one_lane_twice(engine: Engine) -> None:
    for company in range(2, 6):
        engine.database.add_company(str(company), realm=str(company))
        engine.database.add_customer("Ann", str(company))
    engine.absorb()
    other = Engine(engine.database)
    with session(engine) as one:
        first = {
            row[0]
            for row in one.execute("select company_id from syncd.lease(%s, 2)", (engine.worker,)).fetchall()
        }
        second = set(other.lease(10))
        one.commit()
    assert len(first) == 2
    assert first.isdisjoint(second)
    assert len(first | second) == 5


# ---- lock order: lanes before jobs


def test_absorb_and_a_lane_s_owner_never_wait_for_each_other(engine: Engine) -> None:
    """The owner holds the lane and then writes the job; absorb, had it the job first, would want the lane."""
    engine.database.add_customer("Ann")
    engine.absorb()
    epoch = engine.lease()["1"]
    engine.database.execute("update sip.customers set city = 'Boise'")
    with session(engine) as owner:
        owner.execute("select syncd.hold_lane('1', %s, %s)", (engine.worker, epoch))
        absorbing = Meanwhile(engine, "select signals from syncd.absorb(100)")
        assert absorbing.waits
        owner.execute("select * from syncd.decide(%s, %s)", (engine.worker, Jsonb([asked("1", epoch)])))
        owner.commit()
        absorbing.end()
    assert absorbing.error is None
    assert absorbing.rows == [(1,)]


def test_settings_and_a_lane_s_owner_never_wait_for_each_other(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    engine.absorb()
    epoch = engine.lease()["1"]
    with session(engine) as owner:
        owner.execute("select syncd.hold_lane('1', %s, %s)", (engine.worker, epoch))
        switching = Meanwhile(
            engine, "update syncd.sync_settings set enable_sync = false where company_id = '1' returning 1"
        )
        assert switching.waits
        owner.execute("select * from syncd.decide(%s, %s)", (engine.worker, Jsonb([asked("1", epoch)])))
        owner.commit()
        switching.end()
    assert switching.error is None


def test_just_the_signal_that_cannot_be_absorbed_is_set_aside(engine: Engine) -> None:
    """The bad one has the older transaction, the good one the lower number; and another daemon was quicker."""
    with psycopg.connect(engine.database.dsn) as sip:
        sip.execute("select pg_current_xact_id()")
        engine.database.add_customer("Ann")
        sip.execute("insert into syncd.outbox (entity_type, entity_id) values ('customer', 'no number')")
    with pytest.raises(psycopg.DataError):
        engine.database.execute("select syncd.absorb(1)")
    for _ in range(2):
        engine.database.execute("select syncd.set_aside('why')")
    assert engine.database.rows("select entity_id from syncd.outbox_bad") == [("no number",)]
    engine.absorb()
    assert engine.database.value("select count(*) from syncd.job") == 1


def test_just_the_bad_record_of_a_signal_of_many_is_set_aside(engine: Engine) -> None:
    engine.database.execute(
        "insert into sip.customers (id, organization_id, name) values (1, 1, 'A'), (2, 1, 'B')"
    )
    engine.database.execute(
        "update syncd.outbox set company_id = null, entity_ids = array['1', 'no number', '2']"
    )
    with pytest.raises(psycopg.DataError):
        engine.database.execute("select syncd.absorb(1)")
    assert engine.database.value("select syncd.set_aside('why')") is None, "taken apart first"
    for _ in range(3):
        engine.database.execute("select syncd.set_aside('why')")
    assert engine.database.rows("select entity_id from syncd.outbox_bad") == [("no number",)]
    engine.absorb()
    assert engine.database.rows("select entity_id from syncd.job order by 1") == [("1",), ("2",)]


def test_a_slice_is_counted_in_records(engine: Engine) -> None:
    """And what it leaves is found by the next look at the same difference."""
    seen = engine.database.value("select seen from syncd.absorb(100)")
    for low in (1, 101, 201):
        engine.database.execute(
            "insert into sip.customers (id, organization_id, name)"
            " select g, 1, 'N' || g from generate_series(%s::int, %s::int) g",
            (low, low + 99),
        )
    takes = []
    for _ in range(3):
        [(taken, seen)] = engine.database.rows("select signals, seen from syncd.absorb(150, %s)", (seen,))
        takes.append(taken)
    assert takes == [200, 100, 0]
    assert engine.database.value("select count(*) from syncd.job") == 300
