"""One record's way to QBO: its call committed, sent, and what the answer means.

Nothing here touches the job, the link or the log: it returns a Result, and Postgres decides what follows.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from syncd.db.queue import Result, parse
from syncd.db.states import FaultClass
from syncd.push import clash, module_for
from syncd.qbo.client import Access, Answer, Lost, NotSent

if TYPE_CHECKING:
    from syncd.daemon.access import Keys
    from syncd.db.queue import DueJob, Hold, OpenCall, Queue
    from syncd.push import Module
    from syncd.qbo.client import Client
    from syncd.qbo.faults import Fault

NAMESPACE = uuid.UUID("5c1d9a63-2f6e-5b5c-9f0e-1f7c3b0a9d41")
NAME_TAKEN = "6240"

CLOCK_SKEW = timedelta(minutes=5)
"""How far Intuit's clock may be behind the database's when an object's creation time is compared."""


class LookUpFailed(Exception):
    """QBO answered a look-up with a fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Delivery:
    """A call that has been committed: what is sent, and of which record."""

    hold: Hold
    entity_type: str
    entity_id: str
    entity_name: str
    operation: str
    qbo_id: str | None
    path: str
    request_id: str
    body: bytes
    sent_document: str | None
    notes: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """How a sentence names the record."""
        return f'{self.entity_type.replace("_", " ")} "{self.entity_name}"'

    @property
    def payload(self) -> dict[str, Any]:
        return parse(self.body.decode())


def request_id(job: DueJob, company_id: str, body: bytes) -> str:
    """Never the same for two writes of one record, and the same again when the row that held it was lost."""
    parts = (
        job.environment,
        job.realm_id,
        company_id,
        job.entity_type,
        job.entity_id,
        job.operation,
        str(job.generation + 1),
        job.sync_token or "",
        sha256(body).hexdigest(),
    )
    return str(uuid.uuid5(NAMESPACE, "\x1f".join(parts)))


def reopened(hold: Hold, call: OpenCall) -> Delivery:
    """The delivery that an open call was."""
    return Delivery(
        hold=hold,
        entity_type=call.entity_type,
        entity_id=call.entity_id,
        entity_name=call.entity_name,
        operation=call.operation,
        qbo_id=call.qbo_id,
        path=call.path,
        request_id=call.request_id,
        body=call.body,
        sent_document=call.sent_document,
    )


class Courier:
    """Sends deliveries and reads answers; the only part of the daemon that speaks to QBO's API."""

    def __init__(self, client: Client, keys: Keys, queue: Queue) -> None:
        self._client = client
        self._keys = keys
        self._queue = queue

    async def send(self, delivery: Delivery, access: Access) -> Result:
        """Send for the first time, or again with the same bytes and id."""
        try:
            answer = await self._write(delivery, access)
            if answer.fault and answer.fault.fault_class is FaultClass.AUTH and answer.fault.retry:
                access = await self._keys.access(delivery.hold, refused=access.token)
                answer = await self._write(delivery, access)
        except NotSent as error:
            return _transient(
                f"QuickBooks could not be reached: {error.reason}. syncd tries again by itself."
            )
        except Lost as error:
            return _unknown(
                f"QuickBooks did not answer: {error.reason}. syncd finds out whether {delivery.what} arrived"
                " before it sends anything else of it."
            )
        result = await self._read(delivery, access, answer)
        return replace(
            result, http_status=answer.status, intuit_tid=answer.intuit_tid, duration_ms=answer.duration_ms
        )

    async def ask_again(self, call: OpenCall, delivery: Delivery, access: Access) -> Result:
        """Settle an unknown outcome: the same call again, or a look where the same call proves nothing any more."""
        if not call.looks:
            result = await self.send(delivery, access)
            if result.outcome != "fault" or result.collision:
                return result
            if result.fault not in {FaultClass.RECORD, FaultClass.STALE}:
                # This time it was not executed; the first time it may have been.
                return replace(result, outcome="unknown")
        else:
            result = Result(
                outcome="absent",
                fault=FaultClass.STALE if call.sends == 1 else FaultClass.RECORD,
                may_help=True,
                error=f"QuickBooks never confirmed {delivery.what}, and does not have it. It is sent anew.",
            )
        try:
            found = await self._own(delivery, access)
        except (NotSent, Lost) as error:
            return _unknown(f"QuickBooks could not be asked about {delivery.what}: {error.reason}.")
        except LookUpFailed as error:
            return replace(_of_fault(error.fault, f"the look-up of {delivery.what}"), outcome="unknown")
        return found if isinstance(found, Result) else result

    async def _write(self, delivery: Delivery, access: Access) -> Answer:
        await self._turn(delivery.hold)
        return await self._client.write(access, delivery.path, delivery.body, delivery.request_id)

    async def _turn(self, hold: Hold) -> None:
        """Wait within the realm's budget: QBO answers what exceeds it with a minute's silence."""
        seconds = await self._queue.take_turn(hold)
        if seconds > 0:
            await asyncio.sleep(seconds)

    async def _read(self, delivery: Delivery, access: Access, answer: Answer) -> Result:
        fault = answer.fault
        if fault is None:
            return _taken(delivery, answer.body, note=" ".join(delivery.notes) or None)
        if fault.executed is None:
            return replace(_of_fault(fault, delivery.what), outcome="unknown")
        try:
            if fault.code == NAME_TAKEN:
                return await self._name_taken(delivery, access, fault)
            if fault.fault_class is FaultClass.STALE and delivery.qbo_id is not None:
                return await self._stale(delivery, access, fault)
        except (NotSent, Lost) as error:
            return _transient(
                f"{fault.sentence(delivery.what)} The reason could not be looked up: {error.reason}."
            )
        except LookUpFailed as error:
            # Nothing was done, so it may be sent again; how long to wait, the look-up's fault tells.
            return _of_fault(error.fault, f"the look-up of {delivery.what}")
        return _of_fault(fault, delivery.what)

    async def _name_taken(self, delivery: Delivery, access: Access, fault: Fault) -> Result:
        """Our own earlier create whose answer was lost is recognised; everything else is explained, never linked."""
        found = await self._own(delivery, access)
        if isinstance(found, Result):
            return found
        names = await self._queue.linked_names(delivery.hold, [(kind, str(o.get("Id"))) for kind, o in found])
        holders = [
            clash.Holder(
                kind,
                o.get("Active") is not False,
                str(o.get("DisplayName")),
                names.get((kind, str(o.get("Id")))),
            )
            for kind, o in found
        ]
        retry = f"syncd retry {delivery.hold.company_id} {delivery.entity_type} {delivery.entity_id}"
        return Result(
            outcome="fault",
            fault=FaultClass.RECORD,
            code=fault.code,
            error=clash.clash_sentence(delivery.entity_name, holders, retry=retry),
        )

    async def _own(self, delivery: Delivery, access: Access) -> Result | list[tuple[str, dict[str, Any]]]:
        """A success if QBO holds what this delivery sent; else what was found in its place."""
        module = module_for(delivery.entity_type)
        payload = delivery.payload
        if delivery.qbo_id is not None:
            current = await self._current(delivery, access, module)
            if current is not None and not module.differences(payload, current):
                return _arrived(current)
            return []
        found: list[tuple[str, dict[str, Any]]] = []
        for statement in module.own_queries(payload):
            await self._turn(delivery.hold)
            answer = await self._client.query(access, statement)
            if answer.fault is not None:
                raise LookUpFailed(answer.fault)
            for kind, objects in answer.body.get("QueryResponse", {}).items():
                if isinstance(objects, list):
                    found += [(kind, o) for o in objects]
        since = await self._queue.first_unsettled_create(
            delivery.hold, delivery.entity_type, delivery.entity_id
        )
        ours = [
            o
            for kind, o in found
            if since is not None
            and kind == module.qbo_type
            and module.is_own(payload, o)
            and _created(o) > since - CLOCK_SKEW
        ]
        linked = await self._queue.linked_names(
            delivery.hold, [(module.qbo_type, str(o["Id"])) for o in ours]
        )
        ours = [o for o in ours if (module.qbo_type, str(o["Id"])) not in linked]
        if len(ours) > 1:
            return Result(
                outcome="fault",
                fault=FaultClass.RECORD,
                collision=True,
                error=f"QuickBooks has {len(ours)} records that could each be {delivery.what}. Remove all but one"
                f" there, then run: syncd retry {delivery.hold.company_id} {delivery.entity_type}"
                f" {delivery.entity_id}",
            )
        return _arrived(ours[0]) if ours else found

    async def _stale(self, delivery: Delivery, access: Access, fault: Fault) -> Result:
        """Somebody changed the object in QBO. If not in a field of ours, the update is repeated on the new token;
        else both values are shown and nothing is overwritten.
        """
        module = module_for(delivery.entity_type)
        current = await self._current(delivery, access, module)
        if current is not None and not module.differences(delivery.payload, current):
            return _arrived(current)
        if current is None or current.get("SyncToken") in (None, delivery.payload.get("SyncToken")):
            # Not changed since: this code has other causes too, closed books among them, and would come for ever.
            return replace(_of_fault(fault, delivery.what), may_help=False)
        touched = []
        if delivery.sent_document is not None:
            document = parse(delivery.sent_document)
            before = module.build(document, sent=None, qbo_id=None, sync_token=None).payload
            touched = module.differences(before, current)
        if not touched:
            return Result(
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
            outcome="fault",
            fault=FaultClass.STALE,
            code=fault.code,
            error=f"Somebody changed {delivery.what} in QuickBooks: {values}. Nothing was overwritten. Make both sides"
            f" equal, then run: syncd retry {delivery.hold.company_id} {delivery.entity_type} {delivery.entity_id}",
        )

    async def _current(self, delivery: Delivery, access: Access, module: Module) -> dict[str, Any] | None:
        await self._turn(delivery.hold)
        answer = await self._client.read(access, f"{module.path}/{delivery.qbo_id}")
        if answer.fault is not None and answer.fault.fault_class is not FaultClass.RECORD:
            raise LookUpFailed(answer.fault)
        found = answer.body.get(module.qbo_type)
        return found if isinstance(found, dict) else None


