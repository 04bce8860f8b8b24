"""A leased lane: all due work of one company, one call after the other, until nothing is due.

QBO locks a company's list of names while one is written, so customers go one at a time.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg
import structlog
from structlog.contextvars import bound_contextvars
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from syncd.daemon.access import NoAccess
from syncd.daemon.delivery import Delivery, reopened, request_id
from syncd.db.queue import DATABASE_AWAY, LaneLost, Result, parse
from syncd.db.states import FaultClass
from syncd.push import Refused, encode, module_for
from syncd.qbo.oauth import MalformedTokens
from syncd.qbo.vault import VaultError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from syncd.daemon.access import Keys
    from syncd.daemon.delivery import Courier
    from syncd.db.queue import DueJob, Hold, Queue
    from syncd.qbo.client import Access

log = structlog.get_logger()

DECIDE_AT_MOST = 10
PAUSING = {FaultClass.TRANSIENT, FaultClass.THROTTLE, FaultClass.AUTH, FaultClass.COMPANY}


class Lane:
    """Works one lane. `stop` is set when the daemon ends: then the call under way is the last one."""

    def __init__(self, hold: Hold, queue: Queue, courier: Courier, keys: Keys, stop: asyncio.Event) -> None:
        self._hold = hold
        self._queue = queue
        self._courier = courier
        self._keys = keys
        self._stop = stop

    async def run(self) -> None:
        """Until the lane is given back or lost to another daemon. Postgres may go away and come back meanwhile."""
        with bound_contextvars(company_id=self._hold.company_id, epoch=self._hold.epoch):
            try:
                async for attempt in AsyncRetrying(
                    retry=retry_if_exception_type(DATABASE_AWAY), wait=wait_random_exponential(0.1, max=3)
                ):
                    with attempt:
                        await self._work()
            except LaneLost:
                log.warning("lane lost to another daemon")

    async def _work(self) -> None:
        idle = 0
        while True:
            if not self._stop.is_set() and await self._round():
                idle = 0
            elif await self._queue.release(self._hold, leaving=self._stop.is_set()):
                return
            else:
                idle += 1
                if idle > 1:  # due, but nothing to do: must not spin
                    log.warning("jobs are due, but none moves", rounds=idle)
                    await asyncio.sleep(min(2.0, 0.05 * 2**idle))

    async def _round(self) -> bool:
        """Settle one open call, or decide and push some jobs. False: nothing moved."""
        try:
            access = await self._keys.access(self._hold)
            call = await self._queue.reopen(self._hold)
            if call is not None:
                delivery = reopened(self._hold, call)
                result = await self._answer(delivery, self._courier.ask_again(call, delivery, access))
                return await self._record(call.call_id, delivery, result)
            jobs = await self._queue.decide(self._hold, DECIDE_AT_MOST)
            for job in jobs:
                if self._stop.is_set() or not await self._push(job, access):
                    return False
                access = await self._keys.access(self._hold)  # it may have been renewed
        except NoAccess:
            return False
        except (VaultError, MalformedTokens) as error:
            await self._queue.pause(self._hold, 60, str(error))
            return False
        return bool(jobs)

    async def _push(self, job: DueJob, access: Access) -> bool:
        """False: the lane was paused by what came back."""
        try:
            module = module_for(job.entity_type)
            body = module.build(
                parse(job.document),
                sent=parse(job.sent_document) if job.sent_document else None,
                qbo_id=job.qbo_id,
                sync_token=job.sync_token,
            )
            content = encode(body.payload)
        except Refused as refusal:
            await self._queue.refuse(self._hold, job, refusal.code, refusal.sentence)
            log.info("refused", entity=job.entity_type, id=job.entity_id, reason=refusal.sentence)
            return True
        except Exception:
            # One record that our own code cannot handle must not stop its company.
            log.exception("a record cannot be turned into a body", entity=job.entity_type, id=job.entity_id)
            await self._queue.refuse(
                self._hold,
                job,
                "internal",
                f'syncd itself failed on {job.entity_type} "{job.entity_name}"; its log says why. Report it.',
            )
            return True
        notes = list(body.notes)
        if body.name_sent != job.entity_name:
            notes.insert(0, f'Sent to QuickBooks as "{body.name_sent}".')
        delivery = Delivery(
            hold=self._hold,
            entity_type=job.entity_type,
            entity_id=job.entity_id,
            entity_name=job.entity_name,
            operation=job.operation,
            qbo_id=job.qbo_id,
            path=module.path,
            request_id=request_id(job, self._hold.company_id, content),
            body=content,
            sent_document=job.sent_document,
            notes=tuple(notes),
        )
        call_id = await self._queue.intend(
            self._hold, job, request_id=delivery.request_id, path=delivery.path, body=content, notes=notes
        )
        if call_id is None:
            return True
        result = await self._answer(delivery, self._courier.send(delivery, access))
        return await self._record(call_id, delivery, result)

    async def _answer(self, delivery: Delivery, asking: Awaitable[Result]) -> Result:
        """An answer that our own code cannot read must not stop the company: its outcome is unknown."""
        try:
            return await asking
        except (LaneLost, NoAccess, VaultError, MalformedTokens, psycopg.Error):
            raise
        except Exception:
            log.exception("an answer cannot be read", request_id=delivery.request_id)
            return Result(
                outcome="unknown",
                fault=FaultClass.RECORD,
                may_help=True,
                error=f"QuickBooks answered {delivery.what} with something that syncd cannot read; its log says why."
                " It asks again.",
            )

    async def _record(self, call_id: int, delivery: Delivery, result: Result) -> bool:
        """Keeps trying while Postgres is away: the answer is in hand and would else have to be asked for again.

        False: what came back pauses the lane.
        """
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(DATABASE_AWAY), wait=wait_random_exponential(0.1, max=3)
        ):
            with attempt:
                state = await self._queue.record(self._hold, call_id, result)
        log.info(
            "recorded",
            entity=delivery.entity_type,
            id=delivery.entity_id,
            operation=delivery.operation,
            request_id=delivery.request_id,
            intuit_tid=result.intuit_tid,
            duration_ms=result.duration_ms,
            state=state,
            error=result.error,
        )
        return result.fault not in PAUSING
