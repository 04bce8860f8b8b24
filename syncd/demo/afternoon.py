"""The afternoon: payments come in, and the week's timesheets are approved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from syncd.demo.bills import Line, bill, pay
from syncd.demo.day import Ends, Plant

if TYPE_CHECKING:
    from datetime import date

    from syncd.demo.businesses import Business
    from syncd.demo.day import Day

CHAIN = ("Customer", "Invoice", "Payment")
WEEK = 5


def play(day: Day) -> None:
    """Money first."""
    _card_with_tip(day)
    _check(day)
    _bank_transfer(day)
    _paid_at_the_door(day)
    _old_bill(day)
    _nothing_to_pay(day)
    _timesheets(day)


def _card_with_tip(day: Day) -> None:
    with day.step("120.15 are paid by card, with a tip of 20.00 on top."):
        pay(day.app, day.us, day.kept["120.15"], "card", tip="20.00")
        day.app.commit()
    with day.step("In Vancouver 11.26 are paid in cash."):
        pay(day.app, day.ca, day.kept["washer"], "cash")
        day.app.commit()


def _check(day: Day) -> None:
    with day.step("Two customers pay by check."):
        pay(day.app, day.us, day.kept["by check"], "check", note="Check 2207")
        day.kept["check"] = pay(day.app, day.us, day.kept["wrong check"], "check", note="Check 318")
        day.app.commit()


def _bank_transfer(day: Day) -> None:
    with day.step("A bank transfer is on its way.", Ends.NOTHING):
        transfer = pay(day.app, day.ca, day.kept["boiler"], "ach", status="pending", paid_on=None)
        day.app.commit()
    with day.step("It has arrived."):
        day.app.edit("payments", transfer, status="collected", paid_on=day.ca.kind.today)
        day.app.edit("invoices", day.kept["boiler"], status="paid", paid_at=datetime.now(UTC))
        day.app.commit()


def _paid_at_the_door(day: Day) -> None:
    customer = day.id_of("customers", day.us, "Harold Nash")
    invoice = bill(day.app, day.us, customer, [Line("Drain cleaning", "145.00")])
    day.app.commit()
    with day.step(
        "A draft is paid at once: customer, invoice, payment.",
        order=CHAIN,
    ):
        pay(day.app, day.us, invoice, "cash")
        day.app.commit()


def _old_bill(day: Day) -> None:
    with day.step("A bill from before syncd is paid at last, by check.", order=CHAIN):
        invoice = day.app.one(
            "select id from sip.invoices where organization_id = %s and number = 'INV-00002'",
            (day.us.company_id,),
        )
        pay(day.app, day.us, invoice, "check", note="Check 77, found in a drawer")
        day.app.commit()


def _nothing_to_pay(day: Day) -> None:
    with day.step("A visit on the house: 100 % off, nothing to pay.", order=("Invoice",)):
        customer = day.id_of("customers", day.us, "Gloria Mendoza")
        invoice = bill(
            day.app, day.us, customer, [Line("Camera inspection", "100.00")], status="sent", percent_off="100"
        )
        payment = pay(day.app, day.us, invoice, "other")
        day.app.commit()
    day.notes.plants["payment", payment] = Plant("of 0.00: nothing was collected", "nothing was collected")


def _timesheets(day: Day) -> None:
    with day.step("The week's timesheets are typed in and submitted.", Ends.NOTHING):
        sheets = [
            _sheet(day, day.us, member, day.us.kind.today - timedelta(days=back), number)
            for number, member in enumerate(("Marcus Diaz", "Rosa Kim", "Otis Hale"))
            for back in range(WEEK)
        ]
        early = _sheet(day, day.us, "Rosa Kim", day.us.start_date - timedelta(days=20), 1)
        first = _sheet(day, day.us, "Rosa Kim", day.us.start_date, 1)
        canadian = _sheet(day, day.ca, "Samir Singh", day.ca.kind.today, 0)
        day.app.commit()
    entries = day.app.ask(
        "select e.id::text from sip.timesheet_entries e join sip.timesheets t on t.id = e.timesheet_id"
        " join sip.members m on m.id = t.member_id where m.name = 'Otis Hale'"
    )
    for (entry,) in entries:
        day.notes.plants["timesheet_entry", entry] = Plant(
            "Employee Not Mapped: Otis Hale is nobody in QuickBooks", "Otis Hale"
        )
    with day.step(f"{len(sheets) + 1} are approved at once; Otis Hale is not mapped."):
        _approve(day, *sheets, first)
    with day.step("In Vancouver one is approved."):
        _approve(day, canadian)
    with day.step("One from before the Sync start date is approved.", Ends.NOTHING):
        _approve(day, early)


def _sheet(day: Day, business: Business, member: str, worked: date, number: int) -> str:
    """A day's work of two or three entries, on a job and off it. Its id."""
    sheet = day.app.add(
        "timesheets",
        organization_id=business.company_id,
        member_id=day.id_of("members", business, member),
        work_date=worked,
        status="submitted",
        submitted_at=datetime.now(UTC),
    )
    job = day.app.one("select max(id) from sip.jobs where organization_id = %s", (business.company_id,))
    entries = (
        ("job_time", 90 + 15 * number, job, "Repiped the sink"),
        ("travel", 30, job, None),
        ("shop_yard", 45, None, "Loaded the van"),
    )
    for kind, minutes, where, notes in entries[: 2 + min(number, 1)]:
        day.app.add(
            "timesheet_entries",
            timesheet_id=sheet,
            entry_type=kind,
            minutes=minutes,
            job_id=where,
            notes=notes,
        )
    return sheet


def _approve(day: Day, *sheets: str) -> None:
    day.app.ask(
        "update sip.timesheets set status = 'approved', approved_at = now(), updated_at = now()"
        " where id = any(%s::bigint[])",
        (list(sheets),),
    )
    day.app.commit()
