"""Items 47 to 65 of the checklist: from an approved timesheet in SIP to time activities in QuickBooks, and the badge
that SIP shows at each entry.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.company import Company
from tests.support.mapped import employ
from tests.support.processes import until

if TYPE_CHECKING:
    from tests.flow.conftest import World
    from tests.support.cli import Commands

PENDING, SYNCED, ERROR, UNMAPPED = "QB Pending", "QB Synced", "QB Error", "Employee Not Mapped"


@pytest.fixture
def sam(company: Company) -> str:
    """A member of the team who is an employee in QuickBooks."""
    return company.world.employ("Sam Ortega", company=company.id)


def activities(company: Company) -> list[dict[str, Any]]:
    return company.objects("TimeActivity")


def activity(company: Company, entry: str) -> dict[str, Any]:
    """The time activity that an entry is linked to."""
    return company.one("TimeActivity", Id=company.link("timesheet_entry", entry))


def approve(company: Company, *sheets: str) -> None:
    """In one statement, as SIP's Bulk Approve does it."""
    company.world.database.execute(
        "update sip.timesheets set status = 'approved', approved_at = now() where id = any(%s::bigint[])",
        (list(sheets),),
    )


def approved(company: Company, member: str, *entries: int) -> list[str]:
    """A timesheet that was looked at as a draft before it is approved, so that the daemon hears of one change."""
    ids = company.sip.timesheet(member, *entries, status="submitted")
    company.settle()
    approve(company, company.sip.timesheet_of(ids[0]))
    company.settle()
    return ids


def start_date(company: Company) -> Any:
    return company.world.database.value(
        "select timesheet_start_date from syncd.sync_settings where company_id = %s", (company.id,)
    )


@pytest.mark.parametrize("status", ["draft", "submitted"])
def test_47_a_timesheet_that_is_not_approved_pushes_nothing(company: Company, sam: str, status: str) -> None:
    company.settle()
    company.mark()
    [entry] = company.sip.timesheet(sam, 60, status=status)
    company.settle()
    assert company.asked() == []
    assert company.log("Timesheet Entry") == []
    assert company.badge(entry) == (None, None)


def test_48_approval_pushes_one_time_activity_for_each_entry(company: Company, sam: str) -> None:
    entries = company.sip.timesheet(sam, 30, 45, 60, status="submitted")
    company.settle()
    assert activities(company) == []
    approve(company, company.sip.timesheet_of(entries[0]))
    company.settle()
    assert len(activities(company)) == 3
    assert [(activity(company, e)["Hours"], activity(company, e)["Minutes"]) for e in entries] == [
        (0, 30),
        (0, 45),
        (1, 0),
    ]
    assert [row[2:] for row in company.log("Timesheet Entry")] == [("Push", "Success", None)] * 3


def test_49_a_time_activity_carries_employee_hours_date_and_job(company: Company, sam: str) -> None:
    sip = company.sip
    customer = sip.customer("Ann Lee")
    job = sip.job(customer, "Kitchen")
    [entry] = sip.timesheet(sam, {"minutes": 90, "job_id": job, "notes": "Brought the pipe"})
    company.settle()
    found = activity(company, entry)
    assert (found["NameOf"], found["EmployeeRef"]["value"]) == (
        "Employee",
        company.objects("Employee")[0]["Id"],
    )
    assert (found["Hours"], found["Minutes"]) == (1, 30)
    assert found["TxnDate"] == str(
        company.world.database.value("select syncd.company_today(%s)", (company.id,))
    )
    assert found["CustomerRef"]["value"] == company.link("customer", customer)
    assert found["Description"] == f"Job Time, Kitchen: Brought the pipe [sip {entry}]"
    assert found["BillableStatus"] == "NotBillable"
    assert not found.get("HourlyRate")


def test_50_an_entry_of_an_unmapped_member_is_skipped_and_says_so(company: Company) -> None:
    member = company.sip.member("Bo Diaz")
    [entry] = approved(company, member, 60)
    assert activities(company) == []
    [(label, name, direction, status, error)] = company.log()
    assert (label, direction, status) == ("Timesheet Entry", "Push", "Skipped")
    assert "Bo Diaz" in name
    assert error.startswith("Employee not mapped")
    assert "Bo Diaz" in error
    assert f"syncd map employees set {company.id} {member}" in error
    assert company.badge(entry) == (UNMAPPED, None)


