"""What a client has read, it can send back whole: nothing changes but the SyncToken."""

from typing import Any

import pytest

from .books import books, discount, line, pay, sell
from .server import Company, Sandbox


def stock(company: Company, tax: str) -> None:
    """An object of each kind that a client writes."""
    home = {
        "CurrencyRef": {"value": company.sandbox.control("/sandbox/companies")["companies"][-1]["currency"]}
    }
    address = {"Line1": "1 Quay", "City": "Austin"}
    customer = company.save(
        "Customer", DisplayName="Ann Lee", BillAddr=address, PrimaryEmailAddr={"Address": "a@b.co"}
    )
    employee = company.save("Employee", GivenName="Ada", FamilyName="L")
    company.save(
        "TimeActivity", NameOf="Employee", EmployeeRef={"value": employee["Id"]}, Hours=3, Minutes=20,
        CustomerRef={"value": customer["Id"]},
    )  # fmt: skip
    company.save(
        "TimeActivity", NameOf="Employee", EmployeeRef={"value": employee["Id"]}, TxnDate="2026-01-31",
        StartTime="08:00:00-08:00", EndTime="09:30:00-08:00",
    )  # fmt: skip
    sold = sell(
        company, line(100, qty=3, price="33.333333", tax=tax), line(5, tax=tax), discount(None, percent=10),
        **home, TxnDate="2026-08-14", DocNumber="INV-7", PrivateNote="n", ApplyTaxAfterDiscount=True,
        BillEmail={"Address": "a@b.co"}, CustomerMemo={"value": "m"}, SalesTermRef={"value": "2"},
    )  # fmt: skip
    pay(company, 60, (sold["Id"], 50), **home, PaymentRefNum="r", PaymentMethodRef={"value": "1"})


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize(
    ("profile", "tax", "multicurrency"),
    [("us-automated-tax", "TAX", False), ("us-manual-tax", "TAX", True), ("us-no-tax", "NON", False),
     ("canada", "2", True), ("global", "1", False)],
)  # fmt: skip
def test_everything_read_can_be_sent_back(
    sandbox: Sandbox, profile: str, tax: str, multicurrency: bool, sparse: bool
) -> None:
    sandbox.control("/sandbox/quirks", {"inactive-suffix": "off"})
    company = sandbox.company(profile, multicurrency=multicurrency)
    stock(company, tax)
    before = books(company)
    kinds = (
        "Customer",
        "Employee",
        "Account",
        "Item",
        "Term",
        "PaymentMethod",
        "TimeActivity",
        "Payment",
        "Invoice",
    )
    for kind in kinds:
        for read in company.query(" ".join(("select * from", kind)))[kind]:
            again = company.save(kind, **read | {"sparse": sparse})
            assert without_version(again) == without_version(read)
            assert int(again["SyncToken"]) == int(read["SyncToken"]) + 1
    assert books(company) == before


def without_version(read: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in read.items() if name not in ("SyncToken", "MetaData", "sparse")}
