"""An account that an admin has made, as QuickBooks gets it."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.cli.maps.accounts import SLOTS, TAKEN
from syncd.cli.maps.new_account import KINDS
from syncd.db.states import AccountSlot
from syncd.push import Refused, account

DOCUMENT: dict[str, Any] = {
    "name": "Service Income",
    "type": "Income",
    "sub_type": "ServiceFeeIncome",
    "slot": "income",
}
BODY: dict[str, Any] = {
    "Name": "Service Income",
    "AccountType": "Income",
    "AccountSubType": "ServiceFeeIncome",
}


def build(**fields: Any) -> dict[str, Any]:
    return account.build({**DOCUMENT, **fields}, sent=None, qbo_id=None, sync_token=None).payload


def test_a_create_says_name_and_kind() -> None:
    assert build() == BODY
    assert build(name=" Service\tIncome ")["Name"] == "Service Income"


@pytest.mark.parametrize("name", ["", "x" * 101, 'The "good" one', "A:B"])
def test_a_name_that_quickbooks_does_not_take_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="The name of an account"):
        build(name=name)


def test_there_is_no_update() -> None:
    with pytest.raises(ValueError, match="never updated"):
        account.build(DOCUMENT, sent=None, qbo_id="7", sync_token="0")


def test_our_own_is_of_the_same_name_and_kind_and_active() -> None:
    stored = {**BODY, "Id": "7", "Classification": "Revenue"}
    assert account.is_own(BODY, stored)
    assert not account.is_own(BODY, {**stored, "AccountSubType": "SalesOfProductIncome"})
    assert not account.is_own(BODY, {**stored, "Active": False})
    assert account.holds_place(BODY, {**stored, "Name": "service income (deleted)", "Active": False}) is True
    assert not account.holds_place(BODY, {**stored, "Name": "Services"})
    assert account.own_queries({**BODY, "Name": "Ann's"}) == [
        "SELECT * FROM Account WHERE Name IN ('Ann\\'s', 'Ann\\'s (deleted)') AND Active IN (true, false) ORDERBY Id"
    ]


@pytest.mark.parametrize("slot", AccountSlot)
def test_what_is_made_for_a_slot_could_be_chosen_for_it(slot: AccountSlot) -> None:
    if slot is AccountSlot.UNDEPOSITED_FUNDS:
        assert slot not in KINDS, "QuickBooks has it by itself"
        return
    kind, sub_kind = KINDS[slot]
    assert SLOTS[slot].fits({"AccountType": kind, "AccountSubType": sub_kind})
    assert sub_kind not in TAKEN
    assert not SLOTS[slot].sub_types or sub_kind in SLOTS[slot].sub_types
