"""Payments of one invoice, and invoices of one number, at the same moment: one after the other, each in its turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.processes import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.flow.conftest import World
    from tests.support.company import Company


@pytest.fixture(params=["refused", "capped"])
def over_application(running: World, request: pytest.FixtureRequest) -> Iterator[str]:
    """What QuickBooks does with a payment of more than is open."""
    before = running.sandbox.ask("quirks")["quirks"]
    running.sandbox.tell("quirks", **{"over-application": request.param})
    yield request.param
    running.sandbox.tell("quirks", **before)


@pytest.fixture
def synced(company: Company) -> str:
    """An invoice over 100.00 that QuickBooks has, as it has the method Cash."""
    company.sip.payment(company.sip.invoice(company.sip.customer("Bo Diaz")))
    invoice = company.sip.invoice(company.sip.customer("Ann Lee"), number="INV-00042")
    company.settle()
    company.mark()
    return invoice


def applied(company: Company, payments: list[str]) -> list[tuple[str, str]]:
    """What each is of, and how much of it went to its invoice."""
    found = [company.payment(payment) for payment in payments]
    return [(f"{o['TotalAmt']:.2f}", f"{sum(line['Amount'] for line in o['Line']):.2f}") for o in found]


def balance(company: Company, invoice: str) -> str:
    return f"{company.invoice(invoice)['Balance']:.2f}"


@pytest.mark.usefixtures("over_application")
def test_three_payments_of_an_invoice_in_one_transaction_settle_it_exactly(
    company: Company, synced: str
) -> None:
    with company.world.database.connection.transaction():
        made = [company.sip.payment(synced, amount) for amount in ("50.00", "30.00", "20.00")]
    company.settle()
    assert applied(company, made) == [("50.00", "50.00"), ("30.00", "30.00"), ("20.00", "20.00")]
    assert balance(company, synced) == "0.00"
    assert company.problems() == []
    assert company.written() == ["Payment"] * 3


@pytest.mark.usefixtures("over_application")
def test_three_payments_that_come_to_more_leave_over_what_the_invoice_does_not_owe(
    company: Company, synced: str
) -> None:
    with company.world.database.connection.transaction():
        made = [company.sip.payment(synced, "40.00") for _ in range(3)]
    company.settle()
    assert sorted(applied(company, made)) == [("40.00", "20.00"), ("40.00", "40.00"), ("40.00", "40.00")]
    assert balance(company, synced) == "0.00"
    [error] = company.errors()
    assert "QuickBooks had only 20.00 open on INV-00042. 20.00 is unapplied on Ann Lee." in error
    assert company.written() == ["Payment"] * 3


@pytest.mark.usefixtures("over_application")
def test_a_payment_waits_for_an_earlier_one_of_its_invoice_that_is_slow(
    company: Company, synced: str
) -> None:
    other = company.sip.invoice(company.sip.customer("Cy Ode"))
    company.settle()
    company.mark()
    company.order("delay", entity="Payment", seconds=1.5)
    first = company.sip.payment(synced, "70.00")
    until(lambda: company.states("payment") == ["sending"])
    second, elsewhere = company.sip.payment(synced, "30.00"), company.sip.payment(other)
    until(lambda: company.link("payment", elsewhere))
    assert company.link("payment", first) is None
    assert company.states("payment") == ["sending", "waiting"]
    company.settle()
    assert applied(company, [first, second]) == [("70.00", "70.00"), ("30.00", "30.00")]
    assert balance(company, synced) == "0.00"
    assert company.problems() == []
    assert company.written() == ["Payment"] * 3


@pytest.mark.parametrize("kind", ["drop-before", "drop-after"])
def test_a_payment_waits_until_the_lost_answer_of_an_earlier_one_is_found_out(
    company: Company, synced: str, kind: str
) -> None:
    company.order(kind, entity="Payment")
    with company.world.database.connection.transaction():
        made = [company.sip.payment(synced, "50.00") for _ in range(2)]
    company.settle()
    assert applied(company, made) == [("50.00", "50.00")] * 2
    assert balance(company, synced) == "0.00"
    assert len(company.objects("Payment")) == 3


def test_a_payment_that_is_refused_lets_the_next_one_pass(company: Company, synced: str) -> None:
    company.order("fault", entity="Payment", code="2050")
    with company.world.database.connection.transaction():
        made = [company.sip.payment(synced, "50.00") for _ in range(2)]
    until(lambda: len([p for p in made if company.link("payment", p)]) == 1)
    assert balance(company, synced) == "50.00"


@pytest.mark.parametrize("delay", [0, 1.5], ids=["in one call", "in two calls"])
def test_the_second_of_two_invoices_of_one_number_is_a_collision(company: Company, delay: float) -> None:
    ann, bo = company.sip.customer("Ann Lee"), company.sip.customer("Bo Diaz")
    company.sip.invoice(ann)
    company.settle()
    company.mark()
    if delay:
        company.order("delay", entity="Invoice", seconds=delay)
        company.sip.invoice(ann, number="INV-7")
        until(lambda: company.states("invoice") == ["sending"])
        company.sip.invoice(bo, number="INV-7")
    else:
        with company.world.database.connection.transaction():
            for customer in (ann, bo):
                company.sip.invoice(customer, number="INV-7")
    company.settle()
    assert len([o for o in company.objects("Invoice") if o["DocNumber"] == "INV-7"]) == 1
    assert company.states("invoice") == ["collision"]
    [error] = company.errors()
    assert 'QuickBooks already has "INV-7"' in error
    assert company.written() == ["Invoice"]
