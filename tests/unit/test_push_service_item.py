"""A SIP service item as QuickBooks gets it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.push import Refused, encode, service_item

ITEM: dict[str, Any] = {
    "name": "Drain cleaning",
    "description": "Up to 30 m\nwith camera",
    "price": Decimal("85.50"),
    "taxable": True,
    "income_account": "79",
}
BODY: dict[str, Any] = {
    "Name": "Drain cleaning",
    "Type": "Service",
    "Description": "Up to 30 m\nwith camera",
    "UnitPrice": Decimal("85.5"),
    "Taxable": True,
    "IncomeAccountRef": {"value": "79"},
}


def create(**fields: Any) -> dict[str, Any]:
    return service_item.build({**ITEM, **fields}, sent=None, qbo_id=None, sync_token=None).payload


def stored(payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The same as QuickBooks answers it."""
    return {
        **payload,
        "Id": "21",
        "SyncToken": "3",
        "Active": True,
        "FullyQualifiedName": payload["Name"],
        "domain": "QBO",
        "sparse": False,
        "MetaData": {"CreateTime": "2026-08-14T10:00:00-07:00"},
        **more,
    }


def update(
    document: dict[str, Any], sent: dict[str, Any] | None, current: dict[str, Any] | None
) -> dict[str, Any]:
    return service_item.build(document, sent=sent, qbo_id="21", sync_token="3", current=current).payload


def test_elsewhere_a_create_names_the_account_for_what_it_costs() -> None:
    assert create(taxable=None, expense_account="81")["ExpenseAccountRef"] == {"value": "81"}
    with pytest.raises(Refused, match="needs an account for what it costs") as caught:
        create(taxable=None, expense_account=None)
    assert caught.value.code == "expense_account_missing"


def test_an_update_leaves_that_account_alone_unless_another_was_chosen() -> None:
    before = {**ITEM, "expense_account": "81"}
    current = stored({**BODY, "ExpenseAccountRef": {"value": "90"}})
    assert update({**before, "price": 1}, before, current)["ExpenseAccountRef"] == {"value": "90"}
    assert update({**before, "expense_account": "82"}, before, current)["ExpenseAccountRef"] == {
        "value": "82"
    }


def test_a_create_carries_everything() -> None:
    body = service_item.build(ITEM, sent=None, qbo_id=None, sync_token=None)
    assert (body.payload, body.name_sent, body.notes) == (BODY, "Drain cleaning", ())


def test_a_create_of_a_bare_item() -> None:
    assert create(description=None, price=None, taxable=None) == {
        "Name": "Drain cleaning",
        "Type": "Service",
        "IncomeAccountRef": {"value": "79"},
    }


def test_an_item_that_is_free_or_untaxed_says_so() -> None:
    payload = create(price=0, taxable=False)
    assert (payload["UnitPrice"], payload["Taxable"]) == (0, False)


def test_a_colon_would_make_a_sub_item() -> None:
    assert create(name="Drain:\tcleaning")["Name"] == "Drain -  cleaning"


@pytest.mark.parametrize(
    ("name", "code"), [(None, "name_empty"), (" \n", "name_empty"), ("x" * 101, "name_too_long")]
)
def test_a_name_quickbooks_cannot_take_is_refused(name: str | None, code: str) -> None:
    with pytest.raises(Refused, match="service item") as caught:
        create(name=name)
    assert caught.value.code == code


def test_a_missing_income_account_is_refused_with_the_command() -> None:
    with pytest.raises(Refused, match=r"Drain cleaning.*syncd map accounts") as caught:
        create(income_account=None)
    assert caught.value.code == "income_account_missing"


def test_an_over_long_description_is_shortened_and_said() -> None:
    body = service_item.build({**ITEM, "description": "x" * 4001}, sent=None, qbo_id=None, sync_token=None)
    assert len(body.payload["Description"]) == 4000
    assert "4000" in body.notes[0]


def test_an_update_is_a_full_write_over_what_quickbooks_holds() -> None:
    current = stored(BODY, Sku="D-1", PurchaseCost=Decimal("20.00"), ExpenseAccountRef={"value": "80"})
    payload = update({**ITEM, "price": 90}, ITEM, current)
    assert payload == {
        **BODY,
        "UnitPrice": 90,
        "Id": "21",
        "SyncToken": "3",
        "Active": True,
        "Sku": "D-1",
        "PurchaseCost": Decimal("20.00"),
        "ExpenseAccountRef": {"value": "80"},
    }
    assert "sparse" not in payload


