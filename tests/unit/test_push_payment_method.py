"""The name under which payments are booked, as QuickBooks gets it."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.push import payment_method

BODY = {"Name": "Credit Card", "Type": "NON_CREDIT_CARD"}


def stored(**fields: Any) -> dict[str, Any]:
    """The same as QuickBooks answers it."""
    return {**BODY, "Id": "7", "SyncToken": "0", "Active": True, "domain": "QBO", "sparse": False, **fields}


def test_a_method_is_of_the_type_that_a_deposit_can_link() -> None:
    body = payment_method.build({"name": "Credit\tCard"}, sent=None, qbo_id=None, sync_token=None)
    assert (body.payload, body.name_sent, body.notes) == (BODY, "Credit Card", ())


def test_a_method_is_never_updated() -> None:
    with pytest.raises(ValueError, match="never updated"):
        payment_method.build({"name": "Cash"}, sent={"name": "Cash"}, qbo_id="7", sync_token="0")


def test_quickbooks_is_asked_for_all_names_at_once_before_any_is_made() -> None:
    assert payment_method.look_ahead([{"name": "Cash"}, {"name": "Ann's"}]) == (
        r"SELECT * FROM PaymentMethod WHERE Name IN ('Cash', 'Ann\'s') AND Active IN (true, false) ORDERBY Id"
    )


def test_the_look_up_covers_inactive_methods() -> None:
    assert payment_method.own_queries(BODY) == [
        "SELECT * FROM PaymentMethod WHERE Name IN ('Credit Card', 'Credit Card (deleted)')"
        " AND Active IN (true, false) ORDERBY Id"
    ]


@pytest.mark.parametrize("there", [{}, {"Name": "CREDIT CARD"}, {"Type": "CREDIT_CARD"}])
def test_a_method_of_the_name_is_taken_as_it_is(there: dict[str, Any]) -> None:
    assert payment_method.adopts
    assert payment_method.holds_place(BODY, stored(**there))
    assert payment_method.is_own(BODY, stored(**there))
    assert payment_method.differences(BODY, stored(**there)) == []


def test_an_inactive_method_holds_its_name_and_cannot_be_used() -> None:
    assert payment_method.holds_place(BODY, stored(Active=False))
    assert not payment_method.is_own(BODY, stored(Active=False))


@pytest.mark.parametrize("name", ["Cash", "Credit Card (deleted)", None])
def test_a_method_of_another_name_is_none(name: str | None) -> None:
    assert not payment_method.holds_place(BODY, stored(Name=name))
    assert not payment_method.is_own(BODY, stored(Name=name))


def test_another_name_in_the_answer_is_a_difference() -> None:
    assert payment_method.differences(BODY, stored(Name="Card")) == [("name", "Credit Card", "Card")]
