"""Batches: independent items, replay by requestid and bIds, and their own limits."""

import asyncio
from typing import Any

import httpx
import pytest
from quickbooks.batch import batch_create, batch_update
from quickbooks.objects import Customer

from .books import books, invoice, line, payment, sell
from .server import Company, Sandbox


def create(bid: str, name: str) -> dict[str, Any]:
    return {"bId": bid, "operation": "create", "Customer": {"DisplayName": name}}


def batch(company: Company, *items: dict[str, Any], **params: str) -> dict[str, dict[str, Any]]:
    """POST a batch that must be answered; the answers by bId."""
    answer = company.post("batch", {"BatchItemRequest": list(items)}, **params)
    assert answer.status_code == 200, answer.text
    return {item["bId"]: item for item in answer.json()["BatchItemResponse"]}


def refused(company: Company, *items: dict[str, Any], **params: str) -> tuple[int, str]:
    answer = company.post("batch", {"BatchItemRequest": list(items)}, **params)
    return answer.status_code, answer.json()["Fault"]["Error"][0]["code"]


def test_items_stand_and_fall_alone(company: Company) -> None:
    old = company.save("Customer", DisplayName="Old")
    answers = batch(
        company,
        create("a", "New"),
        create("b", "old"),
        {"bId": "c", "operation": "update", "Customer": {**old, "Notes": "n"}},
        {"bId": "d", "operation": "update", "Customer": {"DisplayName": "No id"}},
        {"bId": "e", "operation": "delete", "Customer": {"Id": old["Id"], "SyncToken": "0"}},
        {"bId": "f", "operation": "create", "Customer": {"DisplayName": "X", "Colour": "red"}},
        {"bId": "g", "Query": "select count(*) from Customer"},
        {"bId": "h", "Query": "select nothing"},
        {"bId": "i", "operation": "create"},
    )
    assert answers["a"]["Customer"]["DisplayName"] == "New"
    assert answers["c"]["Customer"]["Notes"] == "n"
    assert answers["g"]["QueryResponse"] == {"totalCount": 1}
    codes = {bid: item["Fault"]["Error"][0]["code"] for bid, item in answers.items() if "Fault" in item}
    assert codes == {"b": "6240", "d": "2020", "e": "500", "f": "2010", "h": "4000", "i": "2010"}
    assert answers["b"]["Fault"]["type"] == "ValidationFault"


def test_no_item_sees_what_another_has_made(company: Company) -> None:
    sub = {"DisplayName": "Sub", "Job": True, "ParentRef": {"value": "1"}}
    answers = batch(
        company,
        create("a", "Parent"),
        {"bId": "b", "operation": "create", "Customer": sub},
        {"bId": "c", "operation": "update", "Customer": {"Id": "1", "SyncToken": "0", "Notes": "n"}},
        {"bId": "d", "Query": "select * from Customer"},
    )
    assert answers["a"]["Customer"]["Id"] == "1"
    assert answers["b"]["Fault"]["Error"][0]["code"] == "2500"
    assert answers["c"]["Fault"]["Error"][0]["code"] == "610"
    assert answers["d"]["QueryResponse"] == {}
    assert company.save("Customer", **sub)["FullyQualifiedName"] == "Parent:Sub"


def test_what_refuses_a_batch_as_a_whole(company: Company) -> None:
    items = [create(str(number), f"C{number}") for number in range(31)]
    assert refused(company, *items) == (400, "1040")
    assert refused(company) == (400, "2020")
    assert refused(company, {"operation": "create", "Customer": {"DisplayName": "A"}}) == (400, "2020")
    assert refused(company, create("a", "A"), create("a", "B")) == (400, "2600")
    assert refused(company, create("x" * 11, "A"), requestid="r") == (400, "2050")
    assert refused(company, create("a", "A"), requestid="r" * 37) == (400, "2130")
    assert company.objects("Customer") == []
    batch(company, create("x" * 11, "A"))
    batch(company, create("x" * 10, "B"), requestid="r" * 36)
    assert len(batch(company, *items[:30])) == 30


def test_the_same_requestid_and_bids_replay_the_whole_answer(company: Company) -> None:
    items = [create("a", "A"), create("b", "A")]
    first = batch(company, *items, requestid="r")
    assert batch(company, *reversed(items), requestid="r") == first
    assert "Fault" in first["b"]
    assert [entry["outcome"] for entry in company.journal()] == ["executed", "replayed"]
    assert [entry["items"] for entry in company.journal()] == [2, 2]
    assert [entry["item_codes"] for entry in company.journal()] == [{"b": "6240"}, {"b": "6240"}]


@pytest.mark.parametrize(("quirk", "made"), [("executed", 4), ("replayed", 3)])
def test_other_bids_under_the_same_requestid(company: Company, quirk: str, made: int) -> None:
    company.sandbox.control("/sandbox/quirks", {"batch-subset": quirk, "names-lock": "off"})
    batch(company, create("a", "A"), create("b", "B"), requestid="r")
    batch(company, create("a", "A2"), create("c", "C"), requestid="r")
    assert len(company.objects("Customer")) == made


@pytest.mark.parametrize(("quirk", "order"), [("reversed", ["b", "a"]), ("as-sent", ["a", "b"])])
def test_answers_are_matched_by_bid_not_by_place(company: Company, quirk: str, order: list[str]) -> None:
    company.sandbox.control("/sandbox/quirks", {"batch-order": quirk})
    answer = company.post("batch", {"BatchItemRequest": [create("a", "A"), create("b", "B")]})
    assert [item["bId"] for item in answer.json()["BatchItemResponse"]] == order


