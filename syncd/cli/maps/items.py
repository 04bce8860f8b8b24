"""`syncd map items`: what stands in QuickBooks for lines and time that have no service item in SIP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncd.cli import books
from syncd.cli.maps import store
from syncd.cli.output import json_option, print_json, print_table, quoted, tell
from syncd.cli.session import need_company, session
from syncd.db.states import ItemSlot
from syncd.errors import WrongUse

if TYPE_CHECKING:
    from syncd.cli.books import Found
    from syncd.cli.session import Connection, Row

TABLE = "item_map"
DEFAULT = "SIP Services"
SHOWN = 20
LABELS = {
    ItemSlot.LINES: "invoice lines without a service item",
    ItemSlot.TIME: "time entries",
}
CHOICE = click.Choice([slot.value for slot in ItemSlot])


@click.group()
def command() -> None:
    """What stands in QuickBooks for lines and time without a service item."""


@command.command("list")
@click.argument("company_id", metavar="COMPANY")
@json_option
def list_(company_id: str, as_json: bool) -> None:
    """Which item is used for what."""
    with session() as connection:
        company = need_company(connection, company_id)
        listed = [_listed(connection, company, slot) for slot in ItemSlot]
    if as_json:
        print_json(listed)
        return
    print_table(
        [
            {
                "Slot": row["slot"],
                "For": row["needed_for"],
                "In QuickBooks": row["qbo_name"] or f"not chosen: {DEFAULT}, made at first need",
                "Id": row["qbo_id"],
            }
            for row in listed
        ],
        ["Slot", "For", "In QuickBooks", "Id"],
        empty="",
    )
    store.tell_realm(company)


@command.command("set")
@click.argument("company_id", metavar="COMPANY")
@click.argument("slot", metavar="lines|time", type=CHOICE)
@click.argument("item", metavar="ITEM")
def set_(company_id: str, slot: str, item: str) -> None:
    """Choose an item of type Service, by its id or its exact name in QuickBooks."""
    key = ItemSlot(slot)
    with session() as connection:
        company = need_company(connection, company_id)
        found = books.ask(
            connection, company, *books.by_id_or_name("Item", item, "Name", "FullyQualifiedName")
        )
        see = f"syncd map items suggest {company_id}"
        chosen = books.choose((thing for things in found for thing in things), item, "item", see)
        name = books.name_of(chosen)
        if chosen.get("Type") != "Service":
            raise WrongUse(
                f"Item {quoted(name)} is of type {chosen.get('Type')}; what SIP sells are services.",
                f"See: {see}",
            )
        waiting = store.owed(connection, TABLE, company, key)
        store.put(connection, TABLE, company, {"slot": key}, {"qbo_id": chosen["Id"], "qbo_name": name})
        tell(f"Item {quoted(name)} (id {chosen['Id']}) stands for {LABELS[key]} now.")
        store.tell_owed(connection, waiting)


@command.command()
@click.argument("company_id", metavar="COMPANY")
@click.argument("slot", metavar="lines|time", type=CHOICE)
def clear(company_id: str, slot: str) -> None:
    """Choose none: then an item of syncd's own is used. What was sent stays as it is."""
    key = ItemSlot(slot)
    with session() as connection:
        company = need_company(connection, company_id)
        was_set = store.remove(connection, TABLE, company, {"slot": key})
    if was_set:
        tell(f"Item {quoted(DEFAULT)} stands for {LABELS[key]} now; it is made at first need.")
    else:
        tell(f"No item was chosen for {LABELS[key]}.")


@command.command()
@click.argument("company_id", metavar="COMPANY")
@json_option
def suggest(company_id: str, as_json: bool) -> None:
    """Service items of QuickBooks that can be chosen. Chooses none."""
    with session() as connection:
        company = need_company(connection, company_id)
        [items] = books.ask(connection, company, books.Question("Item", "Type = 'Service' AND Active = true"))
        now = {row["qbo_id"]: row["slot"] for row in store.rows(connection, TABLE, company)}
    offered = sorted(
        (_offer(item, now) for item in items), key=lambda offer: (-offer["points"], offer["qbo_name"])
    )
    if as_json:
        print_json([{key: offer[key] for key in ("qbo_id", "qbo_name", "why")} for offer in offered])
        return
    print_table(
        [{"Id": o["qbo_id"], "Item": o["qbo_name"], "Why": o["why"]} for o in offered[:SHOWN]],
        ["Id", "Item", "Why"],
        empty=f"There is no service item in QuickBooks yet; {quoted(DEFAULT)} is made at first need.",
    )
    if len(offered) > SHOWN:
        tell(f"And {len(offered) - SHOWN} more: --json lists them all.")
    if offered:
        tell(f"To choose one: syncd map items set {company_id} lines ID")


def _listed(connection: Connection, company: Row, slot: ItemSlot) -> Row:
    row: Row = next((r for r in store.rows(connection, TABLE, company) if r["slot"] == slot), {})
    return {
        "slot": slot.value,
        "needed_for": LABELS[slot],
        **{column: row.get(column) for column in ("qbo_id", "qbo_name", "updated_by", "updated_at")},
    }


def _offer(item: Found, now: dict[str, str]) -> Row:
    name = books.name_of(item)
    likely = any(word in name.casefold() for word in ("service", "labor", "labour", "hours", "time"))
    reasons = [f"chosen now for {now[item['Id']]}"] if item["Id"] in now else []
    reasons += ["named like it"] if likely else []
    return {"qbo_id": item["Id"], "qbo_name": name, "why": ", ".join(reasons), "points": len(reasons)}