def test_51_mapped_members_go_and_unmapped_are_skipped_in_the_same_approval(
    company: Company, sam: str
) -> None:
    sip = company.sip
    bo = sip.member("Bo Diaz")
    [hers], [his] = sip.timesheet(sam, 60, status="submitted"), sip.timesheet(bo, 60, status="submitted")
    company.settle()
    approve(company, sip.timesheet_of(hers), sip.timesheet_of(his))
    company.settle()
    assert len(activities(company)) == 1
    assert sorted(row[3] for row in company.log("Timesheet Entry")) == ["Skipped", "Success"]
    assert (company.badge(hers), company.badge(his)) == ((SYNCED, None), (UNMAPPED, None))


@pytest.mark.parametrize(
    ("days", "goes"), [(-1, False), (0, True), (1, True)], ids=["52 before", "53 on it", "54 after"]
)
def test_a_timesheet_goes_if_it_is_dated_on_or_after_the_start_date(
    company: Company, sam: str, days: int, goes: bool
) -> None:
    start = start_date(company) - timedelta(days=10)
    company.switch(timesheet_start_date=start)
    [entry] = company.sip.timesheet(sam, 60, day=start + timedelta(days=days))
    company.settle()
    assert len(activities(company)) == goes
    assert company.badge(entry) == (SYNCED if goes else None, None)
    assert len(company.log("Timesheet Entry")) == goes


def test_55_first_enabling_starts_today_and_earlier_work_is_not_sent(running: World) -> None:
    company = Company(running)
    company.switch(enable_sync=False, auto_timesheets=False)
    company.switch(timesheet_start_date=None)
    sam = running.employ("Sam Ortega", company=company.id)
    today = running.database.value("select syncd.company_today(%s)", (company.id,))
    company.switch(enable_sync=True, auto_timesheets=True)
    assert start_date(company) == today
    earlier = company.sip.timesheet(sam, 60, day=today - timedelta(days=1))
    todays = company.sip.timesheet(sam, 30, day=today)
    company.settle()
    assert [(a["TxnDate"], a["Minutes"]) for a in activities(company)] == [(str(today), 30)]
    assert [company.badge(entry) for entry in (*earlier, *todays)] == [(None, None), (SYNCED, None)]


def test_55a_moved_earlier_it_takes_in_what_a_push_then_sends(
    company: Company, sam: str, syncd: Commands
) -> None:
    yesterday = start_date(company) - timedelta(days=1)
    company.sip.timesheet(sam, 60, day=yesterday)
    company.settle()
    said = syncd("settings", "set", company.id, "--timesheet-start-date", yesterday.isoformat()).out
    assert f"syncd push {company.id} timesheet-entries" in said
    company.settle()
    assert activities(company) == []
    syncd("push", company.id, "timesheet-entries", "--yes")
    company.settle()
    assert len(activities(company)) == 1


def test_55b_a_future_date_is_refused(company: Company, syncd: Commands) -> None:
    tomorrow = start_date(company) + timedelta(days=1)
    refusal = syncd.refused("settings", "set", company.id, "--timesheet-start-date", tomorrow.isoformat())
    assert "is in the future" in refusal
    assert start_date(company) == tomorrow - timedelta(days=1)


def test_56_switching_off_and_on_again_keeps_the_start_date(company: Company) -> None:
    start = start_date(company) - timedelta(days=10)
    company.switch(timesheet_start_date=start)
    company.switch(auto_timesheets=False)
    company.switch(auto_timesheets=True)
    company.switch(enable_sync=False)
    company.switch(enable_sync=True)
    assert start_date(company) == start


def test_57_without_payroll_nothing_goes_and_the_entry_says_why(running: World, syncd: Commands) -> None:
    company = Company(running, payroll=False)
    sam = running.employ(company=company.id)
    [entry] = approved(company, sam, 60)
    assert activities(company) == []
    [error] = company.errors()
    assert "only with QuickBooks Payroll" in error
    assert company.badge(entry) == (ERROR, error)


def test_58_a_rejected_timesheet_goes_once_it_is_approved_after_all(company: Company, sam: str) -> None:
    sip = company.sip
    entries = sip.timesheet(sam, 60, status="submitted")
    sheet = sip.timesheet_of(entries[0])
    sip.update("timesheets", sheet, status="rejected", rejection_reason="Which job?")
    sip.update("timesheets", sheet, status="draft")
    sip.update("timesheet_entries", entries[0], minutes=75)
    sip.update("timesheets", sheet, status="submitted")
    company.settle()
    assert activities(company) == []
    sip.update("timesheets", sheet, status="approved")
    company.settle()
    assert [(a["Hours"], a["Minutes"]) for a in activities(company)] == [(1, 15)]
    assert len(company.log("Timesheet Entry")) == 1


