"""The comparison that the demo's verdict rests on: a difference of any kind, in any field, is seen."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from syncd.demo.bills import Line, figures
from syncd.demo.businesses import CALIFORNIA, CANADA, OWN_ITEM, Business, Kind
from syncd.demo.compare import compare
from syncd.demo.latency import Commit, each_by_itself, percentile
from syncd.demo.quickbooks import Realm
from syncd.demo.truth import Held, Wanted, customers, entries, invoices, items, ledger, payments
from syncd.demo.truth.books import Books
from syncd.demo.truth.office import OLD, Office, Tables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BEGAN = datetime(2026, 8, 14, 8, tzinfo=UTC)
TODAY = date(2026, 8, 14)
Row = dict[str, Any]


def row(id_: int, **columns: Any) -> Row:
    """A row that was written today."""
    return {"id": id_, "updated_at": BEGAN + timedelta(hours=1), **columns}


ANN = row(
    10,
    name="Ann: Lee ",
    email="ann@example.com",
    phone="555-0101",
    street="1 Elm St\nApt 2",
    city="Boise",
    state="ID",
    zip="83701",
    deleted_at=None,
    email_unsubscribed=False,
)
ADDRESS = {
    "Line1": "1 Elm St",
    "Line2": "Apt 2",
    "City": "Boise",
    "CountrySubDivisionCode": "ID",
    "PostalCode": "83701",
}
INVOICE = row(
    30,
    number="INV-00001",
    customer_id=10,
    job_id=None,
    mode="line_items",
    status="paid",
    issue_date=TODAY,
    due_date=date(2026, 9, 13),
    tax_rate=Decimal("8.50"),
    subtotal=Decimal("125.00"),
    discount=Decimal("12.50"),
    tax=Decimal("7.65"),
    total=Decimal("120.15"),
    po_number="PO-7",
    notes="Thank you!",
    terms="Net 30",
    service_address="1 Elm St\nrear",
)
LINES: list[Row] = [
    {
        "invoice_id": 30,
        "service_item_id": 20,
        "description": "Camera",
        "quantity": Decimal(1),
        "unit_price": Decimal("100.000000"),
        "taxable": True,
    },
    {
        "invoice_id": 30,
        "service_item_id": None,
        "description": "Labor",
        "quantity": Decimal("0.500000"),
        "unit_price": Decimal(50),
        "taxable": False,
    },
]
TABLES: dict[str, Any] = {
    "members": {1: row(1, name="Rosa Kim"), 2: row(2, name="Otis Hale")},
    "customers": {10: ANN},
    "jobs": {15: row(15, name="Kitchen", customer_id=10)},
    "service_items": {
        20: row(20, name="Camera", description="Recorded", price=Decimal("100.00"), taxable=True, active=True)
    },
    "invoices": {30: INVOICE},
    "payments": {
        40: row(
            40,
            invoice_id=30,
            status="collected",
            amount=Decimal("120.15"),
            paid_on=TODAY,
            method="card",
            note="at the door",
        )
    },
    "timesheets": {50: row(50, status="approved", work_date=TODAY, member_id=1)},
    "lines": LINES,
    "entries": [
        {
            "id": 60,
            "timesheet_id": 50,
            "entry_type": "job_time",
            "minutes": 90,
            "job_id": 15,
            "notes": "Repiped",
        }
    ],
}


def office(kind: Kind = CALIFORNIA, withdrawn: frozenset[int] = frozenset(), **tables: Any) -> Office:
    """SIP with one record of each type, or with others."""
    business = Business("1", kind, Realm("9130", {}), TODAY)
    return Office(Tables(**{**TABLES, **tables}), business, BEGAN, withdrawn)


def books(**changed: Row) -> Books:
    """QuickBooks as it should be, or with something changed in the object of a type."""
    objects: dict[str, Row] = {
        "Account": {"Id": "1", "Name": "Services"},
        "Customer": {
            "Id": "5",
            "DisplayName": "Ann -  Lee",
            "Active": True,
            "PrimaryEmailAddr": {"Address": "ann@example.com"},
            "PrimaryPhone": {"FreeFormNumber": "555-0101"},
            "BillAddr": ADDRESS,
        },
        "Item": {
            "Id": "6",
            "Name": "Camera",
            "Description": "Recorded",
            "UnitPrice": Decimal(100),
            "Taxable": True,
            "Type": "Service",
            "IncomeAccountRef": {"value": "1"},
            "Active": True,
        },
        "Invoice": {
            "Id": "7",
            "DocNumber": "INV-00001",
            "CustomerRef": {"value": "5"},
            "TxnDate": "2026-08-14",
            "DueDate": "2026-09-13",
            "CurrencyRef": {"value": "USD"},
            "Line": [
                sold("6", "Camera", 1, Decimal("100.00"), "TAX"),
                sold(OWN_ITEM, "Labor", Decimal("0.5"), Decimal(50), "NON"),
                {
                    "DetailType": "DiscountLineDetail",
                    "Amount": Decimal("12.50"),
                    "DiscountLineDetail": {"DiscountAccountRef": {"value": "Discounts given"}},
                },
            ],
            "TxnTaxDetail": {"TotalTax": Decimal("7.65")},
            "TotalAmt": Decimal("120.15"),
            "Balance": Decimal(0),
            "CustomerMemo": {"value": "PO number: PO-7\nThank you!\nNet 30"},
            "ShipAddr": {"Line1": "1 Elm St, rear"},
            "BillEmail": {"Address": "ann@example.com"},
            "EmailStatus": "NotSet",
            "AllowOnlineCreditCardPayment": False,
        },
        "Payment": {
            "PaymentRefNum": payments.reference("1", 40),
            "CustomerRef": {"value": "5"},
            "TxnDate": "2026-08-14",
            "TotalAmt": Decimal("120.15"),
            "CurrencyRef": {"value": "USD"},
            "PaymentMethodRef": {"value": "Credit Card"},
            "DepositToAccountRef": {"value": "Undeposited Funds"},
            "Line": [{"Amount": Decimal("120.15"), "LinkedTxn": [{"TxnId": "7", "TxnType": "Invoice"}]}],
            "PrivateNote": "at the door",
        },
        "TimeActivity": {
            "TxnDate": "2026-08-14",
            "EmployeeRef": {"value": "Rosa Kim"},
            "Hours": 1,
            "Minutes": 30,
            "CustomerRef": {"value": "5"},
            "ItemRef": {"value": OWN_ITEM},
            "BillableStatus": "NotBillable",
            "Description": "Job Time, Kitchen: Repiped [sip 60]",
        },
    }
    return Books({entity: [{**found, **changed.get(entity, {})}] for entity, found in objects.items()})


def sold(item: str, words: str, quantity: object, price: Decimal, code: str) -> Row:
    detail = {"ItemRef": {"value": item}, "Qty": quantity, "UnitPrice": price, "TaxCodeRef": {"value": code}}
    amount = Decimal(str(quantity)) * price
    return {
        "DetailType": "SalesItemLineDetail",
        "Amount": amount,
        "Description": words,
        "SalesItemLineDetail": detail,
    }


MODULES = {
    "Customer": customers,
    "Item": items,
    "Invoice": invoices,
    "Payment": payments,
    "TimeActivity": entries,
}


def differences(entity: str, ours: Office, theirs: Books) -> list[str]:
    module = MODULES[entity]
    return compare("record", "Lee Plumbing", module.wanted(ours), module.held(theirs)).differences


@pytest.mark.parametrize("entity", MODULES)
def test_equal_records_are_equal(entity: str) -> None:
    assert differences(entity, office(), books()) == []


@pytest.mark.parametrize(
    ("entity", "changed", "field"),
    [
        ("Customer", {"DisplayName": "Ann -  lee"}, "name"),
        ("Customer", {"PrimaryEmailAddr": {"Address": "anne@example.com"}}, "e-mail"),
        ("Customer", {"PrimaryPhone": None}, "phone"),
        ("Customer", {"BillAddr": {**ADDRESS, "Line2": ""}}, "street"),
        ("Customer", {"BillAddr": {**ADDRESS, "City": "boise"}}, "city"),
        ("Customer", {"BillAddr": {**ADDRESS, "CountrySubDivisionCode": ""}}, "state"),
        ("Customer", {"BillAddr": {**ADDRESS, "PostalCode": "83702"}}, "postal code"),
        ("Customer", {"Active": False}, "active"),
        ("Item", {"Description": ""}, "description"),
        ("Item", {"UnitPrice": Decimal("100.01")}, "price"),
        ("Item", {"Taxable": False}, "taxed"),
        ("Item", {"Type": "NonInventory"}, "type"),
        ("Item", {"IncomeAccountRef": {"value": "2"}}, "income account"),
        ("Invoice", {"CustomerRef": {"value": "8"}}, "customer"),
        ("Invoice", {"TxnDate": "2026-08-15"}, "date"),
        ("Invoice", {"DueDate": "2026-08-15"}, "due date"),
        ("Invoice", {"CurrencyRef": {"value": "EUR"}}, "currency"),
        ("Invoice", {"TxnTaxDetail": {"TotalTax": Decimal("8.50")}}, "tax"),
        ("Invoice", {"TotalAmt": Decimal("121.00")}, "total"),
        ("Invoice", {"Balance": Decimal("0.01")}, "open"),
        ("Invoice", {"CustomerMemo": None}, "message"),
        ("Invoice", {"ShipAddr": None}, "service address"),
        ("Invoice", {"BillEmail": None}, "e-mail"),
        ("Invoice", {"EmailStatus": "NeedToSend"}, "QuickBooks sends it"),
        ("Invoice", {"AllowOnlineACHPayment": True}, "QuickBooks collects it"),
        ("Payment", {"CustomerRef": {"value": "8"}}, "customer"),
        ("Payment", {"TxnDate": "2026-08-15"}, "date"),
        ("Payment", {"TotalAmt": Decimal("140.15")}, "amount"),
        ("Payment", {"PaymentMethodRef": {"value": "Cash"}}, "method"),
        ("Payment", {"DepositToAccountRef": {"value": "Checking"}}, "account"),
        ("Payment", {"Line": []}, "applied"),
        ("Payment", {"UnappliedAmt": Decimal("0.01")}, "unapplied"),
        ("Payment", {"PrivateNote": None}, "note"),
        ("TimeActivity", {"TxnDate": "2026-08-15"}, "date"),
        ("TimeActivity", {"EmployeeRef": {"value": "Otis Hale"}}, "employee"),
        ("TimeActivity", {"Minutes": 31}, "time"),
        ("TimeActivity", {"CustomerRef": None}, "customer"),
        ("TimeActivity", {"ItemRef": {"value": "Hours"}}, "item"),
        ("TimeActivity", {"BillableStatus": "Billable"}, "billable"),
        ("TimeActivity", {"Description": "Travel [sip 60]"}, "description"),
    ],
)
def test_a_changed_field_is_seen(entity: str, changed: Row, field: str) -> None:
    found = differences(entity, office(), books(**{entity: {**changed}}))
    assert [field in sentence for sentence in found] == [True], found


def lines(change: Callable[[list[Row]], object]) -> Row:
    found = [*books().all("Invoice")[0]["Line"]]
    change(found)
    return {"Line": found}


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found.pop(1),
        lambda found: found.append(sold("6", "Camera", 1, Decimal(1), "NON")),
        lambda found: found.reverse(),
        lambda found: found.__setitem__(0, sold("9", "Camera", 1, Decimal(100), "TAX")),
        lambda found: found.__setitem__(0, sold("6", "Cameras", 1, Decimal(100), "TAX")),
        lambda found: found.__setitem__(0, sold("6", "Camera", 2, Decimal(50), "TAX")),
        lambda found: found.__setitem__(0, sold("6", "Camera", 1, Decimal(100), "NON")),
        lambda found: found.pop(2),
    ],
)
def test_a_changed_line_is_seen(change: Callable[[list[Row]], object]) -> None:
    assert differences("Invoice", office(), books(Invoice=lines(change)))


def test_in_canada_the_tax_of_each_rate_and_the_code_of_each_line_are_compared() -> None:
    line = {**LINES[0], "unit_price": Decimal("10.05")}
    invoice = {
        **INVOICE,
        "tax_rate": Decimal("12.00"),
        "subtotal": Decimal("10.05"),
        "discount": Decimal(0),
        "tax": Decimal("1.21"),
        "total": Decimal("11.26"),
    }
    ours = office(CANADA, invoices={30: invoice}, lines=[line], payments={})

    def found(gst: str, pst: str, code: str) -> list[str]:
        rates = [
            {"Amount": Decimal(amount), "TaxLineDetail": {"TaxRateRef": {"value": rate}}}
            for rate, amount in (("GST", gst), ("PST BC", pst))
        ]
        object_ = {
            "CurrencyRef": {"value": "CAD"},
            "Line": [sold("6", "Camera", 1, Decimal("10.05"), code)],
            "TxnTaxDetail": {"TotalTax": Decimal("1.21"), "TaxLine": rates},
            "TotalAmt": Decimal("11.26"),
            "Balance": Decimal("11.26"),
        }
        return differences("Invoice", ours, books(Invoice=object_))

    assert found("0.50", "0.71", "GST/PST BC") == []
    assert len(found("0.51", "0.70", "GST/PST BC")) == 1
    assert len(found("0.50", "0.71", "HST ON")) == 1


def test_what_is_not_due_must_not_be_there() -> None:
    old = {"updated_at": BEGAN - timedelta(days=100)}
    tables: dict[str, Any] = {
        "customers": {10: {**ANN, **old}},
        "invoices": {30: {**INVOICE, "status": "draft"}},
        "payments": {40: {**TABLES["payments"][40], "status": "pending"}},
        "timesheets": {50: row(50, status="approved", work_date=TODAY, member_id=2)},
    }
    ours = office(**tables)
    reasons = [module.wanted(ours)[0].why_not for module in (customers, invoices, payments, entries)]
    assert reasons == [
        OLD,
        "a draft",
        "not collected",
        "Employee Not Mapped: Otis Hale is nobody in QuickBooks",
    ]
    for entity in ("Customer", "Invoice", "Payment", "TimeActivity"):
        assert "must not have this" in differences(entity, ours, books())[0]


def test_what_something_due_needs_is_due() -> None:
    old = {"updated_at": BEGAN - timedelta(days=100)}
    ours = office(customers={10: {**ANN, **old}}, service_items={20: {**TABLES["service_items"][20], **old}})
    assert [customers.wanted(ours)[0].why_not, items.wanted(ours)[0].why_not] == ["", ""]


def test_the_books_are_what_sip_invoiced_and_collected() -> None:
    balances = ledger.expected(office(payments={}))
    assert balances == {
        "Accounts Receivable (A/R)": Decimal("120.15"),
        "Undeposited Funds": 0,
        "Discounts given": Decimal("12.50"),
        "Sales Tax Payable": Decimal("-7.65"),
        "Services": Decimal("-125.00"),
    }
    assert list(ledger.differences("Lee", balances, {**balances, "Checking": Decimal(0)})) == []
    assert len(list(ledger.differences("Lee", balances, {**balances, "Services": Decimal(-125) + 1}))) == 2
    assert len(list(ledger.differences("Lee", balances, {**balances, "Checking": Decimal(1)}))) == 2


# ---- how the two sides meet


def wanted(key: str, place: str, **more: Any) -> Wanted:
    return Wanted(key, place, place, {"name": place}, **more)


def held(*places: str) -> list[Held]:
    return [Held(place, {"name": place}) for place in places]


def sentences(ours: Sequence[Wanted], theirs: Sequence[Held]) -> list[str]:
    return compare("customer", "Lee Plumbing", ours, theirs).differences


def test_records_are_counted() -> None:
    found = compare(
        "customer",
        "Lee Plumbing",
        [wanted("1", "Ann"), wanted("2", "Bo"), wanted("3", "Cy", why_not="a clash")],
        held("Ann", "Bo"),
    )
    assert (found.in_sip, found.due, found.equal, found.held_back, found.differences) == (
        3, 2, 2, {"a clash": 1}, [],
    )  # fmt: skip


def test_a_missing_one_is_named() -> None:
    assert sentences([wanted("1", "Ann")], []) == [
        'Customer "Ann" (1 of Lee Plumbing) is missing in QuickBooks.'
    ]


def test_one_that_is_there_twice_or_that_nobody_has_is_named() -> None:
    extra = 'QuickBooks of Lee Plumbing must not have this customer: "Ann".'
    assert sentences([wanted("1", "Ann")], held("Ann", "Ann")) == [extra]
    assert sentences([], held("Ann")) == [extra]


def test_two_with_one_object_are_not_both_in_sync() -> None:
    assert sentences([wanted("1", "Ann"), wanted("2", "Ann")], held("Ann")) == [
        'Customer "Ann" (2 of Lee Plumbing) is missing in QuickBooks.'
    ]


def test_of_two_with_one_name_the_one_that_is_held_back_does_not_take_the_others_object() -> None:
    assert sentences([wanted("1", "ANN", why_not="a clash"), wanted("2", "Ann")], held("Ann")) == []


def test_one_that_stays_must_be_there_as_it_was() -> None:
    stays = wanted("1", "Ann", why_not="withdrawn", stays=True)
    assert sentences([stays], held("Ann")) == []
    assert len(sentences([stays], [])) == 1
    assert len(sentences([stays], [Held("Ann", {"name": "Anne"})])) == 1


# ---- what SIP stores, and how long it took


def test_the_worked_example() -> None:
    lines = [Line("Camera inspection", "100.00"), Line("Labor", "25.00", taxable=False)]
    assert figures(lines, Decimal("8.5"), Decimal(10)).columns() == {
        "subtotal": Decimal("125.00"),
        "discount": Decimal("12.50"),
        "tax": Decimal("7.65"),
        "total": Decimal("120.15"),
    }


def test_a_change_arrives_with_the_first_request_after_it() -> None:
    commits = [Commit(1.0, 1.1), Commit(2.0, 2.1), Commit(3.0, 3.1), Commit(4.0, 4.1)]
    arrivals = [1.3, 2.05, 4.5]  # faster than the answer of COMMIT; and of the third nothing was heard
    assert each_by_itself(commits, arrivals) == [pytest.approx(0.2), 0.0, None, pytest.approx(0.4)]


def test_percentiles_are_values_that_occurred() -> None:
    values = [float(n) for n in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([7.0], 0.99)) == (50.0, 99.0, 7.0)
