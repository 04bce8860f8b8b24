"""Time activities: who, how long, billable or not, and being billed."""

from typing import Any

import pytest
from quickbooks.exceptions import QuickbooksException
from quickbooks.objects import Employee, TimeActivity

from .books import customer_id, line, sell
from .server import Company, Sandbox


def worker(company: Company, kind: str = "Employee") -> str:
    found = company.objects(kind)
    return str(found[0]["Id"] if found else company.save(kind, GivenName="Ada", FamilyName=kind)["Id"])


def worked(company: Company, **more: Any) -> dict[str, Any]:
    who = {} if "NameOf" in more else {"NameOf": "Employee", "EmployeeRef": {"value": worker(company)}}
    return who | {"Hours": 3, "Minutes": 20} | more


def billable(company: Company) -> dict[str, Any]:
    customer = {"CustomerRef": {"value": customer_id(company)}}
    return worked(company, BillableStatus="Billable", HourlyRate=60, **customer)


def test_python_quickbooks_makes_reads_changes_and_deletes_time(qb: Any, company: Company) -> None:
    worker(company)
    made = TimeActivity()
    made.NameOf = "Employee"
    made.EmployeeRef = Employee.all(max_results=1, qb=qb)[0].to_ref()
    made.TxnDate, made.Hours, made.Minutes, made.Description = "2026-08-13", 3, 20, "Review [sip 1]"
    saved = made.save(qb=qb)
    read = TimeActivity.get(saved.Id, qb=qb)
    assert (read.Hours, read.Minutes, read.BillableStatus, read.HourlyRate) == (3, 20, "NotBillable", 0)
    assert (read.EmployeeRef.name, read.ItemRef.name) == ("Ada Employee", "Hours")
    read.Hours = 4
    assert read.save(qb=qb).SyncToken == "1"
    assert [one.Hours for one in TimeActivity.filter(TxnDate="2026-08-13", qb=qb)] == [4]
    read.SyncToken = "1"
    read.delete(qb=qb)
    with pytest.raises(QuickbooksException):
        TimeActivity.get(saved.Id, qb=qb)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"NameOf": ""}, "2020"),
        ({"NameOf": "Robot"}, "2170"),
        ({"VendorRef": {"value": "1"}}, "6290"),
        ({"NameOf": "Vendor"}, "6300"),
        ({"NameOf": "Employee", "EmployeeRef": {"value": "99"}}, "2500"),
        ({"Hours": None, "Minutes": None}, "6340"),
        ({"Hours": 0, "Minutes": 0}, "6380"),
        ({"Hours": -1}, "6380"),
        ({"Minutes": 60}, "6380"),
        ({"Hours": 8760, "Minutes": 1}, "6380"),
        ({"Hours": 1.5}, "2010"),
        ({"StartTime": "08:00:00", "EndTime": "09:00:00"}, "6390"),
        ({"Hours": None, "Minutes": None, "StartTime": "08:00:00"}, "6350"),
        ({"Hours": None, "Minutes": None, "StartTime": "09:00:00", "EndTime": "08:00:00"}, "6370"),
        (
            {"Hours": None, "Minutes": None, "StartTime": "08:00", "EndTime": "09:00", "BreakHours": 1},
            "6360",
        ),
        ({"Hours": None, "Minutes": None, "StartTime": "eight", "EndTime": "09:00:00"}, "2060"),
        ({"BillableStatus": "Billable", "HourlyRate": 60}, "6310"),
        ({"BillableStatus": "HasBeenBilled"}, "2170"),
        ({"HourlyRate": -1}, "6330"),
        ({"ItemRef": {"value": "99"}}, "2500"),
        ({"CustomerRef": {"value": "99"}}, "2500"),
        ({"Description": "x" * 4001}, "2050"),
    ],
)
def test_what_a_time_activity_may_not_be(company: Company, change: dict[str, Any], code: str) -> None:
    body = worked(company)
    assert company.refused("TimeActivity", **body | change)["code"] == code
    assert company.objects("TimeActivity") == []


def test_billable_time_needs_a_rate(company: Company) -> None:
    assert company.refused("TimeActivity", **billable(company) | {"HourlyRate": 0})["code"] == "6330"
    assert company.save("TimeActivity", **billable(company))["BillableStatus"] == "Billable"


def test_somebody_who_is_no_employee_is_taken_as_other(company: Company) -> None:
    customer = customer_id(company)
    made = company.save("TimeActivity", **worked(company, NameOf="Employee", EmployeeRef={"value": customer}))
    assert (made["NameOf"], made["OtherNameRef"]["name"], "EmployeeRef" in made) == (
        "Other",
        "Ann Lee",
        False,
    )
    vendor = worker(company, "Vendor")
    made = company.save("TimeActivity", **worked(company, NameOf="Vendor", VendorRef={"value": vendor}))
    assert (made["NameOf"], made["VendorRef"]["value"]) == ("Vendor", vendor)


def test_clock_times_move_to_the_date_and_zone_of_the_company(sandbox: Sandbox) -> None:
    company = sandbox.company(timezone="America/Denver")
    span = {"Hours": None, "Minutes": None, "TxnDate": "2026-08-13"}
    sent = {"StartTime": "2015-07-05T08:00:00-08:00", "EndTime": "2015-07-05T17:00:00-08:00"}
    made = company.save("TimeActivity", **worked(company, **span, **sent))
    assert (made["StartTime"], made["EndTime"]) == ("2026-08-13T10:00:00-06:00", "2026-08-13T19:00:00-06:00")
    change = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "Hours": 2, "Minutes": 5}
    after = company.save("TimeActivity", **change)
    assert (after["Hours"], after["Minutes"], "StartTime" in after) == (2, 5, False)


@pytest.mark.parametrize("quirk", ["refused", "changed"])
def test_time_is_billed_by_an_invoice_that_links_it(company: Company, quirk: str) -> None:
    company.sandbox.control("/sandbox/quirks", {"billed-time": quirk})
    made = company.save("TimeActivity", **billable(company))
    link = {"LinkedTxn": [{"TxnId": made["Id"], "TxnType": "TimeActivity"}]}
    sold = sell(company, line(200), **link)
    assert sold["LinkedTxn"] == link["LinkedTxn"]
    billed = company.get(f"timeactivity/{made['Id']}").json()["TimeActivity"]
    assert (billed["BillableStatus"], billed["SyncToken"]) == ("HasBeenBilled", "1")
    answer = company.post("timeactivity", billed | {"Hours": 9})
    assert answer.status_code == (400 if quirk == "refused" else 200)
    body = {"CustomerRef": {"value": customer_id(company)}, "Line": [line(1)], **link}
    assert company.refused("Invoice", **body)["code"] == "620"
    company.post("invoice", {"Id": sold["Id"], "SyncToken": "0"}, operation="delete")
    assert company.objects("TimeActivity")[0]["BillableStatus"] == "Billable"


def test_time_of_an_inactive_worker_is_refused_for_new_entries_only(company: Company) -> None:
    made = company.save("TimeActivity", **worked(company))
    company.save("Employee", Id=worker(company), SyncToken="0", sparse=True, Active=False)
    assert company.refused("TimeActivity", **worked(company))["code"] == "2500"
    company.save("TimeActivity", **made | {"Hours": 5})
