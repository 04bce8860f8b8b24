"""Items 44 to 46 of the checklist: a service item's way from SIP to QuickBooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.company import Company

if TYPE_CHECKING:
    from tests.flow.conftest import World
    from tests.support.cli import Commands


def test_44_a_new_item_is_pushed_with_name_description_price_and_taxability(company: Company) -> None:
    item = company.sip.service_item("Drain cleaning", "89.50", description="Up to 10 m", taxable=False)
    company.settle()
    found = company.one("Item", Id=company.link("service_item", item))
    assert (found["Name"], found["Description"], found["UnitPrice"], found["Taxable"], found["Type"]) == (
        "Drain cleaning",
        "Up to 10 m",
        89.5,
        False,
        "Service",
    )
    assert company.log() == [("Service Item", "Drain cleaning", "Push", "Success", None)]


@pytest.mark.parametrize("profile", ["canada", "global"])
def test_44_outside_the_united_states_too(running: World, profile: str) -> None:
    company = Company(running, profile=profile)
    item = company.sip.service_item("Boiler service", "189.00")
    company.settle()
    found = company.one("Item", Id=company.link("service_item", item))
    costs = company.one("Account", AccountSubType="SuppliesMaterialsCogs")
    assert (found["Name"], found["UnitPrice"]) == ("Boiler service", 189)
    assert found["ExpenseAccountRef"]["value"] == costs["Id"]
    company.sip.update("service_items", item, price=198)
    company.settle()
    assert company.one("Item", Id=found["Id"])["UnitPrice"] == 198


@pytest.mark.parametrize(
    ("column", "value", "field"),
    [
        ("name", "Drain and gutter cleaning", "Name"),
        ("description", "Up to 20 m", "Description"),
        ("price", 99, "UnitPrice"),
        ("taxable", False, "Taxable"),
    ],
)
def test_45_a_change_of_each_field_updates_the_same_item(
    company: Company, column: str, value: Any, field: str
) -> None:
    item = company.sip.service_item("Drain cleaning", "89.50", description="Up to 10 m", taxable=True)
    company.settle()
    [before] = [o for o in company.objects("Item") if o["Name"] == "Drain cleaning"]
    company.sip.update("service_items", item, **{column: value})
    company.settle()
    after = company.one("Item", Id=before["Id"])
    kept = {"Name": "Drain cleaning", "Description": "Up to 10 m", "UnitPrice": 89.5, "Taxable": True}
    assert {key: after[key] for key in kept} == {**kept, field: value}
    assert len(company.log("Service Item")) == 2


def test_46_push_service_items_sends_active_items_only(company: Company, syncd: Commands) -> None:
    company.switch(auto_service_items=False)
    company.sip.service_item("Drain cleaning")
    company.sip.service_item("Fax repair", active=False)
    company.settle()
    before = [o["Name"] for o in company.objects("Item")]
    assert "the only active service item" in syncd("push", company.id, "service-items", "--yes").out
    company.settle()
    assert [o["Name"] for o in company.objects("Item")] == [*before, "Drain cleaning"]
