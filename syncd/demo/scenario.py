"""What SIP does: a morning import, a calm, then the minute in which everything happens at once.

Everything here is ordinary work in SIP; what the person sees beside it is told line by line. The planted clashes
are the only records that QuickBooks must not get, and `Scenario` knows them.
"""

from __future__ import annotations

import random
import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Protocol

from syncd.demo.sip import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncd.demo.latency import Change, Key
    from syncd.demo.quickbooks import QuickBooks
    from syncd.demo.stage import Company

SEED = 7
IMPORTED = 16  # customers of each company
CALM_EDITS = 64
CALM_SECONDS = (0.05, 0.09)  # between two of them, at random, so as not to run in step with anything
PACE_SECONDS = 0.4
CORRECTIONS = 10
VENDOR = "Harbor Street Supply"


class Watch(Protocol):
    """What the scenario may ask of its surroundings."""

    def tell(self, text: str) -> None:
        """Say what happens."""

    def pause(self, seconds: float) -> None:
        """Let time pass, with the counters moving."""

    def rest(self) -> None:
        """Wait until nothing is on its way."""

    def resting(self) -> bool:
        """Look once."""


class Scenario:
    """SIP's sessions and what must come of their work."""

    def __init__(
        self, dsn: str, companies: Sequence[Company], changes: list[Change], watch: Watch, stack: ExitStack
    ) -> None:
        self._dsn = dsn
        self._companies = companies
        self._changes = changes
        self._watch = watch
        self._stack = stack
        self._app = self._session()
        self._customers: dict[str, list[Key]] = {}
        self.clashes: dict[Key, str] = {}
        self.silent: dict[Key, float] = {}
        """Customers of which nothing may be sent after that moment."""

    def _session(self) -> Session:
        return self._stack.enter_context(closing(Session(self._dsn, self._changes)))

    def play(self) -> None:
        """From the first row to the last commit; what is due may still be on its way then."""
        self._import()
        self._watch.rest()
        self._calm()
        coffee = self._begin_and_go_for_coffee()
        for scene in (
            self._odd_names,
            self._corrections,
            self._move,
            self._rolled_back,
            self._savepoint,
            self._notes,
            self._contact_details,
            self._same_name,
            self._vendors_name,
            self._put_right,
        ):
            scene()
            self._watch.pause(PACE_SECONDS)
        coffee.commit()
        self._watch.tell("Back from coffee: the transaction left open since is committed.")

    def _import(self) -> None:
        count = IMPORTED * len(self._companies)
        self._watch.tell(f"A spreadsheet of {count} customers is imported, in one transaction.")
        before = min(int(company.company_id) for company in self._companies) - 1
        self._app.ask(
            "select sip_sample.add_customers(%s, '2026-06-30', %s, %s, %s, 0, 0)",
            (SEED, before, len(self._companies), IMPORTED),
        )
        keys = self._app.bulk(
            "select organization_id::text, id::text, name from sip.customers order by id", sets=("name",)
        )
        self._app.commit()
        for key in keys:
            self._customers.setdefault(key[0], []).append(key)

    def _calm(self) -> None:
        """Single edits, the companies by turns, each only once the one before it has come to rest."""
        self._watch.tell(f"A calm: {CALM_EDITS} single edits, nothing queued before any of them.")
        for number in range(CALM_EDITS):
            company = self._companies[number % len(self._companies)].company_id
            customer = self._customers[company][number // len(self._companies) % IMPORTED]
            # Looked at before the edit and not after it: looking would compete with what is measured.
            if not self._watch.resting():
                self._watch.rest()
            self._app.edit(customer, phone=f"208-555-01{number:02}")
            self._app.commit(quiet=True)
            time.sleep(random.uniform(*CALM_SECONDS))  # noqa: S311 - no secret

    def _begin_and_go_for_coffee(self) -> Session:
        self._watch.tell("Someone adds a customer, and leaves for coffee without saving.")
        session = self._session()
        session.add(self._companies[3].company_id, name="Late Riser Bakery", city="Nampa", state="ID")
        return session

    def _odd_names(self) -> None:
        company = self._companies[0].company_id
        self._watch.tell('New customers: "Bay\'s Edge: Boiler Room ", with a blank behind it,')
        self._app.add(company, name="Bay's Edge: Boiler Room ", email="boiler@example.com")
        self._app.commit()
        self._watch.tell('"株式会社みなと冷機" and "Zoë Brückner-Østby".')
        self._app.add(company, name="株式会社みなと冷機", street="港区 1-2-3\nビル 4階", city="Boise")
        self._app.add(company, name="Zoë Brückner-Østby", phone="+1 208 555 0143")
        self._app.commit()

    def _corrections(self) -> None:
        self._watch.tell(f"One phone number is corrected {CORRECTIONS} times, each time saved.")
        customer = self._customers[self._companies[0].company_id][1]
        for number in range(CORRECTIONS):
            self._app.edit(customer, phone=f"503-555-01{number:02}")
            self._app.commit()

    def _move(self) -> None:
        company = self._companies[2]
        self._watch.tell(f"Everybody at {company.name} gets a new city, by one UPDATE.")
        self._app.bulk(
            "update sip.customers set city = 'New ' || coalesce(city, 'Town') where organization_id = %s"
            " returning organization_id::text, id::text, city",
            (company.company_id,),
            sets=("city",),
        )
        self._app.commit()

    def _rolled_back(self) -> None:
        self._watch.tell("A bulk edit and five new customers go wrong: ROLLBACK.")
        session, company = self._session(), self._companies[1].company_id
        untouched = self._customers[company][2]
        session.ask("update sip.customers set name = name || ' (old)' where organization_id = %s", (company,))
        for number in range(5):
            session.add(company, name=f"Mistake {number + 1}")
        session.rollback()
        self.silent[untouched] = time.time()

    def _savepoint(self) -> None:
        self._watch.tell("A new customer, two slips undone by SAVEPOINT, then saved.")
        company = self._companies[3].company_id
        session = self._session()
        customer = session.add(company, name="Corner Lot Landscaping", email="corner@example.org")
        before = session.savepoint()
        session.edit(customer, name="Coroner Lot Landscaping")
        session.add(company, name="Corner Lot Landscaping")
        session.back_to(before)
        session.commit()

    def _notes(self) -> None:
        self._watch.tell("Internal notes on three customers: QuickBooks must not hear of them.")
        customers = self._customers[self._companies[3].company_id][:3]
        for customer in customers:
            self._app.edit(customer, notes="Gate code is on the fridge.")
        moment = self._app.commit()
        self.silent |= dict.fromkeys(customers, moment)

    def _contact_details(self) -> None:
        self._watch.tell("An e-mail that is none, a phone number removed, a new address.")
        first, second, third = self._customers[self._companies[0].company_id][2:5]
        self._app.edit(first, email="ring me, evenings only")
        self._app.edit(second, phone=None)
        self._app.edit(third, street="12 Mill Race Rd\nUnit B", city="Salem", state="OR", zip="97301")
        self._app.commit()

    def _same_name(self) -> None:
        name = "Cedar Point Dental"
        self._watch.tell(f'"{name}" is added in two companies, then again in one.')
        first, second = self._companies[0].company_id, self._companies[1].company_id
        self._app.add(first, name=name, email="front.desk@example.com")
        self._app.add(second, name=name, email="office@example.com")
        self._app.commit()
        self.clashes[self._app.add(first, name=name.upper(), phone="208-555-0177")] = name.upper()
        self._app.commit()

    def _vendors_name(self) -> None:
        self._watch.tell(f'A customer "{VENDOR}", which is a vendor in QuickBooks.')
        self.clashes[self._app.add(self._companies[2].company_id, name=VENDOR)] = VENDOR
        self._app.commit()

    def _put_right(self) -> None:
        company = self._companies[3].company_id
        self._watch.tell("The same in another company with such a vendor.")
        customer = self._app.add(company, name=VENDOR, phone="541-555-0188")
        self._app.commit()
        self._watch.pause(3 * PACE_SECONDS)
        self._watch.tell("That one is renamed in SIP, and goes through by itself.")
        self._app.edit(customer, name=f"{VENDOR} (retail)")
        self._app.commit()


def prepare(quickbooks: QuickBooks, companies: Sequence[Company]) -> None:
    """What a bookkeeper had in QuickBooks before syncd came."""
    for company in companies[2:4]:
        quickbooks.add_vendor(company.realm, VENDOR)
