"""`syncd log`: SIP's six columns, its pages, its colours, and what a DBA needs beyond them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest

from syncd.cli import log
from tests.support.cli import Commands

if TYPE_CHECKING:
    from syncd.cli.session import Row
    from tests.support.database import Database


@pytest.fixture
def syncd(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Commands:
    database.add_company()
    return Commands(monkeypatch, capsys, SYNCD_DSN=database.reader_dsn)


def add(database: Database, name: str, status: str = "success", *, count: int = 1, age: str = "0 s") -> None:
    """Rows of company 1's log."""
    database.execute(
        "insert into syncd.sync_log (company_id, entity_type, entity_id, entity_name, direction, status, error,"
        " intuit_tid, occurred_at) select '1', 'customer', g::text, replace(%s, '#', g::text), 'push', %s,"
        " case when %s <> 'success' then 'No [way].' end, 'tid-' || g, clock_timestamp() - %s::interval"
        " from generate_series(1, %s) g",
        (name, status, status, age, count),
    )


def names(said: str) -> list[str]:
    return [line[17:48].strip() for line in said.splitlines()[1:]]


def test_six_columns_under_sips_names_newest_first(syncd: Commands, database: Database) -> None:
    add(database, "Ann [b]", age="1 min")
    add(database, "Bob\x1b[31m", "error")
    lines = syncd("log", "1").out.splitlines()
    assert lines[0].split() == [
        "Entity",
        "Type",
        "Entity",
        "Name",
        "Direction",
        "Status",
        "Timestamp",
        "Error",
    ]
    assert names("\n".join(lines)) == ["Bob [31m", "Ann [b]"]
    assert lines[1].endswith("No [way].")
    assert [row["entity_name"] for row in syncd("log", "1", "--json").json] == ["Bob\x1b[31m", "Ann [b]"]


def test_an_empty_log_is_said(syncd: Commands) -> None:
    assert syncd("log", "1").out == "The log holds nothing of that.\n"
    assert syncd("log", "1", "--json").json == []


def test_a_pipe_gets_a_page_and_is_told_how_to_get_more(syncd: Commands, database: Database) -> None:
    add(database, "C#", count=30)
    said = syncd("log", "1")
    assert len(said.out.splitlines()) == 26
    assert "more than these 25 rows" in said.err
    assert "--limit" in said.err
    more = syncd("log", "1", "--limit", "300")
    assert (len(more.out.splitlines()), more.err) == (31, "")
    exact = syncd("log", "1", "--search", "C2")
    assert exact.err == ""


def test_filters(syncd: Commands, database: Database) -> None:
    add(database, "Old", age="3 h")
    add(database, "Left out", "skipped")
    add(database, "100% bad_", "error")

    def found(*words: str) -> list[str]:
        return [row["entity_name"] for row in syncd("log", "1", "--json", *words).json]

    assert found("--status", "skipped") == ["Left out"]
    assert found("--since", "2h") == ["100% bad_", "Left out"]
    assert found("--since", "2020-01-01") == ["100% bad_", "Left out", "Old"]
    assert found("--search", "100% BAD_") == ["100% bad_"]
    assert found("--search", "%") == ["100% bad_"]
    assert found("--search", "no [WAY]") == ["100% bad_", "Left out"]
    assert found("--search", "tid-1", "--entity", "Customers", "--status", "error") == ["100% bad_"]


def test_a_company_sees_its_own_rows_only(syncd: Commands, database: Database) -> None:
    database.add_company("2", realm="2")
    add(database, "Ann")
    assert syncd("log", "2", "--json").json == []


def test_all_columns(syncd: Commands, database: Database) -> None:
    add(database, "Ann", "error")
    lines = syncd("log", "1", "--all-columns").out.splitlines()
    assert lines[0] == "Customer Ann"
    assert "  intuit_tid      tid-1" in lines


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["9"], 'There is no company "9".'),
        (["1", "--entity", "widget"], 'There is no type of record "widget". Choose from: account, customer'),
        (["1", "--since", "soon"], '"soon" is not a time.'),
        (["1", "--since", "999999w"], '"999999w" is not a time.'),
        (["1", "--search", "\udcff"], "not valid UTF-8"),
    ],
)
def test_wrong_use_is_a_sentence(syncd: Commands, words: list[str], sentence: str) -> None:
    assert sentence in syncd.refused("log", *words)


