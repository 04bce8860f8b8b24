"""An entry of an approved SIP timesheet as QuickBooks gets it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.push import Refused, encode, timesheet_entry

ENTRY: dict[str, Any] = {
    "date": "2026-08-13",
    "minutes": 200,
    "worker": "55",
    "worker_type": "Employee",
    "customer": "58",
    "item": "12",
    "entry_type": "Job Time",
    "job": "Kitchen",
    "notes": "brought the pipe",
    "tag": "[sip 8812]",
    "payroll": True,
    "member": "3",
}
BODY: dict[str, Any] = {
    "TxnDate": "2026-08-13",
    "NameOf": "Employee",
    "EmployeeRef": {"value": "55"},
    "CustomerRef": {"value": "58"},
    "ItemRef": {"value": "12"},
    "Hours": 3,
    "Minutes": 20,
    "BillableStatus": "NotBillable",
    "Description": "Job Time, Kitchen: brought the pipe [sip 8812]",
}


def create(**fields: Any) -> dict[str, Any]:
    return timesheet_entry.build({**ENTRY, **fields}, sent=None, qbo_id=None, sync_token=None).payload


def update(document: dict[str, Any], current: dict[str, Any] | None) -> dict[str, Any]:
    return timesheet_entry.build(document, sent=ENTRY, qbo_id="301", sync_token="2", current=current).payload


def stored(payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The same as QuickBooks answers it."""
    return {**payload, "Id": "301", "SyncToken": "2", "domain": "QBO", "sparse": False, **more}


def test_a_create_carries_everything_and_no_rate() -> None:
    body = timesheet_entry.build(ENTRY, sent=None, qbo_id=None, sync_token=None)
    assert (body.payload, body.notes) == (BODY, ())
    assert body.name_sent == BODY["Description"]


def test_an_entry_without_a_job_has_no_customer() -> None:
    payload = create(customer=None, job=None)
    assert "CustomerRef" not in payload
    assert payload["Description"] == "Job Time: brought the pipe [sip 8812]"


def test_a_vendor_is_named_as_one() -> None:
    payload = create(worker_type="Vendor", worker="70")
    assert (payload["NameOf"], payload["VendorRef"]) == ("Vendor", {"value": "70"})
    assert "EmployeeRef" not in payload


@pytest.mark.parametrize(("minutes", "time"), [(20, (0, 20)), (60, (1, 0)), (525_600, (8760, 0))])
def test_minutes_become_hours_and_minutes(minutes: int, time: tuple[int, int]) -> None:
    payload = create(minutes=minutes)
    assert (payload["Hours"], payload["Minutes"]) == time


@pytest.mark.parametrize(("minutes", "code"), [(0, "no_time"), (-5, "no_time"), (525_601, "too_much_time")])
def test_a_time_quickbooks_cannot_take_is_refused(minutes: int, code: str) -> None:
    with pytest.raises(Refused, match="2026-08-13") as caught:
        create(minutes=minutes)
    assert caught.value.code == code


def test_without_payroll_no_time_can_be_sent() -> None:
    with pytest.raises(Refused, match=r"QuickBooks Payroll.*syncd retry") as caught:
        create(payroll=False)
    assert (caught.value.code, caught.value.held, caught.value.of_company) == ("payroll_off", False, True)


def test_whether_there_is_payroll_quickbooks_need_not_say() -> None:
    assert create(payroll=None) == create(payroll=True) == BODY


@pytest.mark.parametrize(
    ("parts", "description"),
    [
        ({"notes": None}, "Job Time, Kitchen [sip 8812]"),
        ({"notes": None, "job": None, "entry_type": None}, "[sip 8812]"),
        ({"notes": "one\r\ntwo\t"}, "Job Time, Kitchen: one\ntwo [sip 8812]"),
        ({"notes": "see [sip 1]"}, "Job Time, Kitchen: see [sip 1] [sip 8812]"),
    ],
)
def test_the_tag_ends_the_description(parts: dict[str, Any], description: str) -> None:
    assert create(**parts)["Description"] == description


def test_long_notes_are_shortened_before_the_tag_and_said() -> None:
    body = timesheet_entry.build({**ENTRY, "notes": "x" * 4000}, sent=None, qbo_id=None, sync_token=None)
    assert len(body.payload["Description"]) == 4000
    assert body.payload["Description"].endswith("x… [sip 8812]")
    assert "shortened" in body.notes[0]


