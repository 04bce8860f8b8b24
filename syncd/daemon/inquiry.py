"""Looking things up in QBO before a record's outcome is decided: is it there already, who has its name, who changed it.

A look-up is a query or a read; it never changes anything, and never links by a guess.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from syncd.daemon import outcome
from syncd.db.queue import Result, parse
from syncd.db.states import FaultClass
from syncd.push import clash, module_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncd.daemon.call import Delivery
    from syncd.daemon.question import Found, Questions
    from syncd.db.queue import Hold, Queue
    from syncd.push import Difference, Module
    from syncd.qbo.faults import Fault

CLOCK_SKEW = timedelta(minutes=5)
"""How far Intuit's clock may be behind the database's when an object's creation time is compared."""


class Inquiry:
    """Looks things up for the records of one lane; each look raises what `Questions` raises."""

    def __init__(self, questions: Questions, queue: Queue, hold: Hold) -> None:
        self._questions = questions
        self._queue = queue
        self._hold = hold

    async def own(self, delivery: Delivery) -> Result | list[Found]:
        """A success if QBO holds what this delivery sent; else what was found in its place."""
        module = module_for(delivery.entity_type)
        if delivery.qbo_id is not None:
            current = await self._current(delivery, module)
            if current is not None and not module.differences(delivery.payload, current):
                return outcome.arrived(delivery, current)
            return []
        found = await self.found(delivery)
        ours = await self.ours(delivery, module, found)
        if len(ours) > 1:
            return Result(
                delivery.bid,
                outcome="fault",
                fault=FaultClass.RECORD,
                collision=True,
                error=f"QuickBooks has {len(ours)} records that could each be {delivery.what}. Remove all but one"
                f" there, then run: {self._retry(delivery)}",
            )
        return outcome.arrived(delivery, ours[0]) if ours else found

    def in_its_place(self, delivery: Delivery, found: Sequence[Found]) -> Result | None:
        """A collision, if QBO holds something by which a create would be known and that is not what was sent: somebody
        may have changed it since. Not for names: QBO itself refuses a second one.
        """
        if delivery.qbo_id is not None or delivery.payload.keys() & {"Name", "DisplayName"}:
            return None
        module = module_for(delivery.entity_type)
        holders = [
            o for kind, o in found if kind == module.qbo_type and module.holds_place(delivery.payload, o)
        ]
        if not holders:
            return None
        return Result(
            delivery.bid,
            outcome="fault",
            fault=FaultClass.RECORD,
            collision=True,
            error=clash.place_sentence(delivery.what, holders, retry=self._retry(delivery)),
        )

    async def name_taken(self, delivery: Delivery, fault: Fault) -> Result:
        """Our own earlier create whose answer was lost is recognised; everything else is explained, never linked."""
        found = await self.own(delivery)
        if isinstance(found, Result):
            return found
        if delivery.qbo_id is not None:  # a new name for what QBO has: whoever else has it holds it
            kind = module_for(delivery.entity_type).qbo_type
            itself = (kind, delivery.qbo_id)
            everybody = await self.found(delivery)
            found = [(kind, o) for kind, o in everybody if (kind, str(o.get("Id"))) != itself]
        names = await self._queue.linked_names(self._hold, [(kind, str(o.get("Id"))) for kind, o in found])
        holders = [clash.holder_of(kind, o, names.get((kind, str(o.get("Id"))))) for kind, o in found]
        return Result(
            delivery.bid,
            outcome="fault",
            fault=FaultClass.RECORD,
            code=fault.code,
            error=clash.clash_sentence(
                delivery.entity_type, delivery.entity_name, holders, retry=self._retry(delivery)
            ),
        )

    async def stale(self, delivery: Delivery, fault: Fault) -> Result:
        """Somebody changed the object in QBO. If not in a field of ours, the update is repeated on the new token;
        else both values are shown and nothing is overwritten.
        """
        module = module_for(delivery.entity_type)
        current = await self._current(delivery, module)
        if current is not None and not module.differences(delivery.payload, current):
            return outcome.arrived(delivery, current)
        if current is None or current.get("SyncToken") in (None, delivery.payload.get("SyncToken")):
            # Not changed since: this code has other causes too, closed books among them, and would come for ever.
            return replace(outcome.of_fault(delivery, fault), may_help=False)
        touched = touched_fields(module, delivery.sent_document, delivery.payload, current)
        if not touched:
            return Result(
                delivery.bid,
                outcome="fault",
                fault=FaultClass.STALE,
                code=fault.code,
                may_help=True,
                sync_token=str(current.get("SyncToken")),
                error=f"Somebody changed {delivery.what} in QuickBooks, but nothing that would be overwritten."
                " It is sent again.",
            )
        return Result(
            delivery.bid,
            outcome="fault",
            fault=FaultClass.STALE,
            code=fault.code,
            error=touched_sentence(delivery.what, touched, retry=self._retry(delivery)),
        )

    async def found(self, delivery: Delivery) -> list[Found]:
        """Everything in QBO that may be, or may have the place of, what this delivery sends."""
        found: list[Found] = []
        for statement in module_for(delivery.entity_type).own_queries(delivery.payload):
            found += await self._questions.query(statement)
        return found

    async def ours(self, delivery: Delivery, module: Module, found: list[Found]) -> list[dict[str, Any]]:
        """Those equal in all that was sent, made since we first sent it, and linked to no record."""
        since = await self._queue.first_unsettled_create(self._hold, delivery.entity_type, delivery.entity_id)
        ours = [
            o
            for kind, o in found
            if since is not None
            and kind == module.qbo_type
            and module.is_own(delivery.payload, o)
            and _created(o) > since - CLOCK_SKEW
        ]
        linked = await self._queue.linked_names(self._hold, [(module.qbo_type, str(o["Id"])) for o in ours])
        return [o for o in ours if (module.qbo_type, str(o["Id"])) not in linked]

    async def _current(self, delivery: Delivery, module: Module) -> dict[str, Any] | None:
        return await self._questions.read(f"{module.path}/{delivery.qbo_id}", module.qbo_type)

    def _retry(self, delivery: Delivery) -> str:
        return retry_command(self._hold.company_id, delivery.entity_type, delivery.entity_id)


