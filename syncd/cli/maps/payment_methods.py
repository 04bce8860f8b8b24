"""`syncd map payment-methods`: under which name each of SIP's payment methods is in QuickBooks."""

from __future__ import annotations

import click

from syncd.cli import books
from syncd.cli.maps import store
from syncd.cli.output import json_option, print_json, print_table, quoted, tell
from syncd.cli.session import Connection, Row, need_company, session
from syncd.db.states import CompanyState, PaymentMethod
from syncd.errors import WrongUse

TABLE = "payment_method_map"
LONGEST = 31
LABELS = {
    PaymentMethod.CARD: "Credit/Debit Card",
    PaymentMethod.ACH: "ACH Bank Transfer",
    PaymentMethod.APPLE_PAY: "Apple Pay",
    PaymentMethod.CASH: "Cash",
    PaymentMethod.CHECK: "Check",
    PaymentMethod.ZELLE: "Zelle",
    PaymentMethod.OTHER: "Other",
}
COLUMNS = ["Method", "SIP payment method", "QB Method Name"]


@click.group()
def command() -> None:
    """Under which name SIP's payment methods are in QuickBooks."""


@command.command("list")
@click.argument("company_id", metavar="COMPANY")
@json_option
def list_(company_id: str, as_json: bool) -> None:
    """The name of each of SIP's seven payment methods. A change applies to payments synced from then on."""
    with session() as connection:
        listed = _listed(connection, need_company(connection, company_id))
    if as_json:
        print_json(listed)
        return
    print_table([_shown(row) for row in listed], COLUMNS, empty="")
    if all(row["qbo_name"] is None for row in listed):
        tell("There are names once the company is connected to QuickBooks.")


@command.command("set")
@click.argument("company_id", metavar="COMPANY")
@click.argument("method", metavar="METHOD")
@click.argument("name", metavar="NAME")
def set_(company_id: str, method: str, name: str) -> None:
    """Name a payment method as QuickBooks shall have it, in up to 31 characters.

    METHOD is card, ach, apple-pay, cash, check, zelle or other. A method of that name is made in QuickBooks when the
    first payment needs it. Payments synced before keep the name they have.
    """
    key = _method(method)
    if not 0 < len(name.strip()) <= LONGEST:
        raise WrongUse(
            f"The name {quoted(name)} has {len(name.strip())} characters.",
            f"QuickBooks takes 1 to {LONGEST} in the name of a payment method.",
        )
    with session() as connection:
        company = need_company(connection, company_id)
        _need_names(company)
        waiting = store.owed(connection, TABLE, company)
        store.put(connection, TABLE, company, {"method": key}, {"qbo_name": name.strip()})
        tell(f"{LABELS[key]} is {quoted(name.strip())} in QuickBooks now, for payments synced from now on.")
        store.tell_owed(connection, waiting)


@command.command()
@click.argument("company_id", metavar="COMPANY")
@click.argument("method", metavar="METHOD")
def clear(company_id: str, method: str) -> None:
    """Back to the name that SIP ships with."""
    key = _method(method)
    with session() as connection:
        company = need_company(connection, company_id)
        _need_names(company)
        row = connection.execute("select syncd.default_method_name(%s) as name", (key,)).fetchone()
        assert row is not None
        store.put(connection, TABLE, company, {"method": key}, {"qbo_name": row["name"]})
    tell(f"{LABELS[key]} is {quoted(row['name'])} in QuickBooks again, for payments synced from now on.")


@command.command()
@click.argument("company_id", metavar="COMPANY")
@json_option
def suggest(company_id: str, as_json: bool) -> None:
    """Which names QuickBooks has payment methods of, and which would be made. Changes nothing."""
    with session() as connection:
        company = need_company(connection, company_id)
        [methods] = books.ask(connection, company, books.Question("PaymentMethod"))
        listed = _listed(connection, company)
    there = {str(method["Name"]).casefold(): method for method in methods}
    used = {str(row["qbo_name"]).casefold() for row in listed}
    free = [method for name, method in there.items() if name not in used and method.get("Active", True)]
    for row in listed:
        method = there.get(str(row["qbo_name"]).casefold())
        row["qbo_id"] = method["Id"] if method else None
    if as_json:
        unused = [{"qbo_id": method["Id"], "qbo_name": method["Name"]} for method in free]
        print_json({"methods": listed, "unused": unused})
        return
    rows = [
        {**_shown(row), "In QuickBooks": f"id {row['qbo_id']}" if row["qbo_id"] else "made at first need"}
        for row in listed
    ]
    print_table(rows, [*COLUMNS, "In QuickBooks"], empty="")
    if free:
        tell(f"QuickBooks also has: {', '.join(quoted(str(method['Name'])) for method in free)}.")
        tell(f"To use one: syncd map payment-methods set {company_id} METHOD NAME")


def _method(words: str) -> PaymentMethod:
    """A method as one types it (apple-pay), or as SIP shows it (Apple Pay)."""
    for key, label in LABELS.items():
        if words.strip().casefold() in (key, key.replace("_", "-"), label.casefold()):
            return key
    choice = ", ".join(key.replace("_", "-") for key in LABELS)
    raise WrongUse(f"SIP has no payment method {quoted(words)}.", f"Choose from: {choice}.")


def _need_names(company: Row) -> None:
    """Names begin and end with a connection."""
    if company["state"] == CompanyState.DISCONNECTED:
        books.need_connected(company)


def _listed(connection: Connection, company: Row) -> list[Row]:
    rows = {row["method"]: row for row in store.rows(connection, TABLE, company)}
    columns = ("qbo_name", "updated_by", "updated_at")
    return [
        {
            "method": key.replace("_", "-"),
            "label": label,
            **{column: rows.get(key, {}).get(column) for column in columns},
        }
        for key, label in LABELS.items()
    ]


def _shown(row: Row) -> Row:
    return {
        "Method": row["method"],
        "SIP payment method": row["label"],
        "QB Method Name": row["qbo_name"] or "not set",
    }
