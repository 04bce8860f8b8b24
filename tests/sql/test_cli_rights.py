"""Who may do what through the commands, and what the database says when it cannot serve them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from syncd.cli.session import session
from syncd.errors import DatabaseProblem
from tests.support.cli import Commands
from tests.support.database import Database

if TYPE_CHECKING:
    from tests.support.database import Begin


@pytest.fixture
def database(begun: Begin) -> Database:
    """With company 1, on which sync is on."""
    return begun(Database.add_company)


@pytest.fixture
def syncd(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Commands:
    return Commands(monkeypatch, capsys, SYNCD_DSN=database.reader_dsn)


def test_a_reader_may_look(syncd: Commands, database: Database) -> None:
    id_ = database.add_customer("Ann")
    for words in (
        ["status"],
        ["log", "1"],
        ["explain", "1", "customer", id_],
        ["company", "list"],
        ["settings", "show", "1"],
        ["settings", "history", "1"],
    ):
        syncd(*words)
        syncd(*words, "--json")


@pytest.mark.parametrize(
    "words",
    [
        ["settings", "set", "1", "enable-sync", "off"],
        ["retry", "1", "--all-errors"],
        ["push", "1", "customers", "--yes"],
        ["company", "add", "2", "--name", "X"],
        ["company", "set", "1", "--name", "X"],
    ],
)
def test_a_reader_may_change_nothing(syncd: Commands, words: list[str]) -> None:
    assert "This database role may not do that" in syncd.refused(*words, code=1)


@pytest.mark.parametrize(
    "query",
    [
        "select tokens from syncd.company",
        "select company_info from syncd.company",
        "select body from syncd.call",
        "select * from syncd.judge('{1}', '{customer}', '{1}')",
        "select * from syncd.documents('{customer}', '{1}')",
    ],
)
def test_a_reader_never_gets_tokens_or_bodies(syncd: Commands, database: Database, query: str) -> None:
    with (
        psycopg.connect(database.reader_dsn) as reader,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        reader.execute(query.encode())


@pytest.mark.parametrize(
    ("dsn", "sentence"),
    [
        ("host=/nowhere", "The database cannot be reached"),
        ("no connection string", "SYNCD_DSN is not a connection string"),
        ("host=127.0.0.1 port=1", "The database cannot be reached"),
    ],
)
def test_no_database_is_a_sentence(syncd: Commands, dsn: str, sentence: str) -> None:
    syncd.environment(SYNCD_DSN=dsn)
    assert sentence in syncd.refused("status", code=1)


def test_a_database_without_syncd_is_a_sentence(syncd: Commands, database: Database) -> None:
    syncd.environment(SYNCD_DSN=make_conninfo(database.dsn, dbname="template1"))
    for words in (["status"], ["log", "1"], ["settings", "show", "1"]):
        assert "Run: syncd db upgrade" in syncd.refused(*words, code=1)


def test_a_session_that_is_killed_is_a_sentence(syncd: Commands, database: Database) -> None:
    def ends() -> None:
        with session() as connection:
            database.execute("select pg_terminate_backend(%s, 5000)", (connection.info.backend_pid,))
            connection.execute("select 1")

    with pytest.raises(DatabaseProblem, match="The database went away"):
        ends()


def test_a_lock_ends_the_command_and_not_the_night(syncd: Commands, database: Database) -> None:
    def waits() -> None:
        with session() as connection:
            connection.execute("set lock_timeout = '10ms'")
            connection.execute("select * from syncd.lane_status")

    with database.connection.transaction():
        database.execute("lock table syncd.lane")
        with pytest.raises(DatabaseProblem, match="The database was too busy"):
            waits()


def test_every_column_that_people_read_is_explained(database: Database) -> None:
    bare = database.rows(
        "select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0"
        " where c.relnamespace = 'syncd'::regnamespace and col_description(c.oid, a.attnum) is null"
        " and not a.attisdropped"
        " and (c.relname = 'sync_log' or c.relname like '%\\_map'"
        " or c.relkind = 'v' and c.relname not like 'source\\_%')"
    )
    assert bare == []
