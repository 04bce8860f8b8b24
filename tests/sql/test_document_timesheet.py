"""Time entries: which are due, what the push module gets of one, and what signals: approvals most of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from syncd.push import timesheet_entry
from tests.support.engine import Engine
from tests.support.labour import DAY, START, Labour, due, push, timekeeping
from tests.support.signals import keys

if TYPE_CHECKING:
    from tests.support.database import Begin

TYPES = {
    "job_time": "Job Time",
    "travel": "Travel",
    "admin_office": "Admin / Office",
    "training": "Training",
    "shop_yard": "Shop / Yard",
    "other": "Other",
}


@pytest.fixture
def labour(begun: Begin) -> Labour:
    return Labour(begun(timekeeping))


@pytest.fixture
def engine(labour: Labour) -> Engine:
    return Engine(labour.database)


def approve(labour: Labour, *entries: str) -> None:
    """Approve the timesheets of these entries, in one statement, as SIP's bulk approval does."""
    labour.database.execute(
        "update sip.timesheets set status = 'approved', approved_at = now() where id in"
        " (select timesheet_id from sip.timesheet_entries where id = any(%s::bigint[]))",
        (list(entries),),
    )


# ---- the document


def test_an_entry_as_the_push_module_gets_it(labour: Labour) -> None:
    member = labour.member()
    job = labour.sip.job(labour.books.customer(), " Kitchen ")
    id_ = labour.entry(member, job_id=job, notes=" brought the pipe ")
    row = labour.row(id_)
    assert row == {
        "due": True,
        "name": "Ann Lee, 2026-08-03, 1 h 30 min",
        "skip": None,
        "missing": [],
        "unready": None,
        "document": {
            "date": "2026-08-03",
            "minutes": 90,
            "worker": "55",
            "worker_type": "Employee",
            "customer": "58",
            "item": "12",
            "entry_type": "Job Time",
            "job": "Kitchen",
            "notes": "brought the pipe",
            "tag": f"[sip {id_}]",
            "payroll": True,
            "member": member,
            "refers": f'employee "Somebody". If somebody else is meant: syncd map employees set 1 {member} EMPLOYEE',
        },
    }
    body = timesheet_entry.build(row["document"], sent=None, qbo_id=None, sync_token=None)
    assert body.payload["Description"] == f"Job Time, Kitchen: brought the pipe [sip {id_}]"
    assert (body.payload["Hours"], body.payload["Minutes"]) == (1, 30)


def test_an_entry_without_a_job_has_no_customer_and_lacks_nothing(labour: Labour) -> None:
    row = labour.row(labour.entry(notes=" "))
    assert row["missing"] == []
    assert {key: row["document"][key] for key in ("customer", "job", "notes")} == dict.fromkeys(
        ("customer", "job", "notes")
    )


@pytest.mark.parametrize(("entry_type", "label"), TYPES.items())
def test_each_type_goes_under_sips_name_for_it(labour: Labour, entry_type: str, label: str) -> None:
    assert labour.row(labour.entry(entry_type=entry_type))["document"]["entry_type"] == label


@pytest.mark.parametrize(
    ("minutes", "time"),
    [(1, "1 min"), (45, "45 min"), (60, "1 h"), (90, "1 h 30 min"), (600, "10 h"), (0, "0 min")],
)
def test_people_know_an_entry_by_member_day_and_time(labour: Labour, minutes: int, time: str) -> None:
    assert labour.row(labour.entry(minutes=minutes))["name"] == f"Ann Lee, {DAY}, {time}"


def test_a_worker_may_be_a_vendor(labour: Labour) -> None:
    document = labour.row(labour.entry(labour.member(qbo_id="70", kind="Vendor")))["document"]
    assert (document["worker"], document["worker_type"]) == ("70", "Vendor")


@pytest.mark.parametrize("payroll", [True, False, None])
def test_the_module_is_told_whether_there_is_payroll(labour: Labour, payroll: bool | None) -> None:
    labour.database.execute("update syncd.company set payroll_enabled = %s", (payroll,))
    assert labour.row(labour.entry())["document"]["payroll"] is payroll


