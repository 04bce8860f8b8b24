"""What has to be known of QBO before a call can be built: the objects that full writes go over, what the invoices of
payments still owe, what has the place of a create already, and in which currencies customers are.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from syncd.daemon.currencies import Currencies
from syncd.db.queue import parse
from syncd.push import encode, module_for
from syncd.qbo.query import literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from syncd.daemon.question import Found, Questions
    from syncd.db.queue import DueJob


@dataclass(frozen=True, slots=True)
class Prospect:
    """A job with what was found out for it: `current`, the object that an update goes over, and `found`, what may
    have the place of a create.
    """

    job: DueJob
    current: dict[str, Any] | None = None
    found: list[Found] = field(default_factory=list)


class Ahead:
    """Asks for all jobs of a call at once, one question for each entity type. Raises what `Questions` raises."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._currencies = Currencies(questions)

    async def look(self, jobs: Sequence[DueJob]) -> list[Prospect]:
        """The jobs in their order."""
        jobs = await self._currencies.told(jobs)
        prospects = {(job.entity_type, job.entity_id): Prospect(job) for job in jobs}
        for entity_type in {job.entity_type: None for job in jobs}:
            of_type = [job for job in jobs if job.entity_type == entity_type]
            creates = [job for job in of_type if job.qbo_id is None]
            updates = [job for job in of_type if job.qbo_id is not None]
            for prospect in [
                *await self._creates(entity_type, creates),
                *await self._updates(entity_type, updates),
            ]:
                prospects[entity_type, prospect.job.entity_id] = prospect
        return list(prospects.values())

    async def _creates(self, entity_type: str, jobs: Sequence[DueJob]) -> Iterable[Prospect]:
        module = module_for(entity_type)
        documents = [parse(job.document) for job in jobs]
        statement = module.look_ahead(documents) if jobs else None
        if statement is None:
            return []
        found = await self._questions.query(statement)
        objects = [o for _, o in found]
        return [
            Prospect(replace(job, document=encode(module.informed(document, objects)).decode()), found=found)
            for job, document in zip(jobs, documents, strict=True)
        ]

    async def _updates(self, entity_type: str, jobs: Sequence[DueJob]) -> Iterable[Prospect]:
        module = module_for(entity_type)
        if not jobs or not module.reads_first:
            return []
        ids = ", ".join(literal(job.qbo_id or "") for job in jobs)
        # A list keeps what is inactive, and shows it only when asked.
        active = " AND Active IN (true, false)" if jobs[0].names else ""
        # A star leaves the SKU out, and a full write without it would clear it.
        columns = "*, Sku" if module.qbo_type == "Item" else "*"
        found = await self._questions.query(
            f"SELECT {columns} FROM {module.qbo_type} WHERE Id IN ({ids}){active} MAXRESULTS 1000"  # noqa: S608 (each value went through `literal`)
        )
        current = {str(o.get("Id")): o for kind, o in found if kind == module.qbo_type}
        return [Prospect(job, current=current.get(job.qbo_id or "")) for job in jobs]