def test_what_was_removed_in_sip_is_removed() -> None:
    payload = update({**ITEM, "description": None}, ITEM, stored(BODY))
    assert "Description" not in payload
    assert service_item.differences(payload, stored(BODY)) == [("description", "", "Up to 30 m\nwith camera")]


def test_what_syncd_never_sent_is_not_removed() -> None:
    bare = {**ITEM, "description": None}
    assert update(bare, bare, stored(BODY))["Description"] == BODY["Description"]


def test_an_income_account_chosen_in_quickbooks_stays() -> None:
    moved = stored(BODY, IncomeAccountRef={"value": "99", "name": "Repairs"})
    payload = update({**ITEM, "price": 90}, ITEM, moved)
    assert payload["IncomeAccountRef"]["value"] == "99"
    assert service_item.differences(payload, {**moved, "UnitPrice": 90}) == []


def test_a_new_mapping_of_the_income_account_is_sent() -> None:
    payload = update({**ITEM, "income_account": "83"}, ITEM, stored(BODY))
    assert payload["IncomeAccountRef"] == {"value": "83"}


def test_an_item_made_inactive_in_quickbooks_is_held() -> None:
    with pytest.raises(Refused, match="Make it active there, then run: syncd retry") as caught:
        update(ITEM, ITEM, stored(BODY, Active=False, Name="Drain cleaning (deleted)"))
    assert (caught.value.code, caught.value.held, caught.value.of_company) == ("inactive", True, False)


def test_an_update_without_the_current_object_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="as QuickBooks holds it"):
        update(ITEM, ITEM, None)


def test_the_look_up_covers_inactive_items_and_odd_names() -> None:
    assert service_item.own_queries({"Name": "Ann's"}) == [
        r"SELECT * FROM Item WHERE Name IN ('Ann\'s', 'Ann\'s (deleted)') AND Active IN (true, false) ORDERBY Id"
    ]


def test_our_own_item_is_recognised() -> None:
    assert service_item.is_own(BODY, stored(BODY))
    inactive = stored(BODY, Name="Drain cleaning (deleted)", Active=False)
    assert service_item.is_own(BODY, inactive)
    assert service_item.holds_place(BODY, inactive)


@pytest.mark.parametrize(
    "change",
    [
        {"Name": "drain cleaning"},
        {"Type": "NonInventory"},
        {"UnitPrice": 90},
        {"Taxable": False},
        {"Description": "other"},
        {"IncomeAccountRef": {"value": "80"}},
        {"SubItem": True},
    ],
)
def test_another_item_of_the_name_is_a_collision(change: dict[str, Any]) -> None:
    assert not service_item.is_own(BODY, stored({**BODY, **change}))
    assert service_item.holds_place(BODY, stored({**BODY, **change}))


def test_an_item_of_another_name_is_none() -> None:
    assert not service_item.holds_place(BODY, stored({**BODY, "Name": "Drains"}))


def test_the_suffix_of_an_inactive_one_is_no_other_name() -> None:
    inactive = {**stored(BODY), "Active": False, "Name": "Drain cleaning (deleted)"}
    assert service_item.differences(BODY, inactive) == []
    assert service_item.differences(BODY, {**inactive, "Active": True}) == [
        ("name", "Drain cleaning", "Drain cleaning (deleted)")
    ]


def test_differences_name_field_sent_and_got() -> None:
    answer = stored({"Name": "Drains", "UnitPrice": Decimal("85.00"), "Taxable": False})
    assert service_item.differences(BODY, answer) == [
        ("name", "Drain cleaning", "Drains"),
        ("description", "Up to 30 m\nwith camera", ""),
        ("price", "85.5", "85"),
        ("taxable", "True", "False"),
    ]


documents = st.fixed_dictionaries(
    {
        "name": st.text(max_size=120),
        "description": st.none() | st.text(max_size=40),
        "price": st.none() | st.decimals(0, 10**9, places=4) | st.integers(0, 1000),
        "taxable": st.none() | st.booleans(),
        "income_account": st.just("79"),
    }
)


@settings(deadline=None)
@given(document=documents)
def test_an_update_of_an_unchanged_item_changes_nothing(document: dict[str, Any]) -> None:
    try:
        payload = service_item.build(document, sent=None, qbo_id=None, sync_token=None).payload
    except Refused:
        return
    current = stored(payload)
    assert service_item.is_own(payload, current)
    again = update(document, document, current)
    assert encode(again) == encode({**payload, "Id": "21", "SyncToken": "3", "Active": True})
    assert service_item.differences(again, current) == []
