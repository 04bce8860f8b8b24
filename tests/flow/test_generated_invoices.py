"""Very many invoices that hypothesis drew, from SIP's tables to the sandbox's books: each comes to SIP's figures."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.support.company import Company
from tests.support.generated import Held, Invoice, deliver, drawn, expected, held, invoices
from tests.support.processes import until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.flow.conftest import World

NO_LIMITS = dict.fromkeys(
    ("per_minute", "per_second", "concurrent", "batch_per_minute", "batch_per_minute_realm"), 0
)


@dataclass(frozen=True)
class Kind:
    """A kind of company: its rates (None: any), and what tax codes it has beside those it begins with."""

    profile: str
    rates: tuple[str, ...] | None
    taxes: tuple[tuple[str, ...], ...] = ()


AUTOMATED = Kind("us-automated-tax", None)
MANUAL = Kind(
    "us-manual-tax", ("0", "8.25", "10", "33.33", "0.01", "100"), (("11.11", "22.22"), ("0.01",), ("100",))
)
NO_TAX = Kind("us-no-tax", ("0",))
CANADA = Kind(
    "canada",
    ("0", "5", "12", "13", "33.33", "14.98", "0.03"),
    (("11.11", "11.11", "11.11"), ("5", "9.98"), ("0.01", "0.01", "0.01")),
)
GLOBAL = Kind("global", ("0", "5", "20", "17.5", "99.99"), (("17.5",), ("33.33", "66.66")))


@dataclass(frozen=True)
class Delivery:
    """A company, and what was written into its organization of SIP: number -> id, and number -> invoice."""

    company: Company
    ids: dict[str, str]
    invoices: dict[str, Invoice]

    @property
    def wanted(self) -> dict[str, Held]:
        """What QuickBooks must hold, by number."""
        return {number: expected(invoice) for number, invoice in self.invoices.items()}

    @property
    def found(self) -> dict[str, Held]:
        """What it holds."""
        objects = self.company.objects("Invoice")
        by_number = {one["DocNumber"]: held(one) for one in objects}
        assert len(by_number) == len(objects), "a number is in QuickBooks twice"
        return by_number

    def numbers(self, ids: set[str]) -> set[str]:
        """The numbers of records."""
        return {number for number, id_ in self.ids.items() if id_ in ids}


def delivered(world: World, kind: Kind, count: int) -> Delivery:
    """A new company of that kind with so many invoices."""
    company = Company(world, profile=kind.profile, limits=NO_LIMITS)
    for percents in kind.taxes:
        world.add_tax(*percents, company=company.id)
    chosen = drawn(invoices(kind.rates), count)
    ids = deliver(company.sip, chosen)
    return Delivery(company, ids, dict(zip(ids, chosen, strict=True)))


def at_rest(world: World) -> None:
    """Wait until everything has been sent."""
    until(world.at_rest, seconds=200, what="all is at rest")


def flagged(delivery: Delivery) -> set[str]:
    """The numbers of the invoices that people are told of. There is nothing else that they are told of."""
    database, company = delivery.company.world.database, delivery.company.id
    log = database.rows(
        "select entity_type, entity_id, error_class::text, error from syncd.sync_log"
        " where company_id = %s and status <> 'success'",
        (company,),
    )
    strangers = [row for row in log if row[0] != "invoice" or row[2] != "variance"]
    assert not strangers, f"{len(strangers)} rows of the log, the first: {strangers[0]}"
    listed = database.rows(
        "select entity_id, state::text from syncd.errors where company_id = %s", (company,)
    )
    assert {state for _, state in listed} <= {"variance"}
    told = delivery.numbers({row[1] for row in log})
    assert told == delivery.numbers({id_ for id_, _ in listed})
    assert len(log) == len(told), "an invoice is told of twice"
    return told


def differing(delivery: Delivery, found: dict[str, Held]) -> list[Invoice]:
    """The invoices of which QuickBooks does not hold what it must, the smallest first."""
    assert found.keys() == delivery.wanted.keys()
    return sorted(
        (delivery.invoices[number] for number, one in delivery.wanted.items() if one != found[number]),
        key=lambda invoice: (len(invoice.lines), len(str(invoice))),
    )


def books_agree(delivery: Delivery, found: Sequence[Held]) -> None:
    """The accounts come to the sums of the invoices: what is owed, what was taken off, the tax, and the income."""
    accounts = delivery.company.world.sandbox.ask(f"ledger/{delivery.company.realm}")["accounts"]
    balances = {name: Decimal(str(balance)).quantize(Decimal("0.01")) for name, balance in accounts.items()}
    wanted = {
        "Accounts Receivable (A/R)": sum(one.total for one in found),
        "Discounts given": sum(one.discount for one in found),
        "Sales Tax Payable": -sum(one.tax for one in found),
        "Services": -sum(one.subtotal for one in found),
    }
    assert {name: balance for name, balance in balances.items() if balance} == {
        name: balance for name, balance in wanted.items() if balance
    }


def all_arrive_as_they_are(world: World, counts: dict[Kind, int]) -> None:
    """With a QuickBooks that takes the tax it is told."""
    deliveries = [delivered(world, kind, count) for kind, count in counts.items()]
    at_rest(world)
    for delivery in deliveries:
        assert flagged(delivery) == set()
        found = delivery.found
        wrong = differing(delivery, found)
        assert not wrong, f"{len(wrong)} of {len(found)} differ, the smallest: {wrong[0]}"
        books_agree(delivery, list(found.values()))


def those_with_another_tax_are_flagged(world: World, counts: dict[Kind, int]) -> None:
    """With a QuickBooks that computes the tax itself, whatever it is told."""
    world.sandbox.tell("quirks", **{"total-tax": "ignored"})
    try:
        deliveries = [delivered(world, kind, count) for kind, count in counts.items()]
        at_rest(world)
    finally:
        world.sandbox.tell("quirks", **{"total-tax": "honoured"})
    for delivery in deliveries:
        found, wanted = delivery.found, delivery.wanted
        assert {n: (one.amounts, one.discount) for n, one in found.items()} == {
            n: (one.amounts, one.discount) for n, one in wanted.items()
        }
        other = {number for number, one in wanted.items() if one.tax != found[number].tax}
        assert flagged(delivery) == other
        assert other, "these invoices put nothing to the test"
        assert other != found.keys()
        books_agree(delivery, list(found.values()))


def test_some_generated_invoices(world: World) -> None:
    world.daemon()
    all_arrive_as_they_are(world, dict.fromkeys((AUTOMATED, MANUAL, NO_TAX, CANADA, GLOBAL), 9))
    # Of nine, all may happen to be computed alike.
    those_with_another_tax_are_flagged(world, dict.fromkeys((AUTOMATED, MANUAL), 40))


@pytest.mark.slow
def test_two_thousand_generated_invoices(world: World) -> None:
    world.daemon()
    all_arrive_as_they_are(world, {AUTOMATED: 400, MANUAL: 400, NO_TAX: 100, CANADA: 350, GLOBAL: 350})
    those_with_another_tax_are_flagged(world, {AUTOMATED: 200, MANUAL: 200})
