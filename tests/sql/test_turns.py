"""Records that share a place in QuickBooks take turns: the payments of one invoice, the invoices of one number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.billing import Billing
from tests.support.engine import Engine

if TYPE_CHECKING:
    from tests.support.database import Begin, Database


def paying(database: Database) -> None:
    """Company 1 with invoices and payments switched on, and all mapped that they need."""
    database.add_company()
    database.switch("1", auto_invoices=True, auto_payments=True)
    books = Billing(database)
    books.choose("account_map", "undeposited_funds", "4")
    books.link("payment_method", "1/cash", "PaymentMethod", "1")


class Turns(Engine):
    """A lane of company 1, whose invoice QuickBooks has, and payments of it."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.books = Billing(database)
        self.invoice = self.books.sent(self.books.invoice(self.books.customer()))
        self.epoch = 0
        self.take()

    def take(self) -> None:
        """Absorb, and lease the lane once there is work."""
        self.absorb()
        self.epoch = self.lease().get("1", self.epoch)

    def pay(self, amount: int = 30, invoice: str | None = None) -> str:
        """A payment, absorbed."""
        made = self.books.sip.payment(invoice or self.invoice, amount)
        self.take()
        return made

    def next(self) -> list[dict[str, Any]]:
        """What is decided to be sent now."""
        return self.decide(self.epoch)

    def commit(self, *jobs: dict[str, Any]) -> int | None:
        """A call of these."""
        return self.intend(self.epoch, *jobs)

    def end(self, call: int, **result: Any) -> None:
        """Record the answer of a single call."""
        self.record(self.epoch, call, **result)

    def waits(self, payment: str) -> tuple[Any, ...]:
        """State, and what it waits for."""
        [row] = self.database.rows(
            "select state::text, waits_on::text, waits_for_type, waits_for_id, reason from syncd.job"
            " where entity_type = 'payment' and entity_id = %s",
            (payment,),
        )
        return row


@pytest.fixture
def turns(begun: Begin) -> Turns:
    return Turns(begun(paying))


def by_id(jobs: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {job["entity_id"]: job for job in jobs}


def test_the_next_payment_of_an_invoice_waits_while_one_is_on_its_way(turns: Turns) -> None:
    first, second = turns.pay(), turns.pay()
    call = turns.commit(by_id(turns.next())[first])
    assert call is not None
    assert turns.next() == []
    state, on, *before, reason = turns.waits(second)
    assert (state, on, before) == ("waiting", "record", ["payment", first])
    assert 'It waits for payment "INV-00042", which is on its way' in reason
    turns.end(call, outcome="success", qbo_id="77", sync_token="0")
    assert turns.waits(second)[0] == "pending"
    assert [job["entity_id"] for job in turns.next()] == [second]


@pytest.mark.parametrize(
    "result",
    [
        {"outcome": "fault", "fault": "record", "error": "No."},
        {"outcome": "fault", "fault": "transient", "may_help": True, "error": "Later."},
        {"outcome": "fault", "fault": "record", "collision": True, "error": "Two of them."},
        {"outcome": "fault", "fault": "period", "held": True, "error": "Closed."},
        {"outcome": "absent", "fault": "stale", "may_help": True, "error": "Not there."},
        {"outcome": "split", "fault": "record", "may_help": True, "error": "A batch."},
        {"outcome": "variance", "qbo_id": "77", "sync_token": "0", "error": "Less."},
    ],
    ids=["error", "transient", "collision", "held", "absent", "split", "variance"],
)
def test_it_has_its_turn_however_the_one_before_it_ends(turns: Turns, result: dict[str, Any]) -> None:
    first, second = turns.pay(), turns.pay()
    call = turns.commit(by_id(turns.next())[first])
    assert call is not None
    turns.next()
    turns.end(call, **result)
    assert turns.waits(second)[:2] == ("pending", None)


def test_while_an_answer_is_unknown_nobody_has_a_turn_whoever_is_the_owner(turns: Turns) -> None:
    first, second = turns.pay(), turns.pay()
    call = turns.commit(by_id(turns.next())[first])
    assert call is not None
    turns.database.execute("select syncd.leave(%s)", (turns.worker,))
    heir = Engine(turns.database)
    epoch = heir.lease()["1"]
    assert heir.decide(epoch) == []
    assert turns.waits(second)[:4] == ("waiting", "record", "payment", first)
    assert heir.reopen(epoch) == call
    heir.record(epoch, call, outcome="unknown", fault="transient", error="Silence.")
    assert turns.waits(second)[0] == "waiting"
    heir.record(epoch, call, outcome="success", qbo_id="77", sync_token="0")
    turns.database.execute("update syncd.lane set not_before = now()")  # the pause is over
    assert [job["entity_id"] for job in heir.decide(epoch)] == [second]


def test_what_was_decided_before_another_call_of_the_turn_is_decided_again(turns: Turns) -> None:
    first, second = turns.pay(), turns.pay()
    decided = by_id(turns.next())
    call = turns.commit(decided[first])
    assert call is not None
    assert turns.commit(decided[second]) is None
    turns.end(call, outcome="success", qbo_id="77", sync_token="0")
    # What QuickBooks was asked for it may have been answered before the other was there.
    assert turns.commit(decided[second]) is None
    [again] = turns.next()
    assert turns.commit(again) is not None


def test_payments_of_other_invoices_do_not_wait(turns: Turns) -> None:
    books = turns.books
    other = books.sent(books.invoice(books.customer("Bo Diaz", "59"), number="INV-00043"))
    first, second = turns.pay(), turns.pay(invoice=other)
    decided = by_id(turns.next())
    assert turns.commit(decided[first]) is not None
    assert turns.commit(decided[second]) is not None


def test_an_invoice_waits_while_one_of_its_number_is_on_its_way(turns: Turns) -> None:
    books = turns.books
    customer = books.customer("Bo Diaz", "59")
    books.choose("item_map", "lines", "21")
    line = ("Work", 1, 100, True)
    first = books.invoice(customer, line, number="INV-1")
    second = books.invoice(customer, line, number="inv-1 ")
    turns.take()
    decided = by_id(turns.next())
    assert decided.keys() == {first, second}
    assert turns.commit(decided[first]) is not None
    assert turns.next() == []


def test_the_turns_of_a_former_realm_end_with_it(turns: Turns) -> None:
    first, second = turns.pay(), turns.pay()
    assert turns.commit(by_id(turns.next())[first]) is not None
    turns.next()
    turns.books.connect("9131")
    assert turns.waits(second)[:2] == ("pending", None)


def test_a_retry_of_what_waits_for_its_turn_does_not_overtake(turns: Turns) -> None:
    first, second = turns.pay(), turns.pay()
    assert turns.commit(by_id(turns.next())[first]) is not None
    turns.next()
    turns.database.execute("select syncd.retry('1', 'payment', %s)", (second,))
    assert turns.next() == []
    assert turns.waits(second)[:4] == ("waiting", "record", "payment", first)


def test_what_is_expected_to_be_open_is_what_quickbooks_was_told(turns: Turns) -> None:
    turns.database.execute(
        "update syncd.link set document = jsonb_set(document, '{total}', '100.00') where entity_type = 'invoice'"
    )
    first, second = turns.pay(30), turns.pay(20)
    jobs = by_id(turns.next())
    assert [jobs[id_]["document"]["expected_open"] for id_ in (first, second)] == [100, 100]
    call = turns.commit(jobs[first])
    assert call is not None
    turns.end(call, outcome="success", qbo_id="77", sync_token="0")
    [left] = turns.next()
    assert left["document"]["expected_open"] == 70
