"""What ops and admins do before the first day: connect each business, say what its words mean, switch everything on.

By the commands of syncd and no other way.
"""

from __future__ import annotations

import json
from itertools import zip_longest
from typing import TYPE_CHECKING

from syncd.demo.businesses import ACCOUNTS, CALIFORNIA, CANADA, Business, first_day
from syncd.demo.processes import run_side_by_side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncd.demo.businesses import Kind
    from syncd.demo.quickbooks import QuickBooks
    from syncd.demo.show import Show

SWITCHES = ("enable-sync", "customers", "invoices", "payments", "service-items", "timesheets")


def open_books(quickbooks: QuickBooks, organizations: Mapping[str, str]) -> list[Business]:
    """The two businesses as their bookkeepers have them in QuickBooks. `organizations`: SIP's ids by name."""
    return [_open(quickbooks, kind, organizations[kind.name]) for kind in (CALIFORNIA, CANADA)]


def _open(quickbooks: QuickBooks, kind: Kind, company_id: str) -> Business:
    realm = quickbooks.open_company(kind.profile, kind.name, kind.timezone)
    for vendor in kind.vendors:
        quickbooks.add_vendor(realm, vendor)
    for employee in kind.employees:
        quickbooks.add_employee(realm, employee)
    return Business(company_id, kind, realm, first_day(kind))


def connect(show: Show, businesses: Sequence[Business], admin: Mapping[str, str]) -> None:
    """Company by company side by side, command by command in order."""
    with show.step("syncd company add (one in California, one in British Columbia)"):
        run_side_by_side([(_add(business), "") for business in businesses], admin)
    with show.step("syncd company connect"):
        run_side_by_side([(_connect(b), json.dumps(b.realm.tokens)) for b in businesses], admin)
    with show.step("syncd map accounts set, map employees set, map tax set"):
        # Two at a time of each company: QuickBooks answers ten questions a second of one.
        for abreast in zip_longest(*(_by_twos(mappings(business)) for business in businesses), fillvalue=[]):
            run_side_by_side([(words, "") for chosen in abreast for words in chosen], admin)
    with show.step("syncd settings set COMPANY enable-sync on, and all five types"):
        run_side_by_side([(_switch_on(business), "") for business in businesses], admin)


def _add(business: Business) -> list[str]:
    kind = business.kind
    described = ["--name", kind.name, "--region", kind.region, "--timezone", kind.timezone]
    return ["company", "add", business.company_id, *described]


def _connect(business: Business) -> list[str]:
    return ["company", "connect", business.company_id, "--environment", "sandbox"]


def mappings(business: Business) -> list[list[str]]:
    """What connecting has not filled in. In the United States QuickBooks does not ask what an item costs."""
    company, kind = business.company_id, business.kind
    slots = ["income", "discounts"] if kind.region == "us" else ["income", "expenses", "discounts"]
    chosen = [["accounts", "set", company, slot, ACCOUNTS[slot]] for slot in slots]
    chosen += [["employees", "set", company, name, name] for name in kind.employees]
    chosen += [["tax", "set", company, rate, code] for rate, code in kind.tax_codes.items()]
    return [["map", *words] for words in chosen]


def _by_twos(commands: list[list[str]]) -> list[list[list[str]]]:
    return [commands[place : place + 2] for place in range(0, len(commands), 2)]


def _switch_on(business: Business) -> list[str]:
    switches = [word for switch in SWITCHES for word in (switch, "on")]
    start = ["--timesheet-start-date", business.start_date.isoformat()]
    return ["settings", "set", business.company_id, *switches, *start]
