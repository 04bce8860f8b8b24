"""Making and removing triggers beside SIP's traffic, and what is left in SIP's schema; dumps and restores."""

from __future__ import annotations

import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from syncd.db import schema
from syncd.errors import DatabaseProblem
from tests.support.signals import dump_sip, findings, keys, upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncd.demo.postgres import Server
    from tests.support.database import Database

WRITE = "insert into sip.customers (organization_id, name) values (1, 'Ann')"


@pytest.fixture
def lacking(database: Database) -> Database:
    """The customers have lost a trigger, so that an upgrade has to lock them."""
    database.execute("insert into sip.organizations (id, name) values (1, 'One')")
    database.execute("drop trigger zz_syncd_1_update on sip.customers")
    return database


@contextmanager
def holder_of(
    database: Database, statement: str, name: str = ""
) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A session of SIP's in a transaction; ended by the server if the upgrade would wait for it for ever."""
    with psycopg.connect(database.dsn, application_name=name) as session:
        session.execute("set idle_in_transaction_session_timeout = '30s'")
        session.execute(statement.encode())
        yield session


def test_writers_that_come_while_the_upgrade_waits_are_let_through(lacking: Database) -> None:
    said: list[str] = []
    waited = threading.Event()

    def say(text: str) -> None:
        said.append(text)
        if text.startswith("waiting"):
            waited.set()

    with holder_of(lacking, WRITE) as holder, psycopg.connect(lacking.dsn, autocommit=True) as writer:
        running = threading.Thread(target=schema.upgrade, args=(lacking.dsn, None, say))
        running.start()
        try:
            # Without a time-out of the upgrade's, the first that comes after it would never end.
            writer.execute("set lock_timeout = '4s'")
            while not waited.is_set() and running.is_alive():
                writer.execute(WRITE.encode())
        finally:
            holder.commit()
            running.join()
    assert findings(lacking.dsn) == []
    assert "(role postgres), at it for 00:00:" in next(text for text in said if text.startswith("waiting"))


def test_an_upgrade_that_never_gets_the_table_says_who_has_it(
    lacking: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "ATTEMPTS", 2)
    with (
        holder_of(lacking, WRITE, "sip-web"),
        pytest.raises(
            DatabaseProblem,
            match=r"Table sip\.customers was never free for a moment: process \d+ \(role postgres, sip-web\),"
            r" at it for 00:00:\d\d\. Try again at a quieter time; what was done stays done\.",
        ),
    ):
        upgrade(lacking.dsn)
    upgrade(lacking.dsn)
    assert findings(lacking.dsn) == []


def test_uninstall_waits_as_patiently(lacking: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "ATTEMPTS", 1)
    with (
        holder_of(lacking, "select from sip.customers"),
        pytest.raises(DatabaseProblem, match=r"Table sip\.customers was never free for a moment: process"),
    ):
        schema.uninstall(lacking.dsn, lambda _: None)


def test_no_table_is_locked_while_the_upgrade_waits_for_another(database: Database) -> None:
    database.execute(
        "insert into sip.organizations (id, name) values (1, 'One');"
        "create table sip.visits (id int primary key) partition by range (id);"
        "create table sip.visits_low partition of sip.visits for values from (0) to (100);"
        "create table sip.visits_high partition of sip.visits for values from (100) to (200);"
        "select syncd.bind('sip.visits', 'customer', 'id')"
    )
    with (
        holder_of(database, "insert into sip.visits_high values (101)") as holder,
        psycopg.connect(database.dsn, autocommit=True) as writer,
    ):
        writer.execute("set lock_timeout = '10ms'")
        waits: list[str] = []

        def say(text: str) -> None:
            if text.startswith("waiting"):
                waits.append(text.partition(":")[0])
                writer.execute(WRITE.encode())
                writer.execute("insert into sip.visits_low values (1)")
                holder.commit()

        schema.upgrade(database.dsn, None, say)
    assert waits == ["waiting for a quiet moment on sip.visits_high"]
    database.execute("delete from syncd.outbox; delete from sip.visits_high")
    assert keys(database) == [101]


