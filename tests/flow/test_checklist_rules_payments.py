"""The rules of what a payment is in QuickBooks: what it settles there, under which method, what is never changed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.company import Company

if TYPE_CHECKING:
    from tests.flow.conftest import World
    from tests.support.cli import Commands


def paid_by_hand(company: Company, invoice: str, amount: float) -> None:
    """Somebody took a payment of the invoice in QuickBooks."""
    found = company.invoice(invoice)
    line = {"Amount": amount, "LinkedTxn": [{"TxnId": found["Id"], "TxnType": "Invoice"}]}
    body = {"CustomerRef": found["CustomerRef"], "TotalAmt": amount, "Line": [line]}
    company.world.sandbox.post(company.realm, "payment", body)


def left_open(company: Company, invoice: str) -> str:
    return f"{company.invoice(invoice)['Balance']:.2f}"


def sums(company: Company, payment: str) -> tuple[str, str]:
    """Amount and what of it is unapplied."""
    found = company.payment(payment)
    return f"{found['TotalAmt']:.2f}", f"{found['UnappliedAmt']:.2f}"


@pytest.mark.parametrize(
    ("by_hand", "unapplied", "sentence"),
    [
        (60, "60.00", "QuickBooks had only 40.00 open on INV-00042. 60.00 is unapplied on Ann Lee."),
        (100, "100.00", "QuickBooks had nothing open on INV-00042. 100.00 is unapplied on Ann Lee."),
    ],
    ids=["partly", "case 11"],
)
def test_what_the_invoice_no_longer_owes_is_unapplied_and_said(
    company: Company, by_hand: float, unapplied: str, sentence: str
) -> None:
    sip = company.sip
    invoice = sip.invoice(sip.customer("Ann Lee"), number="INV-00042")
    company.settle()
    paid_by_hand(company, invoice, by_hand)
    payment = sip.payment(invoice)
    company.settle()
    assert sums(company, payment) == ("100.00", unapplied)
    assert left_open(company, invoice) == "0.00"
    [error] = company.errors()
    assert sentence in error
    state = company.world.database.value(
        "select state::text from syncd.errors where company_id = %s", (company.id,)
    )
    assert state == "variance"


def test_a_payment_of_an_invoice_that_was_deleted_in_quickbooks_says_so(company: Company) -> None:
    invoice = company.sip.invoice(company.sip.customer("Ann Lee"), number="INV-00042")
    company.settle()
    there = company.invoice(invoice)
    gone = {"Id": there["Id"], "SyncToken": there["SyncToken"]}
    company.world.sandbox.post(company.realm, "invoice?operation=delete", gone)
    company.sip.payment(invoice)
    company.settle()
    assert company.objects("Payment") == []
    [error] = company.errors()
    assert "The payment of 100.00 for INV-00042 has nothing to pay" in error
    assert "QuickBooks no longer has the invoice" in error
    found = company.world.database.rows(
        "select state::text, attempts from syncd.errors where company_id = %s", (company.id,)
    )
    assert found == [("held", 0)]


def test_case_10_a_tip_is_no_part_of_the_payment(company: Company) -> None:
    sip = company.sip
    invoice = sip.invoice(
        sip.customer(), ("1", "100"), ("1", "25", False), rate="8.5", discount="percent", value=10
    )
    payment = sip.payment(invoice, method="card", tip="20.00")
    company.settle()
    assert sums(company, payment) == ("120.15", "0.00")
    assert left_open(company, invoice) == "0.00"
    assert company.problems() == []


def test_case_7_nothing_collected_is_skipped_and_said(company: Company) -> None:
    sip = company.sip
    invoice = sip.invoice(sip.customer(), ("1", "80"), discount="fixed", value=80)
    sip.payment(invoice)
    company.settle()
    assert left_open(company, invoice) == "0.00"
    assert company.objects("Payment") == []
    [(label, _, direction, status, reason)] = company.problems()
    assert (label, direction, status) == ("Payment", "Push", "Skipped")
    assert "nothing was collected" in reason


def test_where_quickbooks_applies_credits_by_itself_payments_are_held(
    company: Company, syncd: Commands
) -> None:
    company.prefer(SalesFormsPrefs={"AutoApplyCredit": True})
    company.read_again()
    sip = company.sip
    invoice = sip.invoice(sip.customer())
    payment = sip.payment(invoice)
    company.settle()
    assert company.objects("Payment") == []
    [error] = company.errors()
    assert "Account and settings > Advanced > Automation > Automatically apply credits" in error
    found = company.world.database.rows(
        "select state::text, attempts from syncd.errors where company_id = %s", (company.id,)
    )
    assert found == [("held", 0)]
    company.prefer(SalesFormsPrefs={"AutoApplyCredit": False})
    syncd("retry", company.id, "payment", payment)
    company.settle()
    assert sums(company, payment) == ("100.00", "0.00")


def test_a_method_that_quickbooks_lacks_is_made_once_with_a_type_that_can_be_deposited(
    company: Company,
) -> None:
    sip = company.sip
    customer = sip.customer()
    before = {o["Name"] for o in company.objects("PaymentMethod")}
    for method in ("zelle", "other", "cash"):
        sip.payment(sip.invoice(customer), method=method)
    company.settle()
    made = [o for o in company.objects("PaymentMethod") if o["Name"] not in before]
    assert [(o["Name"], o["Type"]) for o in made] == [("Other", "NON_CREDIT_CARD")]
    used = {o["PaymentMethodRef"]["value"] for o in company.objects("Payment")}
    assert used == {made[0]["Id"], company.one("PaymentMethod", Name="Cash")["Id"]}


def test_a_payment_goes_to_undeposited_funds_and_without_an_account_waits_for_one(
    company: Company,
) -> None:
    company.world.database.execute(
        "delete from syncd.account_map where company_id = %s and slot = 'undeposited_funds'", (company.id,)
    )
    sip = company.sip
    payment = sip.payment(sip.invoice(sip.customer()))
    company.settle()
    assert company.objects("Payment") == []
    [error] = company.errors()
    assert "usually Undeposited Funds: syncd map accounts" in error
    funds = company.one("Account", AccountSubType="UndepositedFunds")
    company.world.database.execute(
        "insert into syncd.account_map (company_id, slot, qbo_id, qbo_name) values (%s, 'undeposited_funds', %s, %s)",
        (company.id, funds["Id"], funds["Name"]),
    )
    company.settle()
    assert company.payment(payment)["DepositToAccountRef"]["value"] == funds["Id"]


def test_a_payment_can_be_found_again_by_its_reference(company: Company) -> None:
    sip = company.sip
    customer = sip.customer()
    made = [sip.payment(sip.invoice(customer)) for _ in range(2)]
    company.settle()
    references = {company.payment(payment)["PaymentRefNum"] for payment in made}
    assert len(references) == 2
    assert all(re.fullmatch("SIP-[A-Z2-7]{16}", reference) for reference in references)


@pytest.mark.parametrize("change", [{"amount": "90.00"}, {"invoice_id": None}], ids=["amount", "invoice"])
def test_a_payment_whose_amount_or_invoice_changes_diverges_and_stays(
    company: Company, change: dict[str, Any]
) -> None:
    sip = company.sip
    customer = sip.customer()
    other = sip.invoice(customer)
    payment = sip.payment(sip.invoice(customer))
    company.settle()
    before = company.payment(payment)
    company.mark()
    sip.update("payments", payment, **{key: value or other for key, value in change.items()})
    company.settle()
    assert company.payment(payment) == before
    assert company.written() == []
    *_, (label, _, _, status, error) = company.log()
    assert (label, status) == ("Payment", "Error")
    assert "It was changed in Service Invoice Pro after it had been synced" in error


def test_a_payment_that_is_no_longer_collected_diverges_and_stays(company: Company) -> None:
    sip = company.sip
    payment = sip.payment(sip.invoice(sip.customer()))
    company.settle()
    sip.update("payments", payment, status="refunded")
    company.settle()
    assert sums(company, payment) == ("100.00", "0.00")
    [error] = company.errors()
    assert "withdrawn in Service Invoice Pro" in error
    assert "QuickBooks keeps it as it was" in error


@pytest.mark.parametrize("timezone", ["Pacific/Auckland", "Pacific/Pago_Pago"])
def test_a_date_is_taken_as_sip_has_it_wherever_the_company_is(running: World, timezone: str) -> None:
    company = Company(running)
    running.database.execute(
        "update syncd.company set timezone = %s where company_id = %s", (timezone, company.id)
    )
    sip = company.sip
    invoice = sip.invoice(sip.customer(), issue_date="2026-03-08", due_date="2026-11-01")
    payment = sip.payment(invoice, paid_on="2026-12-31")
    company.settle()
    found = company.invoice(invoice)
    assert (found["TxnDate"], found["DueDate"]) == ("2026-03-08", "2026-11-01")
    assert company.payment(payment)["TxnDate"] == "2026-12-31"
