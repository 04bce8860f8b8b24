"""Invoices: lines, amounts, discount, numbers, dates, and their place in the ledger."""

from typing import Any

import pytest
from quickbooks.exceptions import ObjectNotFoundException, QuickbooksException
from quickbooks.objects import Customer, Invoice, Item
from quickbooks.objects.base import CustomerMemo
from quickbooks.objects.detailline import SalesItemLine, SalesItemLineDetail

from .books import books, discount, invoice, line, refuse_invoice, sell
from .server import Company, Sandbox


def test_python_quickbooks_makes_reads_voids_and_deletes_an_invoice(qb: Any, company: Company) -> None:
    customer = Customer()
    customer.DisplayName = "Ann Lee"
    customer = customer.save(qb=qb)
    made = Invoice()
    made.CustomerRef = customer.to_ref()
    made.CustomerMemo = CustomerMemo()
    made.CustomerMemo.value = "Thanks"
    sold = SalesItemLine()
    sold.LineNum, sold.Description, sold.Amount = 1, "Mowing", 100
    sold.SalesItemLineDetail = SalesItemLineDetail()
    sold.SalesItemLineDetail.ItemRef = Item.all(max_results=1, qb=qb)[0].to_ref()
    made.Line.append(sold)
    saved = made.save(qb=qb)
    read = Invoice.get(saved.Id, qb=qb)
    assert (read.TotalAmt, read.Balance, read.CustomerRef.name, read.CustomerMemo.value) == (
        100, 100, "Ann Lee", "Thanks",
    )  # fmt: skip
    assert [one.DetailType for one in read.Line] == ["SalesItemLineDetail", "SubTotalLineDetail"]
    read.PrivateNote = "n"
    updated = read.save(qb=qb)
    assert (updated.SyncToken, updated.Line[0].Id, updated.TotalAmt) == ("1", read.Line[0].Id, 100)
    assert [one.Id for one in Invoice.filter(DocNumber=read.DocNumber, qb=qb)] == [saved.Id]
    updated.void(qb=qb)
    voided = Invoice.get(saved.Id, qb=qb)
    assert (voided.TotalAmt, voided.Balance, voided.PrivateNote) == (0, 0, "Voided - n")
    assert books(company) == {}
    voided.delete(qb=qb)
    assert Invoice.filter(Id=saved.Id, qb=qb) == []
    with pytest.raises(ObjectNotFoundException):
        Invoice.get(saved.Id, qb=qb)
    with pytest.raises(QuickbooksException):
        voided.save(qb=qb)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"CustomerRef": None}, "2020"),
        ({"CustomerRef": {"value": "99"}}, "2500"),
        ({"Line": None}, "2020"),
        ({"Line": []}, "2020"),
        ({"Line": [line(100, DetailType="")]}, "2020"),
        ({"Line": [line(100, item="99")]}, "2500"),
        ({"Line": [line(100, Amount=None)]}, "2020"),
        ({"Line": [line(99.99, qty=2, price=50)]}, "6070"),
        ({"Line": [line(1861.07, qty=1, price=1861.075)]}, "6070"),
        ({"Line": [line(100, tax="7")]}, "6100"),
        ({"Line": [line(-1)]}, "6000"),
        ({"Line": [line(100, Colour="red")]}, "2010"),
        ({"Line": [line(100, Description="x" * 4001)]}, "2050"),
        ({"Line": [line(100), discount(101)]}, "6000"),
        ({"Line": [line(100), discount(None)]}, "6090"),
        ({"Line": [line(100), discount(-1)]}, "2290"),
        ({"DocNumber": "x" * 22}, "2050"),
        ({"PrivateNote": "x" * 4001}, "2050"),
        ({"CustomerMemo": {"value": "x" * 1001}}, "2050"),
        ({"TxnDate": "14.08.2026"}, "2060"),
        ({"EmailStatus": "NeedToSend"}, "6420"),
        ({"EmailStatus": "Sent"}, "2170"),
        ({"SalesTermRef": {"value": "99"}}, "2500"),
        ({"CurrencyRef": {"value": "EUR"}}, "6000"),
        ({"LinkedTxn": [{"TxnId": "1", "TxnType": "Estimate"}]}, "620"),
        ({"TxnTaxDetail": {"TxnTaxCodeRef": {"value": "99"}}, "Line": [line(1, tax="TAX")]}, "2500"),
        ({"TxnTaxDetail": {"TxnTaxCodeRef": {"value": "CustomSalesTax"}}, "Line": [line(1, tax="TAX")]}, "6160"),
    ],
)  # fmt: skip
def test_what_an_invoice_may_not_be(company: Company, change: dict[str, Any], code: str) -> None:
    assert refuse_invoice(company, **change)["code"] == code
    assert company.objects("Invoice") == []


