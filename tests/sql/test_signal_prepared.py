"""Transactions that SIP prepares (two-phase commit), and rows that come by logical replication.

On a server of their own: both need settings that only a start of the server can change.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from syncd.db import schema
from syncd.demo.postgres import throwaway_postgres
from syncd.errors import DatabaseProblem
from tests.support.database import Database, fresh_database, make_template
from tests.support.engine import Engine
from tests.support.signals import findings, keys, upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncd.demo.postgres import Server

NOTIFIES_UNDER_PREPARE = (
    "The triggers notify, and max_prepared_transactions is above 0 now: PREPARE TRANSACTION fails for SIP where"
    " they do."
)
POLLS_WITHOUT_NEED = (
    "The triggers do not notify, because max_prepared_transactions was above 0 when they were made; now it is 0,"
    " and the daemon polls without need."
)


@pytest.fixture(scope="module")
def preparing() -> Iterator[Server]:
    """A server on which transactions can be prepared, with the template."""
    with throwaway_postgres({"max_prepared_transactions": "10", "wal_level": "logical"}) as running:
        make_template(running)
        yield running


@pytest.fixture
def sip(preparing: Server) -> Iterator[Database]:
    """A company with three customers whose signals have been taken."""
    for database in fresh_database(preparing):
        database.add_company()
        for name in ("Ann", "Bob", "Cid"):
            database.add_customer(name)
        database.execute("delete from syncd.outbox")
        yield database
        for (gid,) in database.rows("select gid from pg_prepared_xacts where database = current_database()"):
            database.execute(f"rollback prepared '{gid}'")


def prepare(database: Database, *statements: str) -> str:
    """A prepared transaction; its name."""
    gid = f"{database.name}_{len(database.rows('select from pg_prepared_xacts'))}"
    for statement in ("begin", *statements, f"prepare transaction '{gid}'"):
        database.execute(statement)
    return gid


def someone_sleeps(database: Database) -> psycopg.Connection[tuple[object, ...]]:
    """A session that holds the bell, as a daemon that sleeps: writers ring."""
    session = psycopg.connect(database.dsn, autocommit=True)
    session.execute("select pg_advisory_lock(1937337955, 1)")
    return session


def restart(server: Server, setting: str) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(f"alter system set max_prepared_transactions = {setting}".encode())
    server.stop()
    server.start()


def reconnected(database: Database) -> None:
    database.connection.close()
    database.connection = psycopg.connect(database.dsn, autocommit=True)


def test_triggers_do_not_notify_where_transactions_can_be_prepared(sip: Database) -> None:
    assert (
        sip.rows("select proname from pg_proc where prosrc like '%pg_notify%' and proname like 'signal%'")
        == []
    )
    assert sip.value("select syncd.mute()")
    assert findings(sip.dsn) == []


def test_a_prepared_transaction_is_absorbed_when_it_is_committed(sip: Database) -> None:
    engine = Engine(sip)
    with someone_sleeps(sip):
        gid = prepare(
            sip,
            "update sip.customers set name = 'Prepared' where id = 1",
            "savepoint s",
            "update sip.customers set name = 'Undone' where id = 2",
            "rollback to s",
            "delete from sip.customers where id = 3",
        )
    before = sip.value("select seen from syncd.absorb(100)")
    sip.execute("update sip.customers set name = 'Meanwhile' where id = 2")
    # what came between is found by its difference, and the prepared one still is not
    signals, since = sip.rows("select signals, seen from syncd.absorb(100, %s)", (before,))[0]
    assert (signals, engine.absorb()) == (1, 0)
    sip.execute(f"commit prepared '{gid}'")
    assert sip.rows("select signals, jobs from syncd.absorb(100, %s)", (since,)) == [(2, 2)]
    assert engine.absorb() == 0


def test_a_prepared_transaction_that_is_rolled_back_is_never_absorbed(sip: Database) -> None:
    gid = prepare(sip, "update sip.customers set name = 'Never'")
    engine = Engine(sip)
    assert engine.absorb() == 0
    sip.execute(f"rollback prepared '{gid}'")
    assert engine.absorb() == 0
    assert keys(sip) == []


def test_a_prepared_transaction_keeps_its_signals_over_a_restart(preparing: Server, sip: Database) -> None:
    gid = prepare(sip, "update sip.customers set name = 'Kept' where id = 2")
    preparing.stop("immediate")
    preparing.start()
    reconnected(sip)
    engine = Engine(sip)
    assert engine.absorb() == 0
    sip.execute(f"commit prepared '{gid}'")
    assert engine.absorb() == 1
    assert engine.job("2") is not None


def test_nobody_waits_for_a_prepared_transaction_because_of_us(sip: Database) -> None:
    gid = prepare(sip, "update sip.customers set name = 'Prepared' where id = 1")
    sip.execute("set lock_timeout = '500ms'")
    sip.execute("update sip.customers set name = 'Other' where id = 2")
    assert Engine(sip).absorb() == 1
    sip.execute(f"commit prepared '{gid}'")


def test_the_upgrade_names_a_prepared_transaction_that_holds_a_table(
    sip: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "ATTEMPTS", 1)
    sip.execute("drop trigger zz_syncd_1_delete on sip.customers")
    gid = prepare(sip, "update sip.customers set name = 'Prepared' where id = 1")
    with pytest.raises(
        DatabaseProblem, match=f"never free for a moment: prepared transaction '{gid}', at it for"
    ):
        upgrade(sip.dsn)
    sip.execute(f"rollback prepared '{gid}'")
    upgrade(sip.dsn)


def test_a_server_that_starts_to_prepare_or_ceases_to_is_found(preparing: Server, sip: Database) -> None:
    restart(preparing, "0")
    reconnected(sip)
    assert findings(sip.dsn) == [POLLS_WITHOUT_NEED]
    upgrade(sip.dsn)
    assert findings(sip.dsn) == []
    assert sip.value("select syncd.mute()") is None

    restart(preparing, "10")
    reconnected(sip)
    assert findings(sip.dsn) == [NOTIFIES_UNDER_PREPARE]
    assert sip.value("select syncd.mute()"), "the daemon does not sleep, so that no writer has to ring"
    gid = prepare(sip, "update sip.customers set name = 'Nobody sleeps'")
    sip.execute(f"rollback prepared '{gid}'")
    with someone_sleeps(sip):
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="cannot PREPARE"):
            prepare(sip, "update sip.customers set name = 'Refused'")
        upgrade(sip.dsn)
        gid = prepare(sip, "update sip.customers set name = 'Taken' where id = 1")
        sip.execute(f"commit prepared '{gid}'")
    assert findings(sip.dsn) == []
    assert keys(sip) == [1]


def test_replicated_rows_make_no_signal_and_check_says_so(preparing: Server, sip: Database) -> None:
    for publisher in fresh_database(preparing):
        publisher.execute("create publication p for table sip.customers, sip.organizations")
        publisher.execute("select pg_create_logical_replication_slot('s', 'pgoutput')")
        dsn = publisher.dsn.replace("'", "''")
        sip.execute(
            f"create subscription s connection '{dsn}' publication p with (create_slot = false, slot_name = 's')"
        )
        try:
            assert "sip.customers is filled by subscription s, whose rows fire no trigger." in findings(
                sip.dsn
            )
            publisher.execute("insert into sip.organizations (id, name) values (9, 'Nine')")
            publisher.execute(
                "insert into sip.customers (id, organization_id, name) values (9, 9, 'Replicated')"
            )
            deadline = time.monotonic() + 30
            while not sip.value("select count(*) from sip.customers where id = 9"):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert keys(sip) == []
        finally:
            sip.execute("drop subscription s")
