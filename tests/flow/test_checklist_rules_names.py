"""The rules of customers and items in QuickBooks: names that clash, what somebody added there, and what is inactive on
either side. Names themselves, addresses and e-mails: test_customers.py.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.support.arithmetic import Line

if TYPE_CHECKING:
    from tests.support.cli import Commands
    from tests.support.company import Company


def test_an_inactive_namesake_is_said_to_be_inactive(company: Company) -> None:
    theirs = company.world.sandbox.post(company.realm, "customer", {"DisplayName": "Ann Lee"})["Customer"]
    company.edit("Customer", theirs["Id"], Active=False)
    company.sip.customer("Ann Lee")
    company.settle()
    [error] = company.errors()
    assert "an inactive customer named" in error
    assert "Reactivate or rename the customer in QuickBooks" in error
    assert len(company.objects("Customer")) == 1


def test_two_items_of_one_name_are_explained_and_never_merged(company: Company) -> None:
    company.sip.service_item("Repair", "80")
    company.settle()
    second = company.sip.service_item("REPAIR", "90")
    company.settle()
    assert [o["UnitPrice"] for o in company.objects("Item") if o["Name"] == "Repair"] == [80]
    [error] = company.errors()
    assert '"REPAIR" and "Repair"' in error
    company.sip.update("service_items", second, name="Repair at night")
    company.settle()
    assert company.one("Item", Id=company.link("service_item", second))["UnitPrice"] == 90


def test_a_new_name_that_something_inactive_has_is_explained(company: Company) -> None:
    account = company.one("Account", AccountSubType="ServiceFeeIncome")["Id"]
    body = {"Name": "Boiler", "Type": "Service", "IncomeAccountRef": {"value": account}}
    theirs = company.world.sandbox.post(company.realm, "item", body)["Item"]
    company.edit("Item", theirs["Id"], Active=False)
    item = company.sip.service_item("Repair", "80")
    company.settle()
    company.sip.update("service_items", item, name="Boiler")
    company.settle()
    [error] = company.errors()
    assert "an inactive item named" in error
    assert "Reactivate or rename the item in QuickBooks, or rename the service item in SIP" in error
    assert company.one("Item", Id=company.link("service_item", item))["Name"] == "Repair"


def test_a_new_name_that_another_customer_has_names_both(company: Company) -> None:
    company.sip.customer("Ann Lee")
    second = company.sip.customer("Bo Diaz")
    company.settle()
    company.sip.update("customers", second, name="ann lee")
    company.settle()
    [error] = company.errors()
    assert '"ann lee" and "Ann Lee"' in error
    assert company.world.names(company.realm) == ["Ann Lee", "Bo Diaz"]
    company.sip.update("customers", second, name="Anna Lee")
    company.settle()
    assert company.world.names(company.realm) == ["Ann Lee", "Anna Lee"]


def test_an_item_that_somebody_made_in_quickbooks_is_never_taken_by_its_name(
    company: Company, syncd: Commands
) -> None:
    account = company.one("Account", AccountSubType="ServiceFeeIncome")["Id"]
    body = {"Name": "Repair", "Type": "Service", "IncomeAccountRef": {"value": account}}
    theirs = company.world.sandbox.post(company.realm, "item", body)["Item"]
    item = company.sip.service_item("Repair", "80")
    company.settle()
    assert company.link("service_item", item) is None
    [error] = company.errors()
    assert 'QuickBooks already has an item named "Repair"' in error
    company.edit("Item", theirs["Id"], Name="Repair of old")
    syncd("retry", company.id, "service-item", item)
    company.settle()
    assert company.link("service_item", item) != theirs["Id"]


def test_what_somebody_added_to_an_item_in_quickbooks_stays(company: Company) -> None:
    item = company.sip.service_item("Repair", "80", description="Up to an hour")
    company.settle()
    other = company.one("Account", AccountSubType="SalesOfProductIncome")["Id"]
    id_ = company.link("service_item", item)
    assert id_ is not None
    company.edit("Item", id_, PurchaseCost=20, IncomeAccountRef={"value": other})
    company.sip.update("service_items", item, price=95, description=None)
    company.settle()
    found = company.one("Item", Id=id_)
    assert (found["UnitPrice"], found.get("Description")) == (95, None)
    assert (found["PurchaseCost"], found["IncomeAccountRef"]["value"]) == (20, other)
    assert company.problems() == []


@pytest.mark.parametrize("made_equal_in", ["QuickBooks", "SIP"])
def test_what_both_sides_changed_goes_on_once_they_are_equal(
    company: Company, syncd: Commands, made_equal_in: str
) -> None:
    item = company.sip.service_item("Repair", "80")
    company.settle()
    id_ = company.link("service_item", item)
    assert id_ is not None
    company.edit("Item", id_, UnitPrice=90)
    company.sip.update("service_items", item, price=95, description="At night")
    company.settle()
    [error] = company.errors()
    assert 'price is "90" there and was "80"' in error
    assert "Make both sides equal" in error
    assert company.one("Item", Id=id_)["UnitPrice"] == 90
    if made_equal_in == "SIP":
        company.sip.update("service_items", item, price=90)
    else:
        company.edit("Item", id_, UnitPrice=95)
        syncd("retry", company.id, "service-item", item)
    company.settle()
    found = company.one("Item", Id=id_)
    assert (found["UnitPrice"], found["Description"]) == (90 if made_equal_in == "SIP" else 95, "At night")
    assert company.errors() == [error]
    company.sip.update("service_items", item, price=99)
    company.settle()
    assert company.one("Item", Id=id_)["UnitPrice"] == 99


def test_the_sku_that_somebody_gave_an_item_in_quickbooks_stays(company: Company) -> None:
    item = company.sip.service_item("Repair", "80")
    company.settle()
    id_ = company.link("service_item", item)
    assert id_ is not None
    company.edit("Item", id_, Sku="R-1")
    company.sip.update("service_items", item, price=95)
    company.settle()
    assert company.one("Item", Id=id_).get("Sku") == "R-1"


def test_what_somebody_added_to_a_customer_in_quickbooks_stays(company: Company) -> None:
    customer = company.sip.customer("Ann Lee")
    company.settle()
    id_ = company.link("customer", customer)
    assert id_ is not None
    company.edit("Customer", id_, GivenName="Ann", Notes="Pays late")
    company.sip.update("customers", customer, phone="303 555 0142")
    company.settle()
    found = company.one("Customer", Id=id_)
    assert (found["GivenName"], found["Notes"]) == ("Ann", "Pays late")
    assert found["PrimaryPhone"]["FreeFormNumber"] == "303 555 0142"


@pytest.mark.parametrize(("entity", "kind"), [("customer", "Customer"), ("service_item", "Item")])
def test_what_is_inactive_in_quickbooks_is_held_with_the_remedy(
    company: Company, syncd: Commands, entity: str, kind: str
) -> None:
    sip = company.sip
    record = sip.customer("Ann Lee") if entity == "customer" else sip.service_item("Repair", "80")
    company.settle()
    id_ = company.link(entity, record)
    assert id_ is not None
    company.edit(kind, id_, Active=False)
    sip.update(f"{entity}s", record, **({"phone": "1"} if entity == "customer" else {"price": 95}))
    company.settle()
    assert "inactive" in company.errors()[-1]
    assert not [error for error in company.errors() if "Make both sides equal" in error]
    found = company.world.database.rows(
        "select state::text, attempts from syncd.errors where company_id = %s", (company.id,)
    )
    assert found == [("held", 0)]
    company.edit(kind, id_, Active=True)
    syncd("retry", company.id, entity.replace("_", "-"), record)
    company.settle()
    after = company.one(kind, Id=id_)
    assert (
        after["PrimaryPhone"]["FreeFormNumber"] == "1" if entity == "customer" else after["UnitPrice"] == 95
    )


@pytest.mark.parametrize("kind", ["Customer", "Item"])
def test_an_invoice_of_something_inactive_in_quickbooks_says_so(
    company: Company, syncd: Commands, kind: str
) -> None:
    sip = company.sip
    customer, item = sip.customer("Ann Lee"), sip.service_item("Repair", "80")
    company.settle()
    id_ = company.link("customer", customer) if kind == "Customer" else company.link("service_item", item)
    assert id_ is not None
    company.edit(kind, id_, Active=False)
    invoice = sip.invoice(customer, Line(Decimal(1), Decimal(80), item=item))
    company.settle()
    assert company.objects("Invoice") == []
    [error] = company.errors()
    assert "inactive" in error
    company.edit(kind, id_, Active=True)
    syncd("retry", company.id, "invoice", invoice)
    company.settle()
    assert company.link("invoice", invoice)


def test_an_item_made_inactive_in_sip_stays_as_it_is_in_quickbooks(company: Company) -> None:
    item = company.sip.service_item("Repair", "80")
    company.settle()
    company.sip.update("service_items", item, active=False)
    company.settle()
    assert company.one("Item", Id=company.link("service_item", item))["Active"] is True
    [error] = company.errors()
    assert "QuickBooks keeps it as it was" in error


def test_what_is_inactive_or_deleted_in_sip_goes_only_where_an_invoice_needs_it(company: Company) -> None:
    sip = company.sip
    company.switch(enable_sync=False)
    customer = sip.customer("Ann Lee", deleted_at="2026-03-01")
    item = sip.service_item("Repair", "80", active=False)
    company.settle()
    company.switch(enable_sync=True)
    sip.customer("Bo Diaz", deleted_at="2026-03-01")
    sip.service_item("Fax repair", "80", active=False)
    company.settle()
    assert company.objects("Customer") == []
    invoice = sip.invoice(customer, Line(Decimal(1), Decimal(80), item=item))
    company.settle()
    assert [o["DisplayName"] for o in company.objects("Customer")] == ["Ann Lee"]
    assert [o["Name"] for o in company.objects("Item")][-1:] == ["Repair"]
    assert company.link("invoice", invoice)
    assert company.problems() == []
