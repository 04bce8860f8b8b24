"""Payments: what they pay, what stays unapplied, and what that does to invoices and customers."""

from typing import Any

import pytest
from quickbooks.exceptions import QuickbooksException
from quickbooks.objects import Customer, Payment
from quickbooks.objects.base import LinkedTxn
from quickbooks.objects.payment import PaymentLine

from .books import books, customer_id, line, pay, payment, sell
from .server import Company, Sandbox


def read(company: Company, kind: str, key: str) -> dict[str, Any]:
    found: dict[str, Any] = company.get(f"{kind.lower()}/{key}").json()[kind]
    return found


def balance(company: Company) -> float:
    return float(read(company, "Customer", customer_id(company))["Balance"])


def test_python_quickbooks_makes_reads_voids_and_deletes_a_payment(qb: Any, company: Company) -> None:
    sold = sell(company, line(150))
    customer = Customer.all(max_results=1, qb=qb)[0]
    made = Payment()
    made.CustomerRef, made.TotalAmt, made.PaymentRefNum = customer.to_ref(), 140.0, "SIP-1"
    part, link = PaymentLine(), LinkedTxn()
    part.Amount, link.TxnId, link.TxnType = 100, sold["Id"], "Invoice"
    part.LinkedTxn.append(link)
    made.Line.append(part)
    saved = made.save(qb=qb)
    found = Payment.filter(PaymentRefNum="sip-1", qb=qb)[0]
    assert (found.Id, found.TotalAmt, found.UnappliedAmt, found.CustomerRef.name) == (
        saved.Id,
        140,
        40,
        "Ann Lee",
    )
    paid = read(company, "Invoice", sold["Id"])
    assert (paid["Balance"], paid["LinkedTxn"]) == (50, [{"TxnId": saved.Id, "TxnType": "Payment"}])
    assert balance(company) == 10
    found.void(qb=qb)
    voided = Payment.get(saved.Id, qb=qb)
    assert (voided.TotalAmt, voided.UnappliedAmt, voided.Line, voided.PrivateNote) == (0, 0, [], "Voided")
    assert (read(company, "Invoice", sold["Id"])["Balance"], balance(company)) == (150, 150)
    voided.delete(qb=qb)
    with pytest.raises(QuickbooksException):
        Payment.get(saved.Id, qb=qb)


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"CustomerRef": None}, "2020", "CustomerRef"),
        ({"TotalAmt": None}, "6000", "You must set a transaction amount."),
        ({"TotalAmt": -1}, "6000", "0 or greater"),
        ({"TotalAmt": 99}, "6000", "more than the amount of the payment"),
        ({"Line": [{"Amount": 1}]}, "2020", "LinkedTxn"),
        ({"Line": [{"Amount": 1, "LinkedTxn": [{"TxnId": "99", "TxnType": "Invoice"}]}]}, "2500", "99"),
        ({"Line": [{"Amount": 1, "LinkedTxn": [{"TxnId": "1", "TxnType": "CreditMemo"}]}]}, "2500", "1"),
        ({"Line": [{"Amount": 1, "LinkedTxn": [{"TxnId": "1", "TxnType": "Gift"}]}]}, "2170", "Gift"),
        ({"Line": [{"Amount": -1, "LinkedTxn": [{"TxnId": "1", "TxnType": "Invoice"}]}]}, "2290", "negative"),
        ({"DepositToAccountRef": {"value": "11"}}, "6430", "DepositToAccountRef"),
        ({"DepositToAccountRef": {"value": "99"}}, "2500", "99"),
        ({"PaymentMethodRef": {"value": "99"}}, "2500", "99"),
        ({"PaymentRefNum": "x" * 22}, "2050", "Max:21"),
        ({"Colour": "red"}, "2010", "red"),
    ],
)  # fmt: skip
def test_what_a_payment_may_not_be(company: Company, change: dict[str, Any], code: str, words: str) -> None:
    company.sandbox.control("/sandbox/quirks", {"unknown-property": "named"})
    sell(company, line(100))
    error = company.refused("Payment", **payment(company, 100, ("1", 100)) | change)
    assert error["code"] == code
    assert words in error["Detail"] or code == "2010"
    assert company.objects("Payment") == []


def test_money_goes_to_undeposited_funds_unless_told(company: Company) -> None:
    made = pay(company, 20)
    assert (made["UnappliedAmt"], made["DepositToAccountRef"]["name"]) == (20, "Undeposited Funds")
    assert balance(company) == -20
    pay(company, 5, DepositToAccountRef={"value": "1"})
    assert books(company) == {"Undeposited Funds": 20, "Checking": 5, "Accounts Receivable (A/R)": -25}


@pytest.mark.parametrize("quirk", ["refused", "capped"])
def test_more_than_is_open_of_an_invoice(company: Company, quirk: str) -> None:
    company.sandbox.control("/sandbox/quirks", {"over-application": quirk})
    sold = sell(company, line(60))
    body = payment(company, 100, (sold["Id"], 100))
    if quirk == "refused":
        assert company.refused("Payment", **body)["code"] == "6000"
        return
    made = company.save("Payment", **body)
    assert (made["Line"][0]["Amount"], made["UnappliedAmt"]) == (60, 40)
    second = company.save("Payment", **body)
    assert (second["Line"], second["UnappliedAmt"]) == ([], 100)
    assert balance(company) == -140


