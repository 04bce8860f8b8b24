"""The evening: what somebody has to see, because only a person can decide it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncd.demo.bills import Line, bill
from syncd.demo.businesses import VENDOR
from syncd.demo.day import Ends, Plant

if TYPE_CHECKING:
    from syncd.demo.day import Day

TWIN = "Cedar Point Dental"


def play(day: Day) -> None:
    """Each stays for a person, the tax code apart, which the admin chooses at once."""
    _vendors_name(day)
    _same_name(day)
    _tax_code(day)
    _bounced(day)
    _saved(day)


def _vendors_name(day: Day) -> None:
    with day.step(f'A customer "{VENDOR}": a vendor there.', Ends.PERSON):
        customer = day.app.add("customers", organization_id=day.us.company_id, name=VENDOR)
        day.app.commit()
    day.notes.plants["customer", customer] = Plant("its name is a vendor's in QuickBooks", VENDOR)


def _same_name(day: Day) -> None:
    with day.step(f'"{TWIN}" is added in both businesses.'):
        for business in (day.us, day.ca):
            day.app.add(
                "customers",
                organization_id=business.company_id,
                name=TWIN,
                email="desk@cedarpoint.example.com",
            )
        day.app.commit()
    with day.step("And once more in one of them.", Ends.PERSON):
        customer = day.app.add("customers", organization_id=day.us.company_id, name=TWIN.upper())
        day.app.commit()
    day.notes.plants["customer", customer] = Plant("SIP has its name twice", TWIN.upper())


def _tax_code(day: Day) -> None:
    with day.step("A job in Alberta, at 5 %: no tax code stands for it.", Ends.PERSON):
        customer = day.id_of("customers", day.ca, "Amélie Gagnon")
        bill(day.app, day.ca, customer, [Line("Boiler service", "198.00")], status="sent", rate="5")
        day.app.commit()
    with day.step(f"`syncd map tax set {day.ca.company_id} 5 GST`: it goes by itself.", timed=False):
        day.watch.admin("map", "tax", "set", day.ca.company_id, "5", "GST")


def _bounced(day: Day) -> None:
    with day.step("Check 318 bounces, after it was synced.", Ends.PERSON):
        day.app.edit("payments", day.kept["check"], status="failed")
        day.app.edit("invoices", day.kept["wrong check"], status="sent", paid_at=None)
        day.app.commit()
    day.notes.plants["payment", day.kept["check"]] = Plant(
        "not collected any more after it was synced; QuickBooks keeps it", "withdrawn", stays=True
    )


def _saved(day: Day) -> None:
    with day.step("Back from coffee: that customer is saved."):
        day.coffee.commit()