@pytest.mark.parametrize(
    ("chosen", "made", "item", "missing"),
    [
        ({"time": "12", "lines": "13"}, "14", "12", []),
        ({"lines": "13"}, "14", "13", []),
        ({}, "14", "14", []),
        ({}, None, None, [("default_item", "1")]),
    ],
)
def test_the_item_is_the_one_chosen_for_time_or_for_lines_or_syncds_own(
    labour: Labour, chosen: dict[str, str], made: str | None, item: str | None, missing: list[tuple[str, str]]
) -> None:
    labour.database.execute("delete from syncd.item_map")
    for slot, qbo_id in chosen.items():
        labour.books.choose("item_map", slot, qbo_id)
    if made:
        labour.books.link("default_item", "1", "Item", made)
    row = labour.row(labour.entry())
    assert (row["document"]["item"], row["missing"]) == (item, missing)


def test_what_was_chosen_for_another_realm_is_not_used(labour: Labour) -> None:
    id_ = labour.entry()
    labour.books.connect("9131")
    row = labour.row(id_)
    assert (row["document"]["worker"], row["document"]["item"]) == (None, None)


# ---- which are due


@pytest.mark.parametrize("status", ["draft", "submitted", "rejected"])
def test_only_what_is_approved_is_due(labour: Labour, engine: Engine, status: str) -> None:
    id_ = labour.entry(status=status)
    assert labour.row(id_)["due"] is False
    assert due(engine) == []
    assert labour.jobs() == {}
    assert labour.log() == []


@pytest.mark.parametrize(("day", "goes"), [("2026-07-31", False), (START, True), ("2026-08-02", True)])
def test_the_start_date_is_the_first_day_that_goes(
    labour: Labour, engine: Engine, day: str, goes: bool
) -> None:
    id_ = labour.entry(day=day)
    assert due(engine) == ([id_] if goes else [])
    assert labour.log() == []


def test_without_a_start_date_nothing_is_due(labour: Labour) -> None:
    id_ = labour.entry()
    labour.database.switch("1", auto_timesheets=False)
    labour.start(None)
    assert labour.row(id_)["due"] is False


def test_an_earlier_start_date_sends_nothing_by_itself(labour: Labour, engine: Engine) -> None:
    id_ = labour.entry(day="2026-07-31")
    assert due(engine) == []
    labour.start("2026-07-01")
    assert due(engine) == []
    assert labour.verdict(id_) == "push", "by hand it goes"


def test_an_entry_without_time_is_skipped(labour: Labour, engine: Engine) -> None:
    labour.entry(minutes=0)
    assert due(engine) == []
    assert labour.log() == [(f"Ann Lee, {DAY}, 0 min", "skipped", "The entry has no time.")]


def test_of_a_mixed_timesheet_day_the_mapped_go_and_the_others_are_skipped(
    labour: Labour, engine: Engine
) -> None:
    ann = labour.entry(labour.member(), status="submitted")
    nobody = labour.member("Zoë Nobody", None)
    labour.entry(nobody, status="submitted")
    engine.absorb()
    approve(labour, *(id_ for (id_,) in labour.database.rows("select id::text from sip.timesheet_entries")))
    assert due(engine) == [ann]
    assert labour.log() == [
        (
            f"Zoë Nobody, {DAY}, 1 h 30 min",
            "skipped",
            "Employee not mapped: QuickBooks does not know yet who Zoë Nobody is. Run: syncd map employees set 1 "
            f"{nobody} EMPLOYEE, then: syncd push 1 timesheet-entries",
        )
    ]
    assert list(labour.jobs()) == [ann]


def test_mapping_an_employee_sends_nothing_by_itself_and_then_a_push_does(
    labour: Labour, engine: Engine
) -> None:
    member = labour.member(qbo_id=None)
    id_ = labour.entry(member)
    assert due(engine) == []
    labour.employ(member, "55")
    assert due(engine) == []
    assert labour.verdict(id_) == "push"


# ---- what goes first