@pytest.mark.parametrize(
    ("amount", "qty", "price"),
    [
        (100, 3, "33.333333"),
        ("1861.08", 1, "1861.075"),
        (0.5, "1.5", "0.33"),
        (100, 0, 0),
        (-5, 1, -5),
        (7, None, 7),
    ],
)
def test_amounts_are_quantity_times_price_rounded_half_up(
    company: Company, amount: Any, qty: Any, price: Any
) -> None:
    made = sell(company, line(200), line(amount, qty=qty, price=price))
    assert made["TotalAmt"] == pytest.approx(200 + float(amount))


def test_a_quantity_alone_makes_the_price(company: Company) -> None:
    detail = sell(company, line(10, qty=4))["Line"][0]["SalesItemLineDetail"]
    assert (detail["Qty"], detail["UnitPrice"]) == (4, 2.5)


def test_lines_without_an_item_are_remarks(company: Company) -> None:
    remark = {"DetailType": "SalesItemLineDetail", "Amount": 50, "Description": "By the way"}
    made = sell(company, line(100), remark)
    assert made["TotalAmt"] == 100
    assert (made["Line"][1]["DetailType"], "Amount" in made["Line"][1]) == ("DescriptionOnly", False)


def test_inactive_and_category_items_cannot_be_sold(company: Company) -> None:
    category = company.save("Item", Name="Garden", Type="Category")
    text = refuse_invoice(company, Line=[line(1, item=category["Id"])])
    assert (text["code"], "category" in text["Detail"]) == ("2500", True)
    kept = sell(company, line(1))
    item = company.get("item/1").json()["Item"]
    company.save("Item", **item | {"Active": False})
    assert refuse_invoice(company, Line=[line(1)])["code"] == "2500"
    company.sandbox.control("/sandbox/quirks", {"inactive-reference": "610"})
    assert refuse_invoice(company, Line=[line(1)])["code"] == "610"
    company.save("Invoice", **kept)


def test_the_answer_has_items_subtotal_and_discount_in_this_order(company: Company) -> None:
    made = sell(company, discount(None, percent=10), line(35))
    assert [one["DetailType"] for one in made["Line"]] == [
        "SalesItemLineDetail", "SubTotalLineDetail", "DiscountLineDetail",
    ]  # fmt: skip
    assert [one.get("Id") for one in made["Line"]] == ["1", None, None]
    assert (made["TotalAmt"], made["Line"][2]["Amount"]) == (31.5, 3.5)
    assert made["Line"][2]["DiscountLineDetail"]["DiscountAccountRef"]["name"] == "Discounts given"
    assert books(company) == {"Accounts Receivable (A/R)": 31.5, "Discounts given": 3.5, "Services": -35}


@pytest.mark.parametrize(("quirk", "total"), [("dropped", 100), ("refused", None)])
def test_discounts_switched_off(company: Company, quirk: str, total: int | None) -> None:
    company.sandbox.control("/sandbox/quirks", {"discount-off": quirk})
    company.save("Preferences", SyncToken="0", sparse=True, SalesFormsPrefs={"AllowDiscount": False})
    if total is None:
        assert refuse_invoice(company, Line=[line(100), discount(10)])["code"] == "6000"
    else:
        assert sell(company, line(100), discount(10))["TotalAmt"] == total


def test_numbers_are_counted_on_and_may_repeat_unless_numbered_by_hand(company: Company) -> None:
    assert sell(company, line(1))["DocNumber"] == "1001"
    assert sell(company, line(1), DocNumber="INV-00042")["DocNumber"] == "INV-00042"
    assert sell(company, line(1))["DocNumber"] == "INV-00043"
    assert sell(company, line(1), DocNumber="INV-00042")["DocNumber"] == "INV-00042"
    company.save("Preferences", SyncToken="0", sparse=True, SalesFormsPrefs={"CustomTxnNumbers": True})
    assert "DocNumber" not in sell(company, line(1))
    error = refuse_invoice(company, DocNumber="1001")
    assert (error["code"], error["Detail"][-40:]) == ("6140", "assigned to TxnType=Invoice with TxnId=1")
    company.sandbox.control("/sandbox/quirks", {"doc-number-warning": "off"})
    sell(company, line(1), DocNumber="1001")


