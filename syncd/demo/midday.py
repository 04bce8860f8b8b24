"""Midday: invoices are written, sent, and looked at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from syncd.demo.bills import Line, add_lines, bill, bill_amount, bill_head, send
from syncd.demo.day import Ends

if TYPE_CHECKING:
    from syncd.demo.day import Day

DRAIN = Line("Drain cleaning", "145.00")
LABOR = Line("Labor", "25.00", taxable=False)
FRIDAY = 8


def play(day: Day) -> None:
    """In the order of a usual day."""
    _recurring(day)
    _drafted(day)
    _worked_example(day)
    _two_taxes(day)
    _marked_as_sent(day)
    _parts_of_jobs(day)
    _looked_at(day)
    _changed(day)
    _in_two_transactions(day)


def _recurring(day: Day) -> None:
    customer = day.id_of("customers", day.us, "Oakhaven Dental Office")
    with day.step("A recurring invoice goes out, inserted as sent.", order=("Invoice",)):
        bill(day.app, day.us, customer, [Line("Maintenance plan", "49.00")], status="sent")
        day.app.commit()


def _drafted(day: Day) -> None:
    with day.step("An invoice is drafted, and changed twice.", Ends.NOTHING):
        invoice = bill(day.app, day.us, day.kept["new customer"], [DRAIN])
        day.app.commit()
        for note in ("Ask for the dog", "Ask for the dog's name"):
            day.app.edit("invoices", invoice, notes=note)
            day.app.commit()


def _worked_example(day: Day) -> None:
    lines = [Line("Camera inspection", "100.00"), LABOR]
    with day.step("One is sent: 125.00, 10 % off, part taxed: 120.15."):
        invoice = bill(
            day.app,
            day.us,
            day.kept["new customer"],
            lines,
            percent_off="10",
            po_number="PO-7",
            notes="Thank you!",
        )
        day.app.commit()
        send(day.app, invoice)
        day.app.commit()
    day.kept["120.15"] = invoice


def _two_taxes(day: Day) -> None:
    customer = day.id_of("customers", day.ca, "Harbour Rentals")
    with day.step("In Vancouver 12 % of 10.05: GST 0.50 and PST 0.71."):
        day.kept["washer"] = bill(day.app, day.ca, customer, [Line("Washer", "10.05")], status="sent")
        day.app.commit()
    with day.step("There too: a boiler is taxed, a permit is not."):
        lines = [Line("Boiler service", "198.00"), Line("Permit", "75.00", taxable=False)]
        day.kept["boiler"] = bill(day.app, day.ca, customer, lines, status="sent", percent_off="5")
        day.app.commit()


def _marked_as_sent(day: Day) -> None:
    names = ["Gloria Mendoza", "St. James School"]
    customers = [day.id_of("customers", day.us, name) for name in names]
    drafts = []
    for number in range(FRIDAY):
        lines = [DRAIN, Line("Labor", "25.00", quantity=f"{number + 1}.25", taxable=False)]
        if number % 2:
            lines.append(Line(None, "3.75", quantity="4", description="Copper elbow, ¾ in"))
        address = "rear entrance, ring twice" if number % 3 == 0 else None
        drafts.append(bill(day.app, day.us, customers[number % 2], lines, service_address=address))
    day.app.commit()
    with day.step(f"Friday's {FRIDAY} drafts are marked as sent, in one go."):
        send(day.app, *drafts)
        day.app.commit()
    day.kept["by check"], day.kept["wrong check"], day.kept["longer"] = drafts[:3]


def _parts_of_jobs(day: Day) -> None:
    with day.step("30 % of the school's boiler room: 5,520.00 and tax."):
        bill_amount(day.app, day.us, day.id_of("jobs", day.us, "Boiler room"), percent="30")
        day.app.commit()
    with day.step("A deposit for a kitchen: 500.00 and tax."):
        bill_amount(day.app, day.us, day.id_of("jobs", day.us, "Kitchen"), amount="500.00")
        day.app.commit()


def _looked_at(day: Day) -> None:
    with day.step("A customer looks at an invoice; it is shared again.", Ends.NOTHING):
        now = datetime.now(UTC)
        day.app.edit("invoices", day.kept["120.15"], viewed_at=now)
        day.app.commit()
        day.app.edit("invoices", day.kept["120.15"], sent_at=now, portal_token="second-link")  # noqa: S106 - not one
        day.app.commit()


def _changed(day: Day) -> None:
    with day.step("An hour was forgotten: a sent one gets a new line."):
        [(subtotal, discount, tax)] = day.app.ask(
            "select subtotal, discount, tax from sip.invoices where id = %s", (day.kept["longer"],)
        )
        add_lines(day.app, day.us, day.kept["longer"], [LABOR])
        day.app.edit(
            "invoices", day.kept["longer"], subtotal=subtotal + 25, total=subtotal + 25 - discount + tax
        )
        day.app.commit()


def _in_two_transactions(day: Day) -> None:
    lines = [Line("Water heater install", "1861.08"), LABOR]
    with day.step("An import commits an invoice before its lines.", order=("Invoice",)):
        customer = day.id_of("customers", day.us, "Wanda Pearson")
        invoice = bill_head(day.app, day.us, customer, lines, status="sent")
        day.app.commit()
        day.watch.pause(0.3)
        add_lines(day.app, day.us, invoice, lines)
        day.app.commit()