def test_an_edited_entry_updates_its_activity_and_keeps_what_is_not_ours() -> None:
    current = stored(
        BODY,
        ClassRef={"value": "200"},
        HourlyRate=40,
        StartTime="2026-08-13T08:00:00-07:00",
        EndTime="2026-08-13T11:20:00-07:00",
        MetaData={},
    )
    assert update({**ENTRY, "minutes": 210}, current) == {
        **BODY,
        "Minutes": 30,
        "Id": "301",
        "SyncToken": "2",
        "ClassRef": {"value": "200"},
        "HourlyRate": 40,
    }


def test_another_worker_replaces_the_first() -> None:
    payload = update({**ENTRY, "worker_type": "Vendor", "worker": "70"}, stored(BODY))
    assert payload["VendorRef"] == {"value": "70"}
    assert "EmployeeRef" not in payload


def test_a_job_taken_off_takes_the_customer_along() -> None:
    assert "CustomerRef" not in update({**ENTRY, "customer": None}, stored(BODY))


def test_a_customer_given_in_quickbooks_stays() -> None:
    bare = {**ENTRY, "customer": None}
    body = timesheet_entry.build(bare, sent=bare, qbo_id="301", sync_token="2", current=stored(BODY))
    assert body.payload["CustomerRef"] == {"value": "58"}


def test_billed_time_is_not_touched() -> None:
    with pytest.raises(Refused, match="on an invoice in QuickBooks") as caught:
        update(ENTRY, stored(BODY, BillableStatus="HasBeenBilled"))
    assert (caught.value.code, caught.value.held) == ("billed", False)


def test_an_update_without_the_current_object_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="as QuickBooks holds it"):
        update(ENTRY, None)


def test_the_look_up_is_by_date() -> None:
    assert timesheet_entry.own_queries(BODY) == [
        "SELECT * FROM TimeActivity WHERE TxnDate = '2026-08-13' ORDERBY Id DESC MAXRESULTS 1000"
    ]


def test_our_own_activity_is_recognised_by_its_tag() -> None:
    assert timesheet_entry.is_own(BODY, stored(BODY))
    assert timesheet_entry.is_own(BODY, stored(BODY, Description="other words [sip 8812] "))


@pytest.mark.parametrize(
    "change", [{"Minutes": 21}, {"EmployeeRef": {"value": "56"}}, {"TxnDate": "2026-08-14"}]
)
def test_an_activity_of_our_tag_that_differs_is_a_collision(change: dict[str, Any]) -> None:
    assert not timesheet_entry.is_own(BODY, stored({**BODY, **change}))
    assert timesheet_entry.holds_place(BODY, stored({**BODY, **change}))


@pytest.mark.parametrize(
    "description", [None, "", "Job Time", "Job Time [sip 8813]", "[sip 8812] moved", "x [sip 88121]"]
)
def test_an_activity_without_our_tag_is_none(description: str | None) -> None:
    candidate = stored(BODY, Description=description)
    assert not timesheet_entry.is_own(BODY, candidate)
    assert not timesheet_entry.holds_place(BODY, candidate)


def test_a_worker_who_is_no_employee_is_a_difference() -> None:
    answer = stored(BODY, NameOf="Other", OtherNameRef={"value": "55"})
    del answer["EmployeeRef"]
    assert timesheet_entry.differences(BODY, answer) == [
        ("kind of worker", "Employee", "Other"),
        ("employee", "55", ""),
    ]


def test_differences_name_field_sent_and_got() -> None:
    answer = stored(BODY, ItemRef={"value": "1", "name": "Hours"}, Minutes=5, BillableStatus="Billable")
    assert timesheet_entry.differences(BODY, answer) == [
        ("time", "3:20", "3:05"),
        ("item", "12", "1"),
        ("billable", "NotBillable", "Billable"),
    ]


words = st.none() | st.text(max_size=40)


@settings(deadline=None)
@given(
    parts=st.fixed_dictionaries({"entry_type": words, "job": words, "notes": words}),
    minutes=st.integers(1, 525_600),
    customer=st.none() | st.just("58"),
)
def test_an_update_of_an_unchanged_entry_changes_nothing(
    parts: dict[str, Any], minutes: int, customer: str | None
) -> None:
    document = {**ENTRY, **parts, "minutes": minutes, "customer": customer}
    payload = create(**document)
    assert payload["Hours"] * 60 + payload["Minutes"] == minutes
    assert encode(payload) == encode(create(**dict(reversed(document.items()))))
    current = stored(payload)
    body = timesheet_entry.build(document, sent=document, qbo_id="301", sync_token="2", current=current)
    assert encode(body.payload) == encode({**payload, "Id": "301", "SyncToken": "2"})
    assert timesheet_entry.differences(body.payload, current) == []
    assert timesheet_entry.is_own(payload, current)