def test_the_customer_of_the_job_goes_first(labour: Labour, engine: Engine) -> None:
    customer = labour.books.customer(qbo_id=None)
    id_ = labour.entry(job_id=labour.sip.job(customer))
    assert labour.row(id_)["missing"] == [("customer", customer)]
    assert due(engine) == []
    assert labour.jobs() == {id_: "waiting"}
    assert labour.database.value("select required from syncd.job where entity_type = 'customer'") is True


def test_syncds_own_item_is_made_at_first_need(labour: Labour, engine: Engine) -> None:
    labour.database.execute("delete from syncd.item_map")
    id_ = labour.entry()
    assert due(engine) == []
    assert labour.jobs() == {id_: "waiting"}
    assert labour.database.value("select entity_id from syncd.job where entity_type = 'default_item'") == "1"


def test_an_unmapped_member_has_nothing_made_for_it(labour: Labour, engine: Engine) -> None:
    labour.entry(labour.member(qbo_id=None), job_id=labour.sip.job(labour.books.customer(qbo_id=None)))
    engine.absorb()
    labour.database.execute("delete from syncd.job where entity_type = 'customer'")
    assert due(engine) == []
    assert labour.database.value("select count(*) from syncd.job") == 0


# ---- what signals


def test_approval_pushes_each_entry_once(labour: Labour, engine: Engine) -> None:
    ids = labour.sip.timesheet(labour.member(), 60, 30, 15, status="submitted", day=DAY)
    assert due(engine) == []
    approve(labour, ids[0])
    assert due(engine) == sorted(ids)
    assert due(engine) == []


def test_bulk_approval_pushes_the_entries_of_all_timesheets(labour: Labour, engine: Engine) -> None:
    ids = []
    for number in range(5):
        member = labour.member(f"Member {number}", f"5{number}")
        ids += labour.sip.timesheet(
            member, 60, {"minutes": 30, "entry_type": "travel"}, status="submitted", day=DAY
        )
    assert due(engine) == []
    approve(labour, *ids)
    assert len(keys(labour.database)) == 5, "timesheets, not entries"
    assert due(engine) == sorted(ids)


def test_what_is_rejected_goes_once_when_it_is_approved_at_last(labour: Labour, engine: Engine) -> None:
    id_ = labour.entry(status="submitted")
    sheet = labour.sip.timesheet_of(id_)
    for status in ("rejected", "draft", "submitted"):
        labour.sip.update("timesheets", sheet, status=status)
        assert due(engine) == []
    labour.sip.update("timesheet_entries", id_, minutes=120)
    approve(labour, id_)
    assert push(engine) == ["create"]
    assert push(engine) == []


@pytest.mark.parametrize(
    "edit", [{"minutes": 120}, {"notes": "x"}, {"entry_type": "travel"}], ids=["time", "notes", "type"]
)
def test_an_entry_edited_after_it_was_sent_updates_its_activity(
    labour: Labour, engine: Engine, edit: dict[str, Any]
) -> None:
    id_ = labour.entry()
    assert push(engine) == ["create"]
    labour.sip.update("timesheet_entries", id_, **edit)
    assert push(engine) == ["update"]


@pytest.mark.parametrize("edit", [{"work_date": "2026-08-04"}, {"member_id": None}], ids=["date", "member"])
def test_a_timesheet_that_is_of_another_day_or_member_updates_its_activities(
    labour: Labour, engine: Engine, edit: dict[str, Any]
) -> None:
    id_ = labour.entry()
    assert push(engine) == ["create"]
    edit = {column: value or labour.member("Bob Ray", "56") for column, value in edit.items()}
    labour.sip.update("timesheets", labour.sip.timesheet_of(id_), **edit)
    assert push(engine) == ["update"]
    sent = labour.database.value("select document from syncd.link where entity_type = 'timesheet_entry'")
    assert (sent["date"], sent["worker"]) in {("2026-08-04", "55"), (DAY, "56")}


def test_the_writes_of_a_draft_cost_no_call_and_no_log_row(labour: Labour, engine: Engine) -> None:
    id_ = labour.entry(status="draft")
    labour.sip.update("timesheet_entries", id_, minutes=15)
    labour.sip.update("timesheets", labour.sip.timesheet_of(id_), work_date="2026-08-05", status="submitted")
    labour.sip.delete("timesheet_entries", id_)
    assert due(engine) == []
    assert labour.jobs() == {}
    assert labour.log() == []


