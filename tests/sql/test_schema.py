"""The life of the schema: upgrade, check, uninstall; and that what Python knows is what Postgres holds."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from syncd.db import files, schema, states
from syncd.db.connect import connect
from syncd.errors import DatabaseProblem, NotConfigured
from tests.support.signals import dump_sip, findings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncd.demo.postgres import Server
    from tests.support.database import Database


@pytest.fixture
def bare(template: Server) -> Iterator[str]:
    """A database with SIP's schema and nothing of ours."""
    with psycopg.connect(template.dsn(), autocommit=True) as connection:
        connection.execute("drop database if exists test_bare with (force)")
        connection.execute("create database test_bare")
        with psycopg.connect(template.dsn("test_bare"), autocommit=True) as inside:
            inside.execute((files.folder("sql") / "sip" / "schema.sql").read_bytes())
        yield template.dsn("test_bare")
        connection.execute("drop database test_bare with (force)")


def upgrade(dsn: str, source: Path | None = None) -> list[str]:
    said: list[str] = []
    schema.upgrade(dsn, source, said.append)
    return said


def test_upgrade_says_what_it_does_and_repeats_without_change(bare: str) -> None:
    assert upgrade(bare)[:3] == ["roles", "tables", "functions and views"]
    with psycopg.connect(bare) as connection:
        before = connection.execute("select * from syncd.live_objects() order by 1, 2").fetchall()
    upgrade(bare)
    with psycopg.connect(bare) as connection:
        assert connection.execute("select * from syncd.live_objects() order by 1, 2").fetchall() == before
    assert findings(bare) == []


def test_uninstall_leaves_sips_schema_as_it_was(template: Server, bare: str) -> None:
    with psycopg.connect(bare) as connection:
        connection.execute("insert into sip.organizations (name) values ('One')")
    before = dump_sip(template, bare)
    upgrade(bare)
    assert dump_sip(template, bare) != before, "the triggers must show, or this test proves nothing"
    schema.uninstall(bare, lambda _: None)
    assert dump_sip(template, bare) == before
    with psycopg.connect(bare) as connection:
        assert connection.execute("select to_regnamespace('syncd')").fetchone() == (None,)


def test_uninstall_refuses_while_a_daemon_is_alive(bare: str) -> None:
    upgrade(bare)
    with psycopg.connect(bare) as connection:
        connection.execute("select syncd.heartbeat(gen_random_uuid(), '1 minute', 'db1', 42, '0')")
    with pytest.raises(DatabaseProblem, match=r"still runs on host db1 \(process 42\)"):
        schema.uninstall(bare, lambda _: None)


def test_a_database_newer_than_this_syncd_is_refused(bare: str) -> None:
    upgrade(bare)
    with psycopg.connect(bare) as connection:
        connection.execute("update syncd.alembic_version set version_num = '9999'")
    with pytest.raises(DatabaseProblem, match="newer"):
        upgrade(bare)
    assert "9999" in findings(bare)[0]


def test_upgrade_waits_for_a_busy_table_and_never_blocks_sip_for_long(bare: str) -> None:
    said: list[str] = []
    with psycopg.connect(bare) as sip:
        sip.execute("insert into sip.organizations (id, name) values (1, 'One')")
        sip.execute("insert into sip.customers (organization_id, name) values (1, 'Ann')")

        def say(text: str) -> None:
            said.append(text)
            if text.startswith("waiting"):
                sip.commit()

        schema.upgrade(bare, None, say)
    [waiting] = [text for text in said if text.startswith("waiting")]
    assert re.fullmatch(
        r"waiting for a quiet moment on sip\.customers: process \d+ \(role postgres\), at it for 00:00:\d\d",
        waiting,
    )
    assert findings(bare) == []


DAMAGES = [
    (
        "drop trigger zz_syncd_1_update on sip.customers",
        "Trigger zz_syncd_1_update on sip.customers is missing.",
    ),
    (
        "alter table sip.customers disable trigger zz_syncd_1_insert",
        "Trigger zz_syncd_1_insert on sip.customers is disabled.",
    ),
    ("drop function syncd.lease", "Function syncd.lease("),
    (
        "create or replace function syncd.was_on(company text, toggle text, writer xid8)"
        " returns boolean language sql as 'select true'",
        "Function syncd.was_on(text,text,xid8) was changed by hand.",
    ),
    ("create function syncd.mine() returns int language sql return 1", "was not made by syncd"),
    (
        "update syncd.sql_file set sha256 = 'x' where path = 'engine/lane.sql'",
        "differs from what was applied",
    ),
    ("update syncd.alembic_version set version_num = '0000'", "The tables are at revision 0000"),
    ("drop schema syncd cascade", "Schema syncd is not installed in this database."),
]


