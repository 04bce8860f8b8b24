"""Items 29 to 35 of the checklist: a payment's way from SIP to the invoice that it pays in QuickBooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.cli import Commands
    from tests.support.company import Company


def applied_to(company: Company, payment: str) -> list[tuple[str, str]]:
    """Kind and id of what QuickBooks' payment is linked to."""
    links = [link for line in company.payment(payment)["Line"] for link in line["LinkedTxn"]]
    return [(link["TxnType"], link["TxnId"]) for link in links]


def balance(company: Company, invoice: str) -> str:
    return f"{company.invoice(invoice)['Balance']:.2f}"


def method(company: Company, payment: str) -> str:
    """The name of the method that QuickBooks' payment has."""
    name: str = company.one("PaymentMethod", Id=company.payment(payment)["PaymentMethodRef"]["value"])["Name"]
    return name


def test_29_marking_a_synced_invoice_paid_makes_a_payment_linked_to_it(company: Company) -> None:
    sip = company.sip
    customer = sip.customer("Ann Lee")
    invoice = sip.invoice(
        customer, ("1", "100.00"), ("1", "25.00", False), rate="8.5", discount="percent", value=10
    )
    company.settle()
    assert balance(company, invoice) == "120.15"
    company.mark()
    payment = sip.payment(invoice, method="check", tip="20.00", paid_on="2026-03-31", note="No. 1001")
    company.settle()
    found = company.payment(payment)
    assert applied_to(company, payment) == [("Invoice", company.invoice(invoice)["Id"])]
    assert balance(company, invoice) == "0.00"
    assert (f"{found['TotalAmt']:.2f}", f"{found['UnappliedAmt']:.2f}") == ("120.15", "0.00")
    assert (found["TxnDate"], found["CustomerRef"]["value"]) == (
        "2026-03-31",
        company.link("customer", customer),
    )
    [account] = [o for o in company.objects("Account") if o["AccountSubType"] == "UndepositedFunds"]
    assert found["DepositToAccountRef"]["value"] == account["Id"]
    assert company.written() == ["Payment"]
    number = company.invoice(invoice)["DocNumber"]
    assert company.log("Payment")[-1] == ("Payment", number, "Push", "Success", None)


def test_30_an_invoice_that_quickbooks_lacks_goes_first(company: Company) -> None:
    company.sip.payment(company.sip.invoice(company.sip.customer("Bo Diaz")))
    company.settle()
    company.switch(auto_invoices=False)
    invoice = company.sip.invoice(company.sip.customer("Ann Lee"))
    company.settle()
    company.mark()
    payment = company.sip.payment(invoice)
    company.settle()
    assert company.written() == ["Invoice", "Payment"]
    assert applied_to(company, payment) == [("Invoice", company.invoice(invoice)["Id"])]
    assert balance(company, invoice) == "0.00"


def test_31_and_its_customer_before_that(company: Company) -> None:
    company.sip.payment(company.sip.invoice(company.sip.customer("Bo Diaz")))
    company.settle()
    company.switch(auto_customers=False, auto_invoices=False)
    invoice = company.sip.invoice(company.sip.customer("Ann Lee"))
    company.settle()
    company.mark()
    company.sip.payment(invoice)
    company.settle()
    assert company.written() == ["Customer", "Invoice", "Payment"]
    assert balance(company, invoice) == "0.00"
    assert [row[0] for row in company.log()[-3:]] == ["Customer", "Invoice", "Payment"]


def test_32_a_draft_marked_paid_arrives_as_invoice_and_payment(company: Company) -> None:
    draft = company.sip.invoice(company.sip.customer(), status="draft")
    company.settle()
    assert company.objects("Invoice") == []
    payment = company.sip.payment(draft)
    company.settle()
    assert applied_to(company, payment) == [("Invoice", company.invoice(draft)["Id"])]
    assert balance(company, draft) == "0.00"
    assert company.problems() == []


def test_33_payments_of_every_method_are_pushed(company: Company) -> None:
    expected = {
        "card": "Credit Card",
        "ach": "ACH",
        "apple_pay": "Credit Card",
        "cash": "Cash",
        "check": "Check",
        "zelle": "Other",
        "other": "Other",
    }
    customer = company.sip.customer()
    made = {m: company.sip.payment(company.sip.invoice(customer), method=m) for m in expected}
    company.settle()
    assert {m: method(company, payment) for m, payment in made.items()} == expected
    assert company.problems() == []


def test_33_a_bank_transfer_is_pushed_once_sip_says_it_is_collected(company: Company) -> None:
    invoice = company.sip.invoice(company.sip.customer())
    payment = company.sip.payment(invoice, method="ach", status="pending")
    failed = company.sip.payment(invoice, method="ach", status="failed")
    company.settle()
    assert company.objects("Payment") == []
    company.sip.update("payments", payment, status="collected", paid_on="2026-03-05")
    company.settle()
    assert method(company, payment) == "ACH"
    assert company.link("payment", failed) is None


def test_34_the_method_is_the_one_mapped_when_the_payment_is_synced(
    company: Company, syncd: Commands
) -> None:
    account = company.one("Account", AccountSubType="UndepositedFunds")["Id"]
    syncd("map", "accounts", "clear", company.id, "undeposited-funds")
    payment = company.sip.payment(company.sip.invoice(company.sip.customer()), method="card")
    company.settle()
    assert company.link("payment", payment) is None, "collected, and not synced yet"
    syncd("map", "payment-methods", "set", company.id, "card", "Visa/MC")
    syncd("map", "accounts", "set", company.id, "undeposited-funds", account)
    company.settle()
    assert method(company, payment) == "Visa/MC"


def test_35_whatever_happens_to_a_payment_afterwards_there_is_one(company: Company, syncd: Commands) -> None:
    sip = company.sip
    payment = sip.payment(sip.invoice(sip.customer()))
    company.settle()
    company.mark()
    sip.update("payments", payment, note="Paid at the door", tip="5.00", updated_at="2026-03-01")
    sip.update("payments", payment, method="check", paid_on="2026-03-02")
    company.settle()
    syncd("retry", company.id, "payment", payment)
    company.settle()
    assert company.asked() == []
    assert len(company.objects("Payment")) == 1


@pytest.mark.parametrize("kind", ["drop-before", "drop-after"])
def test_35_a_payment_whose_answer_is_lost_is_there_once(company: Company, kind: str) -> None:
    sip = company.sip
    invoice = sip.invoice(sip.customer())
    company.settle()
    company.order(kind, entity="Payment")
    sip.payment(invoice)
    company.settle()
    assert len(company.objects("Payment")) == 1
    assert balance(company, invoice) == "0.00"
