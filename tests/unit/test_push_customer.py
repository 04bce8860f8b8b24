"""A SIP customer as QuickBooks gets it, and what is told when it cannot be had."""

from __future__ import annotations

import json
import unicodedata
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.push import Refused, customer, encode, module_for

EMPTY: dict[str, Any] = dict.fromkeys(("email", "phone", "street", "city", "state", "zip"))
ANN: dict[str, Any] = {
    "name": "Ann Lee",
    "email": "ann@lee.example",
    "phone": "(555) 010-2030",
    "street": "1 Quay",
    "city": "Austin",
    "state": "TX",
    "zip": "78701",
}
ANN_BODY: dict[str, Any] = {
    "DisplayName": "Ann Lee",
    "PrimaryEmailAddr": {"Address": "ann@lee.example"},
    "PrimaryPhone": {"FreeFormNumber": "(555) 010-2030"},
    "BillAddr": {
        "Line1": "1 Quay",
        "City": "Austin",
        "CountrySubDivisionCode": "TX",
        "PostalCode": "78701",
    },
}
UPDATE: dict[str, Any] = {"Id": "12", "SyncToken": "3", "sparse": True}


def create(**fields: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    body = customer.build({"name": "Ann Lee", **EMPTY, **fields}, sent=None, qbo_id=None, sync_token=None)
    return body.payload, body.notes


def update(document: dict[str, Any], sent: dict[str, Any] | None) -> dict[str, Any]:
    return customer.build(document, sent=sent, qbo_id="12", sync_token="3").payload


def test_the_module_is_found_by_its_entity_type() -> None:
    module = module_for("customer")
    assert (module.qbo_type, module.path) == ("Customer", "customer")


@pytest.mark.parametrize("name", ["unicorn", "clash", "tax", "", "customer.os", "../customer", "Customer"])
def test_there_is_no_module_for_anything_else(name: str) -> None:
    with pytest.raises(LookupError):
        module_for(name)


def test_a_create_carries_everything() -> None:
    body = customer.build(ANN, sent=None, qbo_id=None, sync_token=None)
    assert body.payload == ANN_BODY
    assert (body.name_sent, body.notes) == ("Ann Lee", ())


def test_a_create_of_a_name_alone() -> None:
    assert create() == ({"DisplayName": "Ann Lee"}, ())


def test_an_update_is_sparse() -> None:
    assert update(ANN, sent=ANN) == {**ANN_BODY, **UPDATE}


def test_an_update_without_a_sync_token_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="SyncToken"):
        customer.build(ANN, sent=ANN, qbo_id="12", sync_token=None)


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("Lee: Ann", "Lee -  Ann"),
        ("Lee:Ann", "Lee - Ann"),
        ("Ann\tLee", "Ann Lee"),
        ("Ann\r\nLee", "Ann  Lee"),
        ("  Ann  Lee\n", "Ann  Lee"),
        ("Ann\u0000\u007f\u0085Lee", "Ann   Lee"),
        ("Ann\u2028Lee", "Ann Lee"),
        ('O\'Brien & Söhne \\ "GmbH"', 'O\'Brien & Söhne \\ "GmbH"'),
        ("李安 🌳", "李安 🌳"),
        (":", "-"),
    ],
)
def test_the_name_as_sent(name: str, sent: str) -> None:
    assert create(name=name)[0]["DisplayName"] == sent


@pytest.mark.parametrize("name", [None, "", "   ", "\t\n", "\u200b", "\u00a0\ufeff"])
def test_a_customer_without_a_name_is_refused(name: str | None) -> None:
    with pytest.raises(Refused, match="Give it a name in SIP") as caught:
        create(name=name)
    assert caught.value.code == "name_empty"


def test_a_name_is_never_cut() -> None:
    assert create(name="x" * 500)[0]["DisplayName"] == "x" * 500
    for name in ("x" * 501, "x" * 498 + ":"):
        with pytest.raises(Refused, match="at most 500") as caught:
            create(name=name + "y")
        assert caught.value.code == "name_too_long"
        assert len(caught.value.sentence) < 250


