"""`syncd settings`: what is synced by itself, who said so, and since when. Labels are those of SIP's screen."""

from __future__ import annotations

from datetime import date
from typing import Any

import click
from psycopg import errors
from psycopg.types.json import Jsonb

from syncd.cli.output import count, json_option, print_json, print_table, quoted, say, short, tell
from syncd.cli.regions import REGIONS
from syncd.cli.session import Connection, Row, need_company, person, session
from syncd.db.states import CompanyState, Region
from syncd.errors import WrongUse

START_DATE = "timesheet_start_date"
# The word on the command line, and the column.
SWITCHES = {
    "enable-sync": "enable_sync",
    "customers": "auto_customers",
    "invoices": "auto_invoices",
    "payments": "auto_payments",
    "service-items": "auto_service_items",
    "timesheets": "auto_timesheets",
}
LABELS = {
    "enable_sync": "Enable Sync",
    "auto_customers": "Auto-sync Customers",
    "auto_invoices": "Auto-sync Invoices",
    "auto_payments": "Auto-sync Payments",
    "auto_service_items": "Auto-sync Service Items",
    "auto_timesheets": "Auto-sync Timesheets",
    START_DATE: "Sync start date",
}


@click.group()
def command() -> None:
    """What is synced by itself."""


@command.command()
@click.argument("company_id", metavar="COMPANY")
@json_option
def show(company_id: str, as_json: bool) -> None:
    """The settings of a company, and whether it is connected."""
    with session() as connection:
        company = need_company(connection, company_id)
        settings = _settings(connection, company_id)
    if as_json:
        print_json({**company, **settings})
        return
    tell(f"{company['name']} (company {company_id})")
    tell(_connection(company))
    rows = [
        {"Setting": label, "Value": "not set" if settings[column] is None else settings[column]}
        for column, label in LABELS.items()
    ]
    rows.append({"Setting": "Region", "Value": REGIONS[Region(company["region"])]})
    click.echo()
    print_table(rows, ["Setting", "Value"], empty="", style=_colour)
    click.echo()
    tell(f"Changed last by {settings['updated_by']} at {short(settings['updated_at'])}.")
    if not settings["enable_sync"]:
        tell("While Enable Sync is off nothing goes by itself, whatever the other switches say.")


@command.command("set")
@click.argument("company_id", metavar="COMPANY")
@click.argument("pairs", nargs=-1, metavar="[SWITCH on|off]...")
@click.option("--timesheet-start-date", metavar="DATE", help="Timesheets dated before it are not sent.")
def set_(company_id: str, pairs: tuple[str, ...], timesheet_start_date: str | None) -> None:
    """Turn switches on or off, several in one call.

    SWITCH is enable-sync, customers, invoices, payments, service-items or timesheets. The last five can be moved
    only while Enable Sync is on, or together with switching it on.
    """
    changes = _changes(pairs)
    if timesheet_start_date is not None:
        changes[START_DATE] = _date(timesheet_start_date)
    if not changes:
        raise WrongUse("There is nothing to change.", "Name a switch and on or off, e.g. customers on.")
    with session() as connection:
        company = need_company(connection, company_id)
        due_before = _due_entries(connection, company_id) if START_DATE in changes else 0
        before, after = _change(connection, company_id, changes)
        became_due = _due_entries(connection, company_id) - due_before if START_DATE in changes else 0
    for column, label in LABELS.items():
        if column in changes or before[column] != after[column]:
            same = "" if before[column] != after[column] else ", as before"
            tell(f"{label} is {_value(after[column])}{same}.")
    _remark(company, before, after)
    if START_DATE in changes and (before[START_DATE] is None or after[START_DATE] < before[START_DATE]):
        _remark_entries(company_id, became_due)


@command.command()
@click.argument("company_id", metavar="COMPANY")
@json_option
def history(company_id: str, as_json: bool) -> None:
    """Who changed what and when, newest first."""
    with session() as connection:
        need_company(connection, company_id)
        changes = connection.execute(
            "select changed_at, changed_by, setting, was, became from syncd.settings_changes"
            " where company_id = %s order by history_id desc, setting",
            (company_id,),
        ).fetchall()
    if as_json:
        print_json(changes)
        return
    print_table(
        [
            {
                "When": change["changed_at"],
                "Who": change["changed_by"],
                "Setting": LABELS.get(change["setting"], change["setting"]),
                "Change": f"{_value(_typed(change['was']))} -> {_value(_typed(change['became']))}",
            }
            for change in changes
        ],
        ["When", "Who", "Setting", "Change"],
        empty="Nothing has been changed: everything is off, as it was shipped.",
    )


