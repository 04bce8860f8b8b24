"""Accounts, items, terms and payment methods; and that the ledger knows what is owed."""

from typing import Any

import pytest
from quickbooks.exceptions import QuickbooksException
from quickbooks.objects import Account, Item, PaymentMethod, Term

from .server import Company, Sandbox


def account_id(company: Company, sub_type: str) -> str:
    found = [one for one in company.objects("Account") if one["AccountSubType"] == sub_type]
    return str(found[0]["Id"])


def service(company: Company, name: str, **more: Any) -> dict[str, Any]:
    income = {"value": account_id(company, "ServiceFeeIncome")}
    return {"Name": name, "Type": "Service", "IncomeAccountRef": income} | more


def test_python_quickbooks_keeps_items_accounts_terms_and_methods(qb: Any, company: Company) -> None:
    account = Account()
    account.Name, account.AccountSubType = "Consulting", "ServiceFeeIncome"
    account = account.save(qb=qb)
    assert (account.AccountType, account.Classification) == ("Income", "Revenue")
    item = Item()
    item.Name, item.Type, item.UnitPrice, item.Sku = "Advice", "Service", 12.5, "A-1"
    item.IncomeAccountRef = account.to_ref()
    saved = item.save(qb=qb)
    read = Item.get(saved.Id, qb=qb)
    assert (read.FullyQualifiedName, read.UnitPrice, read.IncomeAccountRef.name) == (
        "Advice",
        12.5,
        "Consulting",
    )
    read.Name = "Good advice"
    assert read.save(qb=qb).SyncToken == "1"
    assert [one.Id for one in Item.filter(Name="good advice", qb=qb)] == [saved.Id]
    assert "A-1" in [one.Sku for one in Item.all(qb=qb)]
    term, method = Term(), PaymentMethod()
    term.Name, term.DueDays = "Net 7", 7
    method.Name = "Wire"
    assert Term.get(term.save(qb=qb).Id, qb=qb).Type == "STANDARD"
    assert PaymentMethod.get(method.save(qb=qb).Id, qb=qb).Type == "NON_CREDIT_CARD"
    again = PaymentMethod()
    again.Name = "WIRE"
    with pytest.raises(QuickbooksException) as refused:
        again.save(qb=qb)
    assert refused.value.error_code == 6240


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Name": ""}, "2020"),
        ({"Name": "a:b"}, "2040"),
        ({"Name": "x" * 101}, "2050"),
        ({"Name": "services"}, "6240"),
        ({"Type": ""}, "2020"),
        ({"Type": "Inventory"}, "500"),
        ({"Type": "Wish"}, "2170"),
        ({"IncomeAccountRef": None}, "2020"),
        ({"IncomeAccountRef": {"value": "999"}}, "2500"),
        ({"IncomeAccountRef": {"value": "1"}}, "6430"),
        ({"Description": "x" * 4001}, "2050"),
        ({"PurchaseDesc": "x" * 1001}, "2050"),
        ({"Sku": "x" * 101}, "2050"),
        ({"UnitPrice": 100_000_000_000}, "2090"),
        ({"SubItem": True}, "6150"),
        ({"Colour": "red"}, "2010"),
    ],
)
def test_what_an_item_may_not_be(company: Company, change: dict[str, Any], code: str) -> None:
    assert company.refused("Item", **service(company, "Advice") | change)["code"] == code


def test_outside_the_us_an_item_needs_an_expense_account(sandbox: Sandbox) -> None:
    company = sandbox.company("canada")
    assert company.refused("Item", **service(company, "A"))["element"] == "ExpenseAccountRef"
    cost = {"value": account_id(company, "SuppliesMaterialsCogs")}
    assert "Taxable" not in company.save(
        "Item", **service(company, "A", ExpenseAccountRef=cost, Taxable=True)
    )