@pytest.mark.parametrize(
    "email",
    ["a@b.co", "first.last+tag@mail.example.com", "o'brien@x-y.example", "x@" + "y" * 92 + ".example"[:6]],
)
def test_valid_e_mails_go(email: str) -> None:
    payload, notes = create(email=email)
    assert (payload["PrimaryEmailAddr"], notes) == ({"Address": email}, ())


@pytest.mark.parametrize(
    "email",
    [
        "none",
        "a@b",
        "a b@c.de",
        "a@b..de",
        ".a@b.de",
        "a@-b.de",
        "a@b.de, c@d.ef",
        "<a@b.de>",
        "ä@b.de",
        "a\n@b.de",
        "a@b.de\u0000x",
        "x" * 96 + "@b.de",
    ],
)
def test_an_invalid_e_mail_is_left_out_and_said(email: str) -> None:
    payload, (note,) = create(email=email)
    assert payload == {"DisplayName": "Ann Lee"}
    assert note.startswith('The e-mail "')
    assert "left out" in note


def test_a_phone_over_30_characters_is_left_out_and_said() -> None:
    assert create(phone="5" * 30)[0]["PrimaryPhone"] == {"FreeFormNumber": "5" * 30}
    payload, (note,) = create(phone="5" * 31)
    assert payload == {"DisplayName": "Ann Lee"}
    assert "at most 30" in note


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\u2028"])
def test_a_street_of_several_lines(newline: str) -> None:
    payload, notes = create(street=f"1 Quay{newline}{newline} Floor 2 ")
    assert (payload["BillAddr"], notes) == ({"Line1": "1 Quay", "Line2": "Floor 2"}, ())


def test_more_than_five_lines_are_joined_not_cut() -> None:
    payload, notes = create(street="a\nb\nc\nd\ne\nf\ng")
    assert payload["BillAddr"] == {"Line1": "a", "Line2": "b", "Line3": "c", "Line4": "d", "Line5": "e, f, g"}
    assert notes == ()


def test_an_over_long_street_is_split_at_blanks() -> None:
    words = " ".join(["street"] * 100)
    payload, notes = create(street=words)
    lines = payload["BillAddr"]
    assert set(lines) == {"Line1", "Line2"}
    assert f"{lines['Line1']} {lines['Line2']}" == words
    assert notes == ()


@pytest.mark.parametrize("street", ["x" * 501, " ".join(["street"] * 400), "\n".join(["x" * 450] * 5)])
def test_a_street_that_cannot_be_split_is_left_out_whole(street: str) -> None:
    payload, (note,) = create(street=street, city="Austin")
    assert payload["BillAddr"] == {"City": "Austin"}
    assert note.startswith("The street")


@pytest.mark.parametrize(("key", "length"), [("city", 255), ("state", 255), ("zip", 30)])
def test_over_long_parts_of_an_address_are_left_out_and_said(key: str, length: int) -> None:
    assert list(create(**{key: "x" * length})[0]["BillAddr"].values()) == ["x" * length]
    payload, (note,) = create(**{key: "x" * (length + 1)})
    assert payload == {"DisplayName": "Ann Lee"}
    assert f"at most {length}" in note


def test_what_was_removed_in_sip_is_cleared() -> None:
    payload = update({"name": "Ann Lee", **EMPTY}, sent={**ANN, "street": "1 Quay\nFloor 2"})
    assert payload == {
        "DisplayName": "Ann Lee",
        **UPDATE,
        "PrimaryEmailAddr": {"Address": ""},
        "PrimaryPhone": {"FreeFormNumber": ""},
        "BillAddr": {
            "Line1": "",
            "Line2": "",
            "City": "",
            "CountrySubDivisionCode": "",
            "PostalCode": "",
        },
    }


def test_what_became_invalid_is_cleared_too() -> None:
    document = {**ANN, "email": "none", "street": "x" * 501}
    body = customer.build(document, sent=ANN, qbo_id="12", sync_token="3")
    assert body.payload["PrimaryEmailAddr"] == {"Address": ""}
    assert body.payload["BillAddr"] == {**ANN_BODY["BillAddr"], "Line1": ""}
    assert [note.endswith("The one sent earlier was removed from QuickBooks.") for note in body.notes] == [
        True
    ] * 2