def test_links_to_invoices_of_somebody_else_are_dropped_without_a_word(company: Company) -> None:
    mine = customer_id(company)
    other = company.save("Customer", DisplayName="Other")["Id"]
    sub = company.save("Customer", DisplayName="Sub", Job=True, ParentRef={"value": mine})["Id"]
    theirs = sell(company, line(50), CustomerRef={"value": other})
    below = sell(company, line(50), CustomerRef={"value": sub})
    made = pay(company, 100, (theirs["Id"], 50), (below["Id"], 30))
    assert [one["LinkedTxn"][0]["TxnId"] for one in made["Line"]] == [below["Id"]]
    assert made["UnappliedAmt"] == 70
    assert [read(company, "Customer", key)["Balance"] for key in (mine, other, sub)] == [-70, 50, 20]


def test_lines_are_replaced_all_or_none(company: Company) -> None:
    first, second = sell(company, line(100)), sell(company, line(100))
    made = pay(company, 100, (first["Id"], 60), (second["Id"], 40))
    change = {"Id": made["Id"], "SyncToken": "0", "sparse": True}
    kept = company.save("Payment", **change, PrivateNote="n")
    assert len(kept["Line"]) == 2
    moved = company.save(
        "Payment", **change | {"SyncToken": "1"},
        Line=[{"Amount": 90, "LinkedTxn": [{"TxnId": second["Id"], "TxnType": "Invoice"}]}],
    )  # fmt: skip
    assert moved["UnappliedAmt"] == 10
    assert [read(company, "Invoice", one["Id"])["Balance"] for one in (first, second)] == [100, 10]
    none = company.save("Payment", **change | {"SyncToken": "2"}, Line=[])
    assert (none["UnappliedAmt"], balance(company)) == (100, 100)


def test_an_invoice_that_shrinks_or_goes_gives_its_payments_back(company: Company) -> None:
    sold = sell(company, line(100))
    early, late = pay(company, 70, (sold["Id"], 70)), pay(company, 30, (sold["Id"], 30))
    paid = read(company, "Invoice", sold["Id"])
    smaller = company.save("Invoice", **paid | {"Line": [line(80)]})
    assert smaller["Balance"] == 0
    assert [read(company, "Payment", one["Id"])["UnappliedAmt"] for one in (early, late)] == [0, 20]
    company.post("invoice", {"Id": sold["Id"], "SyncToken": smaller["SyncToken"]}, operation="void")
    assert [read(company, "Payment", one["Id"])["UnappliedAmt"] for one in (early, late)] == [70, 30]
    assert read(company, "Invoice", sold["Id"])["LinkedTxn"] == []
    assert balance(company) == -100
    again = sell(company, line(100))
    third = pay(company, 100, (again["Id"], 100))
    token = read(company, "Invoice", again["Id"])["SyncToken"]
    company.post("invoice", {"Id": again["Id"], "SyncToken": token}, operation="delete")
    assert (read(company, "Payment", third["Id"])["Line"], balance(company)) == ([], -200)


@pytest.mark.parametrize(("quirk", "token"), [("moves", "1"), ("stays", "0")])
def test_sync_tokens_of_what_is_paid(company: Company, quirk: str, token: str) -> None:
    company.sandbox.control("/sandbox/quirks", {"link-token": quirk})
    sold = sell(company, line(100))
    pay(company, 100, (sold["Id"], 100))
    assert read(company, "Invoice", sold["Id"])["SyncToken"] == token


@pytest.mark.parametrize("quirk", ["on", "off"])
def test_credits_can_be_applied_by_quickbooks_itself(company: Company, quirk: str) -> None:
    company.sandbox.control("/sandbox/quirks", {"auto-apply": quirk})
    path = f"/sandbox/edit/{company.realm}/Preferences/1"
    company.sandbox.control(path, {"SalesFormsPrefs": {"AutoApplyCredit": True}})
    new = sell(company, line(100), TxnDate="2026-02-01")
    old = sell(company, line(30), TxnDate="2026-01-01")
    made = pay(company, 50)
    applied = {one["LinkedTxn"][0]["TxnId"]: one["Amount"] for one in made["Line"]}
    assert applied == ({old["Id"]: 30, new["Id"]: 20} if quirk == "on" else {})


def test_a_deposited_payment_cannot_be_changed(company: Company) -> None:
    made = pay(company, 10)
    path = f"/sandbox/edit/{company.realm}/Payment/{made['Id']}"
    company.sandbox.control(path, {"LinkedTxn": [{"TxnId": "77", "TxnType": "Deposit"}]})
    change = {"Id": made["Id"], "SyncToken": "1"}
    assert company.refused("Payment", **payment(company, 20), **change)["code"] == "6540"
    for params in ({"operation": "delete"}, {"operation": "update", "include": "void"}):
        answer = company.post("payment", change, **params)
        assert answer.json()["Fault"]["Error"][0]["code"] == "6540"
    company.sandbox.control(path, {"LinkedTxn": None})
    change["SyncToken"] = "2"
    assert company.post("payment", change, operation="void").json()["Fault"]["Error"][0]["code"] == "500"
    assert company.post("payment", change, operation="delete").json()["Payment"]["status"] == "Deleted"


def test_rates_that_differ_leave_an_exchange_gain(sandbox: Sandbox) -> None:
    company = sandbox.company(multicurrency=True)
    euros = {"CurrencyRef": {"value": "EUR"}}
    customer = company.save("Customer", DisplayName="Paris", **euros)
    euros["CustomerRef"] = {"value": customer["Id"]}
    sold = sell(company, line(100), **euros, ExchangeRate=1.1)
    pay(company, 100, (sold["Id"], 100), **euros, ExchangeRate=1.2)
    assert books(company) == {"Undeposited Funds": 120, "Services": -110, "Exchange Gain or Loss": -10}
    assert read(company, "Customer", customer["Id"])["Balance"] == 0
