"""`syncd settings` as an admin types it."""

from __future__ import annotations

import os
import pwd
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.support.cli import Commands
from tests.support.sip import Sip

if TYPE_CHECKING:
    from tests.support.database import Begin, Database

ME = pwd.getpwuid(os.getuid()).pw_name


def switched_off(database: Database) -> None:
    database.add_company(on=False)


@pytest.fixture
def database(begun: Begin) -> Database:
    """With company 1, of which nothing is switched on."""
    return begun(switched_off)


@pytest.fixture
def syncd(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Commands:
    monkeypatch.delenv("SUDO_USER", raising=False)
    return Commands(monkeypatch, capsys, SYNCD_DSN=database.admin_dsn)


SWITCHES = {
    "customers": "auto_customers",
    "invoices": "auto_invoices",
    "payments": "auto_payments",
    "service-items": "auto_service_items",
    "timesheets": "auto_timesheets",
}


def test_the_settings_carry_the_labels_of_the_screen(syncd: Commands) -> None:
    said = syncd("settings", "show", "1").out
    for label in (
        "Enable Sync",
        "Auto-sync Customers",
        "Auto-sync Invoices",
        "Auto-sync Payments",
        "Auto-sync Service Items",
        "Auto-sync Timesheets",
        "Sync start date",
        "Region",
    ):
        assert f"\n{label}  " in said
    assert "It has been connected to QuickBooks (realm 9130, sandbox)" in said
    assert said.count("\nAuto-sync ") == 5
    assert "While Enable Sync is off nothing goes by itself" in said


def test_several_switches_in_one_call(syncd: Commands) -> None:
    said = syncd("settings", "set", "1", "enable-sync", "on", "customers", "on", "service-items", "on").out
    assert "Enable Sync is on.\nAuto-sync Customers is on.\nAuto-sync Service Items is on.\n" in said
    assert "Nothing is sent retroactively" in said
    now = syncd("settings", "show", "1", "--json").json
    assert (now["enable_sync"], now["auto_customers"], now["auto_service_items"], now["auto_invoices"]) == (
        True,
        True,
        True,
        False,
    )
    assert now["updated_by"] == ME


@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize("move", ["on", "off"])
def test_a_switch_cannot_be_moved_while_enable_sync_is_off(syncd: Commands, switch: str, move: str) -> None:
    if move == "off":
        syncd("settings", "set", "1", "enable-sync", "on", switch, "on")
        syncd("settings", "set", "1", "enable-sync", "off")
    before = syncd("settings", "show", "1", "--json").json
    refusal = syncd.refused("settings", "set", "1", switch, move)
    assert refusal.endswith(f"syncd settings set 1 enable-sync on {switch} {move}")
    assert syncd("settings", "show", "1", "--json").json == before


def test_switches_keep_their_value_while_enable_sync_is_off(syncd: Commands) -> None:
    on = {"customers", "payments"}
    syncd(
        "settings", "set", "1", "enable-sync", "on", *(word for name in sorted(on) for word in (name, "on"))
    )
    chosen = {column: name in on for name, column in SWITCHES.items()}
    for move in ("off", "on"):
        syncd("settings", "set", "1", "enable-sync", move)
        shown = syncd("settings", "show", "1", "--json").json
        assert shown["enable_sync"] is (move == "on")
        assert {column: shown[column] for column in SWITCHES.values()} == chosen


def test_switching_enable_sync_off_says_what_becomes_of_what_waits(syncd: Commands) -> None:
    syncd("settings", "set", "1", "enable-sync", "on")
    assert "waits until it is switched on again" in syncd("settings", "set", "1", "enable-sync", "off").out


def test_timesheets_start_today_when_they_are_first_switched_on(syncd: Commands, database: Database) -> None:
    today = database.value("select syncd.company_today('1')")
    assert (
        f"Sync start date is {today}."
        in syncd("settings", "set", "1", "enable-sync", "on", "timesheets", "on").out
    )


def test_the_start_date_can_be_moved_back_but_not_into_the_future(
    syncd: Commands, database: Database
) -> None:
    today: date = database.value("select syncd.company_today('1')")
    syncd("settings", "set", "1", "enable-sync", "on", "timesheets", "on")
    tomorrow = today + timedelta(days=1)
    refusal = syncd.refused("settings", "set", "1", "--timesheet-start-date", tomorrow.isoformat())
    assert f"The timesheet start date {tomorrow} is in the future. Today is {today}" in refusal
    said = syncd("settings", "set", "1", "--timesheet-start-date", "2020-02-29").out
    assert said.startswith("Sync start date is 2020-02-29.")
    assert "No approved timesheet entry became due by this." in said


def test_moving_the_start_date_back_says_what_became_due_and_how_it_is_sent(
    syncd: Commands, database: Database
) -> None:
    sip = Sip(database, "1")
    member = sip.member()
    today: date = database.value("select syncd.company_today('1')")
    for days, status in ((0, "approved"), (1, "approved"), (2, "approved"), (3, "submitted")):
        sip.timesheet(member, 60, 30, day=today - timedelta(days=days), status=status)
    syncd("settings", "set", "1", "enable-sync", "on", "timesheets", "on")
    for days, sentence in (
        (1, "2 approved timesheet entries became due by this."),
        (3, "2 approved timesheet entries became due by this."),
        (4, "No approved timesheet entry became due by this."),
    ):
        back = str(today - timedelta(days=days))
        said = syncd("settings", "set", "1", "--timesheet-start-date", back).out
        assert sentence in said
        assert ("syncd push 1 timesheet-entries" in said) == (sentence[0] == "2")
    # Moved forward, or set as it was: nothing becomes due, and nothing is said of it.
    assert "became due" not in syncd("settings", "set", "1", "--timesheet-start-date", str(today)).out
    assert database.value("select count(*) from syncd.job") == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["9", "customers", "on"], 'There is no company "9".'),
        (["1", "customer", "on"], 'There is no switch "customer". Choose from: enable-sync, customers,'),
        (["1", "enable-sync"], "Switch enable-sync needs on or off after it."),
        (["1", "enable-sync", "yes"], "Switch enable-sync needs on or off after it."),
        (["1", "enable-sync", "on", "enable-sync", "off"], "cannot be both on and off"),
        (["1"], "There is nothing to change."),
        (["1", "--timesheet-start-date", "2026-02-30"], '"2026-02-30" is not a date.'),
        (["1", "--timesheet-start-date", "tomorrow"], '"tomorrow" is not a date.'),
    ],
)
def test_wrong_use_is_a_sentence(syncd: Commands, words: list[str], sentence: str) -> None:
    assert sentence in syncd.refused("settings", "set", *words)


