"""The item of what has none, as QuickBooks gets it."""

from __future__ import annotations

import pytest

from syncd.push import Refused, module_for, service_item

DOCUMENT = {
    "name": "SIP Services",
    "description": None,
    "price": None,
    "taxable": None,
    "income_account": "79",
}


def test_it_is_an_item_like_any_other() -> None:
    module = module_for("default_item")
    assert {name: getattr(module, name) for name in service_item.__all__} == {
        name: getattr(service_item, name) for name in service_item.__all__
    }


def test_it_says_nothing_that_sip_does_not_know() -> None:
    module = module_for("default_item")
    assert module.build(DOCUMENT, sent=None, qbo_id=None, sync_token=None).payload == {
        "Name": "SIP Services",
        "Type": "Service",
        "IncomeAccountRef": {"value": "79"},
    }


def test_without_an_income_account_it_cannot_be_made() -> None:
    with pytest.raises(
        Refused, match=r'"SIP Services" needs an income account.*syncd map accounts'
    ) as caught:
        module_for("default_item").build(
            {**DOCUMENT, "income_account": None}, sent=None, qbo_id=None, sync_token=None
        )
    assert caught.value.code == "income_account_missing"
