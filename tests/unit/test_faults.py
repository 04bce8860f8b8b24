"""What an answer means: classes, certainty, and sentences an admin can act on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.db.states import FaultClass
from syncd.qbo.faults import CATALOGUE, Fault, parse, parse_item

PERIOD_TEXT = (
    "The account period has closed and the account books cannot be updated through the QBO Services API."
)
STALE_TEXT = (
    "Stale Object Error : You and {user} were working on this at the same time. "
    "{user} finished before you did, so your work was not saved. Entity={entity}"
)

# The codes of Intuit's reference and of the field; a code that vanishes from the catalogue must be noticed.
CODE_NUMBERS = (
    100, 110, 120, 130, 140, 150, 500, 600, 610, 620, 800, 1040, 2010, 2020, 2030, 2040, 2050,
    2060, 2070, 2080, 2090, 2100, 2110, 2120, 2130, 2140, 2150, 2160, 2170, 2200, 2210, 2250, 2260,
    2270, 2280, 2290, 2300, 2500, 2600, 3001, 3100, 3200, 4000, 4001, 4002, 5010, 5020, 5030, 6000,
    6070, 6080, 6090, 6100, 6140, 6150, 6160, 6170, 6180, 6190, 6200, 6210, 6220, 6230, 6240, 6250,
    6280, 6290, 6300, 6310, 6320, 6330, 6340, 6350, 6360, 6370, 6380, 6390, 6420, 6430, 6440, 6450,
    6480, 6540, 10000, 10100, 10200,
)  # fmt: skip
CODES = [str(number) for number in CODE_NUMBERS]


def error(code: str, message: str = "A message", detail: str = "", **more: str) -> dict[str, Any]:
    return {"Message": message, "Detail": detail, "code": code, **more}


def fault_body(*errors: dict[str, Any], kind: str = "ValidationFault") -> bytes:
    return json.dumps({"Fault": {"Error": list(errors), "type": kind}, "time": "2026-08-17"}).encode()


def fault(body: bytes, status: int = 400, headers: dict[str, str] | None = None) -> Fault:
    found = parse(status, headers or {}, body)
    assert found is not None
    return found


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_class_cause_and_remedy(code: str) -> None:
    entry = CATALOGUE[code]
    assert entry.fault_class in FaultClass
    assert entry.cause
    assert not entry.cause.endswith(".")
    assert entry.remedy.endswith(".")
    sentence = fault(fault_body(error(code, detail="Some detail"))).sentence('customer "Ann Lee"')
    assert 'customer "Ann Lee"' in sentence
    assert entry.cause in sentence
    assert entry.remedy in sentence
    assert ("Some detail" in sentence) == entry.quote


def test_the_catalogue_holds_no_other_codes() -> None:
    assert set(CATALOGUE) == set(CODES)


@pytest.mark.parametrize(
    ("code", "fault_class", "retry"),
    [
        ("6240", FaultClass.RECORD, False),
        ("6140", FaultClass.RECORD, False),
        ("2500", FaultClass.RECORD, False),
        ("610", FaultClass.RECORD, False),
        ("6000", FaultClass.RECORD, True),
        ("6200", FaultClass.PERIOD, True),
        ("6210", FaultClass.PERIOD, True),
        ("5010", FaultClass.STALE, True),
        ("3001", FaultClass.THROTTLE, True),
        ("3200", FaultClass.AUTH, True),
        ("3100", FaultClass.AUTH, False),
        ("120", FaultClass.AUTH, False),
        ("6190", FaultClass.COMPANY, True),
        ("130", FaultClass.COMPANY, True),
        ("140", FaultClass.COMPANY, True),
        ("150", FaultClass.COMPANY, True),
        ("10000", FaultClass.TRANSIENT, True),
        ("98765", FaultClass.RECORD, True),
    ],
)
def test_class_and_retry(code: str, fault_class: FaultClass, retry: bool) -> None:
    found = fault(fault_body(error(code)))
    assert (found.fault_class, found.retry) == (fault_class, retry)


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize(
    "body",
    [b'{"Customer":{"Id":"1","SyncToken":"0"}}', b'{"QueryResponse":{}}', b'{"BatchItemResponse":[]}', b"{}"],
)
def test_a_good_answer_is_no_fault(status: int, body: bytes) -> None:
    assert parse(status, {}, body) is None


def test_a_fault_inside_200_is_found() -> None:
    found = fault(fault_body(error("6240")), status=200)
    assert (found.code, found.http_status, found.executed) == ("6240", 200, False)


def test_a_gateway_fault_in_lower_case_is_found() -> None:
    body = {
        "fault": {
            "error": [
                {
                    "message": "message=AuthenticationFailed; errorCode=003200; statusCode=401",
                    "detail": "Malformed bearer token: too short or too long",
                    "code": "3200",
                }
            ],
            "type": "AUTHENTICATION",
        },
        "time": "2026-08-17",
    }
    found = fault(json.dumps(body).encode(), status=401)
    assert (found.code, found.fault_class, found.executed) == ("3200", FaultClass.AUTH, False)
    assert found.detail == "Malformed bearer token: too short or too long"


@pytest.mark.parametrize(
    "wrap",
    [
        lambda inner: {"IntuitResponse": inner},
        lambda inner: {"QueryResponse": inner},
        lambda inner: {"CDCResponse": [{"QueryResponse": [{"Customer": [{"Id": "1"}]}, inner]}]},
    ],
)
def test_a_nested_fault_is_found(wrap: Any) -> None:
    inner = json.loads(fault_body(error("4001")))
    assert fault(json.dumps(wrap(inner)).encode(), status=200).code == "4001"


def test_a_fault_with_one_error_that_is_no_array_is_found() -> None:
    assert fault(json.dumps({"Fault": {"Error": error("610")}}).encode()).code == "610"


def test_faults_of_batch_items_are_their_own() -> None:
    bad = {"bId": "a2", "Fault": {"Error": [error("6240")], "type": "ValidationFault"}}
    good = {"bId": "a1", "Customer": {"Id": "1"}}
    assert parse(200, {}, json.dumps({"BatchItemResponse": [good, bad]}).encode()) is None
    assert parse_item(good) is None
    found = parse_item(bad)
    assert found is not None
    assert (found.code, found.executed) == ("6240", False)


@pytest.mark.parametrize("status", [200, 403, 429, 503])
@pytest.mark.parametrize("code", ["3001", "003001", 3001])
def test_a_throttle_is_known_by_its_code(status: int, code: str | int) -> None:
    body = fault_body({**error(""), "code": code}, kind="SERVICE")
    found = fault(body, status=status)
    assert (found.code, found.fault_class, found.executed) == ("3001", FaultClass.THROTTLE, False)


def test_a_code_inside_a_gateway_message_is_read() -> None:
    body = fault_body({"Message": "message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403"})
    assert fault(body, status=403).code == "3100"


@pytest.mark.parametrize(
    ("status", "fault_class", "executed"),
    [
        (200, FaultClass.TRANSIENT, None),
        (302, FaultClass.TRANSIENT, None),
        (401, FaultClass.AUTH, False),
        (403, FaultClass.TRANSIENT, None),
        (404, FaultClass.TRANSIENT, None),
        (408, FaultClass.TRANSIENT, None),
        (413, FaultClass.RECORD, False),
        (429, FaultClass.THROTTLE, False),
        (500, FaultClass.TRANSIENT, None),
        (502, FaultClass.TRANSIENT, None),
        (503, FaultClass.TRANSIENT, None),
        (504, FaultClass.TRANSIENT, None),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \n",
        b"<!DOCTYPE html><html><head><title>Oops</title></head></html>",
        b'{"Customer":{"Id":"12","Disp',
        b"[1,2]",
        b'"text"',
        b'{"x":NaN}',
        b'{"x":1e99999999999999999999}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_answers_that_are_none(
    status: int, fault_class: FaultClass, executed: bool | None, body: bytes
) -> None:
    found = fault(body, status=status)
    assert (found.code, found.fault_class, found.executed) == ("", fault_class, executed)
    assert found.sentence("invoice 1037").startswith("QuickBooks ")


def test_the_title_of_a_proxys_page_is_told() -> None:
    found = fault(b"<html><head><title>502 Bad\n Gateway</title></head><body>...</body></html>", status=502)
    assert "HTTP 502: a web page, 502 Bad Gateway" in found.sentence("invoice 1037")


def test_a_json_error_of_the_server_is_transient_and_uncertain() -> None:
    found = fault(b'{"message":"upstream"}', status=503)
    assert (found.fault_class, found.executed) == (FaultClass.TRANSIENT, None)


def test_an_unknown_code_of_a_failing_server_is_transient() -> None:
    found = fault(fault_body(error("77777", detail="Oh no"), kind="SystemFault"), status=500)
    assert (found.code, found.fault_class, found.executed) == ("77777", FaultClass.TRANSIENT, None)


def test_the_name_lock_is_transient_and_surely_not_executed() -> None:
    detail = "You can only add or edit one name at a time. Please try again."
    found = fault(fault_body(error("6000", detail=detail)))
    assert (found.fault_class, found.executed, found.retry) == (FaultClass.TRANSIENT, False, True)


def test_a_business_rule_is_quoted() -> None:
    found = fault(fault_body(error("6000", detail="You must set a transaction amount.")))
    assert found.fault_class is FaultClass.RECORD
    assert '(QuickBooks says: "You must set a transaction amount")' in found.sentence('payment "12"')


def test_a_stale_object_whose_text_says_closed_is_a_closed_period() -> None:
    assert fault(fault_body(error("5010", detail=PERIOD_TEXT))).fault_class is FaultClass.PERIOD


@pytest.mark.parametrize("entity", ["Ann Lee", "Account Period Closed Ltd", "The books are closed"])
def test_a_stale_object_stays_stale_whatever_names_it_shows(entity: str) -> None:
    detail = STALE_TEXT.format(user="Ann Lee", entity=entity)
    assert fault(fault_body(error("5010", "Stale Object Error", detail))).fault_class is FaultClass.STALE


def test_codes_decide_where_texts_are_localised() -> None:
    found = fault(fault_body(error("6140", "Numéro de document en double", "Indiquez un autre numéro.")))
    assert (found.fault_class, found.retry) == (FaultClass.RECORD, False)
    assert "Indiquez un autre numéro" in found.sentence('invoice "1037"')


def test_several_errors_in_one_array_are_all_told() -> None:
    found = fault(fault_body(error("2020", detail="Line is missing"), error("6140", detail="No. 7 is used")))
    sentence = found.sentence('invoice "7"')
    assert found.retry is False
    assert {found.code, *(other.code for other in found.others)} == {"2020", "6140"}
    assert "Line is missing" in sentence
    assert "No. 7 is used" in sentence


def test_of_several_errors_the_companys_decides() -> None:
    found = fault(fault_body(error("2020"), error("6190")))
    assert (found.code, found.fault_class) == ("6190", FaultClass.COMPANY)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "30"}, 30.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"Retry-After": "99999999"}, 86_400.0),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "inf"}, None),
        ({}, None),
        (
            {"Retry-After": "Mon, 17 Aug 2026 10:01:30 GMT", "Date": "Mon, 17 Aug 2026 10:00:00 GMT"},
            90.0,
        ),
        ({"Retry-After": "Mon, 17 Aug 2026 10:00:00 GMT", "Date": "Mon, 17 Aug 2026 10:00:30 GMT"}, 0.0),
        ({"Retry-After": "Mon, 17 Aug 2026 10:00:00 GMT", "Date": "nonsense"}, None),
    ],
)
def test_the_wait_asked_for(headers: dict[str, str], seconds: float | None) -> None:
    assert fault(b"", status=429, headers=headers).retry_after == seconds


@pytest.mark.parametrize(
    "secret",
    [
        "Bearer eyJlbmMiOiJBMTI4Q0JDLUhTMjU2IiwiYWxnIjoiZGlyIn0..abc",
        "Authorization: Bearer-ish0123456789abcdef",
        "refresh_token=AB11700000000abcdefgh",
        '"access_token": "AB0123456789"',
    ],
)
def test_secrets_are_taken_out_of_what_quickbooks_says(secret: str) -> None:
    found = fault(fault_body(error("98765", message=f"bad {secret}", detail=f"saw {secret} here")))
    told = f"{found!r} {found.sentence('invoice 1')}"
    assert secret.split()[-1].strip('"').rpartition("=")[2] not in told
    assert "[removed]" in told


def test_long_details_are_shortened_in_a_sentence() -> None:
    found = fault(fault_body(error("2010", detail="property " * 500)))
    assert len(found.sentence("invoice 1")) < 600


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Fault", "fault", "Error", "error", "code", "Message", "type", "Detail", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(status=st.integers(200, 599), value=json_values)
def test_any_json_is_understood_or_a_fault_with_a_sentence(status: int, value: Any) -> None:
    found = parse(status, {}, json.dumps(value).encode())
    if found is None:
        assert 200 <= status < 300
    else:
        assert found.sentence("invoice 1").strip()


@given(status=st.integers(200, 599), body=st.binary(max_size=60))
def test_any_bytes_are_survived(status: int, body: bytes) -> None:
    parse(status, {}, body)
