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
from syncd.daemon.inquiry import Inquiry, LookUpFailed
from syncd.db.queue import LaneLost, Received, Result
from syncd.db.states import FaultClass
from syncd.qbo import faults
from syncd.qbo.client import Lost, NotSent
from syncd.qbo.oauth import MalformedTokens
from syncd.qbo.vault import VaultError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from syncd.daemon.access import Door
    from syncd.daemon.call import Call, Delivery
    from syncd.db.queue import Hold, OpenCall, Queue
    from syncd.qbo.client import Answer, Client
    from syncd.qbo.faults import Fault

log = structlog.get_logger()

NAME_TAKEN = "6240"


class Courier:
    """One lane's messenger."""

    def __init__(self, client: Client, queue: Queue, hold: Hold, door: Door) -> None:
        self._client = client
        self._queue = queue
        self._hold = hold
        self._door = door
        self._inquiry = Inquiry(client, queue, hold, door)

    async def send(self, call: Call, wait: float) -> tuple[Received, list[Result]]:
        """Send, after `wait` seconds, with the call's bytes and id. A result for each record."""
        await asyncio.sleep(wait)
        try:
            answer = await self._write(call)
        except (NotSent, NoAccess) as error:
            because = f"QuickBooks could not be reached: {error.reason}. syncd tries again by itself."
            return Received(), [outcome.transient(d, because) for d in call.deliveries]
        except Lost as error:
            return Received(), [
                outcome.unknown(
                    d,
                    f"QuickBooks did not answer: {error.reason}. syncd finds out whether {d.what} arrived"
                    " before it sends anything else of it.",
                )
                for d in call.deliveries
            ]
        received = Received(answer.status, answer.intuit_tid, answer.duration_ms)
        return received, [
            await self._guarded(delivery, self._read(call, delivery, answer)) for delivery in call.deliveries
        ]

    async def ask_again(self, opened: OpenCall, call: Call) -> tuple[Received, list[Result]]:
        """Settle an unknown outcome: the same call again, or a look where the same call proves nothing any more."""
        if opened.looks:
            absent = FaultClass.STALE if opened.sends == 1 else FaultClass.RECORD
            received, results = (
                Received(),
                [
                    Result(
                        d.bid,
                        outcome="absent",
                        fault=absent,
                        may_help=True,
                        error=f"QuickBooks never confirmed {d.what}, and does not have it. It is sent anew.",
                    )
                    for d in call.deliveries
                ],
            )
        else:
            wait = await self._queue.take_turn(self._hold, is_batch=call.is_batch)
            received, results = await self.send(call, wait)
        return received, [
            await self._guarded(delivery, self._settled(delivery, result))
            for delivery, result in zip(call.deliveries, results, strict=True)
        ]

    async def _settled(self, delivery: Delivery, result: Result) -> Result:
        """A repeated call's fault tells of this time only; the first time it may have been executed."""
        if result.outcome not in {"fault", "absent"} or result.collision:
            return result
        if result.fault not in {FaultClass.RECORD, FaultClass.STALE}:
            return replace(result, outcome="unknown")
        try:
            found = await self._inquiry.own(delivery)
        except (NotSent, Lost, NoAccess) as error:
            return outcome.unknown(
                delivery, f"QuickBooks could not be asked about {delivery.what}: {error.reason}."
            )
        except LookUpFailed as error:
            return replace(self._look_up_failed(delivery, error), outcome="unknown")
        return found if isinstance(found, Result) else result

    async def _write(self, call: Call) -> Answer:
        access = await self._door.access()
        answer = await self._client.write(access, call.path, call.body, call.request_id)
        if answer.fault and answer.fault.fault_class is FaultClass.AUTH and answer.fault.retry:
            access = await self._door.access(refused=access.token)
            await asyncio.sleep(await self._queue.take_turn(self._hold, is_batch=call.is_batch))
            answer = await self._client.write(access, call.path, call.body, call.request_id)
        return answer

    async def _read(self, call: Call, delivery: Delivery, answer: Answer) -> Result:
        """What the answer says of one record."""
        if answer.fault is not None:
            return await self._fault(delivery, answer.fault)
        if not call.is_batch:
            return outcome.taken(delivery, answer.body)
        item = _item(answer.body, delivery.bid)
        fault = faults.parse_item(item, answer.status)
        return outcome.taken(delivery, item) if fault is None else await self._fault(delivery, fault)

    async def _fault(self, delivery: Delivery, fault: Fault) -> Result:
        if fault.executed is None:
            return replace(outcome.of_fault(delivery, fault), outcome="unknown")
        try:
            if fault.code == NAME_TAKEN:
                return await self._inquiry.name_taken(delivery, fault)
            if fault.fault_class is FaultClass.STALE and delivery.qbo_id is not None:
                return await self._inquiry.stale(delivery, fault)
        except (NotSent, Lost, NoAccess) as error:
            return outcome.transient(
                delivery,
                f"{fault.sentence(delivery.what)} The reason could not be looked up: {error.reason}.",
            )
        except LookUpFailed as error:
            # Nothing was done, so it may be sent again; how long to wait, the look-up's fault tells.
            return self._look_up_failed(delivery, error)
        return outcome.of_fault(delivery, fault)

    def _look_up_failed(self, delivery: Delivery, error: LookUpFailed) -> Result:
        return outcome.of_fault(delivery, error.fault, f"the look-up of {delivery.what}")

    async def _guarded(self, delivery: Delivery, reading: Awaitable[Result]) -> Result:
        """An answer that our own code cannot read must not stop the company: its outcome is unknown."""
        try:
            return await reading
        except (LaneLost, VaultError, MalformedTokens, psycopg.Error):
            raise
        except Exception:
            log.exception("an answer cannot be read", entity=delivery.entity_type, id=delivery.entity_id)
            return outcome.unreadable(delivery)


def _item(body: dict[str, Any], bid: str) -> dict[str, Any]:
    """One record's part of a batch's answer; {} if it is not in there."""
    items = body.get("BatchItemResponse")
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict) and item.get("bId") == bid:
            return item
    return {}
