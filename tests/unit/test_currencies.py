"""In which currency customers are: asked once for each, for all of a call together, and only where it can matter."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, cast

import pytest

from syncd.daemon.currencies import Currencies
from syncd.db.queue import DueJob
from syncd.push import Refused, invoice, payment
from tests.unit.test_push_invoice import PLAIN
from tests.unit.test_push_payment import PAYMENT

if TYPE_CHECKING:
    from syncd.daemon.question import Found, Questions


class Asked:
    """QuickBooks with two customers, and what it was asked."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    async def query(self, statement: str) -> list[Found]:
        self.statements.append(statement)
        return [
            ("Customer", {"Id": id_, "CurrencyRef": {"value": currency}})
            for id_, currency in {"58": "CAD", "59": "USD"}.items()
            if f"'{id_}'" in statement
        ]


def job(**document: Any) -> DueJob:
    said = json.dumps({"currency": "CAD", **document})
    return DueJob(
        "invoice",
        "1",
        "INV-1",
        1,
        said,
        "f",
        "create",
        "Invoice",
        None,
        None,
        0,
        None,
        "sandbox",
        "9130",
        False,
    )


def told(currencies: Currencies, *jobs: DueJob) -> list[str | None]:
    found = asyncio.run(currencies.told(jobs))
    return [json.loads(job.document).get("customer_currency") for job in found]


def test_one_question_tells_of_all_customers_of_a_call_and_none_is_asked_for_twice() -> None:
    quickbooks = Asked()
    currencies = Currencies(cast("Questions", quickbooks))
    jobs = [job(customer=id_, multicurrency=True) for id_ in ("58", "59", "58", "60")]
    assert told(currencies, *jobs) == ["CAD", "USD", "CAD", None]
    assert told(currencies, *jobs[:3]) == ["CAD", "USD", "CAD"]
    [statement] = quickbooks.statements
    assert "('58', '59', '60')" in statement


def test_where_there_is_one_currency_nobody_is_asked() -> None:
    quickbooks = Asked()
    jobs = [job(customer="58", multicurrency=False), job(minutes=90)]
    assert told(Currencies(cast("Questions", quickbooks)), *jobs) == [None, None]
    assert quickbooks.statements == []


@pytest.mark.parametrize(
    ("module", "document", "what"),
    [
        (invoice, PLAIN, f"Invoice {PLAIN['number']}"),
        (payment, PAYMENT, "The payment of 120.15 for INV-00042"),
    ],
    ids=["invoice", "payment"],
)
def test_a_document_in_another_currency_than_its_customer_is_refused(
    module: Any, document: dict[str, Any], what: str
) -> None:
    def build(currency: str | None) -> None:
        module.build({**document, "customer_currency": currency}, sent=None, qbo_id=None, sync_token=None)

    build(None)
    build(document["currency"])
    with pytest.raises(Refused) as refused:
        build("CAD")
    assert refused.value.code == "currency"
    assert f"{what} is in USD, and QuickBooks has its customer in CAD" in refused.value.sentence
    assert "another customer" in refused.value.sentence