def test_what_syncd_never_sent_is_not_cleared() -> None:
    invalid_before = {**ANN, "email": "none", "phone": None}
    assert update({"name": "Ann Lee", **EMPTY}, sent=None) == {"DisplayName": "Ann Lee", **UPDATE}
    payload = update({**ANN, "email": None, "phone": None}, sent=invalid_before)
    assert "PrimaryEmailAddr" not in payload
    assert "PrimaryPhone" not in payload


def test_a_shorter_street_clears_its_old_lines_and_keeps_the_rest() -> None:
    payload = update(ANN, sent={**ANN, "street": "1 Quay\nFloor 2"})
    assert payload["BillAddr"] == {**ANN_BODY["BillAddr"], "Line2": ""}


def test_the_look_up_covers_all_three_lists_inactive_ones_and_odd_names() -> None:
    queries = customer.own_queries({"DisplayName": "O'Brien \\ Co"})
    assert [query.partition(" WHERE ")[0] for query in queries] == [
        "SELECT * FROM Customer",
        "SELECT * FROM Vendor",
        "SELECT * FROM Employee",
    ]
    assert {query.partition(" WHERE ")[2] for query in queries} == {
        r"DisplayName IN ('O\'Brien \\ Co', 'O\'Brien \\ Co (deleted)') "
        "AND Active IN (true, false) ORDERBY Id"
    }


def stored(payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**payload, "Id": "12", "SyncToken": "0", "Active": True, "sparse": False, "domain": "QBO", **more}


def test_our_own_object_is_recognised() -> None:
    assert customer.is_own(ANN_BODY, stored(ANN_BODY))
    assert customer.is_own(ANN_BODY, stored(ANN_BODY, DisplayName="Ann Lee (deleted)", Active=False))


def test_a_name_is_held_by_anybody_of_that_name() -> None:
    for holder in ({"DisplayName": "ANN LEE"}, {"DisplayName": "Ann Lee (deleted)", "Active": False}):
        assert customer.holds_place(ANN_BODY, holder)
    for other in ({"DisplayName": "Ann Leigh"}, {"DisplayName": "Ann Lee (deleted)", "Active": True}, {}):
        assert not customer.holds_place(ANN_BODY, other)


@pytest.mark.parametrize(
    "change",
    [
        {"DisplayName": "ann lee"},
        {"DisplayName": "Ann Lee (deleted)"},
        {"PrimaryEmailAddr": {"Address": "other@lee.example"}},
        {"PrimaryEmailAddr": None},
        {"PrimaryPhone": {"FreeFormNumber": "(555) 010-9999"}},
        {"BillAddr": {"Line1": "1 Quay", "City": "Austin"}},
    ],
)
def test_another_object_is_not_ours(change: dict[str, Any]) -> None:
    assert not customer.is_own(ANN_BODY, stored(ANN_BODY, **change))


def test_an_answer_that_took_everything_shows_no_difference() -> None:
    answer = stored(
        ANN_BODY,
        PrimaryEmailAddr={"Address": "Ann@Lee.example"},
        PrimaryPhone={"FreeFormNumber": "555-010-2030"},
        BillAddr={
            "Id": "99",
            "Line1": "1  quay",
            "City": "AUSTIN",
            "CountrySubDivisionCode": "tx",
            "PostalCode": Decimal("78701"),
        },
    )
    assert customer.differences(ANN_BODY, answer) == []


def test_the_suffix_of_an_inactive_one_is_no_other_name() -> None:
    inactive = {**stored(ANN_BODY), "Active": False, "DisplayName": "Ann Lee (deleted)"}
    assert customer.differences(ANN_BODY, inactive) == []
    assert customer.differences(ANN_BODY, {**inactive, "Active": True}) == [
        ("name", "Ann Lee", "Ann Lee (deleted)")
    ]


def test_differences_name_field_sent_and_got() -> None:
    answer = stored({"DisplayName": "Ann Leigh", "BillAddr": {"City": "Dallas"}})
    assert customer.differences(ANN_BODY, answer) == [
        ("name", "Ann Lee", "Ann Leigh"),
        ("e-mail", "ann@lee.example", ""),
        ("phone", "(555) 010-2030", ""),
        ("street, line 1", "1 Quay", ""),
        ("city", "Austin", "Dallas"),
        ("state", "TX", ""),
        ("postal code", "78701", ""),
    ]