def test_batches_have_limits_of_their_own(sandbox: Sandbox) -> None:
    none = {"per_minute": 0, "per_second": 0, "concurrent": 0}
    company = sandbox.company(limits={**none, "batch_per_minute": 2})
    query = {"bId": "q", "Query": "select * from Customer"}
    batch(company, query)
    batch(company, query)
    answer = company.post("batch", {"BatchItemRequest": [query]})
    assert (answer.status_code, answer.json()["fault"]["error"][0]["code"]) == (429, "003001")
    assert company.get("preferences").status_code == 200
    sandbox.control("/sandbox/clock", {"advance_seconds": 60})
    batch(company, query)


@pytest.mark.parametrize(("quirk", "answered"), [("one", 3), ("items", 1)])
def test_weight_of_a_batch(sandbox: Sandbox, quirk: str, answered: int) -> None:
    sandbox.control("/sandbox/quirks", {"batch-weight": quirk})
    company = sandbox.company(limits={"per_minute": 3, "per_second": 0})
    items = [create("a", "A"), create("b", "B")]
    answers = [company.post("batch", {"BatchItemRequest": items}) for _ in range(3)]
    assert sum(answer.status_code == 200 for answer in answers) == answered


def test_minutes_of_the_limits_can_pass_faster(sandbox: Sandbox) -> None:
    company = sandbox.company(limits={"per_minute": 2, "per_second": 0, "speed": 3600})
    for _ in range(2):
        assert company.get("preferences").status_code == 200
    sandbox.control("/sandbox/clock", {"advance_seconds": 60 / 3600})
    assert company.get("preferences").status_code == 200


@pytest.mark.parametrize(("quirk", "made"), [("on", 1), ("names", 1), ("off", 2)])
def test_a_batch_holds_the_names_lock(company: Company, quirk: str, made: int) -> None:
    company.sandbox.control("/sandbox/quirks", {"names-lock": quirk})
    company.sandbox.inject("delay", seconds=0.4, times=2, realm_id=company.realm)
    query = {"bId": "q", "Query": "select * from Customer"}
    bodies = [{"BatchItemRequest": [create("a", name), query]} for name in ("A", "B")]

    async def both() -> list[httpx.Response]:
        async with httpx.AsyncClient(timeout=10, headers=company.headers) as http:
            return await asyncio.gather(*(http.post(f"{company.base}/batch", json=body) for body in bodies))

    answers = [item for answer in asyncio.run(both()) for item in answer.json()["BatchItemResponse"]]
    assert len(company.objects("Customer")) == made
    faults = [item["Fault"]["Error"][0] for item in answers if "Fault" in item]
    assert [error["code"] for error in faults] == ["6000"] * (2 - made)
    assert sum("QueryResponse" in item for item in answers) == 2


def test_faults_can_be_ordered_for_single_items(company: Company) -> None:
    company.sandbox.inject("item-fault", code="3001", entity="Customer", skip=1, realm_id=company.realm)
    answers = batch(company, create("a", "A"), create("b", "B"), create("c", "C"))
    assert ["Fault" in answers[bid] for bid in "abc"] == [False, True, False]
    company.sandbox.inject("drop-after", entity="Customer", realm_id=company.realm)
    with pytest.raises(httpx.RemoteProtocolError):
        batch(company, create("d", "D"), requestid="r")
    assert batch(company, create("d", "D"), requestid="r")["d"]["Customer"]["Id"] == "3"


def test_a_batch_of_sales_and_payments(company: Company) -> None:
    sold, gone, voided = (sell(company, line(100)) for _ in range(3))
    future = str(int(voided["Id"]) + 1)
    answers = batch(
        company,
        {"bId": "sale", "operation": "create", "Invoice": invoice(company)},
        {"bId": "early", "operation": "create", "Payment": payment(company, 100, (future, 100))},
        {"bId": "paid", "operation": "create", "Payment": payment(company, 100, (sold["Id"], 100))},
        {"bId": "twice", "operation": "create", "Payment": payment(company, 100, (sold["Id"], 100))},
        {"bId": "gone", "operation": "delete", "Invoice": {"Id": gone["Id"], "SyncToken": "0"}},
        {"bId": "void", "operation": "void", "Invoice": {"Id": voided["Id"], "SyncToken": "0"}},
        {"bId": "stale", "operation": "update", "Invoice": sold},
    )
    assert answers["sale"]["Invoice"]["Id"] == future
    assert answers["early"]["Fault"]["Error"][0]["code"] == "2500"
    assert answers["paid"]["Payment"]["UnappliedAmt"] == 0
    assert answers["twice"]["Fault"]["Error"][0]["code"] == "6000"
    assert answers["gone"]["Invoice"]["status"] == "Deleted"
    assert answers["void"]["Invoice"]["TotalAmt"] == 0
    assert answers["stale"]["Fault"]["Error"][0]["code"] == "5010"
    assert books(company) == {"Accounts Receivable (A/R)": 100, "Services": -200, "Undeposited Funds": 100}
    undo = {"Id": answers["paid"]["Payment"]["Id"], "SyncToken": "0", "sparse": True}
    again = {"bId": "a", "operation": "update", "optionsData": "void", "Payment": undo}
    assert batch(company, again)["a"]["Payment"]["PrivateNote"] == "Voided"


def test_python_quickbooks_sends_batches(qb: Any, company: Company) -> None:
    made = []
    for name in ("A", "B", "A"):
        customer = Customer()
        customer.DisplayName = name
        made.append(customer)
    results = batch_create(made, qb=qb)
    assert sorted(one.DisplayName for one in results.successes) == ["A", "B"]
    assert [fault.Error[0].code for fault in results.faults] == ["6240"]
    for one in results.successes:
        one.Notes = "changed"
    assert {one.Notes for one in batch_update(results.successes, qb=qb).successes} == {"changed"}
