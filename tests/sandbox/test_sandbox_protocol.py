"""Tokens, limits, replay, ordered faults and the shapes of refusals."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from .server import Company, Sandbox


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["Fault"]["Error"][0]["code"]


def refresh(company: Company, token: str, **headers: str) -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    url = "/oauth2/v1/tokens/bearer"
    return company.sandbox.http.post(url, data=form, auth=("sandbox", "sandbox"), headers=headers)


async def at_once(
    company: Company, *calls: tuple[str, dict[str, Any], dict[str, str]]
) -> list[httpx.Response]:
    """POST several bodies at the same time: (path, body, query) each."""
    async with httpx.AsyncClient(timeout=10, headers=company.headers) as http:
        sent = [http.post(f"{company.base}/{path}", json=body, params=params) for path, body, params in calls]
        return await asyncio.gather(*sent)


# Tokens


def test_every_answer_has_an_intuit_tid(company: Company) -> None:
    http = company.sandbox.http
    answers = [company.get("preferences"), company.get("nothing"), http.get(f"{company.base}/preferences")]
    answers += [refresh(company, "unknown"), http.get("/.well-known/openid_configuration")]
    tids = {answer.headers["intuit_tid"] for answer in answers}
    assert len(tids) == len(answers)


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        ("", "Malformed bearer token: too short or too long"),
        ("Bearer x", "Malformed bearer token: too short or too long"),
        ("Bearer " + "x" * 60, "Token expired"),
    ],
)
def test_a_bad_token_is_refused_in_lower_case(company: Company, header: str, detail: str) -> None:
    headers = {"Accept": "application/json"} | ({"Authorization": header} if header else {})
    answer = company.sandbox.http.get(f"{company.base}/preferences", headers=headers)
    assert answer.status_code == 401
    fault = answer.json()["fault"]
    assert fault["type"] == "AUTHENTICATION"
    assert (fault["error"][0]["code"], fault["error"][0]["detail"]) == ("3200", detail)
    assert "errorCode=003200" in fault["error"][0]["message"]


def test_gateway_casing_can_be_upper(company: Company) -> None:
    company.sandbox.control("/sandbox/quirks", {"gateway-casing": "upper"})
    headers = {"Accept": "application/json", "Authorization": "Bearer x"}
    answer = company.sandbox.http.get(f"{company.base}/preferences", headers=headers)
    assert error(answer) == (401, "3200")


def test_a_token_opens_no_other_realm(company: Company) -> None:
    other = company.sandbox.company()
    answer = company.sandbox.http.get(f"{other.base}/preferences", headers=company.headers)
    assert (answer.status_code, answer.json()["fault"]["error"][0]["code"]) == (403, "3100")


def test_access_tokens_live_an_hour_and_a_refresh_renews_them(company: Company) -> None:
    company.sandbox.control("/sandbox/clock", {"advance_seconds": 3601})
    assert company.get("preferences").status_code == 401
    fresh = refresh(company, company.refresh).json()
    company.access = fresh["access_token"]
    assert company.get("preferences").status_code == 200


def test_refresh_tokens_die_after_101_days_unused(company: Company) -> None:
    company.sandbox.control("/sandbox/clock", {"advance_seconds": 8_726_401})
    answer = refresh(company, company.refresh)
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "invalid_grant",
        "error_description": "Incorrect or invalid refresh token",
    }


def test_rotation_within_a_day_can_give_the_same_value(company: Company) -> None:
    company.sandbox.control("/sandbox/quirks", {"refresh-token-rotation": "24h", "old-refresh-token": "24h"})
    assert refresh(company, company.refresh).json()["refresh_token"] == company.refresh
    company.sandbox.control("/sandbox/clock", {"advance_seconds": 86_401})
    assert refresh(company, company.refresh).json()["refresh_token"] != company.refresh
    assert refresh(company, company.refresh).status_code == 200


def test_hard_expiry_is_told_to_who_asks(company: Company) -> None:
    asked = refresh(company, company.refresh, **{"x-include-refresh-token-hard-expires-in": "true"}).json()
    assert 0 <= 5 * 365 * 86_400 - asked["x_refresh_token_hard_expires_in"] <= 5
    assert "x_refresh_token_hard_expires_in" not in refresh(company, asked["refresh_token"]).json()


def test_a_code_used_twice_ends_the_tokens_of_its_first_use(company: Company) -> None:
    query = {
        "client_id": "sandbox", "response_type": "code", "scope": "com.intuit.quickbooks.accounting",
        "redirect_uri": "http://localhost/cb", "state": "s", "realm_id": company.realm,
    }  # fmt: skip
    http = company.sandbox.http
    code = httpx.URL(http.get("/connect/oauth2", params=query).headers["location"]).params["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "http://localhost/cb"}
    first = http.post("/oauth2/v1/tokens/bearer", data=form, auth=("sandbox", "sandbox"))
    second = http.post("/oauth2/v1/tokens/bearer", data=form, auth=("sandbox", "sandbox"))
    assert (first.status_code, second.json()["error"]) == (200, "invalid_grant")
    assert refresh(company, first.json()["refresh_token"]).status_code == 400


@pytest.mark.parametrize(
    "change",
    [
        {"state": ""},
        {"client_id": "other"},
        {"response_type": "token"},
        {"scope": "everything"},
        {"redirect_uri": "http://app.example/cb"},
        {"redirect_uri": "https://192.0.2.1/cb"},
        {"redirect_uri": "https://app.example/cb?a=b"},
    ],
)
def test_authorize_refuses_without_a_redirect(company: Company, change: dict[str, str]) -> None:
    query = {
        "client_id": "sandbox", "response_type": "code", "scope": "com.intuit.quickbooks.accounting",
        "redirect_uri": "https://app.example/cb", "state": "s", "realm_id": company.realm,
    }  # fmt: skip
    assert company.sandbox.http.get("/connect/oauth2", params=query).status_code == 302
    answer = company.sandbox.http.get("/connect/oauth2", params=query | change)
    assert answer.status_code == 400


def test_a_person_can_decline(company: Company) -> None:
    query = {
        "client_id": "sandbox", "response_type": "code", "scope": "com.intuit.quickbooks.accounting",
        "redirect_uri": "https://app.example/cb", "state": "s", "decision": "deny",
    }  # fmt: skip
    answer = company.sandbox.http.get("/connect/oauth2", params=query)
    assert answer.headers["location"] == "https://app.example/cb?error=access_denied&state=s"


# Bodies and paths


def test_bodies_that_are_no_utf8_json_object_are_refused(company: Company) -> None:
    def post(content: bytes, kind: str = "application/json") -> tuple[int, str]:
        headers = company.headers | {"Content-Type": kind}
        return error(company.sandbox.http.post(f"{company.base}/customer", content=content, headers=headers))

    assert post(b'{"DisplayName":"\xe9"}') == (400, "500")
    for content in (b"", b"{", b"[]", b'{"DisplayName":NaN}', b'{"a":1e999999999999999999999}', b"[" * 5000):
        assert post(content) == (400, "2010")
    assert post(b'{"DisplayName":"\\ud800"}') == (400, "2010")
    assert post(b"DisplayName=A", "application/x-www-form-urlencoded") == (415, "1050")
    assert company.objects("Customer") == []


def test_paths_are_case_sensitive_and_unknown_operations_unsupported(company: Company) -> None:
    assert company.get("Customer/1").status_code == 404
    assert error(company.post("customer", {"Id": "1", "SyncToken": "0"}, operation="delete")) == (400, "500")
    assert error(company.get("customer/abc")) == (400, "2030")
    assert company.get("preferences", minorverion="3", minorversion="4").status_code == 200


def test_without_accept_json_the_answer_is_xml(company: Company) -> None:
    company.save("Customer", DisplayName="A & B")
    answer = company.sandbox.http.get(
        f"{company.base}/customer/1", headers=company.headers | {"Accept": "*/*"}
    )
    assert answer.headers["content-type"].startswith("application/xml")
    assert "<DisplayName>A &amp; B</DisplayName>" in answer.text


def test_envelope_and_object_times_carry_the_pacific_offset(company: Company) -> None:
    answer = company.post("customer", {"DisplayName": "A"}).json()
    assert answer["time"][-6:] in ("-07:00", "-08:00")
    assert len(answer["time"]) == len("2026-08-17T10:00:00.000-07:00")
    assert len(answer["Customer"]["MetaData"]["CreateTime"]) == len("2026-08-17T10:00:00-07:00")


def test_fault_has_the_documented_shape_and_can_come_with_200(company: Company) -> None:
    fault = company.post("customer", {}).json()
    assert set(fault) == {"Fault", "time"}
    assert fault["Fault"]["type"] == "ValidationFault"
    assert set(fault["Fault"]["Error"][0]) == {"Message", "Detail", "code", "element"}
    company.sandbox.control("/sandbox/quirks", {"fault-on-200": "on"})
    assert error(company.post("customer", {})) == (200, "6080")


# Limits


def test_the_eleventh_request_in_a_second_is_refused(sandbox: Sandbox) -> None:
    sandbox.control("/sandbox/clock", {"rate": 0.001})
    company = sandbox.company(limits={"per_minute": 0, "concurrent": 0})
    answers = [company.get("preferences") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    refused = answers[-1].json()["fault"]["error"][0]
    assert refused["code"] == "003001"
    assert "errorCode=003001" in refused["message"]
    assert "retry-after" not in answers[-1].headers
    sandbox.control("/sandbox/clock", {"advance_seconds": 1.1})
    assert company.get("preferences").status_code == 200


def test_requests_of_a_minute_are_counted_by_realm_and_retry_after_is_a_quirk(sandbox: Sandbox) -> None:
    sandbox.control("/sandbox/quirks", {"retry-after": "present", "gateway-casing": "upper"})
    company = sandbox.company(limits={"per_minute": 3, "per_second": 0})
    other = sandbox.company()
    answers = [company.get("preferences") for _ in range(4)]
    assert error(answers[3]) == (429, "003001")
    assert 0 < int(answers[3].headers["retry-after"]) <= 61
    assert other.get("preferences").status_code == 200
    sandbox.control("/sandbox/clock", {"advance_seconds": 60})
    assert company.get("preferences").status_code == 200


def test_more_calls_at_once_than_allowed_are_refused(sandbox: Sandbox) -> None:
    company = sandbox.company(limits={"per_minute": 0, "per_second": 0, "concurrent": 2})
    sandbox.control("/sandbox/quirks", {"names-lock": "off"})
    sandbox.inject("delay", seconds=0.5, times=5, realm_id=company.realm)
    calls = [("customer", {"DisplayName": f"C{number}"}, dict[str, str]()) for number in range(5)]
    answers = asyncio.run(at_once(company, *calls))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429, 429]


# requestid


def test_requestid_replays_the_first_answer_whatever_comes_with_it(company: Company) -> None:
    first = company.post("customer", {"DisplayName": "A"}, requestid="r")
    again = company.post("vendor", {"DisplayName": "B"}, requestid="r")
    assert again.content == first.content
    assert again.headers["intuit_tid"] != first.headers["intuit_tid"]
    assert company.objects("Vendor") == []
    assert [entry["outcome"] for entry in company.journal()] == ["executed", "replayed"]
    other = company.sandbox.company()
    assert (
        other.post("customer", {"DisplayName": "B"}, requestid="r").json()["Customer"]["DisplayName"] == "B"
    )


@pytest.mark.parametrize("requestid", ["", "x" * 51, "two words"])
def test_malformed_requestid(company: Company, requestid: str) -> None:
    assert error(company.post("customer", {"DisplayName": "A"}, requestid=requestid)) == (400, "2130")
    assert company.objects("Customer") == []


@pytest.mark.parametrize(("quirk", "status"), [("remember", 400), ("forget", 200)])
def test_a_fault_is_replayed_or_not(company: Company, quirk: str, status: int) -> None:
    company.sandbox.control("/sandbox/quirks", {"failed-replay": quirk})
    assert company.post("customer", {}, requestid="r").status_code == 400
    assert company.post("customer", {"DisplayName": "A"}, requestid="r").status_code == status


@pytest.mark.parametrize(("quirk", "made"), [("none", 2), ("1h", 2), ("forever", 1)])
def test_replay_memory_ends(company: Company, quirk: str, made: int) -> None:
    company.sandbox.control("/sandbox/quirks", {"replay-memory": quirk})
    company.post("customer", {"GivenName": "A", "DisplayName": "A"}, requestid="r")
    company.sandbox.control("/sandbox/clock", {"advance_seconds": 3601})
    company.access = company.sandbox.control("/sandbox/tokens", {"realm_id": company.realm})["access_token"]
    company.post("customer", {"GivenName": "A", "DisplayName": "B"}, requestid="r")
    assert len(company.objects("Customer")) == made


def test_a_requestid_still_running_is_refused_or_carried_out_once(company: Company) -> None:
    call = ("customer", {"DisplayName": "A"}, {"requestid": "r"})
    company.sandbox.inject("delay", seconds=0.4, times=2, realm_id=company.realm)
    answers = asyncio.run(at_once(company, call, call))
    codes = sorted(error(answer) for answer in answers if answer.status_code == 400)
    assert codes == [(400, "600")]
    assert company.post("customer", {"DisplayName": "A"}, requestid="r").json()["Customer"]["Id"] == "1"

    company.sandbox.control("/sandbox/quirks", {"concurrent-requestid": "once", "names-lock": "off"})
    company.sandbox.inject("delay", seconds=0.4, times=2, realm_id=company.realm)
    again = ("customer", {"DisplayName": "B"}, {"requestid": "s"})
    answers = asyncio.run(at_once(company, again, again))
    assert answers[0].content == answers[1].content
    assert len(company.objects("Customer")) == 2


@pytest.mark.parametrize(("quirk", "made"), [("on", 1), ("off", 2)])
def test_two_name_writes_at_once_meet_the_lock(company: Company, quirk: str, made: int) -> None:
    company.sandbox.control("/sandbox/quirks", {"names-lock": quirk})
    company.sandbox.inject("delay", seconds=0.4, times=2, realm_id=company.realm)
    calls = [(kind, {"DisplayName": kind}, {"requestid": kind}) for kind in ("customer", "vendor")]
    answers = asyncio.run(at_once(company, *calls))
    assert sum(answer.status_code == 200 for answer in answers) == made
    for answer, (kind, body, params) in zip(answers, calls, strict=True):
        if answer.status_code == 400:
            assert error(answer) == (400, "6000")
            assert "You can only add or edit one name at a time" in answer.text
            assert company.post(kind, body, **params).status_code == 200


# Ordered faults


@pytest.mark.parametrize(("kind", "made"), [("drop-before", 0), ("drop-after", 1)])
def test_a_lost_answer_is_settled_by_repeating_the_requestid(company: Company, kind: str, made: int) -> None:
    company.sandbox.inject(kind, realm_id=company.realm, method="POST")
    with pytest.raises(httpx.RemoteProtocolError):
        company.post("customer", {"DisplayName": "A"}, requestid="r")
    assert len(company.objects("Customer")) == made
    assert company.post("customer", {"DisplayName": "A"}, requestid="r").status_code == 200
    assert len(company.objects("Customer")) == 1


def test_answers_of_other_kinds_can_be_ordered(company: Company) -> None:
    def answered(kind: str, **order: Any) -> httpx.Response:
        company.sandbox.inject(kind, realm_id=company.realm, entity="Customer", **order)
        return company.post("customer", {"DisplayName": kind})

    assert answered("status", status=503).status_code == 503
    assert answered("html").headers["content-type"].startswith("text/html")
    assert error(answered("fault-200", code="6000", detail="d")) == (200, "6000")
    assert error(answered("fault", code="6190")) == (400, "6190")
    assert error(answered("fault")) == (500, "10000")
    assert answered("throttle").status_code == 429
    assert company.objects("Customer") == []
    assert answered("status", status=500, when="after").status_code == 500
    assert [made["DisplayName"] for made in company.objects("Customer")] == ["status"]
    company.sandbox.inject("hang", seconds=0.05, realm_id=company.realm)
    with pytest.raises(httpx.RemoteProtocolError):
        company.get("preferences")
    assert answered("token-dead").status_code == 401
    assert company.get("preferences").status_code == 401


def test_faults_come_as_often_as_ordered_and_can_be_withdrawn(company: Company) -> None:
    company.sandbox.inject("status", times=2, skip=1, realm_id=company.realm)
    assert [company.get("preferences").status_code for _ in range(4)] == [200, 503, 503, 200]
    company.sandbox.inject("status", times=0)
    assert len(company.sandbox.control("/sandbox/faults")["faults"]) == 1
    company.sandbox.http.delete("/sandbox/faults")
    assert company.get("preferences").status_code == 200


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_a_held_call_lasts_until_its_order_is_deleted(company: Company, when: str, made: int) -> None:
    order = company.sandbox.control(
        "/sandbox/faults", {"kind": "hold", "when": when, "realm_id": company.realm, "method": "POST"}
    )
    with ThreadPoolExecutor() as pool:
        held = pool.submit(company.post, "customer", {"DisplayName": "A"})
        while not company.journal() or len(company.objects("Customer")) < made:
            assert not held.done()
        assert company.get("preferences").status_code == 200
        assert not held.done()
        assert len(company.objects("Customer")) == made
        assert company.sandbox.http.delete(f"/sandbox/faults/{order['id']}").json() == {"faults": []}
        assert held.result(10).status_code == 200
    again = company.sandbox.http.delete(f"/sandbox/faults/{order['id']}")
    assert (again.status_code, again.json()["error"]) == (400, f"There is no fault '{order['id']}'.")


def test_a_lost_refresh_leaves_the_old_token_dead(company: Company) -> None:
    company.sandbox.inject("drop-after", path="tokens/bearer")
    with pytest.raises(httpx.RemoteProtocolError):
        refresh(company, company.refresh)
    assert refresh(company, company.refresh).json()["error"] == "invalid_grant"


# Control interface


def test_a_person_can_edit_what_a_client_has_read(company: Company) -> None:
    made = company.save("Customer", DisplayName="A", Notes="n")
    path = f"/sandbox/edit/{company.realm}/Customer/{made['Id']}"
    edited = company.sandbox.control(path, {"DisplayName": "B", "Notes": None})
    assert (edited["DisplayName"], edited["SyncToken"], "Notes" in edited) == ("B", "1", False)
    assert company.refused("Customer", **made)["code"] == "5010"
    company.sandbox.control(
        f"/sandbox/edit/{company.realm}/Preferences/1",
        {"AccountingInfoPrefs": {"BookCloseDate": "2025-12-31"}},
    )
    preferences = company.get("preferences").json()["Preferences"]
    assert preferences["AccountingInfoPrefs"]["BookCloseDate"] == "2025-12-31"
    assert preferences["AccountingInfoPrefs"]["TaxYearMonth"] == "January"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/sandbox/companies", {"profile": "mars"}),
        ("/sandbox/companies", {"colour": "red"}),
        ("/sandbox/companies", {"realm_id": "abc"}),
        ("/sandbox/companies", {"timezone": "Mars/Olympus"}),
        ("/sandbox/tokens", {"realm_id": "1"}),
        ("/sandbox/faults", {"kind": "flood"}),
        ("/sandbox/faults", {"kind": "delay", "seconds": "long"}),
        ("/sandbox/clock", {"advance_seconds": -1}),
        ("/sandbox/quirks", {"names-lock": "maybe"}),
        ("/sandbox/quirks", {"weather": "fine"}),
        ("/sandbox/limits", {"per_minute": -1}),
    ],
)
def test_the_control_interface_says_what_is_wrong(sandbox: Sandbox, path: str, body: dict[str, Any]) -> None:
    answer = sandbox.http.post(path, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")


def test_the_journal_counts_on_and_shows_arrivals(company: Company) -> None:
    company.get("preferences")
    last = company.journal()[-1]
    company.save("Customer", DisplayName="A")
    newer = company.sandbox.control(f"/sandbox/requests?since={last['seq']}")["requests"]
    assert [entry["entity"] for entry in newer] == ["Customer"]
    assert newer[0]["arrived"] >= last["arrived"]
    assert (newer[0]["status"], newer[0]["object_id"], newer[0]["method"]) == (200, "1", "POST")


def test_the_journal_of_one_company_is_told_without_that_of_the_others(company: Company) -> None:
    other = company.sandbox.company()
    for asking in (company, other, company):
        asking.get("preferences")
    everything = company.sandbox.control("/sandbox/requests")["requests"]
    assert company.journal() == [entry for entry in everything if entry["realm"] == company.realm]
    assert [entry["entity"] for entry in other.journal()] == ["Preferences"]
    first = company.journal()[0]["seq"]
    later = company.sandbox.control(f"/sandbox/requests?since={first}&realm={company.realm}")["requests"]
    assert later == company.journal()[1:] != []