def test_the_history_shows_who_changed_what_newest_first(syncd: Commands, database: Database) -> None:
    assert "Nothing has been changed" in syncd("settings", "history", "1").out
    syncd("settings", "set", "1", "enable-sync", "on", "customers", "on")
    syncd("settings", "set", "1", "customers", "on")  # as before: leaves no trace
    database.switch("1", auto_customers=False)
    rows = syncd("settings", "history", "1", "--json").json
    assert [(r["changed_by"], r["setting"], r["was"], r["became"]) for r in rows] == [
        ("postgres", "auto_customers", "true", "false"),
        (ME, "auto_customers", "false", "true"),
        (ME, "enable_sync", "false", "true"),
    ]
    table = syncd("settings", "history", "1").out.splitlines()
    assert table[1].split()[2:] == ["postgres", "Auto-sync", "Customers", "on", "->", "off"]


def test_behind_sudo_the_person_is_named(syncd: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    syncd.environment(SUDO_USER="deborah")
    syncd("settings", "set", "1", "enable-sync", "on")
    assert syncd("settings", "show", "1", "--json").json["updated_by"] == "deborah"


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("disconnected", "It is not connected to QuickBooks, so nothing is sent."),
        ("needs_reconnect", "The connection to QuickBooks is lost, so nothing is sent."),
    ],
)
def test_a_missing_connection_is_said(syncd: Commands, database: Database, state: str, sentence: str) -> None:
    database.execute("update syncd.company set state = %s", (state,))
    assert sentence in syncd("settings", "show", "1").out
    assert sentence in syncd("settings", "set", "1", "enable-sync", "on").err
