"""`syncd status`: is all well, and if not, what is in the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from syncd.cli.output import count, json_option, print_json, print_table, quoted, span, tell
from syncd.cli.session import Connection, Row, need_company, session
from syncd.db.states import CompanyState

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS = ["ID", "Company", "Sync", "Pending", "Unknown", "Waiting", "Person", "Oldest"]
NUMBERS = ["Pending", "Unknown", "Waiting", "Person", "Oldest"]
COLOURS = {"on": "green", "lost": "red", "paused": "yellow"}
WAKEUPS = {
    "bell": "changes in SIP",
    "grant": "changes while it fell asleep",
    "lanes": "work for it",
    "timer": "the clock",
}
EXPIRES_SOON = timedelta(days=10)


@click.command()
@click.argument("company_id", metavar="[COMPANY]", required=False)
@json_option
def command(company_id: str | None, as_json: bool) -> None:
    """Is everything in QuickBooks? What is on its way, what waits, what needs a person.

    \b
    Pending  due, or being sent
    Unknown  sent, but QuickBooks never answered; syncd asks again by itself
    Waiting  for a switch, for the connection or for another record
    Person   refused, held or different in QuickBooks: somebody has to look
    Oldest   how long the oldest record on its way has been due
    """
    with session() as connection:
        health, daemons, companies = _read(connection, company_id)
    if as_json:
        print_json({**health, "daemons": daemons, "companies": companies})
        return
    for sentence in list(_headline(health, daemons, companies)) or [_all_well(companies)]:
        tell(sentence)
    if companies:
        click.echo()
        print_table([_listed(c) for c in companies], COLUMNS, empty="", style=_colour, numbers=NUMBERS)
    remarks = [remark for company in companies for remark in _remarks(company)]
    _paragraph(remarks)
    _paragraph([_described(daemon) for daemon in daemons])


def _read(connection: Connection, company_id: str | None) -> tuple[Row, list[Row], list[Row]]:
    if company_id is not None:
        need_company(connection, company_id)
    health = connection.execute("select outbox, oldest_signal, outbox_bad from syncd.health").fetchone()
    assert health is not None  # the view has exactly one row
    daemons = connection.execute("select * from syncd.daemons order by started_at").fetchall()
    companies = connection.execute(
        "select * from syncd.lane_status where %(id)s::text is null or company_id = %(id)s"
        " order by length(company_id), company_id",
        {"id": company_id},
    ).fetchall()
    return health, daemons, companies


def _headline(health: Row, daemons: list[Row], companies: list[Row]) -> Iterator[str]:
    """What keeps "everything is in QuickBooks" from being true, the worst first."""
    if not companies:
        yield "No company is known yet. Add one: syncd company add ID --name NAME"
        return
    if not daemons:
        yield "No daemon is running, so nothing is sent. Start one: systemctl start syncd"
    if health["outbox_bad"]:
        one, many = "change in SIP cannot be sent as it is", "changes in SIP cannot be sent as they are"
        yield f"{count(health['outbox_bad'], one, many)}: table syncd.outbox_bad says why."
    if person := sum(c["failed"] + c["variances"] for c in companies):
        yield f"{count(person, 'record needs', 'records need')} a person."
    if moving := sum(c["pending"] + c["unknown"] for c in companies):
        oldest = min(c["oldest"] for c in companies if c["oldest"])
        yield f"{count(moving, 'record is', 'records are')} on the way, the oldest for {_age(oldest)}."
    if health["outbox"]:
        changes = count(health["outbox"], "change was", "changes were")
        yield f"{changes} noted in SIP and not looked at yet, the oldest {_age(health['oldest_signal'])} ago."
    if waiting := sum(c["waiting"] for c in companies):
        yield _waiting(waiting, sum(c["behind_others"] for c in companies))


def _waiting(number: int, behind_others: int) -> str:
    said = count(number, "record waits", "records wait")
    if behind_others == number:
        return f"{said} for another record, which goes first."
    if behind_others:
        return f"{said}, {behind_others:,} of them for another record, which goes first."
    return f"{said} for a switch or a connection."


def _all_well(companies: list[Row]) -> str:
    if all(c["connection"] == CompanyState.CONNECTED and c["enable_sync"] for c in companies):
        return "Everything is in QuickBooks."
    return "Nothing is left to send, but not every company is synced."


def _listed(company: Row) -> dict[str, Any]:
    return {
        "ID": company["company_id"],
        "Company": company["name"],
        "Sync": _sync(company),
        "Pending": company["pending"],
        "Unknown": company["unknown"],
        "Waiting": company["waiting"],
        "Person": company["failed"] + company["variances"],
        "Oldest": _age(company["oldest"]) if company["oldest"] else "",
    }


def _sync(company: Row) -> str:
    match company["connection"]:
        case CompanyState.DISCONNECTED:
            return "not connected"
        case CompanyState.NEEDS_RECONNECT:
            return "lost"
    if not company["enable_sync"]:
        return "off"
    return "paused" if company["paused_because"] else "on"


def _remarks(company: Row) -> Iterator[str]:
    """What there is to say, and to do, about one company."""
    company_id = company["company_id"]
    who = f"Company {company_id} ({quoted(company['name'])})"
    reconnect = f"syncd company connect {company_id} --environment {company['environment'] or 'production'}"
    if company["connection"] == CompanyState.NEEDS_RECONNECT:
        because = f": {company['paused_because']}" if company["paused_because"] else "."
        yield f"{who} has lost its connection{because} Connect it again: {reconnect} < tokens.json"
    elif company["paused_because"]:
        until = company["paused_until"]
        how_long = f"for {span(until - _now())} more" if until else "until somebody acts"
        yield f"{who} is paused {how_long}: {company['paused_because']}"
    if company["connection"] == CompanyState.DISCONNECTED:
        yield f"{who} is not connected. Connect it: {reconnect} < tokens.json"
    elif not company["enable_sync"]:
        yield f"{who} has Enable Sync off. Turn it on: syncd settings set {company_id} enable-sync on"
    expires = company["refresh_expires_at"]
    if company["connection"] == CompanyState.CONNECTED and expires and expires - _now() < EXPIRES_SOON:
        yield f"{who} loses its connection in {span(expires - _now())}. Connect it again: {reconnect} < tokens.json"
    if company["failed"] or company["variances"]:
        number = count(company["failed"] + company["variances"], "record needs", "records need")
        yield f"{who}: {number} a person{_kinds(company)}. See: syncd log {company_id} --status error"
    if company["diverged"] or company["variances"]:
        yield f"{who}: when QuickBooks has it as it should be, a person settles it. See: syncd settle {company_id}"


def _kinds(company: Row) -> str:
    """What of that is no failure: QuickBooks holds the record, only not as SIP does."""
    kinds = []
    if company["diverged"]:
        kinds.append(f"{company['diverged']:,} changed or withdrawn in SIP since")
    if company["variances"]:
        kinds.append(f"{company['variances']:,} taken otherwise by QuickBooks")
    return f" ({', '.join(kinds)})" if kinds else ""


def _described(daemon: Row) -> str:
    duty = "on duty (takes in SIP's changes)" if daemon["on_duty"] else "standing by"
    said = (
        f"Daemon on {daemon['host']}, process {daemon['pid']}, version {daemon['version']}:"
        f" up for {_age(daemon['started_at'])}, {duty}, serving"
        f" {count(daemon['lanes'], 'company', 'companies')} of {daemon['slots']} at most."
    )
    if woken := {cause: n for cause, n in daemon["wakeups"].items() if n and cause != "safety"}:
        causes = ", ".join(f"{WAKEUPS.get(cause, cause)} {n:,}" for cause, n in woken.items())
        said += f" Woken by: {causes}."
    if missed := daemon["wakeups"].get("safety"):
        changes = count(missed, "change was", "changes were")
        said += f" {changes} found by the slow look only, which must not be: report it."
    if daemon["polling_because"]:
        said += f" It polls instead of sleeping: {daemon['polling_because']}."
    return said


def _paragraph(sentences: list[str]) -> None:
    if sentences:
        click.echo()
    for sentence in sentences:
        tell(sentence)


def _age(moment: datetime) -> str:
    return span(_now() - moment)


def _now() -> datetime:
    return datetime.now(UTC)


def _colour(column: str, value: Any) -> str | None:
    if column == "Sync":
        return COLOURS.get(value, "bright_black")
    return "red" if column == "Person" and value else None
