"""Looking things up in QBO before a record's outcome is decided: is it there already, who has its name, who changed it.

A look-up is a query or a read; it never changes anything, and never links by a guess.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from syncd.daemon import outcome
from syncd.db.queue import Result, parse
from syncd.db.states import FaultClass
from syncd.push import clash, module_for

if TYPE_CHECKING:
    from syncd.daemon.access import Door
    from syncd.daemon.call import Delivery
    from syncd.db.queue import Hold, Queue
    from syncd.push import Module
    from syncd.qbo.client import Client
    from syncd.qbo.faults import Fault

CLOCK_SKEW = timedelta(minutes=5)
"""How far Intuit's clock may be behind the database's when an object's creation time is compared."""


class LookUpFailed(Exception):
    """QBO answered a look-up with a fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code)
        self.fault = fault


class Inquiry:
    """Asks QBO about the records of one lane, within its budget. Each look raises NotSent, Lost or LookUpFailed."""

    def __init__(self, client: Client, queue: Queue, hold: Hold, door: Door) -> None:
        self._client = client
        self._queue = queue
        self._hold = hold
        self._door = door

    async def own(self, delivery: Delivery) -> Result | list[tuple[str, dict[str, Any]]]:
        """A success if QBO holds what this delivery sent; else what was found in its place."""
        module = module_for(delivery.entity_type)
        if delivery.qbo_id is not None:
            current = await self._current(delivery, module)
            if current is not None and not module.differences(delivery.payload, current):
                return outcome.arrived(delivery, current)
            return []
        found = await self._found(delivery, module)
        ours = await self._ours(delivery, module, found)
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

    async def name_taken(self, delivery: Delivery, fault: Fault) -> Result:
        """Our own earlier create whose answer was lost is recognised; everything else is explained, never linked."""
        found = await self.own(delivery)
        if isinstance(found, Result):
            return found
        names = await self._queue.linked_names(self._hold, [(kind, str(o.get("Id"))) for kind, o in found])
        holders = [
            clash.Holder(
                kind,
                o.get("Active") is not False,
                str(o.get("DisplayName")),
                names.get((kind, str(o.get("Id")))),
            )
            for kind, o in found
        ]
        return Result(
            delivery.bid,
            outcome="fault",
            fault=FaultClass.RECORD,
            code=fault.code,
            error=clash.clash_sentence(delivery.entity_name, holders, retry=self._retry(delivery)),
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
        touched = []
        if delivery.sent_document is not None:
            document = parse(delivery.sent_document)
            before = module.build(document, sent=None, qbo_id=None, sync_token=None).payload
            touched = module.differences(before, current)
        if not touched:
            return Result(
                delivery.bid,
                outcome="fault",
                fault=FaultClass.STALE,
                code=fault.code,
                may_help=True,
                sync_token=str(current.get("SyncToken")),
                error=f"Somebody changed {delivery.what} in QuickBooks, but no field that syncd sends."
                " It is sent again.",
            )
        values = "; ".join(
            f'{field} is "{there}" there and was "{ours}" when syncd last sent it'
            for field, ours, there in touched
        )
        return Result(
            delivery.bid,
            outcome="fault",
            fault=FaultClass.STALE,
            code=fault.code,
            error=f"Somebody changed {delivery.what} in QuickBooks: {values}. Nothing was overwritten. Make both sides"
            f" equal, then run: {self._retry(delivery)}",
        )

    async def _found(self, delivery: Delivery, module: Module) -> list[tuple[str, dict[str, Any]]]:
        found: list[tuple[str, dict[str, Any]]] = []
        for statement in module.own_queries(delivery.payload):
            await self._turn()
            answer = await self._client.query(await self._door.access(), statement)
            if answer.fault is not None:
                raise LookUpFailed(answer.fault)
            for kind, objects in answer.body.get("QueryResponse", {}).items():
                if isinstance(objects, list):
                    found += [(kind, o) for o in objects]
        return found

    async def _ours(
        self, delivery: Delivery, module: Module, found: list[tuple[str, dict[str, Any]]]
    ) -> list[dict[str, Any]]:
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
        await self._turn()
        answer = await self._client.read(await self._door.access(), f"{module.path}/{delivery.qbo_id}")
        if answer.fault is not None and answer.fault.fault_class is not FaultClass.RECORD:
            raise LookUpFailed(answer.fault)
        found = answer.body.get(module.qbo_type)
        return found if isinstance(found, dict) else None

    async def _turn(self) -> None:
        """Wait within the realm's budget: QBO answers what exceeds it with a minute's silence."""
        await asyncio.sleep(await self._queue.take_turn(self._hold))

    def _retry(self, delivery: Delivery) -> str:
        return f"syncd retry {self._hold.company_id} {delivery.entity_type} {delivery.entity_id}"


def _created(found: dict[str, Any]) -> datetime:
    """When QBO made it; an object that does not say is too old to be ours."""
    text = found.get("MetaData", {}).get("CreateTime")
    return datetime.fromisoformat(text) if text else datetime.min.replace(tzinfo=UTC)
