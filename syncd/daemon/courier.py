"""The courier: sends calls to QBO and reads what the answers mean for each record in them.

Nothing here touches the job, the link or the log: it returns Results, and Postgres decides what follows.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
import structlog

from syncd.daemon import outcome
from syncd.daemon.access import NoAccess
from syncd.daemon.question import LookUpFailed
from syncd.db.queue import LaneLost, Received, Result
from syncd.db.states import FaultClass
from syncd.qbo import faults
from syncd.qbo.client import Lost, NotSent
from syncd.qbo.oauth import MalformedTokens
from syncd.qbo.vault import VaultError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from syncd.daemon.access import Door
    from syncd.daemon.call import Call, Delivery
    from syncd.daemon.inquiry import Inquiry
    from syncd.db.queue import Hold, OpenCall, Queue
    from syncd.qbo.client import Answer, Client
    from syncd.qbo.faults import Fault

log = structlog.get_logger()

Answered = tuple[Received, list[Result]]
"""What the log keeps of an answer, and what it means for some of the call's records."""

NAME_TAKEN = "6240"
OF_A_RECORD = {FaultClass.RECORD, FaultClass.STALE, FaultClass.PERIOD}


class Courier:
    """One lane's messenger."""

    def __init__(self, client: Client, queue: Queue, hold: Hold, door: Door, inquiry: Inquiry) -> None:
        self._client = client
        self._queue = queue
        self._hold = hold
        self._door = door
        self._inquiry = inquiry

    async def send(self, call: Call, wait: float) -> AsyncIterator[Answered]:
        """Send, after `wait` seconds, with the call's bytes and id. What is clear comes first, so that it is recorded
        before anything is looked up.
        """
        await asyncio.sleep(wait)
        try:
            answer = await self._write(call)
        except (NotSent, NoAccess) as error:
            because = f"QuickBooks could not be reached: {error.reason}. syncd tries again by itself."
            yield Received(), [outcome.transient(d, because) for d in call.deliveries]
            return
        except Lost as error:
            yield (
                Received(),
                [
                    outcome.unknown(
                        d,
                        f"QuickBooks did not answer: {error.reason}. syncd finds out whether {d.what} arrived"
                        " before it sends anything else of it.",
                    )
                    for d in call.deliveries
                ],
            )
            return
        received = Received(answer.status, answer.intuit_tid, answer.duration_ms)
        clear: list[Result] = []
        unclear: list[tuple[Delivery, Fault]] = []
        for delivery in call.deliveries:
            read = self._read(call, delivery, answer)
            if isinstance(read, Result):
                clear.append(read)
            else:
                unclear.append((delivery, read))
        if clear:
            yield received, clear
        for delivery, fault in unclear:
            yield received, [await self._guarded(delivery, self._looked_up(delivery, fault))]

    async def ask_again(self, opened: OpenCall, call: Call) -> AsyncIterator[Answered]:
        """Settle an unknown outcome: the same call again, or a look where the same call proves nothing any more."""
        if opened.looks:
            fault = FaultClass.STALE if opened.sends == 1 else FaultClass.RECORD
            for delivery in call.deliveries:
                settled = self._settled(delivery, outcome.absent(delivery, fault), ended=opened.ended)
                yield Received(), [await self._guarded(delivery, settled)]
            return
        deliveries = {delivery.bid: delivery for delivery in call.deliveries}
        wait = await self._queue.take_turn(self._hold, is_batch=call.is_batch)
        async for received, results in self.send(call, wait):
            told = [(result, _known(result)) for result in results]
            if clear := [known for _, known in told if known]:
                yield received, clear
            for result in (result for result, known in told if not known):
                delivery = deliveries[result.bid]
                # What is said of each record of a batch is the answer to its id, of which QuickBooks has but one.
                answered = call.is_batch and result.outcome != "split"
                settled = self._settled(delivery, result, ended=opened.ended or answered)
                yield received, [await self._guarded(delivery, settled)]

    async def _settled(self, delivery: Delivery, result: Result, *, ended: bool) -> Result:
        """A refusal, or an absence: of this time only. The first time it may have been executed, or unless that must
        have `ended`, it may be at work yet.
        """
        try:
            found = await self._inquiry.own(delivery)
        except (NotSent, Lost, NoAccess) as error:
            return outcome.unknown(
                delivery, f"QuickBooks could not be asked about {delivery.what}: {error.reason}."
            )
        except LookUpFailed as error:
            return replace(self._look_up_failed(delivery, error), outcome="unknown")
        if isinstance(found, Result):
            return found
        if not ended:
            return outcome.early(delivery, result)
        return self._inquiry.in_its_place(delivery, found) or result

    async def _write(self, call: Call) -> Answer:
        access = await self._door.access()
        answer = await self._client.write(access, call.path, call.body, call.request_id)
        if answer.fault and answer.fault.fault_class is FaultClass.AUTH and answer.fault.retry:
            access = await self._door.access(refused=access.token)
            await asyncio.sleep(await self._queue.take_turn(self._hold, is_batch=call.is_batch))
            answer = await self._client.write(access, call.path, call.body, call.request_id)
        return answer

    def _read(self, call: Call, delivery: Delivery, answer: Answer) -> Result | Fault:
        """What the answer says of one record; a fault whose cause has to be looked up first is returned as such."""
        try:
            fault, said = answer.fault, answer.body
            whole = fault is not None
            if fault is None and call.is_batch:
                said = _item(answer.body, delivery.bid)
                fault = faults.parse_item(said, answer.status)
            if fault is None:
                return outcome.taken(delivery, said)
            if fault.executed is None:
                return replace(outcome.of_fault(delivery, fault), outcome="unknown")
            if whole and call.is_batch and fault.fault_class in OF_A_RECORD:
                return outcome.split(delivery, fault)
            if fault.code == NAME_TAKEN or (
                fault.fault_class is FaultClass.STALE and delivery.qbo_id is not None
            ):
                return fault
            return outcome.of_fault(delivery, fault)
        except Exception:
            return _unreadable(delivery)

    async def _looked_up(self, delivery: Delivery, fault: Fault) -> Result:
        try:
            if fault.code == NAME_TAKEN:
                return await self._inquiry.name_taken(delivery, fault)
            return await self._inquiry.stale(delivery, fault)
        except (NotSent, Lost, NoAccess) as error:
            return outcome.transient(
                delivery,
                f"{fault.sentence(delivery.what)} The reason could not be looked up: {error.reason}.",
            )
        except LookUpFailed as error:
            # Nothing was done, so it may be sent again; how long to wait, the look-up's fault tells.
            return self._look_up_failed(delivery, error)

    def _look_up_failed(self, delivery: Delivery, error: LookUpFailed) -> Result:
        return outcome.of_fault(delivery, error.fault, f"the look-up of {delivery.what}")

    async def _guarded(self, delivery: Delivery, reading: Awaitable[Result]) -> Result:
        """An answer that our own code cannot read must not stop the company: its outcome is unknown."""
        try:
            return await reading
        except (LaneLost, VaultError, MalformedTokens, psycopg.Error):
            raise
        except Exception:
            return _unreadable(delivery)


def _known(result: Result) -> Result | None:
    """What an answer to a repeated call says of what was asked the first time; None if QBO has to be asked for that."""
    if result.outcome not in {"fault", "split"} or result.collision:
        return result
    if result.fault not in {FaultClass.RECORD, FaultClass.STALE}:
        return replace(result, outcome="unknown")
    return None


def _unreadable(delivery: Delivery) -> Result:
    """Called while an exception is handled."""
    log.exception("an answer cannot be read", entity=delivery.entity_type, id=delivery.entity_id)
    return outcome.unreadable(delivery)


def _item(body: dict[str, Any], bid: str) -> dict[str, Any]:
    """One record's part of a batch's answer; {} if it is not in there."""
    items = body.get("BatchItemResponse")
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict) and item.get("bId") == bid:
            return item
    return {}
