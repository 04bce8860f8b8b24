"""Items 15 to 28 of the checklist: an invoice's way from a draft in SIP to QuickBooks."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.arithmetic import Line

if TYPE_CHECKING:
    from tests.support.company import Company


def sold(invoice: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines of QuickBooks' invoice that sell something."""
    return [line for line in invoice["Line"] if line["DetailType"] == "SalesItemLineDetail"]


def figures(invoice: dict[str, Any]) -> tuple[str, str, str]:
    """Discount, tax and total of QuickBooks' invoice."""
    discounts = [line["Amount"] for line in invoice["Line"] if line["DetailType"] == "DiscountLineDetail"]
    tax = invoice.get("TxnTaxDetail", {}).get("TotalTax", 0)
    return f"{sum(discounts):.2f}", f"{tax:.2f}", f"{invoice['TotalAmt']:.2f}"


def stored(company: Company, invoice: str) -> tuple[str, ...]:
    """The same as SIP stores it."""
    [row] = company.world.database.rows(
        "select discount::text, tax::text, total::text from sip.invoices where id = %s", (invoice,)
    )
    return row


def test_15_a_draft_that_is_made_and_edited_pushes_nothing(company: Company) -> None:
    sip = company.sip
    customer = sip.customer()
    company.settle()
    company.mark()
    draft = sip.invoice(customer, status="draft")
    sip.line(draft, Line(Decimal(1), Decimal("25.00")), position=2)
    sip.update("invoices", draft, notes="Please pay soon", subtotal=125, total=125)
    company.settle()
    assert company.asked() == []
    assert company.log("Invoice") == []


def test_16_sending_pushes_the_invoice(company: Company) -> None:
    sip = company.sip
    customer = sip.customer("Ann Lee", email="ann@example.com")
    draft = sip.invoice(
        customer, status="draft", issue_date="2026-03-01", due_date="2026-03-31", po_number="PO 7",
        notes="Thank you.", terms="Net 30", service_address="1 Main St\nDenver, CO",
    )  # fmt: skip
    sip.update("invoices", draft, status="sent")
    company.settle()
    invoice = company.invoice(draft)
    assert invoice["CustomerRef"]["value"] == company.link("customer", customer)
    assert (invoice["TxnDate"], invoice["DueDate"], f"{invoice['TotalAmt']:.2f}") == (
        "2026-03-01",
        "2026-03-31",
        "100.00",
    )
    assert invoice["CustomerMemo"]["value"] == "PO number: PO 7\nThank you.\nNet 30"
    assert invoice["ShipAddr"]["Line1"] == "1 Main St, Denver, CO"
    assert invoice["BillEmail"]["Address"] == "ann@example.com"
    number = invoice["DocNumber"]
    assert company.log("Invoice") == [("Invoice", number, "Push", "Success", None)]


def test_17_a_customer_that_quickbooks_lacks_goes_first(company: Company) -> None:
    company.sip.invoice(company.sip.customer("Bo Diaz"))
    company.settle()
    company.switch(enable_sync=False)
    ann = company.sip.customer("Ann Lee")
    company.settle()
    company.switch(enable_sync=True)
    company.mark()
    invoice = company.sip.invoice(ann)
    company.settle()
    assert company.written() == ["Customer", "Invoice"]
    found = company.invoice(invoice)
    assert found["CustomerRef"]["value"] == company.one("Customer", DisplayName="Ann Lee")["Id"]
    assert company.log()[-2:] == [
        ("Customer", "Ann Lee", "Push", "Success", None),
        ("Invoice", found["DocNumber"], "Push", "Success", None),
    ]


def test_18_a_customer_goes_first_though_customers_are_switched_off(company: Company) -> None:
    company.switch(auto_customers=False)
    customer = company.sip.customer("Ann Lee")
    company.sip.customer("Bo Diaz")
    company.sip.invoice(customer)
    company.settle()
    assert [o["DisplayName"] for o in company.objects("Customer")] == ["Ann Lee"]
    assert len(company.objects("Invoice")) == 1


def test_19_drafts_marked_as_sent_in_bulk_are_one_invoice_each(company: Company) -> None:
    customer = company.sip.customer()
    drafts = [company.sip.invoice(customer, ("1", f"{n}.00"), status="draft") for n in range(1, 6)]
    company.settle()
    company.world.database.execute(
        "update sip.invoices set status = 'sent', sent_at = now() where id = any(%s::bigint[])", (drafts,)
    )
    company.settle()
    assert len(company.objects("Invoice")) == 5
    totals = [f"{company.invoice(draft)['TotalAmt']:.2f}" for draft in drafts]
    assert totals == ["1.00", "2.00", "3.00", "4.00", "5.00"]


def test_20_an_invoice_that_a_template_inserts_as_sent_is_pushed(company: Company) -> None:
    invoice = company.sip.invoice(company.sip.customer(), status="sent")
    company.settle()
    assert f"{company.invoice(invoice)['TotalAmt']:.2f}" == "100.00"


def test_21_an_invoice_that_a_template_inserts_as_a_draft_waits_until_it_is_sent(company: Company) -> None:
    invoice = company.sip.invoice(company.sip.customer(), status="draft")
    company.settle()
    assert company.objects("Invoice") == []
    company.sip.update("invoices", invoice, status="sent")
    company.settle()
    assert len(company.objects("Invoice")) == 1


