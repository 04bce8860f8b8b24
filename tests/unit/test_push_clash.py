"""What an admin is told when QuickBooks refuses a name."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.push.clash import Holder, clash_sentence, holder_of


def test_a_vendor_of_the_same_name() -> None:
    sentence = clash_sentence(
        "customer", "Ann Lee", [Holder("Vendor", True, "Ann Lee")], retry="syncd retry acme"
    )
    assert sentence == (
        'QuickBooks already has a vendor named "Ann Lee". '
        "Rename the customer in SIP or the vendor in QuickBooks, then run: syncd retry acme"
    )


def test_an_inactive_namesake_is_said_to_be_inactive() -> None:
    sentence = clash_sentence("customer", "Ann Lee", [Holder("Employee", False, "Ann Lee")])
    assert "an inactive employee" in sentence
    assert "Reactivate or rename the employee in QuickBooks, or rename the customer in SIP" in sentence


def test_two_customers_of_sip_are_both_named() -> None:
    sentence = clash_sentence("customer", "ann lee", [Holder("Customer", True, "Ann Lee", "Ann Lee")])
    assert sentence.startswith(
        'SIP has two customers that QuickBooks cannot tell apart by name: "ann lee" and'
    )
    assert "Rename one of the two in SIP" in sentence


def test_all_holders_are_told_the_sip_customer_first() -> None:
    sentence = clash_sentence(
        "customer",
        "Ann Lee",
        [Holder("Vendor", False, "Ann Lee"), Holder("Customer", True, "Ann Lee", "ANN LEE")],
    )
    assert sentence.index("ANN LEE") < sentence.index("There is also an inactive vendor")


@pytest.mark.parametrize(
    ("entity_type", "told"),
    [
        ("customer", "no customer, vendor or employee of that name. Rename the customer in SIP, then run"),
        ("service_item", "no item of that name. Rename the service item in SIP, then run"),
        (
            "default_item",
            "no item of that name. Choose an item to be used instead: syncd map items, then run",
        ),
        ("payment_method", "Choose another name: syncd map payment-methods, then run"),
        ("something new", "no record of that name. Rename it in SIP, then run"),
    ],
)
def test_a_name_that_nobody_seems_to_hold(entity_type: str, told: str) -> None:
    assert told in clash_sentence(entity_type, "Ann Lee", [])


def test_an_item_that_somebody_made_in_quickbooks() -> None:
    assert clash_sentence("service_item", "Repair", [Holder("Item", True, "REPAIR")]) == (
        'QuickBooks already has an item named "REPAIR". '
        "Rename the service item in SIP or the item in QuickBooks, then run: syncd retry"
    )


def test_the_item_of_another_record_of_sip() -> None:
    assert clash_sentence(
        "service_item", "repair", [Holder("Item", False, "Repair (deleted)", "Repair")]
    ) == (
        'SIP has two service items that QuickBooks cannot tell apart by name: "repair" and "Repair". The latter is '
        'already in QuickBooks as "Repair (deleted)", where it is inactive. Rename one of the two in SIP, '
        "then run: syncd retry"
    )


def test_an_inactive_item_keeps_its_name() -> None:
    sentence = clash_sentence("service_item", "Repair", [Holder("Item", False, "Repair (deleted)")])
    assert "an inactive item" in sentence
    assert "It is inactive, and an inactive record keeps its name. Reactivate or rename the item" in sentence


def test_what_syncd_makes_for_others_cannot_be_renamed_in_sip() -> None:
    sentence = clash_sentence(
        "default_item", "SIP Services", [Holder("Item", True, "SIP Services", "SIP Services")]
    )
    assert "SIP has two" not in sentence
    assert "Choose an item to be used instead: syncd map items" in sentence


@pytest.mark.parametrize(
    ("qbo_type", "found", "holder"),
    [
        ("Vendor", {"DisplayName": "Ann", "Active": True}, Holder("Vendor", True, "Ann", "Anne")),
        ("Item", {"Name": "Repair", "Active": False}, Holder("Item", False, "Repair", "Anne")),
        ("PaymentMethod", {"Name": "Cash"}, Holder("PaymentMethod", True, "Cash", "Anne")),
    ],
)
def test_a_holder_is_called_by_the_name_quickbooks_has_for_its_kind(
    qbo_type: str, found: dict[str, Any], holder: Holder
) -> None:
    assert holder_of(qbo_type, found, "Anne") == holder


def test_a_payment_method_is_called_so() -> None:
    sentence = clash_sentence("payment_method", "Zelle", [Holder("PaymentMethod", False, "Zelle")])
    assert "an inactive payment method" in sentence
