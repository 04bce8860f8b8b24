"""A SIP payment as QuickBooks gets it, and what is told when it found less open."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.push import Refused, encode, payment

PAYMENT: dict[str, Any] = {
    "amount": Decimal("120.15"),
    "date": "2026-12-31",
    "customer": "58",
    "invoice": "1042",
    "invoice_number": "INV-00042",
    "open_balance": Decimal("120.15"),
    "expected_open": Decimal("120.15"),
    "method": "2",
    "deposit_account": "4",
    "reference": "SIP-ABCDEFGHJKMNPQRS",
    "currency": "USD",
    "note": None,
    "auto_apply_credit": False,
}
BODY: dict[str, Any] = {
    "CustomerRef": {"value": "58"},
    "CurrencyRef": {"value": "USD"},
    "TotalAmt": Decimal("120.15"),
    "TxnDate": "2026-12-31",
    "PaymentMethodRef": {"value": "2"},
    "PaymentRefNum": "SIP-ABCDEFGHJKMNPQRS",
    "DepositToAccountRef": {"value": "4"},
    "Line": [{"Amount": Decimal("120.15"), "LinkedTxn": [{"TxnId": "1042", "TxnType": "Invoice"}]}],
}


def create(**fields: Any) -> dict[str, Any]:
    return payment.build({**PAYMENT, **fields}, sent=None, qbo_id=None, sync_token=None).payload


def stored(payload: dict[str, Any], unapplied: str = "0.00", **more: Any) -> dict[str, Any]:
    """The same as QuickBooks answers it."""
    lines = [{**line, "LineEx": {"any": []}} for line in payload.get("Line", [])]
    return {
        **payload,
        "Line": lines,
        "CustomerRef": {"value": "58", "name": "Ann Lee"},
        "UnappliedAmt": Decimal(unapplied),
        "Id": "77",
        "SyncToken": "1",
        "domain": "QBO",
        "ProcessPayment": False,
        **more,
    }


def applied(payload: dict[str, Any]) -> list[Decimal]:
    return [line["Amount"] for line in payload.get("Line", [])]


def test_a_create_carries_everything() -> None:
    body = payment.build({**PAYMENT, "note": "cheque 12"}, sent=None, qbo_id=None, sync_token=None)
    assert body.payload == {**BODY, "PrivateNote": "cheque 12"}
    assert body.name_sent == "SIP-ABCDEFGHJKMNPQRS"


def test_case_10_a_tip_on_top_is_not_part_of_the_payment() -> None:
    payload = create()
    assert (payload["TotalAmt"], applied(payload)) == (Decimal("120.15"), [Decimal("120.15")])
    assert payment.variances(PAYMENT, stored(payload)) == []


def test_case_11_an_invoice_paid_by_hand_leaves_the_payment_unapplied() -> None:
    document = {**PAYMENT, "open_balance": Decimal("0.00")}
    payload = create(open_balance=Decimal("0.00"))
    assert payload["TotalAmt"] == Decimal("120.15")
    assert "Line" not in payload
    answer = stored(payload, unapplied="120.15")
    assert payment.differences(payload, answer) == []
    assert payment.variances(document, answer) == [
        "QuickBooks had nothing open on INV-00042. 120.15 is unapplied on Ann Lee."
    ]


def test_what_the_invoice_does_not_owe_stays_unapplied_and_is_said() -> None:
    document = {**PAYMENT, "amount": Decimal("100.00"), "open_balance": Decimal("60.00")}
    payload = create(amount=Decimal("100.00"), open_balance=Decimal("60.00"))
    assert (payload["TotalAmt"], applied(payload)) == (Decimal("100.00"), [Decimal("60.00")])
    answer = stored(payload, unapplied="40.00")
    assert payment.differences(payload, answer) == []
    assert payment.variances(document, answer) == [
        "QuickBooks had only 60.00 open on INV-00042. 40.00 is unapplied on Ann Lee."
    ]


def test_an_unknown_balance_takes_the_whole_amount() -> None:
    assert applied(create(open_balance=None)) == [Decimal("120.15")]


def test_less_applied_than_was_asked_is_a_difference_and_a_variance() -> None:
    answer = stored(BODY, unapplied="20.15")
    answer["Line"][0]["Amount"] = Decimal("100.00")
    assert payment.differences(BODY, answer) == [("amount applied to the invoice", "120.15", "100.00")]
    assert payment.variances({**PAYMENT, "open_balance": None}, answer) == [
        "QuickBooks had only 100.00 open on INV-00042. 20.15 is unapplied on Ann Lee."
    ]


def test_a_link_dropped_in_silence_is_a_difference() -> None:
    answer = stored({**BODY, "Line": []}, unapplied="120.15")
    assert payment.differences(BODY, answer) == [("amount applied to the invoice", "120.15", "0.00")]


def test_what_is_still_open_on_the_invoice_is_said() -> None:
    document = {**PAYMENT, "open_balance": Decimal("140.15")}
    assert payment.variances(document, stored(BODY)) == [
        "20.00 is still open on INV-00042 in QuickBooks, and 0.00 in SIP."
    ]


def test_a_part_of_the_invoice_leaves_open_what_sip_has_open() -> None:
    document = {**PAYMENT, "amount": Decimal("20.15")}
    assert payment.variances(document, stored(create(amount=Decimal("20.15")))) == []


@pytest.mark.parametrize(
    ("owed", "open_now"), [("90.15", "70.00 is still open"), ("20.15", "Nothing is open any more")]
)
def test_less_left_open_than_in_sip_is_said(owed: str, open_now: str) -> None:
    document = {**PAYMENT, "amount": Decimal("20.15"), "open_balance": Decimal(owed)}
    answer = stored(create(amount=Decimal("20.15"), open_balance=Decimal(owed)))
    assert payment.variances(document, answer) == [
        f"{open_now} on INV-00042 in QuickBooks, and 100.00 in SIP."
    ]


def test_of_an_invoice_that_quickbooks_was_not_told_nothing_is_expected() -> None:
    document = {**PAYMENT, "open_balance": Decimal("500.00"), "expected_open": None}
    assert payment.variances(document, stored(BODY)) == []


def test_what_was_open_once_is_not_said_to_be_open_still() -> None:
    answer = stored({**BODY, "Line": []}, unapplied="120.15")
    assert payment.variances(PAYMENT, answer) == [
        "QuickBooks had nothing open on INV-00042. 120.15 is unapplied on Ann Lee."
    ]


def test_what_quickbooks_applied_elsewhere_is_said() -> None:
    answer = stored({**BODY, "Line": [{"Amount": 120, "LinkedTxn": [{"TxnId": "9", "TxnType": "Invoice"}]}]})
    sentences = payment.variances({**PAYMENT, "open_balance": None}, answer)
    assert sentences == ["QuickBooks applied 120.15 of the payment of INV-00042 to something else."]


@pytest.mark.parametrize("amount", [Decimal("0.00"), Decimal("-5.00"), 0, Decimal("0.004")])
def test_case_7_nothing_collected_is_no_payment(amount: Decimal) -> None:
    with pytest.raises(Refused, match="INV-00042") as caught:
        create(amount=amount)
    assert caught.value.code == "nothing_collected"


@pytest.mark.parametrize(
    ("field", "code", "command"),
    [
        ("method", "method_missing", "syncd map payment-methods"),
        ("deposit_account", "deposit_account_missing", "syncd map accounts"),
    ],
)
def test_a_missing_mapping_is_refused_with_the_command(field: str, code: str, command: str) -> None:
    with pytest.raises(Refused, match=command) as caught:
        create(**{field: None})
    assert caught.value.code == code


def test_a_payment_waits_while_quickbooks_applies_credits_by_itself() -> None:
    with pytest.raises(Refused, match="Automatically apply credits, then run: syncd retry") as caught:
        create(auto_apply_credit=True)
    assert (caught.value.code, caught.value.held, caught.value.of_company) == (
        "auto_apply_credit",
        True,
        True,
    )


def test_a_payment_is_never_updated() -> None:
    with pytest.raises(ValueError, match="never updated"):
        payment.build(PAYMENT, sent=PAYMENT, qbo_id="77", sync_token="1", current=stored(BODY))


def test_what_the_invoice_owes_is_asked_before_the_payment_is_made() -> None:
    other = {**PAYMENT, "invoice": "1043"}
    asked = payment.look_ahead([PAYMENT, other])
    assert asked == "SELECT * FROM Invoice WHERE Id IN ('1042', '1043') MAXRESULTS 1000"
    found = [{"Id": "1042", "Balance": Decimal("60.00")}]
    assert payment.informed(PAYMENT, found)["open_balance"] == Decimal("60.00")
    assert payment.informed(other, found)["open_balance"] is None
    assert payment.informed(PAYMENT, found)["invoice_there"] is True
    assert payment.informed(other, found)["invoice_there"] is False


def test_the_look_up_is_by_reference() -> None:
    assert payment.own_queries(BODY) == [
        "SELECT * FROM Payment WHERE PaymentRefNum = 'SIP-ABCDEFGHJKMNPQRS' ORDERBY Id DESC"
    ]


def test_our_own_payment_is_recognised_whatever_became_of_its_links() -> None:
    assert payment.is_own(BODY, stored(BODY))
    assert payment.is_own(BODY, stored({**BODY, "Line": []}, unapplied="120.15"))


@pytest.mark.parametrize(
    "change", [{"TotalAmt": Decimal("120.16")}, {"CustomerRef": {"value": "59"}}, {"TxnDate": "2027-01-01"}]
)
def test_a_payment_of_our_reference_that_differs_is_a_collision(change: dict[str, Any]) -> None:
    candidate = {**stored(BODY), **change}
    assert not payment.is_own(BODY, candidate)
    assert payment.holds_place(BODY, candidate)


def test_a_payment_of_another_reference_is_none() -> None:
    for other in ("SIP-ZZZZZZZZZZZZZZZZ", None):
        assert not payment.is_own(BODY, stored(BODY, PaymentRefNum=other))
        assert not payment.holds_place(BODY, stored(BODY, PaymentRefNum=other))


def test_differences_name_field_sent_and_got() -> None:
    answer = stored(
        BODY, TotalAmt=Decimal("120.16"), DepositToAccountRef={"value": "35"}, TxnDate="2027-01-01"
    )
    assert payment.differences(BODY, answer) == [
        ("date", "2026-12-31", "2027-01-01"),
        ("amount", "120.15", "120.16"),
        ("deposit account", "4", "35"),
    ]


amounts = st.decimals(Decimal("0.01"), 10**7, places=2)


@settings(deadline=None)
@given(
    amount=amounts, owed=st.none() | st.decimals(0, 10**7, places=2), note=st.none() | st.text(max_size=20)
)
def test_the_same_payment_is_always_the_same_and_never_settles_more_than_is_owed(
    amount: Decimal, owed: Decimal | None, note: str | None
) -> None:
    document = {**PAYMENT, "amount": amount, "open_balance": owed, "note": note}
    payload = payment.build(document, sent=None, qbo_id=None, sync_token=None).payload
    assert encode(payload) == encode(create(**dict(reversed(document.items()))))
    linked = sum(applied(payload), Decimal(0))
    assert linked <= amount
    assert owed is None or linked <= owed
    answer = stored(payload, unapplied=str(amount - linked))
    assert payment.differences(payload, answer) == []
    assert payment.is_own(payload, answer)
