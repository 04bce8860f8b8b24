"""`syncd push`: send all records of one kind, by hand."""

from __future__ import annotations

import sys
from typing import NamedTuple

import click
from psycopg import errors

from syncd.cli.follow import follow
from syncd.cli.output import clean, count, quoted, say, tell
from syncd.cli.output import errors as stderr
from syncd.cli.session import Connection, Row, need_company, need_entity, person, session
from syncd.cli.settings import not_connected
from syncd.db.states import CompanyState
from syncd.errors import SyncdError, WrongUse


class Kind(NamedTuple):
    """What a push is of: the word typed for it, and what its records are called, one and many."""

    word: str
    one: str
    many: str


# As SIP's five buttons have it: what each is about besides its type is the state of its records.
KINDS = {
    "customer": Kind("customers", "customer", "customers"),
    "invoice": Kind("invoices", "sent invoice", "sent invoices"),
    "payment": Kind("payments", "collected payment", "collected payments"),
    "service_item": Kind("service-items", "active service item", "active service items"),
    "timesheet_entry": Kind("timesheet-entries", "approved timesheet entry", "approved timesheet entries"),
}
WORDS = [kind.word for kind in KINDS.values()]


@click.command()
@click.argument("company_id", metavar="COMPANY")
@click.argument("what", metavar="WHAT")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--no-wait", is_flag=True, help="Do not wait until all of it is sent.")
def command(company_id: str, what: str, yes: bool, no_wait: bool) -> int:
    """Send all records of one kind, also those of the time before sync was on.

    WHAT is customers, invoices, payments, service-items or timesheet-entries.

    What QuickBooks has already as it stands is not sent again, what failed is tried again, and what goes first goes
    along: an invoice's customer, a payment's invoice. Enable Sync and the other switches do not matter. Exit code 1 if
    a record did not arrive.
    """
    with session() as connection:
        # Of a hundred thousand records it takes a minute to find out what QuickBooks has.
        connection.execute("set statement_timeout = '30min'")
        company = need_company(connection, company_id)
        entity = need_entity(connection, what, among=WORDS)
        kind = KINDS.get(entity.name)
        if kind is None:
            raise WrongUse(
                f"Records of type {quoted(what)} go along with others.", f"Push {', '.join(WORDS)}."
            )
        _need_connection(company)
        if not _agreed(connection, company, entity.name, kind, yes=yes):
            return 0
        run = _push(connection, company, entity.name)
        if not no_wait:
            return follow(connection, company, run, kind.one, kind.many)
        alive = connection.execute("select from syncd.daemons limit 1").fetchone()
    tell(f"{count(run['records'], kind.one, kind.many)} will be sent. See: syncd status {company_id}")
    if alive is None:
        say("No daemon is running, so nothing is sent. Start one: systemctl start syncd")
    return 0


def _need_connection(company: Row) -> None:
    if company["state"] != CompanyState.CONNECTED:
        raise SyncdError(
            not_connected(company, f"Company {company['company_id']} ({quoted(company['name'])})")
        )


def _agreed(connection: Connection, company: Row, entity: str, kind: Kind, *, yes: bool) -> bool:
    """Say what would be done, and ask. False: nothing is to be done."""
    with stderr.status("Looking at what QuickBooks has already"):
        plan = connection.execute(
            "select count(*) as records, count(*) filter (where p.there) as there, count(*) filter (where p.wanted)"
            " as wanted from syncd.pushable(%s, %s) p",
            (company["company_id"], entity),
        ).fetchone()
    settings = connection.execute(
        "select enable_sync, timesheet_start_date from syncd.sync_settings where company_id = %s",
        (company["company_id"],),
    ).fetchone()
    assert plan is not None
    assert settings is not None
    of = _of(company, entity, settings)
    if not plan["records"]:
        tell(f"There is nothing to push: there are no {kind.many} {of}.")
        return False
    if not plan["wanted"]:
        tell(f"There is nothing to push: QuickBooks has {_all(kind, plan['records'])} {of} already.")
        return False
    facts = []
    if plan["there"]:
        are = "is" if plan["there"] == 1 else "are"
        facts.append(f"{plan['there']:,} {are} there already and will not be sent again.")
    if not settings["enable_sync"]:
        facts.append("Enable Sync is off: what is pushed by hand goes all the same.")
    asked = f"Push {_all(kind, plan['records'])} {of} to QuickBooks?"
    if yes:
        tell(" ".join([f"{asked[:-1]}.", *facts]))
        return True
    if not has_person():
        raise WrongUse(" ".join([asked, *facts]), "Give --yes to confirm.")
    if not click.confirm(" ".join([asked, *facts])):
        tell("Nothing is sent.")
        return False
    return True


def has_person() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty()


def _of(company: Row, entity: str, settings: Row) -> str:
    name = clean(company["name"])
    if entity == "timesheet_entry" and settings["timesheet_start_date"]:
        return f"of {name} dated on or after {settings['timesheet_start_date']}"
    return f"of {name}"


def _all(kind: Kind, number: int) -> str:
    return f"all {number:,} {kind.many}" if number > 1 else f"the only {kind.one}"


def _push(connection: Connection, company: Row, entity: str) -> Row:
    try:
        run = connection.execute(
            "select * from syncd.push(%s, %s, %s)", (company["company_id"], entity, person())
        ).fetchone()
    except errors.ObjectNotInPrerequisiteState:
        # The connection was lost while the question was read.
        _need_connection(need_company(connection, company["company_id"]))
        raise
    assert run is not None
    return run
