"""One company of QuickBooks for two of SIP, one after the other, and back: each has its own records there, and what the
other one had neither serves nor blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.flow.test_checklist_payment_methods import DEFAULTS, connect, mapped
from tests.support.company import Company
from tests.support.mapped import make_ready

if TYPE_CHECKING:
    from tests.flow.conftest import World
    from tests.support.cli import Commands


def links(company: Company, realm: str) -> list[tuple[str, str, str]]:
    """What a company has in a realm, connected to it or not."""
    return company.world.database.rows(
        "select entity_type, sip_id, qbo_id from syncd.link where company_id = %s and realm_id = %s"
        " and qbo_id is not null order by 1, 2",
        (company.id, realm),
    )


def test_a_realm_serves_two_companies_one_after_the_other(running: World, syncd: Commands) -> None:
    first, second = Company(running), Company(running)
    shared, other = first.realm, second.realm
    ann = first.sip.customer("Ann Lee")
    old = first.sip.payment(first.sip.invoice(ann, number="INV-1"))
    first.settle()
    had = links(first, shared)
    syncd("company", "disconnect", first.id, "--yes")

    connect(second, syncd, shared)
    second.realm = shared
    make_ready(running.database, running.sandbox, second.id, shared)
    # What the first one made there is QuickBooks' own by now: it is chosen, never taken by its name.
    syncd("map", "items", "set", second.id, "lines", "SIP Services")
    bo = second.sip.customer("Bo Diaz")
    invoice = second.sip.invoice(bo, number="INV-2")
    payment = second.sip.payment(invoice)
    rival = second.sip.customer("Ann Lee")
    second.settle()
    # The method Cash is the one that the first company has, too.
    assert second.link("payment_method", f"{second.id}/cash") in {qbo_id for _, _, qbo_id in had}
    assert second.payment(payment)["UnappliedAmt"] == 0
    assert second.link("customer", rival) is None
    [error] = second.errors()
    assert 'QuickBooks already has a customer named "Ann Lee"' in error
    assert "SIP" not in error.split(".")[0], "of the other company nothing is told"

    syncd("company", "disconnect", second.id, "--yes")
    connect(first, syncd, shared)
    connect(second, syncd, other)
    second.realm = other
    assert mapped(first, syncd) == DEFAULTS
    first.mark()
    first.sip.update("customers", ann, phone="1")
    new = first.sip.payment(first.sip.invoice(ann, number="INV-3"))
    first.settle()
    assert set(had) <= set(links(first, shared))
    assert first.link("payment", old) != first.link("payment", new)
    assert len([c for c in first.objects("Customer") if c["DisplayName"] == "Ann Lee"]) == 1
    assert first.problems() == []
    second.settle()
    assert second.link("customer", rival), "in its own realm the name is free"
    assert links(second, shared)


def test_what_stopped_in_one_company_of_quickbooks_is_tried_in_another(
    company: Company, syncd: Commands
) -> None:
    world = company.world
    world.sandbox.post(company.realm, "customer", {"DisplayName": "Ann Lee"})
    invoice = company.sip.invoice(company.sip.customer("Ann Lee"))
    company.settle()
    assert company.states("customer") == ["error"]
    assert company.states("invoice") == ["waiting"]
    there = world.sandbox.tell("companies", payroll=True, limits={"per_second": 20})["realm_id"]
    connect(company, syncd, there)
    company.realm = there
    make_ready(world.database, world.sandbox, company.id, there)
    company.settle()
    assert company.link("invoice", invoice)
    assert company.states("customer") == company.states("invoice") == []
