"""The rules of what an invoice is in QuickBooks, from SIP's row to QuickBooks' object: tax by region, cents, discounts,
numbers, and what is refused before a call. SIP's stored figures are what must arrive.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.flow.test_checklist_invoices import figures, sold, stored
from tests.support.arithmetic import Line
from tests.support.company import Company

if TYPE_CHECKING:
    from tests.flow.conftest import World
    from tests.support.cli import Commands


def arrives(company: Company, invoice: str) -> dict[str, Any]:
    """QuickBooks' invoice, which has SIP's figures to the cent."""
    company.settle()
    assert company.problems() == []
    found = company.invoice(invoice)
    assert figures(found) == stored(company, invoice)
    return found


def codes(invoice: dict[str, Any]) -> list[str]:
    return [line["SalesItemLineDetail"]["TaxCodeRef"]["value"] for line in sold(invoice)]


def tax_lines(invoice: dict[str, Any]) -> list[tuple[float, float]]:
    """(percent, amount) of each rate."""
    lines = invoice["TxnTaxDetail"]["TaxLine"]
    return sorted((line["TaxLineDetail"]["TaxPercent"], line["Amount"]) for line in lines)


@pytest.mark.parametrize(
    ("rate", "lines", "discount", "value", "stored_tax", "expected"),
    [
        ("8.5", [("1", "100"), ("1", "25", False)], "percent", 10, None, ("12.50", "7.65", "120.15")),
        (0, [("1", "100")], "none", 0, None, ("0.00", "0.00", "100.00")),
        ("8.25", [("1", "11.33"), ("1", "66.67", False)], "fixed", 10, "0.81", ("10.00", "0.81", "68.81")),
        ("8.25", [("1", "11.33"), ("1", "66.67", False)], "fixed", 10, "0.82", ("10.00", "0.82", "68.82")),
        ("8.5", [("1", "80")], "fixed", 80, None, ("80.00", "0.00", "0.00")),
        (0, [("3", "33.333333")], "none", 0, None, ("0.00", "0.00", "100.00")),
        (0, [("1", "1861.075")], "none", 0, None, ("0.00", "0.00", "1861.08")),
    ],
    ids=["case 1", "case 2", "case 3 down", "case 3 up", "case 7", "case 8", "case 9"],
)
def test_a_worked_case_arrives_as_sip_stores_it(
    company: Company, rate: Any, lines: Any, discount: str, value: Any, stored_tax: str | None, expected: Any
) -> None:
    more: dict[str, Any] = {}
    if stored_tax:
        tax = Decimal(stored_tax)
        more = {"tax": tax, "total": 68 + tax}
    invoice = company.sip.invoice(
        company.sip.customer(), *lines, rate=rate, discount=discount, value=value, **more
    )
    found = arrives(company, invoice)
    assert figures(found) == expected
    assert set(codes(found)) == ({"TAX"} if float(expected[1]) else {"NON"}) | (
        {"NON"} if len(lines) > 1 else set()
    )


@pytest.mark.parametrize(("subtotal", "amounts"), [("1.49", [0.49, 0.5, 0.5]), ("1.50", [0.5, 0.5, 0.5])])
def test_case_4_the_line_that_takes_the_missing_cent_says_its_quantity(
    company: Company, subtotal: str, amounts: list[float]
) -> None:
    lines = [("1.5", "0.33", False)] * 3
    invoice = company.sip.invoice(company.sip.customer(), *lines, subtotal=subtotal, total=subtotal)
    found = arrives(company, invoice)
    assert sorted(line["Amount"] for line in sold(found)) == amounts
    said = [line["Description"] for line in sold(found) if "Qty" not in line["SalesItemLineDetail"]]
    assert said == (["Work (1.5 x 0.33)"] if subtotal == "1.49" else [])


def test_automated_tax_keeps_the_total_of_sip_where_quickbooks_comes_to_another(company: Company) -> None:
    """QuickBooks computes 8.5 % there; SIP has 7 %."""
    invoice = company.sip.invoice(company.sip.customer(), ("1", "100"), rate="7")
    assert figures(arrives(company, invoice)) == ("0.00", "7.00", "107.00")


def test_manual_tax_names_the_code_of_the_rate(running: World) -> None:
    company = Company(running, profile="us-manual-tax")
    sip = company.sip
    taxed = sip.invoice(sip.customer(), ("1", "100"), ("1", "25", False), rate="8.25")
    untaxed = sip.invoice(sip.customer("Bo Diaz"), ("1", "25"))
    found = arrives(company, taxed)
    austin = company.one("TaxCode", Name="Austin")["Id"]
    assert found["TxnTaxDetail"]["TxnTaxCodeRef"]["value"] == austin
    assert codes(found) == ["TAX", "NON"]
    assert "TxnTaxCodeRef" not in arrives(company, untaxed).get("TxnTaxDetail", {})


def test_a_rate_without_a_code_is_refused_until_one_is_chosen(running: World) -> None:
    company = Company(running, profile="us-manual-tax")
    invoice = company.sip.invoice(company.sip.customer(), ("1", "100"), rate="9.25")
    company.settle()
    assert company.objects("Invoice") == []
    [error] = company.errors()
    assert "taxable at 9.25 %" in error
    assert "syncd map tax set" in error
    running.add_tax("9.25", company=company.id)
    company.settle()
    assert figures(company.invoice(invoice)) == ("0.00", "9.25", "109.25")


def test_case_6_tax_with_sales_tax_off_is_refused_before_the_call(running: World, syncd: Commands) -> None:
    company = Company(running, profile="us-no-tax")
    invoice = company.sip.invoice(company.sip.customer(), ("1", "100"), rate="8.5", number="INV-6")
    company.settle()
    company.mark()
    assert company.objects("Invoice") == []
    [error] = company.errors()
    assert "Invoice INV-6 has 8.50 of tax at 8.5 %, and sales tax is switched off in QuickBooks" in error
    assert "Taxes > Sales tax" in error
    company.prefer(TaxPrefs={"UsingSalesTax": True})
    running.add_tax("8.5", company=company.id)
    syncd("retry", company.id, "invoice", invoice)
    company.settle()
    assert figures(company.invoice(invoice)) == ("0.00", "8.50", "108.50")


def test_without_tax_an_invoice_goes_though_sales_tax_is_off(running: World) -> None:
    company = Company(running, profile="us-no-tax")
    arrives(company, company.sip.invoice(company.sip.customer(), ("1", "100"), ("1", "25", False)))


def test_case_5_british_columbia(running: World) -> None:
    company = Company(running, profile="canada")
    invoice = company.sip.invoice(company.sip.customer(), ("1", "10.05"), rate="12")
    found = arrives(company, invoice)
    assert tax_lines(found) == [(5, 0.50), (7, 0.71)]
    assert codes(found) == [company.one("TaxCode", Name="GST/PST BC")["Id"]]
    assert found["GlobalTaxCalculation"] == "TaxExcluded"


def test_case_12_united_kingdom(running: World) -> None:
    company = Company(running, profile="global")
    invoice = company.sip.invoice(company.sip.customer(), ("1", "10"), ("1", "5", False), rate="20")
    found = arrives(company, invoice)
    assert figures(found) == ("0.00", "2.00", "17.00")
    assert codes(found) == [company.one("TaxCode", Name=name)["Id"] for name in ("20.0% S", "Exempt")]


def test_abroad_what_is_taxable_at_nothing_has_another_code_than_what_is_untaxed(running: World) -> None:
    company = Company(running, profile="global")
    invoice = company.sip.invoice(company.sip.customer(), ("1", "10"), ("1", "5", False), rate=0)
    found = arrives(company, invoice)
    assert codes(found) == [company.one("TaxCode", Name=name)["Id"] for name in ("0.0% Z", "Exempt")]


def test_a_discount_is_refused_where_quickbooks_has_discounts_off(company: Company, syncd: Commands) -> None:
    company.prefer(SalesFormsPrefs={"AllowDiscount": False})
    company.read_again()
    invoice = company.sip.invoice(company.sip.customer(), ("1", "100"), discount="fixed", value=10)
    company.settle()
    assert company.objects("Invoice") == []
    [error] = company.errors()
    assert "Account and settings > Sales > Sales form content > Discount" in error
    company.prefer(SalesFormsPrefs={"AllowDiscount": True})
    syncd("retry", company.id, "invoice", invoice)
    company.settle()
    assert figures(company.invoice(invoice)) == ("10.00", "0.00", "90.00")


def test_a_discount_that_quickbooks_dropped_is_said(company: Company) -> None:
    """Discounts were switched off there since syncd last read it."""
    company.prefer(SalesFormsPrefs={"AllowDiscount": False})
    company.sip.invoice(company.sip.customer(), ("1", "100"), discount="fixed", value=10)
    company.settle()
    [error] = company.errors()
    assert 'discount: sent "10.00", QuickBooks has "0.00"' in error
    assert 'total: sent "90.00", QuickBooks has "100.00"' in error


def test_quickbooks_is_told_to_mail_and_to_collect_nothing(company: Company) -> None:
    sip = company.sip
    unsubscribed = sip.customer("Ann Lee", email="ann@example.com", email_unsubscribed=True)
    found = arrives(company, sip.invoice(unsubscribed))
    assert found["EmailStatus"] == "NotSet"
    assert not found["AllowOnlineCreditCardPayment"]
    assert not found["AllowOnlineACHPayment"]
    assert not {"BillEmail", "SalesTermRef", "PrivateNote"} & found.keys()


def by_hand(company: Company, number: str) -> dict[str, Any]:
    """An invoice that somebody made in QuickBooks."""
    customer = company.world.sandbox.post(company.realm, "customer", {"DisplayName": f"Buyer of {number}"})
    item = company.one("Item", Name="Services")["Id"]
    body = {
        "DocNumber": number,
        "CustomerRef": {"value": customer["Customer"]["Id"]},
        "Line": [{
            "DetailType": "SalesItemLineDetail", "Amount": 5, "SalesItemLineDetail": {"ItemRef": {"value": item}},
        }],
    }  # fmt: skip
    made: dict[str, Any] = company.world.sandbox.post(company.realm, "invoice", body)["Invoice"]
    return made


def test_a_number_taken_by_something_not_ours_is_a_collision_and_the_rest_go(
    company: Company, syncd: Commands
) -> None:
    theirs = by_hand(company, "INV-2")
    company.switch(enable_sync=False)
    sip = company.sip
    customer = sip.customer()
    one, two, three = (sip.invoice(customer, number=f"INV-{n}") for n in (1, 2, 3))
    company.settle()
    company.mark()
    syncd("push", company.id, "invoices", "--yes", code=1)
    company.settle()
    assert sum("/query" in request for request in company.asked()) == 1, "one question for all numbers"
    numbers = [o["DocNumber"] for o in company.objects("Invoice")]
    assert sorted(numbers) == ["INV-1", "INV-2", "INV-3"]
    assert company.link("invoice", two) is None
    [error] = company.errors()
    assert 'QuickBooks already has "INV-2"' in error
    assert "over 5" in error
    assert f"syncd retry {company.id} invoice {two}" in error
    company.edit("Invoice", theirs["Id"], DocNumber="OLD-2")
    syncd("retry", company.id, "invoice", two)
    company.settle()
    assert company.link("invoice", two) == company.one("Invoice", DocNumber="INV-2")["Id"] != theirs["Id"]
    assert all(company.link("invoice", id_) for id_ in (one, three))


def test_a_new_number_that_another_invoice_has_is_a_collision_and_nothing_is_sent(
    company: Company, syncd: Commands
) -> None:
    theirs = by_hand(company, "OLD-7")
    sip = company.sip
    invoice = sip.invoice(sip.customer(), number="INV-1")
    company.settle()
    sip.update("invoices", invoice, number="OLD-7")
    company.settle()
    assert sorted(o["DocNumber"] for o in company.objects("Invoice")) == ["INV-1", "OLD-7"]
    [error] = company.errors()
    assert 'QuickBooks already has "OLD-7"' in error
    state = "select state::text from syncd.errors where company_id = %s"
    assert company.world.database.rows(state, (company.id,)) == [("collision",)]
    company.edit("Invoice", theirs["Id"], DocNumber="OLD-8")
    syncd("retry", company.id, "invoice", invoice)
    company.settle()
    assert company.one("Invoice", Id=company.link("invoice", invoice))["DocNumber"] == "OLD-7"


def test_two_invoices_of_one_number_in_sip_are_told_and_not_merged(company: Company) -> None:
    sip = company.sip
    customer = sip.customer()
    sip.invoice(customer, number="INV-7")
    company.settle()
    second = sip.invoice(customer, ("1", "250"), number="INV-7")
    company.settle()
    assert [f"{o['TotalAmt']:.2f}" for o in company.objects("Invoice")] == ["100.00"]
    assert company.link("invoice", second) is None
    [error] = company.errors()
    assert "INV-7" in error


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"number": "INV-2026-SPRING-00042"}, None),
        ({"number": "INV-2026-SPRINGS-00042"}, 'at most 21. Shorten the prefix "INV-2026-SPRINGS-"'),
        ({"subtotal": -5, "total": -5}, "QuickBooks takes no invoice below 0.00"),
    ],
    ids=["21 characters", "22 characters", "a negative total"],
)
def test_what_quickbooks_cannot_take_is_refused_before_the_call(
    company: Company, columns: dict[str, Any], sentence: str | None
) -> None:
    price = str(columns.get("total", "100"))
    invoice = company.sip.invoice(company.sip.customer(), ("1", price), **columns)
    company.settle()
    if sentence is None:
        assert company.link("invoice", invoice)
        return
    assert "Invoice" not in company.written()
    [error] = company.errors()
    assert sentence in error


def test_too_many_lines_are_refused_before_the_call(company: Company) -> None:
    company.sip.invoice(company.sip.customer(), *[("1", "1")] * 751)
    company.settle()
    assert "Invoice" not in company.written()
    [error] = company.errors()
    assert "751 of them taxable; QuickBooks takes at most 10000, and 750 taxable" in error


def test_a_changed_invoice_keeps_line_ids_and_what_was_added_in_quickbooks(company: Company) -> None:
    sip = company.sip
    invoice = sip.invoice(sip.customer(), ("1", "100"), ("2", "25", False), rate="8.5")
    before = arrives(company, invoice)
    company.edit("Invoice", before["Id"], PrivateNote="Called twice", TrackingNum="1Z")
    sip.update("invoices", invoice, notes="Thank you.")
    after = arrives(company, invoice)
    assert after["CustomerMemo"]["value"] == "Thank you."
    assert (after["PrivateNote"], after["TrackingNum"]) == ("Called twice", "1Z")
    assert [line["Id"] for line in sold(after)] == [line["Id"] for line in sold(before)]
    assert len(company.objects("Invoice")) == 1


def test_a_line_that_sip_takes_out_goes_without_a_word(company: Company) -> None:
    sip = company.sip
    invoice = sip.invoice(sip.customer(), ("1", "60"), ("1", "40", False))
    arrives(company, invoice)
    connection = company.world.database.connection
    with connection.transaction():
        connection.execute(
            "delete from sip.invoice_lines where invoice_id = %s and unit_price = 40", (invoice,)
        )
        sip.update("invoices", invoice, subtotal=60, total=60)
    assert figures(arrives(company, invoice)) == ("0.00", "0.00", "60.00")
    assert company.notes() == []


def test_an_invoice_edited_on_both_sides_is_not_overwritten_and_goes_once_they_are_equal(
    company: Company, syncd: Commands
) -> None:
    sip = company.sip
    invoice = sip.invoice(sip.customer(), ("1", "60"), ("1", "40"), notes="Thank you.")
    before = arrives(company, invoice)
    company.edit("Invoice", before["Id"], CustomerMemo={"value": "See you."})
    sip.update("invoices", invoice, notes="Good bye.")
    company.settle()
    [error] = company.errors()
    assert 'message is "See you." there and was "Thank you."' in error
    assert company.invoice(invoice)["CustomerMemo"]["value"] == "See you."
    company.edit("Invoice", before["Id"], CustomerMemo={"value": "Good bye."})
    syncd("retry", company.id, "invoice", invoice)
    company.settle()
    sip.update("invoices", invoice, notes="Bye.")
    company.settle()
    assert company.invoice(invoice)["CustomerMemo"]["value"] == "Bye."
    assert company.errors() == [error]


def test_a_line_edited_in_quickbooks_is_not_overwritten_by_another_in_its_place(company: Company) -> None:
    sip = company.sip
    invoice = sip.invoice(sip.customer(), ("1", "60"), ("1", "40"))
    before = arrives(company, invoice)
    first, second = sold(before)
    lines = [{**line, "Description": "By hand"} if line == second else line for line in before["Line"]]
    company.edit("Invoice", before["Id"], Line=lines)
    connection = company.world.database.connection
    with connection.transaction():
        connection.execute(
            "delete from sip.invoice_lines where invoice_id = %s and unit_price = 60", (invoice,)
        )
        sip.update("invoices", invoice, subtotal=40, total=40)
    company.settle()
    [error] = company.errors()
    assert "By hand" in error
    assert [line["Description"] for line in sold(company.invoice(invoice))] == [
        first["Description"],
        "By hand",
    ]


def test_a_paid_invoice_that_gets_another_customer_keeps_its_payment(company: Company) -> None:
    sip = company.sip
    invoice = sip.invoice(sip.customer("Ann Lee"))
    payment = sip.payment(invoice)
    company.settle()
    sip.update("invoices", invoice, customer_id=sip.customer("Bo Diaz"))
    company.settle()
    [error] = company.errors()
    assert "another customer in SIP now, and 100.00 was paid on it in QuickBooks" in error
    assert "syncd retry" in error
    assert company.invoice(invoice)["Balance"] == 0
    assert company.payment(payment)["UnappliedAmt"] == 0


def test_an_invoice_that_comes_to_less_than_was_paid_on_it_is_refused(
    company: Company, syncd: Commands
) -> None:
    sip = company.sip
    invoice = sip.invoice(sip.customer())
    payment = sip.payment(invoice)
    company.settle()
    connection = company.world.database.connection
    with connection.transaction():
        connection.execute("update sip.invoice_lines set unit_price = 60 where invoice_id = %s", (invoice,))
        sip.update("invoices", invoice, subtotal=60, total=60)
    company.settle()
    [error] = company.errors()
    assert "comes to 60.00 in SIP now, and 100.00 was paid on it in QuickBooks, where 40.00 would be" in error
    assert company.payment(payment)["UnappliedAmt"] == 0
    id_ = company.link("payment", payment)
    assert id_ is not None
    link = {"TxnId": company.link("invoice", invoice), "TxnType": "Invoice"}
    company.edit("Payment", id_, TotalAmt=60, Line=[{"Amount": 60, "LinkedTxn": [link]}])
    syncd("retry", company.id, "invoice", invoice)
    company.settle()
    found = company.invoice(invoice)
    assert (found["TotalAmt"], found["Balance"]) == (60, 0)


def test_an_invoice_that_was_deleted_in_quickbooks_is_not_made_again(
    company: Company, syncd: Commands
) -> None:
    sip = company.sip
    invoice = sip.invoice(sip.customer())
    there = arrives(company, invoice)
    gone = {"Id": there["Id"], "SyncToken": there["SyncToken"]}
    company.world.sandbox.post(company.realm, "invoice?operation=delete", gone)
    sip.update("invoices", invoice, notes="Thank you.")
    company.settle()
    [error] = company.errors()
    assert "QuickBooks no longer has invoice" in error
    assert "syncd does not make again" in error
    syncd("retry", company.id, "invoice", invoice)
    company.settle()
    syncd("push", company.id, "invoices", "--yes", code=1)
    assert company.objects("Invoice") == []


def test_an_invoice_that_was_deleted_in_quickbooks_is_made_again_when_a_person_says_so(
    company: Company, syncd: Commands
) -> None:
    sip = company.sip
    invoice = sip.invoice(sip.customer())
    there = arrives(company, invoice)
    words = ("settle", company.id, "invoice", invoice, "--make-again", "--yes")
    syncd(*words)
    company.settle()
    assert [found["Id"] for found in company.objects("Invoice")] == [there["Id"]], (
        "it is there, so it stays the one"
    )
    company.world.sandbox.post(
        company.realm,
        "invoice?operation=delete",
        {"Id": there["Id"], "SyncToken": company.invoice(invoice)["SyncToken"]},
    )
    syncd(*words)
    company.settle()
    assert company.objects("Invoice") == [], "QuickBooks is asked first"
    assert (
        f"syncd settle {company.id} invoice {invoice} --make-again"
        in syncd("explain", company.id, "invoice", invoice).out
    )
    syncd(*words)
    company.settle()
    [made] = company.objects("Invoice")
    assert made["Id"] != there["Id"]
    assert figures(made) == stored(company, invoice)
    assert company.link("invoice", invoice) == made["Id"]
    ids = company.world.database.rows(
        "select distinct request_id from syncd.sync_log where company_id = %s and entity_type = 'invoice'"
        " and operation = 'create'",
        (company.id,),
    )
    assert len(ids) == 2


def test_closed_books_hold_an_invoice_and_what_waits_for_it_until_somebody_retries(
    company: Company, syncd: Commands
) -> None:
    [preferences] = company.objects("Preferences")
    books = preferences["AccountingInfoPrefs"]
    company.prefer(AccountingInfoPrefs={**books, "BookCloseDate": "2026-06-30"})
    sip = company.sip
    invoice = sip.invoice(sip.customer("Ann Lee"), issue_date="2026-06-01")
    payment = sip.payment(invoice, paid_on="2026-07-01")
    company.settle()
    assert company.objects("Invoice") == []
    [error] = company.errors()
    assert "the books are closed for its date" in error
    assert (
        f"then run: syncd retry {company.id} invoice {invoice}. Or change the record's date in SIP" in error
    )
    held = "select entity_type, state::text, attempts from syncd.errors where company_id = %s"
    assert company.world.database.rows(held, (company.id,)) == [("invoice", "held", 0)]
    company.prefer(AccountingInfoPrefs={**books, "BookCloseDate": "2026-05-31"})
    syncd("retry", company.id, "payment", payment)
    company.settle()
    assert company.invoice(invoice)["Balance"] == 0
    assert company.payment(payment)["UnappliedAmt"] == 0
    assert company.errors() == [error]


def test_lines_that_never_add_up_wait_and_are_sent_once_they_do(company: Company) -> None:
    sip = company.sip
    invoice = sip.invoice(sip.customer(), ("1", "100"), subtotal=125, total=125)
    company.settle()
    assert company.objects("Invoice") == []
    [reason] = company.world.database.rows(
        "select reason from syncd.job where company_id = %s and state = 'waiting'", (company.id,)
    )[0]
    assert "come to 100.00" in reason
    assert "125.00" in reason
    sip.line(invoice, Line(Decimal(1), Decimal(25)), position=2)
    company.settle()
    assert figures(company.invoice(invoice)) == ("0.00", "0.00", "125.00")


def test_the_item_of_free_text_is_made_once_and_never_taken_by_its_name(
    company: Company, syncd: Commands
) -> None:
    account = company.one("Account", AccountSubType="ServiceFeeIncome")["Id"]
    theirs = company.world.sandbox.post(
        company.realm,
        "item",
        {"Name": "SIP Services", "Type": "Service", "IncomeAccountRef": {"value": account}},
    )["Item"]
    invoice = company.sip.invoice(company.sip.customer())
    company.settle()
    assert company.objects("Invoice") == []
    assert [row[:2] for row in company.problems()] == [("Service Item", "SIP Services")]
    [error] = company.errors()
    assert 'QuickBooks already has an item named "SIP Services". Choose an item to be used instead' in error
    assert "syncd map items" in error
    syncd("map", "items", "set", company.id, "lines", theirs["Id"])
    company.settle()
    [line] = sold(company.invoice(invoice))
    assert line["SalesItemLineDetail"]["ItemRef"]["value"] == theirs["Id"]


def test_a_changed_mapping_never_rewrites_what_was_sent(running: World) -> None:
    company = Company(running, profile="us-manual-tax")
    sip = company.sip
    first = sip.invoice(sip.customer(), ("1", "100"), rate="8.25", discount="fixed", value=10)
    before = arrives(company, first)
    running.add_tax("8.25", company=company.id)
    [income] = [o for o in company.objects("Account") if o["AccountSubType"] == "SalesOfProductIncome"]
    running.database.execute(
        "update syncd.account_map set qbo_id = %s where company_id = %s and slot = 'discounts'",
        (income["Id"], company.id),
    )
    company.settle()
    sip.update("invoices", first, notes="Thank you.")
    second = sip.invoice(sip.customer("Bo Diaz"), ("1", "100"), rate="8.25", discount="fixed", value=10)
    after, new = arrives(company, first), arrives(company, second)

    def chosen(invoice: dict[str, Any]) -> tuple[str, str]:
        [discount] = [line for line in invoice["Line"] if line["DetailType"] == "DiscountLineDetail"]
        account = discount["DiscountLineDetail"]["DiscountAccountRef"]["value"]
        return invoice["TxnTaxDetail"]["TxnTaxCodeRef"]["value"], account

    assert after["CustomerMemo"]["value"] == "Thank you."
    assert chosen(after) == chosen(before)
    assert chosen(new) == (company.one("TaxCode", Name="Tax of 8.25")["Id"], income["Id"])


def test_a_customer_of_another_currency_is_refused_before_the_call(running: World) -> None:
    company = Company(running, profile="canada")
    sip = company.sip
    sip.payment(sip.invoice(sip.customer("Bo Diaz")))
    company.settle()
    # As a first import, or somebody by hand, links them.
    company.switch(auto_customers=False)
    ann = sip.insert("customers", organization_id=company.id, name="Ann Lee")
    body = {"DisplayName": "Ann Lee", "CurrencyRef": {"value": "USD"}}
    american = running.sandbox.post(company.realm, "customer", body)["Customer"]["Id"]
    running.database.execute(
        "insert into syncd.link (company_id, entity_type, sip_id, environment, realm_id, qbo_type, qbo_id, sync_token,"
        " fingerprint, document, state) select c.company_id, 'customer', %s, c.environment, c.realm_id, 'Customer', %s,"
        " '0', j.fingerprint, j.document, 'synced' from syncd.company c,"
        " syncd.judge(array[c.company_id], '{customer}', array[%s]) j where c.company_id = %s",
        (ann, american, ann, company.id),
    )
    with running.database.connection.transaction():
        refused = sip.invoice(ann, number="INV-1")
        made = [sip.invoice(sip.customer(name)) for name in ("Cy Ode", "Di Fry")]
    company.settle()
    assert company.errors() == [
        "Invoice INV-1 is in CAD, and QuickBooks has its customer in USD, which cannot change there. Bill it in SIP to "
        "another customer, under a name of its own: syncd makes that one in CAD."
    ]
    assert company.link("invoice", refused) is None
    assert all(company.link("invoice", invoice) for invoice in made)