def test_a_success_has_no_error_whatever_was_left_out_of_it(syncd: Commands, database: Database) -> None:
    add(database, "Ann")
    database.execute("update syncd.sync_log set note = 'The e-mail was left out.'")
    header, row = syncd("log", "1").out.splitlines()
    assert header.split()[-1] == "Error"
    assert len(row) < header.index("Error"), "the column is empty"
    assert "  note            The e-mail was left out." in syncd("log", "1", "--all-columns").out
    assert syncd("log", "1", "--json").json[0]["note"] == "The e-mail was left out."
    _, note = on_a_terminal(database, b"", "log", "1").splitlines()[1:]
    assert note.startswith("    ")
    assert "The e-mail was left out." in note


def on_a_terminal(database: Database, keys: bytes, *words: str) -> str:
    """What the command shows on a terminal where these keys are typed ahead."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "SYNCD_DSN": database.reader_dsn, "TERM": "xterm-256color", "COLUMNS": "100"}
    process = subprocess.Popen(
        [sys.executable, "-m", "syncd", *words], env=env, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    os.write(ours, keys)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 65536)
        except OSError:  # how Linux says that the other side is closed
            break
    os.close(ours)
    assert process.wait(60) == 0
    return shown.decode()


@pytest.mark.usefixtures("syncd")
def test_on_a_terminal_pages_follow_until_200(database: Database) -> None:
    add(database, "C#", count=230)
    shown = on_a_terminal(database, b"\n" * 10, "log", "1")
    assert shown.count("more? [Enter/q]") == 7
    assert shown.count("Success") == 200
    assert "--limit" in shown
    assert on_a_terminal(database, b"\nq\n", "log", "1").count("Success") == 50


@pytest.mark.usefixtures("syncd")
def test_on_a_terminal_the_status_is_green_red_or_gray(database: Database) -> None:
    for status in ("success", "error", "skipped"):
        add(database, "Ann", status)
    shown = on_a_terminal(database, b"", "log", "1")
    assert "\x1b[32mSuccess" in shown
    assert "\x1b[31mError" in shown
    assert "\x1b[90mSkipped" in shown


@pytest.mark.usefixtures("syncd")
def test_follow_prints_each_row_once_also_one_that_becomes_visible_late(database: Database) -> None:
    add(database, "Ann")
    add(database, "Bob")
    env = {**os.environ, "SYNCD_DSN": database.reader_dsn, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "syncd", "log", "1", "--follow", "--json"],
        env=env,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None

    def next_name() -> str:
        assert process.stdout is not None
        name: str = json.loads(process.stdout.readline())["entity_name"]
        return name

    assert [next_name(), next_name()] == ["Ann", "Bob"]
    with database.connection.transaction():
        add(database, "Late")
        with psycopg.connect(database.dsn, autocommit=True) as other:
            other.execute(
                "insert into syncd.sync_log (company_id, entity_type, entity_id, entity_name, direction, status)"
                " values ('1', 'customer', '1', 'Early', 'push', 'success')"
            )
        assert next_name() == "Early"
    assert next_name() == "Late"
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert (process.returncode, rest) == (0, "")


def test_follow_misses_no_row_that_comes_while_the_first_page_is_printed(
    syncd: Commands, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(database, "Ann")
    monkeypatch.setattr(log, "POLL_SECONDS", 0)
    stream = log.Printer.stream
    looks = 0

    def while_printed(printer: log.Printer, rows: list[Row]) -> None:
        nonlocal looks
        stream(printer, rows)
        looks += 1
        if looks == 1:
            add(database, "Bob")
        elif looks == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(log.Printer, "stream", while_printed)
    shown = syncd("log", "1", "--follow", "--json").out
    assert [json.loads(line)["entity_name"] for line in shown.splitlines()] == ["Ann", "Bob"]