def test_a_timesheet_that_is_not_approved_signals_nothing_itself(labour: Labour, engine: Engine) -> None:
    sheet = labour.sip.timesheet_of(labour.entry(status="draft"))
    engine.absorb()
    for status in ("submitted", "rejected", "draft"):
        labour.sip.update("timesheets", sheet, status=status, work_date="2026-08-05")
    assert engine.absorb() == 0
    approve(labour, *(id_ for (id_,) in labour.database.rows("select id::text from sip.timesheet_entries")))
    assert engine.absorb() == 1
    labour.sip.update("timesheets", sheet, updated_at="2027-01-01", approved_at="2027-01-01")
    assert engine.absorb() == 0


def test_timers_never_signal(labour: Labour, engine: Engine) -> None:
    member, job = labour.member(), labour.sip.job(labour.books.customer())
    engine.absorb()
    columns = {"organization_id": 1, "job_id": job, "member_id": member, "work_date": DAY}
    timer = labour.sip.insert("timer_entries", **columns, started_at="2026-08-03 08:00+00")
    labour.sip.update("timer_entries", timer, minutes=90, stopped_at="2026-08-03 09:30+00")
    assert engine.absorb() == 0
    id_ = labour.entry(member, job_id=job, timer_entry_id=timer)
    assert push(engine) == ["create"]
    labour.sip.update("timer_entries", timer, imported=True)
    labour.sip.delete("timer_entries", timer)
    assert engine.absorb() == 0, "not by what the entry loses either"
    assert labour.verdict(id_) == "drop"


def test_what_a_job_or_a_member_is_called_is_no_reason_to_send_again(labour: Labour, engine: Engine) -> None:
    member, job = labour.member(), labour.sip.job(labour.books.customer())
    labour.entry(member, job_id=job)
    push(engine)
    labour.sip.update("jobs", job, name="Bathroom")
    labour.sip.update("members", member, name="Ann Lee-Ortega")
    assert due(engine) == []


# ---- what was chosen applies when an entry is made


def test_an_entry_keeps_its_worker_and_item_when_others_are_chosen(labour: Labour, engine: Engine) -> None:
    member = labour.member()
    id_ = labour.entry(member)
    push(engine)
    labour.employ(member, "77", "Vendor")
    labour.books.choose("item_map", "time", "99")
    assert labour.verdict(id_) == "drop"
    labour.sip.update("timesheet_entries", id_, minutes=120)
    assert push(engine) == ["update"]
    [sent] = labour.database.rows(
        "select document ->> 'worker', document ->> 'worker_type', document ->> 'item', document ->> 'minutes'"
        " from syncd.link where entity_type = 'timesheet_entry'"
    )
    assert sent == ("55", "Employee", "12", "120")


def test_an_entry_that_quickbooks_has_needs_no_mapping_any_more(labour: Labour, engine: Engine) -> None:
    id_ = labour.entry()
    push(engine)
    labour.database.execute("delete from syncd.employee_map; delete from syncd.item_map")
    row = labour.row(id_)
    assert (row["skip"], row["missing"]) == (None, [])
    labour.sip.update("timesheet_entries", id_, minutes=120)
    assert push(engine) == ["update"]


def test_an_entry_that_is_of_an_unmapped_member_now_is_skipped_and_said(
    labour: Labour, engine: Engine
) -> None:
    id_ = labour.entry()
    push(engine)
    labour.sip.update("timesheets", labour.sip.timesheet_of(id_), member_id=labour.member("Zoë Nobody", None))
    assert push(engine) == []
    [(name, status, error)] = labour.log()
    assert (name, status) == (f"Zoë Nobody, {DAY}, 1 h 30 min", "skipped")
    assert "Employee not mapped" in error