def test_a_field_that_was_not_cleared_is_a_difference() -> None:
    payload = update({**ANN, "email": None}, sent=ANN)
    assert customer.differences(payload, stored(ANN_BODY)) == [("e-mail", "", "ann@lee.example")]
    gone = {key: value for key, value in ANN_BODY.items() if key != "PrimaryEmailAddr"}
    assert customer.differences(payload, stored(gone)) == []


odd_text = st.text(
    st.characters() | st.sampled_from(":\t\n\r @.'\"\\\u2028\ud800🌳"), max_size=300
) | st.text(st.sampled_from("ab \n:"), min_size=400, max_size=2500)
documents = st.fixed_dictionaries(
    {"name": odd_text, **dict.fromkeys(EMPTY, st.none() | odd_text | st.emails())}
)
LIMITS = {"Address": 100, "FreeFormNumber": 30, "PostalCode": 30, "City": 255, "CountrySubDivisionCode": 255}


@settings(deadline=None)
@given(document=documents, sent=st.none() | documents)
def test_any_text_makes_a_body_within_quickbooks_limits_or_is_refused(
    document: dict[str, Any], sent: dict[str, Any] | None
) -> None:
    try:
        body = customer.build(document, sent=sent, qbo_id="1", sync_token="0")
    except Refused:
        return
    name = body.payload["DisplayName"]
    assert 0 < len(name) <= 500
    assert name == name.strip()
    assert not any(character == ":" or unicodedata.category(character) == "Cc" for character in name)
    for section in ("PrimaryEmailAddr", "PrimaryPhone", "BillAddr"):
        for key, value in body.payload.get(section, {}).items():
            assert len(value) <= LIMITS.get(key, 500)
            assert not any(unicodedata.category(character) == "Cc" for character in value)
    lines = [value for key, value in body.payload.get("BillAddr", {}).items() if key.startswith("Line")]
    assert len(lines) <= 5
    assert sum(map(len, lines)) <= 2000
    assert json.loads(encode(body.payload)) == body.payload


@given(name=odd_text)
def test_a_name_once_made_sendable_stays_as_it_is(name: str) -> None:
    try:
        once = customer.display_name(name)
    except Refused:
        return
    assert customer.display_name(once) == once


@given(document=documents)
def test_what_was_sent_equals_itself_in_the_answer(document: dict[str, Any]) -> None:
    try:
        payload = customer.build(document, sent=None, qbo_id=None, sync_token=None).payload
    except Refused:
        return
    assert customer.differences(payload, stored(payload)) == []
    assert customer.is_own(payload, stored(payload))


@given(document=documents, order=st.randoms())
def test_equal_payloads_have_equal_bytes(document: dict[str, Any], order: Any) -> None:
    keys = list(document)
    order.shuffle(keys)
    try:
        one = customer.build(document, sent=None, qbo_id=None, sync_token=None)
        other = customer.build({key: document[key] for key in keys}, sent=None, qbo_id=None, sync_token=None)
    except Refused:
        return
    assert encode(one.payload) == encode(other.payload)


def test_encode_keeps_every_digit_and_sorts() -> None:
    payload = {"b": Decimal("10.50"), "a": [Decimal("1E+2"), Decimal("-0.001"), 3, True, None, 'é"\n']}
    assert encode(payload) == '{"a":[100,-0.001,3,true,null,"é\\"\\n"],"b":10.50}'.encode()


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12))
def test_decimals_are_encoded_exactly(number: Decimal) -> None:
    assert json.loads(encode({"x": number}), parse_float=Decimal, parse_int=Decimal)["x"] == number


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (1.5, TypeError),
        (b"x", TypeError),
        ({1: 2}, TypeError),
        (Decimal("NaN"), ValueError),
        ("\ud800", ValueError),
    ],
)
def test_encode_refuses_what_json_cannot_carry(value: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        encode({"x": value})
