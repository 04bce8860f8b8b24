"""The rules of what an entry of a timesheet is in QuickBooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.flow.test_checklist_timesheets import activities, activity, approved
from tests.support.company import Company

if TYPE_CHECKING:
    from tests.flow.conftest import World
    from tests.support.cli import Commands


@pytest.fixture
def sam(company: Company) -> str:
    """A member of the team who is an employee in QuickBooks."""
    return company.world.employ("Sam Ortega", company=company.id)


def test_an_entry_without_time_is_skipped_and_said(company: Company, sam: str) -> None:
    approved(company, sam, 0)
    assert activities(company) == []
    [(label, _, _, status, reason)] = company.log("Timesheet Entry")
    assert (label, status) == ("Timesheet Entry", "Skipped")
    assert "no time" in reason


def test_an_inactive_employee_is_named_with_the_command_that_chooses_another(
    company: Company, sam: str, syncd: Commands
) -> None:
    employee = company.one("Employee")
    company.edit("Employee", employee["Id"], Active=False)
    [entry] = company.sip.timesheet(sam, {"minutes": 30})
    company.settle()
    [error] = company.errors()
    name = company.world.database.value(
        "select qbo_name from syncd.employee_map where company_id = %s", (company.id,)
    )
    assert f'It names employee "{name}".' in error
    assert f"syncd map employees set {company.id} {sam} EMPLOYEE" in error
    assert f"syncd retry {company.id} timesheet-entry {entry}" in error
    company.edit("Employee", employee["Id"], Active=True)
    syncd("retry", company.id, "timesheet-entry", entry)
    company.settle()
    assert activity(company, entry)["EmployeeRef"]["value"] == employee["Id"]


def test_an_entry_that_was_deleted_in_quickbooks_is_made_again_when_a_person_says_so(
    company: Company, sam: str, syncd: Commands
) -> None:
    [entry] = company.sip.timesheet(sam, {"minutes": 30})
    company.settle()
    before = activity(company, entry)
    company.world.sandbox.post(
        company.realm,
        "timeactivity?operation=delete",
        {"Id": before["Id"], "SyncToken": before["SyncToken"]},
    )
    company.sip.update("timesheet_entries", entry, minutes=45)
    company.settle()
    assert activities(company) == [], "never by itself"
    syncd("settle", company.id, "timesheet-entry", entry, "--make-again", "--yes")
    company.settle()
    [made] = activities(company)
    assert made["Minutes"] == 45
    assert made["Id"] != before["Id"]
    assert company.link("timesheet_entry", entry) == made["Id"]


def test_the_customer_of_its_job_goes_first(company: Company, sam: str) -> None:
    company.switch(auto_customers=False)
    sip = company.sip
    job = sip.job(sip.customer("Ann Lee"), "Kitchen")
    [entry] = sip.timesheet(sam, {"minutes": 30, "job_id": job})
    company.settle()
    [ann] = company.objects("Customer")
    assert ann["DisplayName"] == "Ann Lee"
    assert activity(company, entry)["CustomerRef"]["value"] == ann["Id"]


@pytest.mark.parametrize(
    "change",
    [{"minutes": 105}, {"notes": "And the roof"}, {"entry_type": "travel"}, {"job_id": None}],
    ids=str,
)
def test_an_entry_edited_after_sync_updates_the_same_activity(
    company: Company, sam: str, change: dict[str, Any]
) -> None:
    sip = company.sip
    job = sip.job(sip.customer(), "Kitchen")
    [entry] = sip.timesheet(sam, {"minutes": 30, "job_id": job})
    company.settle()
    before = activity(company, entry)
    company.edit("TimeActivity", before["Id"], CostRate=30)
    sip.update("timesheet_entries", entry, **change)
    company.settle()
    [after] = activities(company)
    assert after["Id"] == before["Id"]
    assert after["CostRate"] == 30
    changed = {
        "minutes": (after["Hours"], after["Minutes"]) == (1, 45),
        "notes": "And the roof" in after["Description"],
        "entry_type": after["Description"].startswith("Travel, Kitchen"),
        "job_id": "CustomerRef" not in after,
    }
    assert {key for key, holds in changed.items() if holds} == set(change)
    assert company.problems() == []


def test_an_activity_has_the_item_for_time_and_no_rate_and_is_not_billable(
    company: Company, sam: str, syncd: Commands
) -> None:
    hours = company.one("Item", Name="Hours")["Id"]
    syncd("map", "items", "set", company.id, "time", hours)
    [entry] = company.sip.timesheet(sam, 30)
    company.settle()
    found = activity(company, entry)
    assert (found["ItemRef"]["value"], found["BillableStatus"]) == (hours, "NotBillable")
    assert not found.get("HourlyRate")
    assert "SIP Services" not in {o["Name"] for o in company.objects("Item")}


def test_entries_go_once_payroll_was_switched_on_in_quickbooks(running: World, syncd: Commands) -> None:
    company = Company(running, payroll=False)
    sam = running.employ(company=company.id)
    one, other = approved(company, sam, 30, 45)
    assert len(company.errors()) == 2
    switch_payroll_on(company)
    syncd("retry", company.id, "timesheet-entry", one)
    company.settle()
    assert [company.badge(entry) for entry in (one, other)] == [("QB Synced", None)] * 2
    assert len(activities(company)) == 2


def switch_payroll_on(company: Company) -> None:
    company.edit("CompanyInfo", "1", NameValue=[{"Name": "PayrollFeature", "Value": "true"}])


def test_an_entry_of_an_approval_that_is_taken_back_diverges_and_stays(company: Company, sam: str) -> None:
    sip = company.sip
    [entry] = sip.timesheet(sam, 30)
    company.settle()
    sip.update("timesheets", sip.timesheet_of(entry), status="rejected")
    company.settle()
    assert len(activities(company)) == 1
    [error] = company.errors()
    assert "withdrawn in Service Invoice Pro" in error
