"""Items 36 to 43 of the checklist: under what name a payment appears in QuickBooks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.company import Company
from tests.support.mapped import make_ready

if TYPE_CHECKING:
    from tests.flow.conftest import World
    from tests.support.cli import Commands

DEFAULTS = {
    "card": "Credit Card",
    "ach": "ACH",
    "apple_pay": "Credit Card",
    "cash": "Cash",
    "check": "Check",
    "zelle": "Other",
    "other": "Other",
}


def mapped(company: Company, syncd: Commands) -> dict[str, str]:
    """As the tab Payment Method Mapping shows it."""
    rows = syncd("map", "payment-methods", "list", company.id, "--json").json
    return {row["method"].replace("-", "_"): row["qbo_name"] for row in rows}


def method(company: Company, payment: str) -> str:
    """The name of the method that QuickBooks' payment has."""
    name: str = company.one("PaymentMethod", Id=company.payment(payment)["PaymentMethodRef"]["value"])["Name"]
    return name


def paid(company: Company, customer: str = "Ann Lee") -> str:
    """A payment by card; its id."""
    return company.sip.payment(company.sip.invoice(company.sip.customer(customer)), method="card")


def connect(company: Company, syncd: Commands, realm: str) -> str:
    """What `syncd company connect` says when the company is connected to this realm."""
    tokens = json.dumps(company.world.sandbox.tell("tokens", realm_id=realm))
    said = syncd("company", "connect", company.id, "--environment", "sandbox", stdin=tokens)
    return said.out


def test_36_the_first_connection_has_exactly_seven_defaults(running: World, syncd: Commands) -> None:
    company = Company(running, ready=False)
    assert mapped(company, syncd) == DEFAULTS


def test_37_a_name_is_edited_and_saved(company: Company, syncd: Commands) -> None:
    said = syncd("map", "payment-methods", "set", company.id, "card", "Visa/MC").out
    assert "Visa/MC" in said
    assert mapped(company, syncd) == {**DEFAULTS, "card": "Visa/MC"}


def test_38_40_a_new_payment_has_the_new_name_and_one_synced_before_keeps_the_old(
    company: Company, syncd: Commands
) -> None:
    before = paid(company)
    company.settle()
    syncd("map", "payment-methods", "set", company.id, "card", "Visa/MC")
    after = paid(company, "Bo Diaz")
    company.settle()
    company.sip.update("payments", before, note="Seen again")
    syncd("retry", company.id, "payment", before)
    company.settle()
    assert (method(company, before), method(company, after)) == ("Credit Card", "Visa/MC")
    assert company.problems() == []


def test_39_a_push_by_hand_uses_the_new_name_too(company: Company, syncd: Commands) -> None:
    company.switch(auto_payments=False)
    payment = paid(company)
    company.settle()
    syncd("map", "payment-methods", "set", company.id, "card", "Visa/MC")
    syncd("push", company.id, "payments", "--yes")
    company.settle()
    assert method(company, payment) == "Visa/MC"


def test_40_a_push_by_hand_leaves_the_name_of_what_was_synced_before(
    company: Company, syncd: Commands
) -> None:
    payment = paid(company)
    company.settle()
    syncd("map", "payment-methods", "set", company.id, "card", "Visa/MC")
    company.mark()
    syncd("push", company.id, "payments", "--yes")
    company.settle()
    assert company.written() == []
    assert method(company, payment) == "Credit Card"


def test_41_43_disconnecting_clears_the_names_and_reconnecting_makes_the_defaults(
    company: Company, syncd: Commands
) -> None:
    syncd("map", "payment-methods", "set", company.id, "card", "Visa/MC")
    syncd("company", "disconnect", company.id, "--yes")
    kept = company.world.database.value(
        "select count(*) from syncd.payment_method_map where company_id = %s", (company.id,)
    )
    assert kept == 0
    connect(company, syncd, company.realm)
    assert mapped(company, syncd) == DEFAULTS


def test_42_connecting_another_company_of_quickbooks_clears_the_names(
    company: Company, syncd: Commands
) -> None:
    syncd("map", "payment-methods", "set", company.id, "card", "Visa/MC")
    other = company.world.sandbox.tell("companies", profile="us-automated-tax")["realm_id"]
    connect(company, syncd, other)
    assert mapped(company, syncd) == DEFAULTS
    make_ready(company.world.database, company.world.sandbox, company.id, other)
    company.realm = other
    payment = paid(company)
    company.settle()
    assert method(company, payment) == "Credit Card"


def test_a_method_that_was_renamed_in_quickbooks_serves_its_new_name(
    company: Company, syncd: Commands
) -> None:
    sip = company.sip
    ann = sip.customer("Ann Lee")
    first = sip.payment(sip.invoice(ann), method="cash")
    company.settle()
    [cash] = [o for o in company.objects("PaymentMethod") if o["Name"] == "Cash"]
    company.edit("PaymentMethod", cash["Id"], Name="Visa/MC")
    syncd("map", "payment-methods", "set", company.id, "card", "Visa/MC")
    by_card = sip.payment(sip.invoice(ann), method="card")
    company.settle()
    assert company.payment(by_card)["PaymentMethodRef"]["value"] == cash["Id"]
    by_cash = sip.payment(sip.invoice(ann), method="cash")
    company.settle()
    assert method(company, by_cash) == "Cash"
    assert company.payment(first)["PaymentMethodRef"]["value"] == cash["Id"]
    assert company.problems() == []
