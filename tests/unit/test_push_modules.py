"""What all modules that make QuickBooks bodies have in common."""

from __future__ import annotations

import inspect
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.push import (
    Module,
    account,
    balance,
    cents,
    clean_lines,
    compared,
    customer,
    field,
    invoice,
    module_for,
    money,
    overlay,
    payment,
    payment_method,
    plain,
    service_item,
    shortened,
    timesheet_entry,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

MODULES: Sequence[Module] = (
    customer,
    service_item,
    invoice,
    payment,
    payment_method,
    timesheet_entry,
    account,
)


@pytest.mark.parametrize(
    ("name", "qbo_type", "path", "reads_first"),
    [
        ("customer", "Customer", "customer", False),
        ("service_item", "Item", "item", True),
        ("invoice", "Invoice", "invoice", True),
        ("payment", "Payment", "payment", False),
        ("payment_method", "PaymentMethod", "paymentmethod", False),
        ("account", "Account", "account", False),
        ("timesheet_entry", "TimeActivity", "timeactivity", True),
    ],
)
def test_each_entity_type_has_its_module(name: str, qbo_type: str, path: str, reads_first: bool) -> None:
    module = module_for(name)
    assert (module.qbo_type, module.path, module.reads_first) == (qbo_type, path, reads_first)


@pytest.mark.parametrize("module", MODULES)
def test_an_older_caller_may_leave_out_the_current_object(module: Module) -> None:
    assert inspect.signature(module.build).parameters["current"].default is None


def test_only_a_name_that_says_everything_is_taken_as_it_is() -> None:
    assert [module for module in MODULES if module.adopts] == [payment_method]


def test_only_payments_tell_more_than_their_differences() -> None:
    assert all(module.variances({}, {}) == [] for module in MODULES if module is not payment)


def test_a_full_write_keeps_what_is_listed_and_not_cleared() -> None:
    current = {
        "Id": "7",
        "SyncToken": "4",
        "Sku": "A1",
        "Name": "Old",
        "Level": 0,
        "Description": "x",
        "Tax": None,
    }
    keeps = ("Sku", "Name", "Description", "Tax")
    written = overlay(
        {"Name": "New"}, current, qbo_id="7", sync_token="4", keeps=keeps, clears={"Description"}
    )
    assert written == {"Id": "7", "SyncToken": "4", "Name": "New", "Sku": "A1"}


@pytest.mark.parametrize(("current", "token"), [(None, "4"), ({"Id": "7"}, None)])
def test_a_full_write_over_nothing_is_a_mistake(current: dict[str, Any] | None, token: str | None) -> None:
    with pytest.raises(ValueError, match="SyncToken"):
        overlay({}, current, qbo_id="7", sync_token=token, keeps=())


def test_what_a_create_leaves_out_quickbooks_may_fill_in() -> None:
    readings = {"note": field("Note"), "paid": money("Paid")}
    assert compared(readings, {"Paid": 1}, {"Note": "default", "Paid": Decimal("1.00")}) == []
    assert compared(readings, {"Id": "7"}, {"Note": "kept"}) == [("note", "", "kept")]
    assert compared(readings, {"Paid": 1}, {}) == [("paid", "1.00", "0.00")]


@pytest.mark.parametrize(
    ("number", "rounded"),
    [
        ("1861.075", "1861.08"),
        ("0.495", "0.50"),
        ("0.4949999", "0.49"),
        ("99.999999", "100.00"),
        ("-0.005", "-0.01"),
        ("-0.001", "0.00"),
        ("7", "7.00"),
    ],
)
def test_money_is_rounded_half_up(number: str, rounded: str) -> None:
    assert str(cents(Decimal(number))) == rounded


@given(st.decimals(-(10**9), 10**9, places=6))
def test_rounded_money_is_within_half_a_cent(number: Decimal) -> None:
    assert abs(cents(number) - number) <= Decimal("0.005")
    assert cents(cents(number)) == cents(number) == number.quantize(Decimal("0.01"), ROUND_HALF_UP)


@given(st.decimals(-(10**9), 10**9, places=6), st.integers(0, 6))
def test_equal_numbers_have_one_form(number: Decimal, zeros: int) -> None:
    assert str(plain(number)) == str(plain(number.quantize(Decimal(1).scaleb(-6 - zeros))))
    assert plain(number) == number


def test_a_float_is_no_money() -> None:
    with pytest.raises(TypeError, match="float"):
        cents(0.1)


def test_the_open_balance_of_an_answer() -> None:
    assert balance({"Balance": Decimal("60.5")}) == Decimal("60.50")
    assert balance({"Balance": 0}) == 0
    assert balance({"TotalAmt": 5}) is None


def test_lines_of_a_text_stay_and_control_characters_go() -> None:
    assert clean_lines(" a\tb \r\n\r\nc\u2028d\u0007 \n") == "a b\n\nc\nd"


@given(st.text(max_size=50), st.integers(5, 50))
def test_shortened_text_fits_and_shows_it(value: str, limit: int) -> None:
    cut = shortened(value, limit)
    assert len(cut) <= limit
    assert cut == value or cut.endswith("…")
