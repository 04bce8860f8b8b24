"""Change data capture."""

from typing import Any

import httpx
import pytest
from quickbooks.cdc import change_data_capture
from quickbooks.objects import Customer, Invoice

from .books import line, sell
from .server import Company

LONG_AGO = "2001-01-01T00:00:00-08:00"


def changed(company: Company, entities: str, since: str) -> list[dict[str, Any]]:
    answer = company.get("cdc", entities=entities, changedSince=since)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["CDCResponse"][0]["QueryResponse"]
    return found


def test_python_quickbooks_sees_changes_and_deletions(qb: Any, company: Company) -> None:
    before = company.get("preferences").json()["time"]
    kept, gone = sell(company, line(1)), sell(company, line(2))
    company.post("invoice", {"Id": gone["Id"], "SyncToken": "0"}, operation="delete")
    found = change_data_capture([Invoice, Customer], before, qb=qb)
    assert [one.DisplayName for one in found.Customer._object_list] == ["Ann Lee"]
    assert [one.Id for one in found.Invoice._object_list] == [kept["Id"], gone["Id"]]
    deleted = changed(company, "Invoice", before)[0]["Invoice"][1]
    assert (deleted["status"], set(deleted)) == ("Deleted", {"domain", "status", "Id", "MetaData"})


def test_nothing_changed_is_an_empty_object(company: Company) -> None:
    sell(company, line(1))
    company.sandbox.control("/sandbox/clock", {"advance_seconds": 2})
    now = company.get("preferences").json()["time"]
    assert changed(company, "Customer,Invoice,Payment", now) == [{}, {}, {}]


def test_inactive_objects_are_among_the_changes(company: Company) -> None:
    made = company.save("Customer", DisplayName="A")
    company.save("Customer", Id=made["Id"], SyncToken="0", sparse=True, Active=False)
    found = changed(company, "Customer", LONG_AGO)[0]["Customer"]
    assert [one["Active"] for one in found] == [False]


@pytest.mark.parametrize("quirk", ["truncated", "refused"])
def test_looking_back_more_than_thirty_days(company: Company, quirk: str) -> None:
    company.sandbox.control("/sandbox/quirks", {"cdc-too-old": quirk})
    company.save("Customer", DisplayName="Old")
    company.sandbox.control("/sandbox/clock", {"advance_seconds": 31 * 86_400})
    company.access = company.sandbox.control("/sandbox/tokens", {"realm_id": company.realm})["access_token"]
    company.save("Customer", DisplayName="New")
    if quirk == "truncated":
        found = changed(company, "Customer", LONG_AGO)[0]["Customer"]
        assert [one["DisplayName"] for one in found] == ["New"]
    else:
        assert company.get("cdc", entities="Customer", changedSince=LONG_AGO).status_code == 400


def test_at_most_a_thousand_objects(company: Company) -> None:
    for number in range(0, 1020, 30):
        items = [
            {"bId": str(one), "operation": "create", "Customer": {"DisplayName": f"C{one}"}}
            for one in range(number, number + 30)
        ]
        assert company.post("batch", {"BatchItemRequest": items}).status_code == 200
    found = changed(company, "Customer,Vendor", LONG_AGO)
    assert (found[0]["maxResults"], len(found[0]["Customer"]), found[1]) == (1000, 1000, {})


def error(answer: httpx.Response) -> str:
    return str(answer.json()["Fault"]["Error"][0]["code"])


def test_what_cannot_be_asked_for(company: Company) -> None:
    assert error(company.get("cdc", entities="", changedSince=LONG_AGO)) == "2020"
    assert error(company.get("cdc", entities="Customer", changedSince="yesterday")) == "2060"
    for name in ("TaxCode", "TaxRate", "TaxAgency", "Nothing", "TimeActivity"):
        assert error(company.get("cdc", entities=name, changedSince=LONG_AGO)) == "4001"
    company.sandbox.control("/sandbox/quirks", {"cdc-time-activity": "present"})
    assert changed(company, "TimeActivity", LONG_AGO) == [{}]
