"""SIP's writers never wait because of us: not for each other, not for absorb, not for a daemon that sleeps."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.support.signals import keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.database import Begin, Database

Session = psycopg.Connection[tuple[Any, ...]]


def with_lines(database: Database) -> None:
    """Lines that signal their parent, four for each of two, and customers; all signals taken."""
    database.execute("insert into sip.organizations (id, name) values (1, 'One')")
    database.add_customer("Ann")
    database.add_customer("Bob")
    database.execute(
        "create table sip.lines (id int primary key, customer_id bigint, amount int);"
        "select syncd.watch('sip.lines', 'customer', 'customer_id');"
        "insert into sip.lines select g, 1 + g % 2, 0 from generate_series(1, 8) g;"
        "delete from syncd.outbox"
    )


@pytest.fixture
def invoices(begun: Begin) -> Database:
    return begun(with_lines)


@pytest.fixture
def sessions(invoices: Database) -> Iterator[list[Session]]:
    """Three of SIP's, in transactions; one that has to wait for a lock fails."""
    with ExitStack() as stack:
        opened = [stack.enter_context(psycopg.connect(invoices.dsn)) for _ in range(3)]
        for session in opened:
            session.execute("set lock_timeout = '500ms'")
            session.commit()
        yield opened


def test_writers_of_one_record_do_not_wait_for_each_other(
    invoices: Database, sessions: list[Session]
) -> None:
    a, b, c = sessions
    a.execute("update sip.lines set amount = 1 where id = 1")
    b.execute("update sip.lines set amount = 1 where id = 3")
    c.execute("update sip.customers set name = 'Same record' where id = 2")
    c.commit()
    b.commit()
    a.commit()
    assert keys(invoices) == [2, 2, 2]


def test_writers_in_opposite_order_do_not_deadlock(invoices: Database, sessions: list[Session]) -> None:
    a, b, _ = sessions
    a.execute("update sip.lines set amount = 1 where id = 1")
    b.execute("update sip.lines set amount = 1 where id = 2")
    a.execute("update sip.lines set amount = 1 where id = 4")
    b.execute("update sip.lines set amount = 1 where id = 3")
    a.commit()
    b.commit()
    assert keys(invoices) == [1, 1, 2, 2]


@pytest.mark.parametrize("isolation", list(psycopg.IsolationLevel))
def test_no_isolation_level_fails_because_of_us(
    invoices: Database, sessions: list[Session], isolation: psycopg.IsolationLevel
) -> None:
    a, b, c = sessions
    for session in sessions:
        session.isolation_level = isolation
    a.execute("update sip.lines set amount = 1 where id = 1")
    b.execute("update sip.lines set amount = 1 where id = 3")
    c.execute("insert into sip.lines values (20, 2, 1)")
    assert invoices.value("select signals from syncd.absorb(100)") == 0
    a.commit()
    assert invoices.value("select signals from syncd.absorb(100)") == 1
    b.commit()
    c.commit()
    assert keys(invoices) == [2, 2]


def test_writers_do_not_wait_for_absorb_nor_absorb_for_them(
    invoices: Database, sessions: list[Session]
) -> None:
    absorbing, writer, open_writer = sessions
    invoices.execute("update sip.lines set amount = 1")
    open_writer.execute("update sip.lines set amount = 2 where id = 1")
    [(taken,)] = absorbing.execute("select signals from syncd.absorb(100)").fetchall()
    assert taken == 2
    writer.execute("update sip.lines set amount = 3 where id in (3, 4)")
    writer.execute("update sip.customers set name = 'Too'")
    writer.commit()
    absorbing.rollback()
    open_writer.commit()
    assert keys(invoices) == [1, 1, 1, 2, 2, 2, 2]


def test_writers_do_not_wait_for_a_daemon_that_sleeps_or_falls_asleep(
    invoices: Database, sessions: list[Session]
) -> None:
    early, late, later = sessions
    early.execute("update sip.lines set amount = 1 where id = 1")
    with psycopg.connect(invoices.dsn, autocommit=True) as daemon:
        pid = daemon.info.backend_pid
        asleep = threading.Thread(target=daemon.execute, args=("select pg_advisory_lock(1937337955, 1)",))
        asleep.start()
        while asleep.is_alive() and not invoices.value("select 1 = any(syncd.bell_locks(%s))", (pid,)):
            pass
        late.execute("update sip.lines set amount = 1 where id = 2")
        late.commit()
        early.execute("update sip.lines set amount = 1 where id = 3")
        early.commit()
        asleep.join()
        later.execute("update sip.lines set amount = 1 where id = 4")
        later.commit()
    assert keys(invoices) == [1, 1, 2, 2]


def test_a_writer_holds_nothing_of_ours_that_another_could_wait_for(
    invoices: Database, sessions: list[Session]
) -> None:
    writer = sessions[0]
    writer.execute("update sip.lines set amount = 1")
    writer.execute("insert into sip.customers (organization_id, name) values (1, 'New')")
    writer.execute("delete from sip.lines")
    held = set(
        invoices.rows(
            "select coalesce(k.relation::regclass::text, k.locktype), k.mode from pg_locks k"
            " left join pg_class c on c.oid = k.relation"
            " where k.pid = %s and (k.locktype = 'advisory' or c.relnamespace = 'syncd'::regnamespace)",
            (writer.info.backend_pid,),
        )
    )
    assert held == {
        ("syncd.outbox", "RowExclusiveLock"),
        ("syncd.outbox_signal_id_seq", "RowExclusiveLock"),
        ("advisory", "ShareLock"),
    }
