"""Every record of every type, of both businesses, compared; and the books."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncd.demo.compare import Tally, compare
from syncd.demo.truth import books, customers, entries, invoices, items, ledger, office, payments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import psycopg

    from syncd.demo.day import Key, Plant
    from syncd.demo.stage import Stage
    from syncd.demo.truth import Wanted

TYPES = {
    "customer": customers,
    "service_item": items,
    "invoice": invoices,
    "payment": payments,
    "timesheet_entry": entries,
}


def compared(
    sip: psycopg.Connection, stage: Stage, plants: Mapping[Key, Plant]
) -> tuple[list[Tally], list[str]]:
    """A tally for each type, and what is wrong with the books."""
    tallies = {kind: Tally(kind.replace("_", " ")) for kind in TYPES}
    wrong: list[str] = []
    withdrawn = {int(key) for (_, key), plant in plants.items() if plant.stays}
    for business in stage.businesses:
        ours = office.Office(office.read(sip, business.company_id), business, stage.began, withdrawn)
        theirs = books.read(stage.quickbooks, business.realm)
        for kind, module in TYPES.items():
            wanted = _planted(kind, module.wanted(ours), plants)
            tallies[kind] += compare(tallies[kind].kind, business.name, wanted, module.held(theirs))
        wrong += ledger.differences(
            business.name, ledger.expected(ours), stage.quickbooks.accounts(business.realm)
        )
    return list(tallies.values()), wrong


def _planted(kind: str, wanted: Sequence[Wanted], plants: Mapping[Key, Plant]) -> list[Wanted]:
    """What no rule can know: on which of them QuickBooks does not follow SIP."""
    return [
        record._replace(why_not=plant.why, stays=plant.stays)
        if (plant := plants.get((kind, record.key)))
        else record
        for record in wanted
    ]
