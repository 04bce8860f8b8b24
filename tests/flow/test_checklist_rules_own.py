"""The rules of finding our own earlier object: a create whose answer never came, and which no repetition could confirm,
is looked for in QuickBooks before it is sent anew, by what the rules name for its type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.conftest import Town
from tests.support.processes import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.company import Company

KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "Item": ("service_item", {"UnitPrice": 1}),
    "Invoice": ("invoice", {"TxnDate": "2026-01-01"}),
    "Payment": ("payment", {"TxnDate": "2026-01-01"}),
    "TimeActivity": ("timesheet_entry", {"Minutes": 59}),
}


def ready(company: Company, kind: str) -> Callable[[], str]:
    """What makes a record of a kind, for which everything that goes first is there; it returns the record's id."""
    sip = company.sip
    if kind == "Item":
        return lambda: sip.service_item("Repair", "80")
    if kind == "TimeActivity":
        member = company.world.employ(company=company.id)
        sheet = sip.timesheet_of(sip.timesheet(member, 30)[0])
        return lambda: sip.entry(sheet, 90)
    customer = sip.customer("Ann Lee")
    unpaid = sip.invoice(customer)
    if kind == "Invoice":
        return lambda: sip.invoice(customer, ("1", "250"))
    sip.payment(sip.invoice(customer))
    return lambda: sip.payment(unpaid)


@pytest.fixture
def lost(company: Company) -> Iterator[Callable[[str], str]]:
    """Makes a record of a kind of which QuickBooks carries out the first call and drops each answer; its id."""

    def lose(kind: str) -> str:
        make = ready(company, kind)
        company.settle()
        company.order("drop-after", entity=kind)
        company.order("drop-before", entity=kind, times=0)
        before = len(company.objects(kind))
        id_ = make()
        until(lambda: len(company.objects(kind)) == before + 1)
        return id_

    yield lose
    Town(company.world).no_more_faults()


def looked_up(company: Company) -> None:
    """As if it had been sent four times in vain, ten minutes ago: QuickBooks is asked."""
    database, town = company.world.database, Town(company.world)
    until(
        lambda: database.value(
            "select count(*) from syncd.job where company_id = %s and state = 'unknown'", (company.id,)
        )
    )
    database.execute(
        "update syncd.call set sends = 4, sent_at = sent_at - interval '10 minutes'"
        " where company_id = %s and outcome = 'unknown'",
        (company.id,),
    )
    town.no_more_faults()
    town.settle()


def newest(company: Company, kind: str) -> dict[str, Any]:
    return company.objects(kind)[-1]


@pytest.mark.parametrize("kind", ["Item", "Invoice", "Payment", "TimeActivity"])
def test_our_own_object_is_found_and_linked_and_made_once(
    company: Company, lost: Callable[[str], str], kind: str
) -> None:
    id_ = lost(kind)
    ours, number = newest(company, kind), len(company.objects(kind))
    looked_up(company)
    assert company.link(KINDS[kind][0], id_) == ours["Id"]
    assert len(company.objects(kind)) == number
    assert company.log()[-1][3] == "Success"


@pytest.mark.parametrize("kind", ["Item", "Invoice", "Payment", "TimeActivity"])
def test_one_that_differs_is_no_match_and_no_second_is_made(
    company: Company, lost: Callable[[str], str], kind: str
) -> None:
    id_ = lost(kind)
    theirs, number = newest(company, kind), len(company.objects(kind))
    company.edit(kind, theirs["Id"], **KINDS[kind][1])
    looked_up(company)
    assert company.link(KINDS[kind][0], id_) is None
    assert len(company.objects(kind)) == number
    assert "QuickBooks already has" in company.errors()[-1]
