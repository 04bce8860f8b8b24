"""Items 66 to 74 of the checklist: pushes by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.support.arithmetic import Line

if TYPE_CHECKING:
    from tests.support.cli import Commands
    from tests.support.company import Company


@pytest.fixture
def company(company: Company) -> Company:
    """Nothing of it goes by itself: what SIP has is of the time before sync."""
    company.switch(enable_sync=False)
    return company


def push(syncd: Commands, company: Company, what: str, code: int = 0) -> str:
    """Its last line: how many fared how."""
    return syncd("push", company.id, what, "--yes", code=code).out.splitlines()[-1]


@pytest.mark.parametrize(
    ("what", "question"),
    [
        ("customers", "Push all 2 customers of"),
        ("invoices", "Push all 2 sent invoices of"),
        ("service-items", "Push all 2 active service items of"),
    ],
)
def test_66_each_push_asks_first_and_cancelling_sends_nothing(
    company: Company, syncd: Commands, monkeypatch: pytest.MonkeyPatch, what: str, question: str
) -> None:
    sip = company.sip
    for customer in (sip.customer("Ann Lee"), sip.customer("Bo Diaz")):
        sip.invoice(customer)
    sip.service_item("Repair")
    sip.service_item("Cleaning")
    company.settle()
    company.mark()
    asked: list[str] = []

    def no(question: str) -> bool:
        asked.append(question)
        return False

    monkeypatch.setattr("syncd.cli.push.has_person", lambda: True)
    monkeypatch.setattr("syncd.cli.push.click.confirm", no)
    assert syncd("push", company.id, what).out == "Nothing is sent.\n"
    assert asked[0].startswith(question)
    assert "Enable Sync is off" in asked[0]
    company.settle()
    assert company.asked() == []


def test_67_push_customers_sends_all_customers(company: Company, syncd: Commands) -> None:
    for name in ("Ann Lee", "Bo Diaz", "Cy Cole"):
        company.sip.customer(name)
    company.sip.customer("Gone", deleted_at="2026-01-01")
    company.settle()
    assert push(syncd, company, "customers") == "3 customers: 3 sent, 0 already there."
    assert [o["DisplayName"] for o in company.objects("Customer")] == ["Ann Lee", "Bo Diaz", "Cy Cole"]


def test_68_69_push_invoices_sends_what_is_sent_or_paid_and_no_drafts(
    company: Company, syncd: Commands
) -> None:
    customer = company.sip.customer()
    for number, status in (("I-1", "sent"), ("I-2", "paid"), ("I-3", "draft")):
        company.sip.invoice(customer, number=number, status=status)
    company.settle()
    assert push(syncd, company, "invoices") == "2 sent invoices: 2 sent, 0 already there."
    assert [o["DocNumber"] for o in company.objects("Invoice")] == ["I-1", "I-2"]


def test_72_pushing_twice_sends_nothing_the_second_time(company: Company, syncd: Commands) -> None:
    customer = company.sip.customer()
    for _ in range(3):
        company.sip.invoice(customer)
    company.settle()
    push(syncd, company, "invoices")
    company.mark()
    assert push(syncd, company, "invoices").startswith("There is nothing to push: QuickBooks has all 3 sent")
    company.sip.invoice(customer)
    assert push(syncd, company, "invoices") == "4 sent invoices: 1 sent, 3 already there."
    assert company.written() == ["Invoice"]
    assert len(company.objects("Invoice")) == 4


def test_73_after_an_error_is_put_right_a_push_brings_the_record_through(
    company: Company, syncd: Commands
) -> None:
    company.world.sandbox.post(company.realm, "vendor", {"DisplayName": "Ann Lee"})
    customer = company.sip.customer("Ann Lee")
    invoice = company.sip.invoice(customer)
    company.settle()
    said = push(syncd, company, "invoices", code=1)
    assert said.startswith(
        '  1 waiting: It waits for customer "Ann Lee", which goes first. That one failed: '
    )
    [vendor] = company.objects("Vendor")
    company.edit("Vendor", vendor["Id"], DisplayName="Ann Lee (vendor)")
    assert push(syncd, company, "invoices") == "1 sent invoice: 1 sent, 0 already there."
    assert company.invoice(invoice)["CustomerRef"]["value"] == company.link("customer", customer)


def test_74_a_push_of_invoices_takes_along_what_goes_first(company: Company, syncd: Commands) -> None:
    sip = company.sip
    item = sip.service_item("Repair")
    sip.invoice(sip.customer("Ann Lee"), Line(Decimal(1), Decimal(80), item=item))
    sip.customer("Bo Diaz")
    company.settle()
    assert push(syncd, company, "invoices") == "1 sent invoice: 1 sent, 0 already there."
    assert [o["DisplayName"] for o in company.objects("Customer")] == ["Ann Lee"]
    assert company.link("service_item", item) is not None
    sources = company.world.database.rows(
        "select entity_type, source::text from syncd.sync_log where company_id = %s order by 1", (company.id,)
    )
    assert sources == [("customer", "manual"), ("invoice", "manual"), ("service_item", "manual")]