def test_22_lines_carry_quantity_price_and_whether_they_are_taxable(company: Company) -> None:
    sip = company.sip
    item = sip.service_item("Repair", price="80.00", taxable=True)
    customer = sip.customer()
    invoice = sip.invoice(
        customer,
        Line(Decimal("1.5"), Decimal("80.00"), item=item, description="Kitchen sink"),
        Line(Decimal("3"), Decimal("33.333333"), taxable=False, description="Pipes\nand fittings"),
        Line(Decimal("1"), Decimal("1861.075"), description="Boiler"),
        rate="8.5",
    )
    company.settle()
    first, second, third = sold(company.invoice(invoice))
    assert (first["Description"], first["Amount"]) == ("Kitchen sink", 120)
    details = [line["SalesItemLineDetail"] for line in (first, second, third)]
    assert [(d["Qty"], d["UnitPrice"]) for d in details] == [(1.5, 80), (3, 33.333333), (1, 1861.075)]
    assert [d["TaxCodeRef"]["value"] for d in details] == ["TAX", "NON", "TAX"]
    assert [line["Amount"] for line in (second, third)] == [100, 1861.08]
    items = {o["Id"]: o["Name"] for o in company.objects("Item")}
    assert [items[d["ItemRef"]["value"]] for d in details] == ["Repair", "SIP Services", "SIP Services"]
    assert figures(company.invoice(invoice)) == stored(company, invoice)
    assert company.problems() == []


def test_23_an_invoice_by_amount_is_one_taxable_line(company: Company) -> None:
    invoice = company.sip.invoice(
        company.sip.customer(), ("1", "250.00"), mode="fixed", amount="250.00", rate="8.5"
    )
    company.settle()
    [line] = sold(company.invoice(invoice))
    assert line["Amount"] == 250
    assert line["SalesItemLineDetail"]["TaxCodeRef"]["value"] == "TAX"
    assert figures(company.invoice(invoice)) == ("0.00", "21.25", "271.25")


def test_23_an_invoice_by_percent_of_a_job_is_one_taxable_line(company: Company) -> None:
    sip = company.sip
    customer = sip.customer()
    job = sip.job(customer, "Kitchen", contract_total="10000.00")
    invoice = sip.invoice(customer, ("1", "2500.00"), mode="percent", percent="25", job_id=job, rate="8.5")
    company.settle()
    [line] = sold(company.invoice(invoice))
    assert (line["Amount"], line["Description"]) == (2500, "25 % of Kitchen")
    assert line["SalesItemLineDetail"]["TaxCodeRef"]["value"] == "TAX"
    assert figures(company.invoice(invoice)) == ("0.00", "212.50", "2712.50")


def test_24_totals_are_those_of_sip(company: Company) -> None:
    invoice = company.sip.invoice(
        company.sip.customer(),
        ("1", "100.00"),
        ("1", "25.00", False),
        rate="8.5",
        discount="percent",
        value=10,
    )
    company.settle()
    found = company.invoice(invoice)
    assert figures(found) == ("12.50", "7.65", "120.15")
    assert f"{found['Balance']:.2f}" == "120.15"
    assert company.problems() == []


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [("percent", 10, ("12.50", "7.65", "120.15")), ("fixed", "20.00", ("20.00", "7.14", "112.14"))],
    ids=["percent", "fixed"],
)
def test_25_a_discount_comes_off_before_tax_and_off_taxable_and_other_lines_alike(
    company: Company, kind: str, value: Any, expected: tuple[str, str, str]
) -> None:
    invoice = company.sip.invoice(
        company.sip.customer(), ("1", "100.00"), ("1", "25.00", False), rate="8.5", discount=kind, value=value
    )
    company.settle()
    found = company.invoice(invoice)
    assert found["ApplyTaxAfterDiscount"] is True
    assert figures(found) == expected
    assert company.problems() == []


def test_26_the_number_is_that_of_sip(company: Company) -> None:
    company.sip.invoice(company.sip.customer(), number="INV-00042")
    company.settle()
    assert [o["DocNumber"] for o in company.objects("Invoice")] == ["INV-00042"]
    assert [row[1] for row in company.log("Invoice")] == ["INV-00042"]


def test_27_sharing_again_and_viewing_and_paying_send_the_invoice_no_second_time(company: Company) -> None:
    sip = company.sip
    invoice = sip.invoice(sip.customer())
    company.settle()
    company.switch(auto_payments=False)
    company.mark()
    for change in (
        {"sent_at": "2026-03-01", "portal_token": "abc"},
        {"portal_token": None},
        {"viewed_at": "2026-03-02", "updated_at": "2026-03-02"},
        {"branding_snapshot": "{}"},
        {"status": "paid", "paid_at": "2026-03-03"},
    ):
        sip.update("invoices", invoice, **change)
    company.settle()
    assert company.asked() == []
    assert len(company.objects("Invoice")) == 1
    assert len(company.log("Invoice")) == 1


def test_28_a_draft_that_is_deleted_leaves_nothing(company: Company) -> None:
    draft = company.sip.invoice(company.sip.customer(), status="draft")
    company.settle()
    company.mark()
    company.sip.delete("invoices", draft)
    company.settle()
    assert company.asked() == []
    assert company.log("Invoice") == []
