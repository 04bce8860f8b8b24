"""In which currency customers are, where QuickBooks has several: a document in another is refused before a call."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syncd.db.queue import parse
from syncd.push import encode
from syncd.qbo.query import literal

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from syncd.daemon.question import Questions
    from syncd.db.queue import DueJob


class Currencies:
    """Of the customers of one realm. A customer keeps its currency for life, so each is asked for once."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._known: dict[str, str] = {}

    async def told(self, jobs: Sequence[DueJob]) -> list[DueJob]:
        """The jobs; documents of a company with several currencies say that of their customer. One question for all.

        Raises what `Questions` raises.
        """
        documents = [parse(job.document) for job in jobs]
        await self._learn({d["customer"] for d in documents if d.get("multicurrency")} - self._known.keys())
        return [
            replace(job, document=encode({**d, "customer_currency": self._known.get(d["customer"])}).decode())
            if d.get("multicurrency")
            else job
            for job, d in zip(jobs, documents, strict=True)
        ]

    async def _learn(self, customers: Collection[str]) -> None:
        if not customers:
            return
        ids = ", ".join(literal(customer) for customer in sorted(customers))
        found = await self._questions.query(
            f"SELECT Id, CurrencyRef FROM Customer WHERE Id IN ({ids}) AND Active IN (true, false) MAXRESULTS 1000"  # noqa: S608 (each value went through `literal`)
        )
        self._known |= {
            str(customer["Id"]): str(customer["CurrencyRef"]["value"])
            for _, customer in found
            if customer.get("CurrencyRef")
        }
