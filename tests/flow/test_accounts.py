"""`syncd map accounts set ... --create`: an account that syncd makes in QuickBooks at the set-up, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.cli import Commands
    from tests.support.company import Company


@pytest.fixture
def unmapped(company: Company) -> Company:
    """A company that has chosen no accounts, and an item that is refused for it."""
    company.world.database.execute("delete from syncd.account_map where company_id = %s", (company.id,))
    company.sip.insert("service_items", organization_id=company.id, name="Drain cleaning")
    company.settle()
    assert company.states("service_item") == ["error"]
    return company


def accounts(company: Company, name: str) -> list[tuple[str, str]]:
    return [(o["AccountType"], o["AccountSubType"]) for o in company.objects("Account") if o["Name"] == name]


def test_an_account_is_made_and_chosen_and_what_lacked_it_goes(unmapped: Company, syncd: Commands) -> None:
    said = syncd("map", "accounts", "set", unmapped.id, "income", "--create", "Service Income").out
    made = unmapped.one("Account", Name="Service Income")
    assert f'Income is account "Service Income" (id {made["Id"]}) now, which was made in QuickBooks.' in said
    assert "1 record that lacked it is tried again." in said
    assert accounts(unmapped, "Service Income") == [("Income", "ServiceFeeIncome")]
    unmapped.settle()
    [item] = [o for o in unmapped.objects("Item") if o["Name"] == "Drain cleaning"]
    assert item["IncomeAccountRef"]["value"] == made["Id"]
    [listed] = [
        row for row in syncd("map", "accounts", "list", unmapped.id, "--json").json if row["slot"] == "income"
    ]
    assert (listed["qbo_id"], listed["qbo_name"]) == (made["Id"], "Service Income")


@pytest.mark.parametrize("kind", ["drop-before", "drop-after"])
def test_an_account_whose_answer_is_lost_is_there_once(unmapped: Company, syncd: Commands, kind: str) -> None:
    unmapped.order(kind, entity="Account")
    said = syncd("map", "accounts", "set", unmapped.id, "payment-fees", "--create", "SIP Payments Fees").out
    assert "which was made in QuickBooks" in said
    assert accounts(unmapped, "SIP Payments Fees") == [("Expense", "BankCharges")]


def test_an_account_that_quickbooks_has_is_said_and_no_second_is_made(
    unmapped: Company, syncd: Commands
) -> None:
    services = unmapped.one("Account", Name="Services")
    refusal = syncd.refused("map", "accounts", "set", unmapped.id, "income", "--create", "services")
    assert f'QuickBooks has an account "Services" already (id {services["Id"]}, of type Income).' in refusal
    assert f"syncd map accounts set {unmapped.id} income {services['Id']}" in refusal
    assert unmapped.states("account") == []


def test_one_that_somebody_makes_meanwhile_is_never_taken(unmapped: Company, syncd: Commands) -> None:
    unmapped.order("fault", entity="Account", code="6240", message="Duplicate Name Exists Error")
    refusal = syncd.refused(
        "map", "accounts", "set", unmapped.id, "income", "--create", "Service Income", code=1
    )
    assert "The account was not made:" in refusal
    assert accounts(unmapped, "Service Income") == []
    # Another one is chosen: nobody waits for that account any more.
    syncd("map", "accounts", "set", unmapped.id, "income", "Services")
    assert unmapped.states("account") == []
    unmapped.settle()
    assert unmapped.states("service_item") == []


def test_a_slot_has_the_account_that_was_wished_for_last(unmapped: Company, syncd: Commands) -> None:
    for name in ("Tips owed", "Tips payable"):
        syncd("map", "accounts", "set", unmapped.id, "undistributed-tips", "--create", name)
    [(name, sub_type)] = unmapped.world.database.rows(
        "select m.qbo_name, w.sub_type from syncd.account_map m join syncd.account_wish w using (company_id, slot)"
        " where m.company_id = %s and slot = 'undistributed_tips'",
        (unmapped.id,),
    )
    assert (name, sub_type) == ("Tips payable", "OtherCurrentLiabilities")
    assert unmapped.problems() == [row for row in unmapped.problems() if row[0] == "Service Item"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("undeposited-funds", "--create", "Till"), "QuickBooks makes Undeposited Funds by itself."),
        (("income", "--create", "A:B"), "has a colon or a quotation mark"),
        (("income", "--create", "x" * 101), "has 101 characters"),
        (("income",), "Name an account that QuickBooks has, or the one to be made with --create."),
        (("income", "Services", "--create", "Other"), "Name an account that QuickBooks has"),
        (("expenses", "--create", "Costs"), "In the United States service items need no such account."),
    ],
)
def test_what_cannot_be_made_is_refused_with_the_reason(
    company: Company, syncd: Commands, words: tuple[str, ...], sentence: str
) -> None:
    assert sentence in syncd.refused("map", "accounts", "set", company.id, *words)