def test_59_bulk_approval_pushes_all_entries_once_each(company: Company, sam: str) -> None:
    sip = company.sip
    today = start_date(company)
    company.switch(timesheet_start_date=today - timedelta(days=10))
    sheets = [
        sip.timesheet_of(sip.timesheet(sam, 30, 45, status="submitted", day=today - timedelta(days=n))[0])
        for n in range(4)
    ]
    approve(company, *sheets)
    company.settle()
    found = [(a["TxnDate"], a["Minutes"]) for a in activities(company)]
    assert sorted(found) == sorted(
        (str(today - timedelta(days=n)), minutes) for n in range(4) for minutes in (30, 45)
    )


def test_60_entries_of_all_six_types_are_pushed_with_and_without_a_job(company: Company, sam: str) -> None:
    types = {
        "job_time": "Job Time",
        "travel": "Travel",
        "admin_office": "Admin / Office",
        "training": "Training",
        "shop_yard": "Shop / Yard",
        "other": "Other",
    }
    customer = company.sip.customer()
    job = company.sip.job(customer, "Kitchen")
    rows = [{"minutes": 60, "entry_type": kind, "job_id": on} for on in (None, job) for kind in types]
    entries = company.sip.timesheet(sam, *rows)
    company.settle()
    found = [activity(company, entry) for entry in entries]
    names = [*types.values(), *(f"{name}, Kitchen" for name in types.values())]
    assert [one["Description"] for one in found] == [
        f"{name} [sip {entry}]" for name, entry in zip(names, entries, strict=True)
    ]
    customers = [one.get("CustomerRef", {}).get("value") for one in found]
    assert customers == [None] * 6 + [company.link("customer", customer)] * 6


def test_61_the_badge_is_pending_until_quickbooks_has_the_entry(company: Company, sam: str) -> None:
    company.sip.invoice(company.sip.customer())  # makes the item that time is booked as
    company.settle()
    held = company.order("hold", entity="TimeActivity")
    [entry] = company.sip.timesheet(sam, 60)
    seen = set()

    def sees(badge: str) -> bool:
        seen.add(company.badge(entry))
        return (badge, None) in seen

    until(
        lambda: sees(PENDING) and company.world.sandbox.writes(company.realm)[-1]["entity"] == "TimeActivity"
    )
    assert seen == {(PENDING, None)}
    company.release(held)
    until(lambda: sees(SYNCED))
    assert seen == {(PENDING, None), (SYNCED, None)}


def test_62_the_badge_of_an_error_has_its_text_below(company: Company, sam: str) -> None:
    [employee] = company.objects("Employee")
    company.edit("Employee", employee["Id"], Active=False)
    [entry] = approved(company, sam, 60)
    badge, error = company.badge(entry)
    assert badge == ERROR
    assert error is not None
    assert "Sam Ortega" in error
    assert company.errors() == [error]
    assert activities(company) == []


def test_64_after_the_employee_is_mapped_a_push_sends_what_was_skipped(
    company: Company, syncd: Commands
) -> None:
    world = company.world
    bo = company.sip.member("Bo Diaz")
    [entry] = company.sip.timesheet(bo, 60)
    company.settle()
    employ(world.database, world.sandbox, company.id, company.realm, bo, "Bo Diaz")
    company.settle()
    assert activities(company) == []
    syncd("push", company.id, "timesheet-entries", "--yes")
    company.settle()
    assert len(activities(company)) == 1
    assert company.badge(entry) == (SYNCED, None)


def test_65_a_timer_is_sent_only_as_the_entry_it_becomes(company: Company, sam: str) -> None:
    sip = company.sip
    job = sip.job(sip.customer(), "Kitchen")
    company.settle()
    company.mark()
    timer = sip.insert(
        "timer_entries", organization_id=company.id, job_id=job, member_id=sam, work_date=start_date(company),
        minutes=90,
    )  # fmt: skip
    company.settle()
    assert company.asked() == []
    [entry] = sip.timesheet(sam, {"minutes": 90, "job_id": job, "timer_entry_id": timer}, status="submitted")
    sip.update("timer_entries", timer, imported=True)
    company.settle()
    assert company.asked() == []
    approve(company, sip.timesheet_of(entry))
    company.settle()
    assert [(a["Hours"], a["Minutes"]) for a in activities(company)] == [(1, 30)]
