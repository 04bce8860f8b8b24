"""A job of SIP that gets another name: what was sent of it keeps the old one until somebody pushes, or it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.billing import Billing
from tests.support.engine import Engine

if TYPE_CHECKING:
    from tests.support.database import Database


def test_a_renamed_job_sends_nothing_by_itself_and_a_push_tells_its_new_name(database: Database) -> None:
    books = Billing(database)
    database.add_company()
    database.switch("1", auto_invoices=True)
    books.choose("item_map", "lines", "21")
    customer = books.customer()
    job = books.sip.insert(
        "jobs", organization_id="1", customer_id=customer, name="Kitchen", contract_total=1000
    )
    invoice = books.sent(books.invoice(customer, mode="percent", percent=10, job_id=job, subtotal=100))
    engine = Engine(database)
    engine.absorb()
    database.execute("delete from syncd.job")
    books.sip.update("jobs", job, name="Bathroom")
    assert engine.absorb() == 0
    assert books.verdict(invoice) == "push"
    assert database.value("select wanted from syncd.pushable('1', 'invoice')") is True
    lines = books.document(invoice)["lines"]
    assert [line["description"] for line in lines] == ["10 % of Bathroom"]
