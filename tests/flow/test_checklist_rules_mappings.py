"""What becomes of mappings and links when a company is disconnected, connected again, or connected to another one of
QuickBooks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.flow.test_checklist_payment_methods import DEFAULTS, connect, mapped
from tests.support.mapped import make_ready

if TYPE_CHECKING:
    from tests.support.cli import Commands
    from tests.support.company import Company


def maps(company: Company) -> list[tuple[str, str]]:
    """(table, realm) of what is chosen by id, of all realms."""
    return company.world.database.rows(
        "select 'account', realm_id from syncd.account_map where company_id = %(c)s"
        " union select 'employee', realm_id from syncd.employee_map where company_id = %(c)s"
        " union select 'tax', realm_id from syncd.tax_map where company_id = %(c)s order by 1, 2",
        {"c": company.id},
    )


def test_while_disconnected_nothing_goes_and_connected_again_it_does_with_the_same_mappings(
    company: Company, syncd: Commands
) -> None:
    sip = company.sip
    sam = company.world.employ(company=company.id)
    customer = sip.customer("Ann Lee")
    sip.invoice(customer)
    company.settle()
    syncd("map", "payment-methods", "set", company.id, "cash", "Till")
    chosen = maps(company)
    syncd("company", "disconnect", company.id, "--yes")
    company.mark()
    sip.update("customers", customer, phone="1")
    invoice = sip.invoice(customer)
    payment = sip.payment(invoice)
    [entry] = sip.timesheet(sam, 30)
    company.heard()
    assert company.asked() == []
    said = connect(company, syncd, company.realm)
    assert "still to be chosen" not in said
    company.settle()
    assert maps(company) == chosen
    assert mapped(company, syncd) == DEFAULTS
    [ann] = company.objects("Customer")
    assert ann["PrimaryPhone"]["FreeFormNumber"] == "1"
    assert all([company.link("invoice", invoice), company.link("payment", payment)])
    assert company.link("timesheet_entry", entry)
    assert len(company.objects("Invoice")) == 2
    assert company.problems() == []


def test_another_company_of_quickbooks_gets_everything_anew_and_the_first_is_left_alone(
    company: Company, syncd: Commands
) -> None:
    sip, world, first = company.sip, company.world, company.realm
    made = world.sandbox.tell("companies", payroll=True, limits={"per_second": 20})
    second = made["realm_id"]
    world.sandbox.post(second, "customer", {"DisplayName": "Somebody else"})
    customer = sip.customer("Ann Lee")
    old = sip.invoice(customer, rate="8.5")
    company.settle()
    kept = company.link("customer", customer), company.link("invoice", old)
    assert "still to be chosen" in connect(company, syncd, second)
    company.mark()
    sip.update("customers", customer, phone="1")
    new = sip.invoice(customer, ("1", "250"), rate="8.5")
    payment = sip.payment(old)
    company.settle()
    assert company.asked() == [], "the first company of QuickBooks"
    company.realm = second
    assert [error for error in company.errors() if "income account" in error]
    make_ready(world.database, world.sandbox, company.id, second)
    company.settle()
    assert [o["DisplayName"] for o in company.objects("Customer")] == ["Somebody else", "Ann Lee"]
    assert sorted(o["TotalAmt"] for o in company.objects("Invoice")) == [108.5, 271.25]
    assert company.invoice(old)["Balance"] == 0
    assert company.link("payment", payment)
    assert company.link("invoice", new)
    connect(company, syncd, first)
    company.realm = first
    assert (company.link("customer", customer), company.link("invoice", old)) == kept
    company.settle()
    assert len(company.objects("Customer")) == 1