@pytest.mark.parametrize(("damage", "sentence"), DAMAGES)
def test_check_finds_what_is_missing_or_differs(bare: str, damage: str, sentence: str) -> None:
    upgrade(bare)
    with psycopg.connect(bare) as connection:
        connection.execute(damage.encode())
    assert any(sentence in found for found in findings(bare)), findings(bare)


def test_the_tables_are_what_the_metadata_says(bare: str) -> None:
    upgrade(bare)
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(bare), poolclass=NullPool)
    with engine.connect() as connection:
        config = schema.alembic_config()
        config.attributes["connection"] = connection
        command.check(config)  # raises on drift


def test_the_newest_revision_is_the_one_alembic_finds() -> None:
    scripts = ScriptDirectory.from_config(schema.alembic_config())
    assert schema.newest_revision() == scripts.get_current_head()


def test_every_list_of_values_is_the_same_in_postgres_and_python(database: Database) -> None:
    in_postgres = dict(
        database.rows(
            "select t.typname, array_agg(e.enumlabel::text order by e.enumsortorder) from pg_type t"
            " join pg_enum e on e.enumtypid = t.oid where t.typnamespace = 'syncd'::regnamespace group by 1"
        )
    )
    in_python = {kind.sql_name(): [str(value) for value in kind] for kind in states.Values.__subclasses__()}
    assert in_postgres == in_python


def test_every_state_is_explained_in_the_docs() -> None:
    page = (files.folder("sql").parent / "docs" / "states.md").read_text(encoding="utf-8").split("\n## ")[0]
    for state in states.State:
        [row] = [line for line in page.splitlines() if line.startswith(f"| `{state}` |")]
        assert state.badge in row
        assert ("yes" in row.split("|")[-2]) == state.counts_attempt


def test_a_source_that_does_not_fit_is_explained_and_nothing_is_half_done(bare: str, tmp_path: Path) -> None:
    upgrade(bare)
    source = tmp_path / "my source"
    shutil.copytree(files.folder("sql") / "source", source)
    file = source / "customer.sql"
    file.write_text(file.read_text().replace("c.phone", "c.telephone"))
    with pytest.raises(
        DatabaseProblem, match=r"source/customer\.sql does not apply: column c\.telephone does not exist"
    ):
        upgrade(bare, source)
    assert findings(bare) == []


def test_an_empty_source_folder_is_refused(bare: str, tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match=r"SYNCD_SOURCE_DIR"):
        upgrade(bare, tmp_path)


def test_a_view_of_a_dba_on_top_of_ours_is_never_dropped_silently(bare: str) -> None:
    upgrade(bare)
    with psycopg.connect(bare, autocommit=True) as connection:
        connection.execute("create view public.report as select * from syncd.sync_log_view")
        with pytest.raises(DatabaseProblem, match=r"view report depends on view syncd\.sync_log_view"):
            upgrade(bare)
        connection.execute("select * from public.report")


def test_upgrade_without_the_right_says_who_may(template: Server, bare: str) -> None:
    dsn = psycopg.conninfo.make_conninfo(bare, user="test_reader")
    with pytest.raises(DatabaseProblem, match=r"Run the upgrade as a superuser"):
        upgrade(dsn)


def test_a_database_that_is_not_there_is_a_sentence(template: Server) -> None:
    with pytest.raises(DatabaseProblem, match=r'database "nowhere" does not exist\. Look at SYNCD_DSN'):
        upgrade(template.dsn("nowhere"))


@pytest.mark.parametrize("dsn", ["hunter2", "host=db password='hunter2", "postgresql://u:hunter2@h:port/x"])
def test_a_malformed_connection_string_is_refused_without_being_quoted(dsn: str) -> None:
    with pytest.raises(DatabaseProblem) as refused:
        connect(dsn)
    assert "hunter2" not in str(refused.value)


def test_the_log_gets_its_partitions_ahead(database: Database) -> None:
    names = [
        n
        for (n,) in database.rows(
            "select inhrelid::regclass::text from pg_inherits"
            " where inhparent = 'syncd.sync_log'::regclass order by 1"
        )
    ]
    assert len(names) == 4
    database.execute("drop table syncd.sync_log_" + names[0][-7:])
    assert database.value("select syncd.make_log_partitions()") == 1


def test_tokens_and_bodies_are_hidden_from_readers(database: Database) -> None:
    with psycopg.connect(database.reader_dsn, autocommit=True) as reader:
        reader.execute("select * from syncd.sync_log_view")
        for hidden in (
            "tokens from syncd.company",
            "body from syncd.call",
            "* from syncd.company",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(f"select {hidden}".encode())


def test_the_daemons_role_cannot_change_the_log_or_settings(database: Database) -> None:
    with psycopg.connect(database.daemon_dsn, autocommit=True) as daemon:
        for forbidden in (
            "delete from syncd.sync_log",
            "update syncd.sync_log set error = null",
            "update syncd.sync_settings set enable_sync = true",
            "drop table syncd.job",
            "select * from sip.customers",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                daemon.execute(forbidden.encode())