def test_due_dates_come_from_the_terms(company: Company) -> None:
    dated = {"TxnDate": "2026-01-31"}
    assert sell(company, line(1), **dated)["DueDate"] == "2026-03-02"
    assert sell(company, line(1), SalesTermRef={"value": "2"}, **dated)["DueDate"] == "2026-02-15"
    assert sell(company, line(1), DueDate="2026-02-03", **dated)["DueDate"] == "2026-02-03"
    term = company.save("Term", Name="Tenth", DayOfMonthDue=30)
    assert sell(company, line(1), SalesTermRef={"value": term["Id"]}, **dated)["DueDate"] == "2026-02-28"


def test_today_is_where_the_company_is(sandbox: Sandbox) -> None:
    dates = [
        sell(sandbox.company(timezone=zone), line(1))["TxnDate"] for zone in ("Pacific/Kiritimati", "Pacific/Niue")
    ]  # fmt: skip
    assert dates[0] > dates[1]


def test_a_sent_line_array_replaces_all_lines_even_sparsely(company: Company) -> None:
    made = sell(company, line(1), line(2, Description="second"), PrivateNote="n")
    first, second = made["Line"][:2]
    change = {"Id": made["Id"], "SyncToken": "0", "sparse": True}
    after = company.save("Invoice", **change, Line=[{**line(3), "Id": second["Id"]}, line(4)])
    assert [one.get("Id") for one in after["Line"]] == [second["Id"], "3", None]
    assert (after["TotalAmt"], after["PrivateNote"], "Description" in after["Line"][0]) == (7, "n", False)
    assert first["Id"] == "1"
    untouched = company.save("Invoice", **change | {"SyncToken": "1"}, CustomerMemo={"value": "m"})
    assert untouched["TotalAmt"] == 7
    full = company.save("Invoice", **invoice(company), Id=made["Id"], SyncToken="2")
    assert "PrivateNote" not in full
    assert company.refused("Invoice", **change)["code"] == "5010"


def test_addresses_are_those_of_the_customer_unless_given(company: Company) -> None:
    customer = company.save("Customer", DisplayName="Home", BillAddr={"Line1": "1 Quay"})
    ref = {"value": customer["Id"]}
    assert sell(company, line(1), CustomerRef=ref)["BillAddr"]["Line1"] == "1 Quay"
    assert sell(company, line(1), CustomerRef=ref, BillAddr={"Line1": "2"})["BillAddr"]["Line1"] == "2"


@pytest.mark.parametrize("code", ["6210", "6200", "5010"])
def test_closed_books_stay_as_they_are(company: Company, code: str) -> None:
    made = sell(company, line(1), TxnDate="2026-01-10")
    company.sandbox.control("/sandbox/quirks", {"closed-books": code})
    path = f"/sandbox/edit/{company.realm}/Preferences/1"
    company.sandbox.control(path, {"AccountingInfoPrefs": {"BookCloseDate": "2026-01-31"}})
    assert refuse_invoice(company, TxnDate="2026-01-31")["code"] == code
    assert company.refused("Invoice", **made | {"TxnDate": "2026-02-01"})["code"] == code
    gone = company.post("invoice", {"Id": made["Id"], "SyncToken": "0"}, operation="delete")
    assert gone.json()["Fault"]["Error"][0]["code"] == code
    sell(company, line(1), TxnDate="2026-02-01")


def test_a_deposit_on_the_form_is_paid_at_once(company: Company) -> None:
    made = sell(company, line(100), Deposit=30)
    assert (made["TotalAmt"], made["Balance"]) == (100, 70)
    assert books(company)["Undeposited Funds"] == 30
    assert refuse_invoice(company, Deposit=500)["code"] == "6000"


def test_foreign_invoices_have_a_receivable_of_their_own(sandbox: Sandbox) -> None:
    company = sandbox.company(multicurrency=True)
    customer = company.save("Customer", DisplayName="Paris", CurrencyRef={"value": "EUR"})
    ref = {"CustomerRef": {"value": customer["Id"]}}
    assert refuse_invoice(company, **ref)["code"] == "2020"
    assert refuse_invoice(company, **ref, CurrencyRef={"value": "USD"})["code"] == "6000"
    made = sell(company, line(33.33), line(0.01), **ref, CurrencyRef={"value": "EUR"}, ExchangeRate=1.105)
    assert (made["TotalAmt"], made["HomeTotalAmt"], made["ExchangeRate"]) == (33.34, 36.84, 1.105)
    assert books(company)["Accounts Receivable (A/R) - EUR"] == 36.84
    company.sandbox.control("/sandbox/quirks", {"missing-currency": "customer"})
    assert sell(company, line(1), **ref)["ExchangeRate"] == 1.08
    assert company.get(f"customer/{customer['Id']}").json()["Customer"]["Balance"] == 34.34
