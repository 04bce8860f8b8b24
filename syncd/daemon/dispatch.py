"""Decided jobs become calls: the intent committed, the call sent, its answer recorded.

What the process was doing when it died is in the database at each step: a call is committed before it is sent, and
stays open until its answer is recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from syncd.daemon.build import Builder
from syncd.daemon.call import batch, reopened, single
from syncd.daemon.courier import Courier
from syncd.daemon.inquiry import Inquiry
from syncd.daemon.question import Questions
from syncd.db.pool import through_outages
from syncd.db.queue import Intent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncd.daemon.access import Door
    from syncd.daemon.call import Call
    from syncd.db.queue import DueJob, Hold, OpenCall, Queue, Received, Result, Settled
    from syncd.qbo.client import Client

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Committed:
    """A call that is in the database and may be sent in `wait` seconds; `opened` if it was sent before. `left`: there
    is more to decide, since not all that it was made for is in it.
    """

    call_id: int
    call: Call
    wait: float = 0.0
    left: bool = False
    opened: OpenCall | None = None

    @property
    def names(self) -> bool:
        """Whether it is one that was sent before, of the queue of names."""
        return self.opened is not None and self.opened.names


class Dispatch:
    """One lane's calls. Every method raises LaneLost once the lane belongs to another daemon."""

    def __init__(self, client: Client, queue: Queue, hold: Hold, door: Door) -> None:
        questions = Questions(client, queue, hold, door)
        inquiry = Inquiry(questions, queue, hold)
        self._queue = queue
        self._hold = hold
        self._door = door
        self._builder = Builder(questions, queue, hold, inquiry)
        self._courier = Courier(client, queue, hold, door, inquiry)

    async def commit(self, jobs: Sequence[DueJob]) -> Committed | None:
        """One call for these jobs, committed. None if none of them is to be sent. Raises Changed if some are to be
        decided again, and NoAccess after pausing the lane.
        """
        await self._door.access()
        built, left = await self._builder.build(jobs)
        if not built:
            return None
        first, delivery, content = built[0]
        call = (
            single(self._hold, first, delivery, content)
            if len(built) == 1
            else batch([(d, c) for _, d, c in built])
        )
        call_id, wait = await self._queue.intend(
            self._hold,
            [Intent(delivery.bid, job, delivery.notes) for job, delivery, _ in built],
            kind=call.kind,
            request_id=call.request_id,
            path=call.path,
            body=call.body,
        )
        return Committed(call_id, call, wait, left=left)

    async def reopen(self) -> Committed | None:
        """An earlier call whose answer is not known and whose time has come."""
        await self._door.access()
        opened = await self._queue.reopen(self._hold)
        if opened is None:
            return None
        return Committed(opened.call_id, reopened(opened), opened=opened)

    async def deliver(self, committed: Committed) -> list[Settled]:
        """Send a committed call and record what comes back, each record as soon as its outcome is clear."""
        call = committed.call
        answers = (
            self._courier.send(call, committed.wait)
            if committed.opened is None
            else self._courier.ask_again(committed.opened, call)
        )
        settled = []
        async for received, results in answers:
            settled += await self._record(committed.call_id, call, received, results)
        return settled

    async def _record(
        self, call_id: int, call: Call, received: Received, results: Sequence[Result]
    ) -> list[Settled]:
        """Keeps trying while Postgres is away: the answer is in hand and would else have to be asked for again."""
        settled = await through_outages(lambda: self._queue.record(self._hold, call_id, received, results))
        states = {(s.entity_type, s.entity_id): s.state for s in settled}
        deliveries = {delivery.bid: delivery for delivery in call.deliveries}
        for result in results:
            delivery = deliveries[result.bid]
            log.info(
                "recorded",
                entity=delivery.entity_type,
                id=delivery.entity_id,
                operation=delivery.operation,
                request_id=call.request_id,
                bid=delivery.bid if call.is_batch else None,
                intuit_tid=received.intuit_tid,
                duration_ms=received.duration_ms,
                state=states.get((delivery.entity_type, delivery.entity_id)),
                error=result.error,
            )
        return settled