def _taken(delivery: Delivery, answer: dict[str, Any], note: str | None) -> Result:
    """A good answer, compared with what was sent."""
    module = module_for(delivery.entity_type)
    got = answer.get(module.qbo_type)
    if not isinstance(got, dict) or not got.get("Id") or got.get("SyncToken") is None:
        return _unknown(f"QuickBooks accepted {delivery.what} but did not say what it made of it.")
    differing = module.differences(delivery.payload, got)
    if not differing:
        return _arrived(got, note)
    values = "; ".join(f'{field}: sent "{sent}", QuickBooks has "{has}"' for field, sent, has in differing)
    return replace(
        _arrived(got, note),
        outcome="variance",
        error=f"QuickBooks took {delivery.what} but changed it: {values}. Correct it in QuickBooks or in SIP.",
    )


def _arrived(found: dict[str, Any], note: str | None = None) -> Result:
    return Result(
        outcome="success", qbo_id=str(found["Id"]), sync_token=str(found.get("SyncToken")), note=note
    )


def _of_fault(fault: Fault, what: str) -> Result:
    return Result(
        outcome="fault",
        fault=fault.fault_class,
        code=fault.code or None,
        may_help=fault.retry,
        told_to_wait=fault.retry_after,
        error=fault.sentence(what),
    )


def _transient(error: str) -> Result:
    return Result(outcome="fault", fault=FaultClass.TRANSIENT, may_help=True, error=error)


def _unknown(error: str) -> Result:
    return Result(outcome="unknown", fault=FaultClass.TRANSIENT, may_help=True, error=error)


def _created(found: dict[str, Any]) -> datetime:
    """When QBO made it; an object that does not say is too old to be ours."""
    text = found.get("MetaData", {}).get("CreateTime")
    return datetime.fromisoformat(text) if text else datetime.min.replace(tzinfo=UTC)
