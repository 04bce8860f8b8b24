"""The morning: customers and the price list."""

from __future__ import annotations

import random
import time
from functools import partial
from typing import TYPE_CHECKING

from syncd.demo.day import Ends

if TYPE_CHECKING:
    from syncd.demo.businesses import Business
    from syncd.demo.day import Day

SEED = 7
CARDS = 24
CALM_EDITS = 64
CALM_SECONDS = (0.04, 0.08)  # between two of them, at random, so as not to run in step with anything
CORRECTIONS = 10


def play(day: Day) -> None:
    """From the first call on."""
    _new_customer(day)
    _card_file(day)
    _calm(day)
    _prices(day)
    _corrections(day)
    _notes(day)
    _rolled_back(day)
    _begun(day)


def _new_customer(day: Day) -> None:
    with day.step("A new customer calls: Beatriz Soto, 12 Elm Street."):
        day.kept["new customer"] = day.app.add(
            "customers",
            organization_id=day.us.company_id,
            name="Beatriz Soto",
            email="beatriz@example.com",
            phone="408-555-0131",
            street="12 Elm Street\nApt 4",
            city="San Jose",
            state="CA",
            zip="95112",
        )
        day.app.commit()


def _card_file(day: Day) -> None:
    with day.step(f"A card file of {CARDS} customers is typed in at once."):
        before = day.app.one(
            "select sip_sample.add_customers(%s, %s, %s, 1, %s, 0, 0)",
            (SEED, day.us.kind.today, int(day.us.company_id) - 1, CARDS),
        )
        day.app.ask("update sip.customers set updated_at = now() where id > %s", (before,))
        day.app.commit()


def _calm(day: Day) -> None:
    customers = [_customers(day, business) for business in (day.us, day.ca)]
    edits = []
    for number in range(CALM_EDITS):
        some = customers[number % 2]  # by turns: QuickBooks takes ten calls a second from one company
        customer = some[number // 2 % len(some)]
        edits.append(partial(day.app.edit, "customers", customer, phone=f"408-555-01{number:02}"))
    day.calm(
        f"{CALM_EDITS} phone numbers are put right, one by one.",
        edits,
        lambda: time.sleep(random.uniform(*CALM_SECONDS)),  # noqa: S311 - no secret
    )


def _customers(day: Day, business: Business) -> list[str]:
    """Those of the card file, which came last; in Canada, where there is none, all there are."""
    rows = day.app.ask(
        "select c.id::text from sip.customers c where c.organization_id = %s order by c.id desc limit %s",
        (business.company_id, CARDS),
    )
    return [key for (key,) in rows]


def _prices(day: Day) -> None:
    with day.step("A drain cleaning costs 145.00 from today on."):
        day.app.edit("service_items", day.id_of("service_items", day.us, "Drain cleaning"), price="145.00")
        day.app.commit()
    with day.step("In Vancouver a boiler service costs 198.00."):
        day.app.edit("service_items", day.id_of("service_items", day.ca, "Boiler service"), price="198.00")
        day.app.commit()


def _corrections(day: Day) -> None:
    with day.step(f"One phone number is corrected {CORRECTIONS} times."):
        for number in range(CORRECTIONS):
            day.app.edit("customers", day.kept["new customer"], phone=f"503-555-01{number:02}")
            day.app.commit()


def _notes(day: Day) -> None:
    with day.step('A note: "Gate code is on the fridge."', Ends.NOTHING):
        day.app.edit("customers", day.kept["new customer"], notes="Gate code is on the fridge.")
        day.app.commit()


def _rolled_back(day: Day) -> None:
    with day.step("A bulk edit and five new customers: ROLLBACK.", Ends.NOTHING):
        session = day.session()
        session.ask(
            "update sip.customers set name = name || ' (old)' where organization_id = %s",
            (day.us.company_id,),
        )
        for number in range(5):
            session.add("customers", organization_id=day.us.company_id, name=f"Mistake {number + 1}")
        session.rollback()


def _begun(day: Day) -> None:
    with day.step("A customer is added, and not saved: time for coffee.", Ends.NOTHING):
        day.coffee = day.session()
        day.coffee.add("customers", organization_id=day.us.company_id, name="Late Riser Bakery", city="Napa")
