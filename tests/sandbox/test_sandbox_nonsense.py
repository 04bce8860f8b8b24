"""Sensible bodies, damaged, are carried out or refused with a fault, and the books stay in balance."""

import copy
from random import Random
from typing import Any

import pytest

from syncd.sandbox.faults import QboFaultError
from syncd.sandbox.operations import carry_out
from syncd.sandbox.store import Company
from syncd.sandbox.taxservice import create
from syncd.sandbox.wire import read_object, write
from syncd.sandbox.world import World

from .books import discount, line

WORLD = World("app", "secret")
LINK = [{"TxnId": "1", "TxnType": "Invoice", "TxnLineId": "0"}]
TAX_LINE = {"Amount": 1, "DetailType": "TaxLineDetail", "TaxLineDetail": {"TaxRateRef": {"value": "1"}}}
SMALL = {
    "CustomerRef": {"value": "1"}, "CurrencyRef": {"value": "USD"}, "TxnDate": "2026-08-14",
    "Line": [line(50, tax="TAX"), discount(5)],
}  # fmt: skip
SENSIBLE: list[tuple[str, dict[str, Any]]] = [
    (
        "Invoice",
        {
            "CustomerRef": {"value": "1"}, "CurrencyRef": {"value": "USD"}, "ExchangeRate": 1, "TxnDate": "2026-08-14",
            "Line": [line(100, qty=2, price=50, tax="TAX", Id="1", LineNum=1), line(5, tax="NON"), discount(None, 10)],
            "TxnTaxDetail": {"TxnTaxCodeRef": {"value": "1"}, "TotalTax": "8.50", "TaxLine": [TAX_LINE]},
            "ApplyTaxAfterDiscount": True, "GlobalTaxCalculation": "TaxExcluded", "DocNumber": "7", "Deposit": 5,
            "DepositToAccountRef": {"value": "1"}, "SalesTermRef": {"value": "2"}, "CustomerMemo": {"value": "m"},
            "BillEmail": {"Address": "a@b.co"}, "EmailStatus": "NeedToSend", "ShipAddr": {"Line1": "1 Quay"},
        },
    ),
    ("Invoice", SMALL),
    ("Invoice", SMALL | {"LinkedTxn": [{"TxnId": "1", "TxnType": "TimeActivity"}]}),
    (
        "Payment",
        {
            "CustomerRef": {"value": "1"}, "CurrencyRef": {"value": "USD"}, "TotalAmt": 50, "TxnDate": "2026-08-15",
            "Line": [{"Amount": 5, "LinkedTxn": LINK}], "PaymentMethodRef": {"value": "1"}, "PaymentRefNum": "r",
            "DepositToAccountRef": {"value": "4"}, "ExchangeRate": 1, "PrivateNote": "n",
        },
    ),
    (
        "TimeActivity",
        {
            "NameOf": "Employee", "EmployeeRef": {"value": "3"}, "CustomerRef": {"value": "1"}, "Hours": 1,
            "Minutes": 5, "ItemRef": {"value": "1"}, "TxnDate": "2026-08-14", "BillableStatus": "Billable",
            "HourlyRate": 60,
        },
    ),
    (
        "TimeActivity",
        {
            "NameOf": "Employee", "EmployeeRef": {"value": "3"}, "StartTime": "08:00:00", "EndTime": "17:00:00-08:00",
            "BreakHours": 1, "BreakMinutes": 5,
        },
    ),
    (
        "Item",
        {
            "Name": "Advice", "Type": "Service", "IncomeAccountRef": {"value": "11"}, "UnitPrice": 5, "Taxable": True,
            "ExpenseAccountRef": {"value": "14"}, "SubItem": True, "ParentRef": {"value": "1"}, "Active": True,
        },
    ),
    ("Account", {"Name": "Petty", "AccountType": "Bank", "SubAccount": True, "ParentRef": {"value": "1"}}),
    ("Term", {"Name": "Soon", "DueDays": 3, "DayOfMonthDue": 4}),
    ("PaymentMethod", {"Name": "Wire", "Type": "CREDIT_CARD"}),
    ("TaxAgency", {"DisplayName": "City"}),
]  # fmt: skip
JUNK: list[Any] = [
    None, True, False, -1, 0, 7, 10**12, "", "1", "2", "99", "TAX", "GST", "2026-08-14", "08:00:00", "Payment",
    "Vendor", "Category", "x" * 5000, "9" * 40, "-12.345", [], {}, {"value": "1"}, {"value": []}, [{"value": 1}],
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to everything within a body."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in inner for found in [(*path, key), *places(item, (*path, key))]]


def damaged(company: Company, chance: Random) -> tuple[str, dict[str, Any]]:
    """A body for something new or for the newest object there is, with some of it wrong."""
    name, sensible = chance.choice(SENSIBLE)
    us = company.profile.country == "US"
    text = write(sensible).replace("USD", company.profile.currency)
    body: dict[str, Any] = read_object(text if us else text.replace('"TAX"', '"1"').replace('"NON"', '"2"'))
    newest = next(reversed(company.objects[name].values()), None)
    if newest is not None and chance.random() < 0.5:
        body |= {"Id": newest.id, "SyncToken": str(newest.token), "sparse": chance.random() < 0.5}
    for _ in range(chance.choice([0, 1, 1, 1, 2])):
        *way, last = chance.choice(places(body) or [("Name",)])
        target: Any = body
        for step in way:
            target = target[step]
        if chance.random() < 0.5:
            target[last] = copy.deepcopy(chance.choice(JUNK))
        else:
            target.pop(last, None) if isinstance(target, dict) else target.pop(last)
    return name, body


@pytest.mark.parametrize(
    ("profile", "multicurrency"),
    [
        ("us-automated-tax", False),
        ("us-manual-tax", True),
        ("us-no-tax", False),
        ("canada", False),
        ("global", True),
    ],
)
def test_damaged_bodies_are_carried_out_or_refused(profile: str, multicurrency: bool) -> None:
    company = WORLD.add_company(profile, multicurrency=multicurrency)
    for name in ("A", "B"):
        carry_out(WORLD, company, WORLD.entities["Customer"], "create", "", {"DisplayName": name})
    carry_out(WORLD, company, WORLD.entities["Employee"], "create", "", {"GivenName": "E"})

    chance, seen = Random(profile), set()
    for _ in range(1500):
        name, body = damaged(company, chance)
        operation = chance.choice(["create", "update", "update", "update", "void", "delete"])
        include = "void" if operation == "void" and name == "Payment" else ""
        try:
            done = carry_out(WORLD, company, WORLD.entities[name], operation, include, body)
            read_object(write(done.shown))
            seen.add(name)
        except QboFaultError as fault:
            seen.add(fault.code)
        company.ledger.audit()
    assert {"Invoice", "Payment", "TimeActivity", "2010", "2020", "2500", "6000"} <= seen


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("name", ["TaxRateName", "TaxRateId", "RateValue", "TaxAgencyId", "TaxApplicableOn"])
def test_a_damaged_tax_is_made_or_refused(name: str, junk: Any) -> None:
    company = WORLD.add_company("us-manual-tax")
    rate = {"TaxRateName": "City", "RateValue": 1, "TaxAgencyId": "1", name: junk}
    try:
        made = create(WORLD, company, {"TaxCode": "City", "TaxRateDetails": [rate]})
    except QboFaultError:
        assert company.find("TaxCode", "Name", "City") == []
    else:
        assert company.get("TaxCode", str(made["TaxCodeId"]))
