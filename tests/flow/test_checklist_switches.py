"""Items 1 to 6 of the checklist: the master switch and the five toggles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.company import Company

if TYPE_CHECKING:
    from tests.flow.conftest import World

TOGGLES = {
    "auto_customers": "Customer",
    "auto_service_items": "Item",
    "auto_invoices": "Invoice",
    "auto_payments": "Payment",
    "auto_timesheets": "TimeActivity",
}


def counts(company: Company) -> dict[str, int]:
    return {kind: len(company.objects(kind)) for kind in TOGGLES.values()}


class Office:
    """A company in whose SIP one record of each type comes and changes, none of which needs another to go first."""

    def __init__(self, world: World) -> None:
        self.company = Company(world)
        self.member = world.employ(company=self.company.id)
        sip = self.company.sip
        self.customer = sip.customer("Ann Lee")
        self.paid, self.other = sip.invoice(self.customer), sip.invoice(self.customer)
        sip.payment(self.other)
        self.company.settle()

    def everything_changes(self) -> None:
        sip = self.company.sip
        sip.update("customers", self.customer, phone="303 555 0142")
        sip.customer("Bo Diaz")
        sip.service_item("Repair")
        sip.invoice(self.customer, number="NEW-1")
        sip.payment(self.paid)
        sip.timesheet(self.member, 90)


def test_01_with_enable_sync_off_no_change_of_any_kind_causes_a_call(running: World) -> None:
    office = Office(running)
    company = office.company
    company.switch(enable_sync=False)
    company.mark()
    log = company.log()
    office.everything_changes()
    company.settle()
    assert company.asked() == []
    assert company.log() == log


@pytest.mark.parametrize("toggle", TOGGLES)
def test_03_a_toggle_off_keeps_that_data_type_alone_from_syncing(running: World, toggle: str) -> None:
    office = Office(running)
    company = office.company
    company.switch(**{toggle: False})
    before, log = counts(company), company.log()
    office.everything_changes()
    company.settle()
    made = {kind: number - before[kind] for kind, number in counts(company).items()}
    assert made == {kind: 0 if kind == TOGGLES[toggle] else 1 for kind in TOGGLES.values()}
    phone = company.one("Customer", DisplayName="Ann Lee").get("PrimaryPhone")
    assert (phone is None) == (toggle == "auto_customers")
    labels = {"Item": "Service Item", "TimeActivity": "Timesheet Entry"}
    said = {row[0] for row in company.log()[len(log) :]}
    assert said == {labels.get(kind, kind) for kind in TOGGLES.values() if kind != TOGGLES[toggle]}


def test_06_switching_on_sends_nothing_retroactively(running: World) -> None:
    office = Office(running)
    company = office.company
    company.switch(**dict.fromkeys(TOGGLES, False))
    before = counts(company)
    office.everything_changes()
    company.settle()
    company.switch(**dict.fromkeys(TOGGLES, True))
    company.sip.customer("Marker")
    company.settle()
    assert counts(company) == {**before, "Customer": before["Customer"] + 1}
    assert company.objects("Customer")[-1]["DisplayName"] == "Marker"


def test_06_switching_enable_sync_on_sends_nothing_retroactively(running: World) -> None:
    office = Office(running)
    company = office.company
    company.switch(enable_sync=False)
    before = counts(company)
    office.everything_changes()
    company.settle()
    company.switch(enable_sync=True)
    company.sip.customer("Marker")
    company.settle()
    assert counts(company) == {**before, "Customer": before["Customer"] + 1}