def test_payroll_is_no_reason_to_send_again(labour: Labour, engine: Engine) -> None:
    id_ = labour.entry()
    push(engine)
    labour.database.execute("update syncd.company set payroll_enabled = null")
    assert labour.verdict(id_) == "drop"


# ---- what leaves


def withdraw(labour: Labour, id_: str) -> None:
    labour.sip.update("timesheets", labour.sip.timesheet_of(id_), status="draft")


def empty(labour: Labour, id_: str) -> None:
    labour.sip.update("timesheet_entries", id_, minutes=0)


def antedate(labour: Labour, id_: str) -> None:
    labour.sip.update("timesheets", labour.sip.timesheet_of(id_), work_date="2026-07-31")


def delete(labour: Labour, id_: str) -> None:
    labour.sip.delete("timesheet_entries", id_)


def delete_sheet(labour: Labour, id_: str) -> None:
    labour.sip.delete("timesheets", labour.sip.timesheet_of(id_))


LEAVING = (withdraw, empty, antedate, delete, delete_sheet)


@pytest.mark.parametrize("leave", LEAVING)
def test_what_leaves_after_it_was_sent_changes_nothing_there_and_is_said_once(
    labour: Labour, engine: Engine, leave: Any
) -> None:
    id_ = labour.entry()
    push(engine)
    leave(labour, id_)
    assert push(engine) == []
    assert labour.jobs() == {id_: "diverged"}
    [(_, status, error)] = labour.log()
    assert status == "error"
    why = {delete: "deleted", delete_sheet: "deleted", antedate: "dated 2026-07-31, before the start date"}
    assert why.get(leave, "withdrawn") in error
    assert ("withdrawn" in error) == (leave in {withdraw, empty})
    assert error.endswith(f"syncd settle 1 timesheet-entry {id_}")


def test_an_entry_edited_after_the_start_date_was_moved_past_it_is_not_called_withdrawn(
    labour: Labour, engine: Engine
) -> None:
    id_ = labour.entry()
    push(engine)
    labour.start("2026-08-10")
    labour.sip.update("timesheet_entries", id_, minutes=30)
    assert push(engine) == []
    [(_, _, error)] = labour.log()
    assert error.startswith("It is dated 2026-08-03, before the start date of timesheet sync, 2026-08-10.")
    assert "withdrawn" not in error


def test_why_an_entry_from_before_the_start_date_is_not_sent(labour: Labour) -> None:
    id_ = labour.entry(day="2026-07-31")
    [(reason,)] = labour.database.rows(
        "select reason from syncd.judge('{1}', '{timesheet_entry}', array[%s])", (id_,)
    )
    assert reason == "It is dated 2026-07-31, before the start date of timesheet sync, 2026-08-01."


@pytest.mark.parametrize("leave", LEAVING)
def test_what_leaves_before_it_was_sent_never_was(labour: Labour, engine: Engine, leave: Any) -> None:
    id_ = labour.entry()
    engine.absorb()
    leave(labour, id_)
    assert push(engine) == []
    assert labour.jobs() == {}


def test_what_is_approved_again_after_it_was_withdrawn_is_in_quickbooks_as_before(
    labour: Labour, engine: Engine
) -> None:
    id_ = labour.entry()
    push(engine)
    withdraw(labour, id_)
    push(engine)
    approve(labour, id_)
    assert push(engine) == []
    assert labour.jobs() == {}


# ---- companies


def test_entries_of_a_company_that_is_not_ours_are_dropped(labour: Labour, engine: Engine) -> None:
    labour.database.execute("insert into sip.organizations (id, name) values (9, 'Stranger')")
    labour.sip.company = "9"
    labour.entry(labour.member(qbo_id=None))
    engine.absorb()
    assert labour.jobs() == {}
    assert labour.database.value("select count(*) from syncd.outbox_bad") == 0


def test_an_admin_judges_entries_as_the_daemon_does(labour: Labour) -> None:
    id_ = labour.entry()
    with psycopg.connect(labour.database.admin_dsn) as admin:
        judged = admin.execute(
            "select verdict from syncd.judge('{1}', array['timesheet_entry'], array[%s])", (id_,)
        ).fetchall()
    assert judged == [("push",)]