def _changes(pairs: tuple[str, ...]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    words = iter(pairs)
    for word in words:
        column = SWITCHES.get(word.lower().replace("_", "-"))
        if column is None:
            raise WrongUse(f"There is no switch {quoted(word)}.", f"Choose from: {', '.join(SWITCHES)}.")
        value = next(words, "").lower()
        if value not in ("on", "off"):
            raise WrongUse(f"Switch {word} needs on or off after it.", f"For example: {word} on")
        if changes.setdefault(column, value == "on") != (value == "on"):
            raise WrongUse(f"Switch {word} cannot be both on and off.", "Name it once.")
    return changes


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise WrongUse(f"{quoted(text)} is not a date.", "Write it as year-month-day: 2026-08-01.") from None


def _change(connection: Connection, company_id: str, changes: dict[str, Any]) -> tuple[Row, Row]:
    try:
        row = connection.execute(
            "select to_jsonb(before) as before, to_jsonb(after) as after"
            " from syncd.change_settings(%s, %s, %s)",
            (company_id, Jsonb(changes), person()),
        ).fetchone()
    except errors.ObjectNotInPrerequisiteState:
        words = " ".join(
            f"{word} {'on' if changes[column] else 'off'}"
            for word, column in SWITCHES.items()
            if column in changes and column != "enable_sync"
        )
        raise WrongUse(
            "Enable Sync is off, so the other switches cannot be moved.",
            f"Switch it on in the same call: syncd settings set {company_id} enable-sync on {words}",
        ) from None
    assert row is not None
    return row["before"], row["after"]


def _remark(company: Row, before: Row, after: Row) -> None:
    """What the change does not do, where one might expect it."""
    if any(after[column] is True and before[column] is not True for column in SWITCHES.values()):
        tell(
            "Nothing is sent retroactively: what exists goes at its next change, or when it is pushed by hand."
        )
        if company["state"] != CompanyState.CONNECTED:
            say(_connection(company))
    elif any(before[column] is True and after[column] is not True for column in SWITCHES.values()):
        tell("What was changed until now and is not sent yet waits until it is switched on again.")


def _due_entries(connection: Connection, company_id: str) -> int:
    row = connection.execute(
        "select count(*) as due from syncd.due_keys(%s, 'timesheet_entry')", (company_id,)
    ).fetchone()
    assert row is not None
    return int(row["due"])


def _remark_entries(company_id: str, became_due: int) -> None:
    if became_due > 0:
        entries = count(became_due, "approved timesheet entry", "approved timesheet entries")
        tell(f"{entries} became due by this. To send what is due: syncd push {company_id} timesheet-entries")
    else:
        tell("No approved timesheet entry became due by this.")


def _settings(connection: Connection, company_id: str) -> Row:
    row = connection.execute(
        "select s.*, s.company_id from syncd.sync_settings s where s.company_id = %s", (company_id,)
    ).fetchone()
    assert row is not None  # every company has settings from its first moment
    return row


def _connection(company: Row) -> str:
    if company["state"] == CompanyState.CONNECTED:
        since = company["connected_at"].astimezone().date()
        where = f"realm {company['realm_id']}, {company['environment']}"
        return f"It has been connected to QuickBooks ({where}) since {since}."
    return not_connected(company)


def not_connected(company: Row, who: str = "It") -> str:
    """Of a company that cannot be reached: why, and what to do."""
    connect = (
        f"syncd company connect {company['company_id']} --environment {company['environment'] or 'production'}"
        " < tokens.json"
    )
    if company["state"] == CompanyState.NEEDS_RECONNECT:
        return f"The connection to QuickBooks is lost, so nothing is sent. Connect it again: {connect}"
    return f"{who} is not connected to QuickBooks, so nothing is sent. Connect it: {connect}"


def _typed(text: str | None) -> Any:
    return {"true": True, "false": False}.get(text or "", text)


def _value(value: Any) -> str:
    return "not set" if value is None else short(value)


def _colour(column: str, value: Any) -> str | None:
    if column != "Value" or not isinstance(value, bool):
        return None
    return "green" if value else "bright_black"
