"""`syncd map tax`: which tax code of QuickBooks stands for a tax rate of SIP, or for what is not taxed."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, NamedTuple

import click

from syncd.cli import books
from syncd.cli.maps import store
from syncd.cli.output import json_option, print_json, print_table, quoted, tell
from syncd.cli.session import Connection, Row, need_company, session
from syncd.db.states import Region
from syncd.errors import WrongUse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from syncd.cli.books import Found

TABLE = "tax_map"
UNTAXED = "untaxed"
PLAIN = (None, "TaxOnAmount")


class Rate(NamedTuple):
    """One of the rates that a tax code consists of."""

    ref: str
    percent: Decimal
    name: str


@click.group()
def command() -> None:
    """Which tax code stands for a tax rate of SIP."""


@command.command("list")
@click.argument("company_id", metavar="COMPANY")
@json_option
def list_(company_id: str, as_json: bool) -> None:
    """The tax rates in use, and the code of each."""
    with session() as connection:
        company = need_company(connection, company_id)
        codes = {row["slot"]: row for row in store.rows(connection, TABLE, company)}
        slots = [*sorted({*_in_use(connection, company), *codes} - {UNTAXED}, key=Decimal)]
        refused = store.owed(connection, TABLE, company)
    if company["region"] != Region.US:
        slots.append(UNTAXED)
    columns = ("qbo_id", "qbo_name", "rates", "updated_by", "updated_at")
    listed: list[Row] = [
        {"slot": slot, **{column: codes.get(slot, {}).get(column) for column in columns}} for slot in slots
    ]
    if as_json:
        print_json(listed)
        return
    print_table(
        [
            {
                "Rate": _called(row["slot"]),
                "Tax code": row["qbo_name"] or "not chosen",
                "Id": row["qbo_id"],
                "Consists of": _consists(
                    Rate(rate["rate_ref"], rate["percent"], rate.get("name") or "")
                    for rate in row["rates"] or []
                ),
            }
            for row in listed
        ],
        ["Rate", "Tax code", "Id", "Consists of"],
        empty="No tax rate is in use.",
        style=lambda column, value: "yellow" if (column, value) == ("Tax code", "not chosen") else None,
    )
    store.tell_realm(company)
    if company["region"] == Region.US:
        tell("In the United States a code is needed only where sales tax is not automated.")
    if refused:
        tell(f"Records refused for want of a code: {refused}.")
    if any(row["qbo_id"] is None for row in listed):
        tell(f"To see what can be chosen: syncd map tax suggest {company_id}")


@command.command("set")
@click.argument("company_id", metavar="COMPANY")
@click.argument("slot", metavar="RATE|untaxed")
@click.argument("code", metavar="CODE")
def set_(company_id: str, slot: str, code: str) -> None:
    """Choose the code of a rate (8.25), or of what is not taxed, by its id or its exact name in QuickBooks.

    The rates that the code consists of must come to what SIP charges.
    """
    key = _slot(slot)
    with session() as connection:
        company = need_company(connection, company_id)
        books.need_connected(company)
        if company["region"] == Region.US and key == UNTAXED:
            raise WrongUse(
                "In the United States QuickBooks needs no code for what is not taxed.",
                "Choose codes for the rates.",
            )
        if needless := _needless(connection, company):
            raise WrongUse(needless, "There is nothing to choose.")
        questions = books.by_id_or_name("TaxCode", code, "Name")
        *found, rates = books.ask(connection, company, *questions, books.Question("TaxRate"))
        see = f"syncd map tax suggest {company_id}"
        things = [thing for things in found for thing in things]
        chosen = books.choose(things, code, "tax code", see)
        parts = _check(key, chosen, rates, see)
        waiting = store.owed(connection, TABLE, company)
        name = books.name_of(chosen)
        values = {"qbo_id": chosen["Id"], "qbo_name": name, "rates": _as_json(parts)}
        store.put(connection, TABLE, company, {"slot": key}, values)
        tell(f"Tax code {quoted(name)} (id {chosen['Id']}) stands for {_called(key)} now{_of(parts)}.")
        store.tell_owed(connection, waiting)


@command.command()
@click.argument("company_id", metavar="COMPANY")
@click.argument("slot", metavar="RATE|untaxed")
def clear(company_id: str, slot: str) -> None:
    """Choose no code for a rate any more. What was sent stays as it is."""
    key = _slot(slot)
    with session() as connection:
        company = need_company(connection, company_id)
        was_set = store.remove(connection, TABLE, company, {"slot": key})
    tell(f"No tax code stands for {_called(key)} {'now' if was_set else 'anyway'}.")


@command.command()
@click.argument("company_id", metavar="COMPANY")
@json_option
def suggest(company_id: str, as_json: bool) -> None:
    """For each rate in use the codes of QuickBooks that come to it. Chooses none."""
    with session() as connection:
        company = need_company(connection, company_id)
        books.need_connected(company)
        needless = _needless(connection, company)
        codes, rates = books.ask(
            connection, company, books.Question("TaxCode", "Active = true"), books.Question("TaxRate")
        )
        slots = [*sorted(_in_use(connection, company), key=Decimal)]
    if needless:
        slots = []
    elif company["region"] != Region.US:
        slots.append(UNTAXED)
    offered = [
        {
            "slot": slot,
            "qbo_id": code["Id"],
            "qbo_name": books.name_of(code),
            "rates": [rate._asdict() for rate in parts],
            "command": f"syncd map tax set {company_id} {slot} {code['Id']}",
        }
        for slot in slots
        for code in codes
        if _is_code(code)
        and not code.get("Hidden")
        and (parts := _parts(code, rates)) is not None
        and _comes_to(parts) == _percent(slot)
    ]
    if as_json:
        print_json(offered)
        return
    print_table(
        [
            {
                "Rate": _called(offer["slot"]),
                "Tax code": offer["qbo_name"],
                "Consists of": _consists(Rate(**rate) for rate in offer["rates"]),
                "To choose it": offer["command"],
            }
            for offer in offered
        ],
        ["Rate", "Tax code", "Consists of", "To choose it"],
        empty=needless or "No tax code of QuickBooks comes to a rate in use.",
    )
    for slot in slots:
        if not any(offer["slot"] == slot for offer in offered):
            tell(f"No tax code comes to {_called(slot)}: make one in QuickBooks, under Taxes.")


def _slot(words: str) -> str:
    """A rate as the map has it: 8.25, without sign and without noughts at the end."""
    if words.strip().lower() == UNTAXED:
        return UNTAXED
    try:
        rate = Decimal(words.strip().removesuffix("%").strip())
    except InvalidOperation:
        rate = Decimal("NaN")
    if not (rate.is_finite() and 0 <= rate <= 100 and rate == round(rate, 4)):
        raise WrongUse(f"{quoted(words)} is no tax rate.", "Give a percentage such as 8.25, or untaxed.")
    return _plain(rate)


def _needless(connection: Connection, company: Row) -> str | None:
    """Why QuickBooks needs no codes of this company; None if it does."""
    if company["region"] != Region.US:
        return None
    row = connection.execute(
        "select preferences #> '{TaxPrefs,PartnerTaxEnabled}' as automated from syncd.company where company_id = %s",
        (company["company_id"],),
    ).fetchone()
    if row is None or row["automated"] is not True:
        return None
    return "Sales tax is automated in this company of QuickBooks, so it takes SIP's tax without codes."


def _check(key: str, code: Found, rates: Sequence[Found], see: str) -> list[Rate]:
    """The rates of a code that may stand for a rate of SIP. Raises WrongUse."""
    name = books.name_of(code)
    if not _is_code(code):
        raise WrongUse(f"{quoted(name)} is a mark on lines and no tax code of an invoice.", f"See: {see}")
    parts = _parts(code, rates)
    if parts is None:
        raise WrongUse(
            f"Tax code {quoted(name)} taxes a tax, or has a rate that QuickBooks does not show.",
            f"SIP charges one plain percentage; choose a code like that: {see}",
        )
    comes_to = _comes_to(parts)
    if comes_to != _percent(key):
        raise WrongUse(
            f"Tax code {quoted(name)} comes to {_plain(comes_to)} % in QuickBooks{_of(parts)}, not to"
            f" {_plain(_percent(key))} %.",
            f"See which codes come to it: {see}",
        )
    return parts


def _is_code(code: Found) -> bool:
    """In the United States TAX and NON are among the codes, with their names as ids."""
    return str(code["Id"]).isdigit()


def _parts(code: Found, rates: Iterable[Found]) -> list[Rate] | None:
    """The rates at which a code taxes sales; None if they cannot be simply added."""
    by_id = {rate["Id"]: rate for rate in rates}
    details = (code.get("SalesTaxRateList") or {}).get("TaxRateDetail") or []
    found = [by_id.get(str((detail.get("TaxRateRef") or {}).get("value"))) for detail in details]
    if any(detail.get("TaxTypeApplicable") not in PLAIN for detail in details):
        return None
    parts = [
        Rate(rate["Id"], Decimal(rate["RateValue"]), str(rate["Name"]))
        for rate in found
        if rate is not None and rate.get("RateValue") is not None
    ]
    return parts if len(parts) == len(details) else None


def _comes_to(parts: Iterable[Rate]) -> Decimal:
    return sum((rate.percent for rate in parts), Decimal(0))


def _percent(slot: str) -> Decimal:
    return Decimal(0) if slot == UNTAXED else Decimal(slot)


def _plain(rate: Decimal) -> str:
    return format(rate.normalize(), "f")


def _called(slot: str) -> str:
    return "what is not taxed" if slot == UNTAXED else f"{slot} %"


def _consists(parts: Iterable[Rate]) -> str:
    return " + ".join(f"{rate.name} {_plain(rate.percent)} %" for rate in parts)


def _of(parts: Sequence[Rate]) -> str:
    return f" ({_consists(parts)})" if len(parts) > 1 else ""


def _as_json(parts: Iterable[Rate]) -> str:
    """With the percentages as numbers, to the digit."""
    rates = (
        f'{{"rate_ref": {json.dumps(rate.ref)}, "percent": {_plain(rate.percent)}, "name": {json.dumps(rate.name)}}}'
        for rate in parts
    )
    return f"[{', '.join(rates)}]"


def _in_use(connection: Connection, company: Row) -> set[str]:
    """The rates of the company's invoices, and the one it starts invoices with."""
    rows = connection.execute(
        "select distinct rate from syncd.source_tax_rate where key = %s", (company["company_id"],)
    ).fetchall()
    return {_plain(row["rate"]) for row in rows if row["rate"] is not None}
