"""Mappings and the connection's end, with a daemon at work: what lacked a mapping goes once it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.company import Company
from tests.support.processes import until

if TYPE_CHECKING:
    from tests.flow.conftest import World
    from tests.support.cli import Commands


def test_an_item_goes_once_its_account_is_chosen(running: World, syncd: Commands) -> None:
    company = Company(running, ready=False)
    company.switch(enable_sync=True, auto_service_items=True)
    item = company.sip.service_item("Hedge trim")
    company.settle()
    assert ["syncd map accounts" in error for error in company.errors()] == [True]
    assert "is tried again" in syncd("map", "accounts", "set", company.id, "income", "Services").out
    company.settle()
    income = company.one("Account", Name="Services")["Id"]
    assert company.one("Item", Id=company.link("service_item", item))["IncomeAccountRef"]["value"] == income


def test_a_line_without_an_item_gets_the_one_chosen_and_no_other_is_made(
    company: Company, syncd: Commands
) -> None:
    """What was to stand in for it had an error of its own, which ends with the choice."""
    database = company.world.database
    database.execute("delete from syncd.account_map where company_id = %s and slot = 'income'", (company.id,))
    invoice = company.sip.invoice(company.sip.customer(), ("1", "50.00"))
    company.settle()
    assert company.objects("Invoice") == []
    syncd("map", "items", "set", company.id, "lines", "Hours")
    company.settle()
    [line] = [
        line for line in company.invoice(invoice)["Line"] if line["DetailType"] == "SalesItemLineDetail"
    ]
    assert line["SalesItemLineDetail"]["ItemRef"]["value"] == company.one("Item", Name="Hours")["Id"]
    assert [item["Name"] for item in company.objects("Item")] == ["Services", "Hours"]
    assert database.value("select count(*) from syncd.errors where company_id = %s", (company.id,)) == 0


def test_nothing_reaches_quickbooks_while_disconnected_and_all_of_it_afterwards(
    running: World, company: Company, syncd: Commands
) -> None:
    company.sip.customer("Before")
    company.settle()
    company.mark()
    said = syncd("company", "disconnect", company.id, "--yes").out
    assert "Nothing of it is sent any more." in said
    company.sip.customer("Meanwhile")
    until(lambda: running.database.value("select not exists (select from syncd.outbox)"))
    assert company.asked() == []
    status = syncd("status", "--json").json
    [told] = [c for c in status["companies"] if c["company_id"] == company.id]
    assert (told["pending"], told["waiting"]) == (0, 1)
    running.reconnect(company.id, company.realm)
    company.settle()
    assert [c["DisplayName"] for c in company.objects("Customer")] == ["Before", "Meanwhile"]