@pytest.mark.parametrize(("quirk", "kept"), [("full", False), ("sparse", True)])
def test_sparse_update_of_an_item(company: Company, quirk: str, kept: bool) -> None:
    company.sandbox.control("/sandbox/quirks", {"sparse-item": quirk})
    made = company.save("Item", **service(company, "A", Description="d"))
    change = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "UnitPrice": 7}
    if not kept:
        assert company.refused("Item", **change)["element"] == "Type"
    after = company.save("Item", **service(company, "A") | change)
    assert ("Description" in after) is kept


def test_names_of_items_are_unique_under_a_parent_and_kept_while_inactive(company: Company) -> None:
    company.sandbox.control("/sandbox/quirks", {"item-name-scope": "parent"})
    category = company.save("Item", Name="Garden", Type="Category")
    under = {"SubItem": True, "ParentRef": {"value": category["Id"]}}
    company.save("Item", **service(company, "Mow"))
    made = company.save("Item", **service(company, "Mow", **under))
    assert made["FullyQualifiedName"] == "Garden:Mow"
    assert company.refused("Item", **service(company, "mow", **under))["code"] == "6240"
    gone = company.save("Item", **made | {"Active": False})
    assert (gone["Name"], gone["FullyQualifiedName"]) == ("Mow (deleted)", "Garden:Mow (deleted)")
    assert company.query("select * from Item where Name = 'Mow'")["maxResults"] == 1
    assert company.refused("Item", **service(company, "Mow", **under))["code"] == "6240"
    company.sandbox.control("/sandbox/quirks", {"inactive-name": "free"})
    company.save("Item", **service(company, "Mow", **under))
    assert company.refused("Item", **gone | {"Active": True})["code"] == "6240"
    company.sandbox.control("/sandbox/quirks", {"item-name-scope": "company"})
    assert company.refused("Item", **service(company, "Services", **under))["code"] == "6240"


def test_sku_is_shown_only_when_asked_for(company: Company) -> None:
    company.save("Item", **service(company, "A", Sku="S-1"))
    assert "Sku" not in company.query("select * from Item where Name = 'A'")["Item"][0]
    found = company.query("select *, Sku from Item where Name = 'A'")["Item"][0]
    assert (found["Sku"], found["Type"]) == ("S-1", "Service")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"Name": "A"}, "6010"),
        ({"AccountType": "Bank"}, "2020"),
        ({"Name": 'A"', "AccountType": "Bank"}, "2040"),
        ({"Name": "checking", "AccountType": "Bank"}, "6240"),
        ({"Name": "A", "AccountType": "Piggy"}, "2170"),
        ({"Name": "A", "AccountType": "Bank", "AccountSubType": "ServiceFeeIncome"}, "2170"),
        ({"Name": "A", "AccountType": "Bank", "SubAccount": True, "ParentRef": {"value": "3"}}, "6000"),
        ({"Name": "A", "AccountType": "Bank", "CurrencyRef": {"value": "EUR"}}, "6000"),
    ],
)
def test_what_an_account_may_not_be(company: Company, body: dict[str, Any], code: str) -> None:
    assert company.refused("Account", **body)["code"] == code


def test_terms_need_days(company: Company) -> None:
    assert company.refused("Term", Name="Soon")["code"] == "2020"
    assert company.save("Term", Name="Tenth", DayOfMonthDue=10)["Type"] == "DATE_DRIVEN"


def test_opening_balances_are_in_the_ledger(sandbox: Sandbox) -> None:
    company = sandbox.company("canada")
    company.save("Customer", DisplayName="A", Balance="12.50")
    company.save("Customer", DisplayName="B", Balance="10", CurrencyRef={"value": "USD"})
    company.save("Vendor", DisplayName="C", Balance="3")
    books = sandbox.control(f"/sandbox/ledger/{company.realm}")["accounts"]
    assert books["Accounts Receivable (A/R)"] == 12.5
    assert books["Accounts Receivable (A/R) - USD"] == 13.7
    assert books["Accounts Payable (A/P)"] == -3
    assert books["Opening Balance Equity"] == -23.2
    shown = company.query("select * from Account where Name = 'Opening Balance Equity'")["Account"][0]
    assert shown["CurrentBalance"] == 23.2
    assert company.objects("Customer")[0]["Balance"] == 12.5