def test_watch_gives_up_its_place_too(lacking: Database) -> None:
    before = lacking.value("select count(*) from syncd.binding")
    with (
        holder_of(lacking, "update sip.jobs set name = name"),
        pytest.raises(psycopg.errors.LockNotAvailable),
    ):
        lacking.execute("select syncd.watch('sip.jobs', 'customer', 'id')")
    assert lacking.value("select count(*) from syncd.binding") == before


def test_an_upgrade_with_nothing_to_make_locks_no_table(database: Database) -> None:
    with holder_of(database, "lock table sip.customers in share row exclusive mode"):
        assert not [text for text in upgrade(database.dsn) if text.startswith("waiting")]


def test_unwatch_and_a_second_watch_leave_nothing_twice(template: Server, database: Database) -> None:
    database.execute("select syncd.unwatch('sip.customers', 'customer')")
    before = dump_sip(template, database.dsn)
    watch = "select syncd.watch('sip.customers', 'customer', 'id', condition => 'old.name is distinct from new.name')"
    database.execute(watch)
    watched = dump_sip(template, database.dsn)
    database.execute(watch)
    assert dump_sip(template, database.dsn) == watched != before
    database.execute("select syncd.unwatch('sip.customers', 'customer')")
    assert dump_sip(template, database.dsn) == before


def test_uninstall_takes_triggers_from_wherever_they_are(template: Server, database: Database) -> None:
    database.execute("alter table sip.customers rename to clients; drop function syncd.trigger_state cascade")
    schema.uninstall(database.dsn, lambda _: None)
    assert "syncd" not in dump_sip(template, database.dsn)


def test_a_role_that_only_owns_sips_tables_can_watch(database: Database) -> None:
    database.execute(
        "create role test_sip_owner login; grant syncd_owner to test_sip_owner;"
        "create schema shop authorization test_sip_owner"
    )
    try:
        with psycopg.connect(
            psycopg.conninfo.make_conninfo(database.dsn, user="test_sip_owner"), autocommit=True
        ) as own:
            own.execute("create table shop.sales (id int primary key, company int, total int)")
            own.execute(
                "select syncd.watch('shop.sales', 'customer', 'id', 'company', 'old.total is distinct from new.total')"
            )
            own.execute(
                "insert into shop.sales values (1, 1, 1); update shop.sales set total = 2; delete from shop.sales"
            )
            assert keys(database) == [1, 1, 1]
            own.execute("select syncd.unwatch('shop.sales', 'customer')")
    finally:
        database.execute("drop owned by test_sip_owner cascade; drop role test_sip_owner")


def test_a_restored_dump_signals_nothing_and_is_sound(
    template: Server, database: Database, tmp_path: Path
) -> None:
    database.add_company()
    database.add_customer("Ann")
    dump, copy = tmp_path / "dump", f"{database.name}_copy"
    run = subprocess.run
    run([template.bin / "pg_dump", "-Fc", "-f", dump, "-d", database.dsn], check=True)
    database.execute(f"create database {copy}")
    try:
        dsn = template.dsn(copy)
        run([template.bin / "pg_restore", "--exit-on-error", "-d", dsn, dump], check=True)
        with psycopg.connect(dsn, autocommit=True) as restored:
            assert restored.execute("select count(*), min(entity_id) from syncd.outbox").fetchall() == [
                (1, "1")
            ]
            assert findings(dsn) == []
            restored.execute("update sip.customers set name = 'Bob'")
            assert restored.execute("select count(*) from syncd.outbox").fetchall() == [(2,)]
            restored.execute(
                "delete from sip.customers; delete from sip.organizations; delete from syncd.outbox"
            )
        # Data alone, with triggers disabled: what that brings is not noted, and the triggers are there afterwards.
        run([template.bin / "pg_restore", "--data-only", "--disable-triggers", "--exit-on-error", "-n", "sip",
             "-t", "organizations", "-t", "customers", "-d", dsn, dump], check=True)  # fmt: skip
        with psycopg.connect(dsn, autocommit=True) as restored:
            assert restored.execute("select count(*) from sip.customers").fetchall() == [(1,)]
            assert restored.execute("select count(*) from syncd.outbox").fetchall() == [(0,)]
        assert findings(dsn) == []
    finally:
        database.execute(f"drop database {copy} with (force)")