def touched_fields(
    module: Module, sent_document: str | None, payload: Mapping[str, Any], current: Mapping[str, Any]
) -> list[Difference]:
    """The fields in which QBO's object is not what syncd last sent, and which the payload would overwrite: where
    both sides have been made equal since, there is nothing to lose.
    """
    if sent_document is None:
        return []
    before = module.build(parse(sent_document), sent=None, qbo_id=None, sync_token=None).payload
    overwritten = {_place(label) for label, _, _ in module.differences(payload, current)}
    return [
        difference
        for difference in module.differences(before, current)
        if _place(difference[0]) in overwritten
    ]


def _place(label: str) -> str:
    """What a difference is about. Lines are one thing: the second may be another line on each side."""
    return "lines" if "line" in label.split() or "lines" in label.split() else label


def touched_sentence(what: str, touched: Sequence[Difference], *, retry: str) -> str:
    """Both values of each field that somebody changed in QBO."""
    values = "; ".join(
        f'{field} is "{there}" there and was "{ours}" when syncd last sent it'
        for field, ours, there in touched
    )
    return (
        f"Somebody changed {what} in QuickBooks: {values}. Nothing was overwritten. Make both sides equal, then"
        f" run: {retry}"
    )


def retry_command(company_id: str, entity_type: str, entity_id: str) -> str:
    """What a person types when the cause is put right."""
    return f"syncd retry {company_id} {entity_type} {entity_id}"


def _created(found: dict[str, Any]) -> datetime:
    """When QBO made it; an object that does not say is too old to be ours."""
    text = found.get("MetaData", {}).get("CreateTime")
    return datetime.fromisoformat(text) if text else datetime.min.replace(tzinfo=UTC)
