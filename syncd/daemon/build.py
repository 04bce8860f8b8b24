"""Decided jobs become bodies. What cannot be sent, or is in QuickBooks already, is recorded without a call."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
import structlog

from syncd.daemon.access import NoAccess
from syncd.daemon.ahead import Ahead
from syncd.daemon.call import delivery_of, what_of
from syncd.daemon.facts import Facts
from syncd.daemon.inquiry import retry_command, touched_fields, touched_sentence
from syncd.daemon.question import LookUpFailed
from syncd.db.queue import Changed, LaneLost, parse
from syncd.db.states import FaultClass, State
from syncd.push import Refused, clash, encode, module_for
from syncd.qbo.client import Lost, NotSent
from syncd.qbo.oauth import MalformedTokens
from syncd.qbo.vault import VaultError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncd.daemon.ahead import Prospect
    from syncd.daemon.call import Delivery
    from syncd.daemon.inquiry import Inquiry
    from syncd.daemon.question import Found, Questions
    from syncd.db.queue import DueJob, Hold, Queue
    from syncd.push import Body
    from syncd.qbo.faults import Fault

log = structlog.get_logger()

NOT_OF_A_RECORD = (
    LookUpFailed, NotSent, Lost, NoAccess, Changed, LaneLost, VaultError, MalformedTokens, psycopg.Error
)  # fmt: skip
"""What is not the fault of one record, but of the company, the network or the database."""

Built = tuple["DueJob", "Delivery", bytes]
"""A job, what is sent of it, and its encoded payload."""


class Builder:
    """Builds for one lane."""

    def __init__(self, questions: Questions, queue: Queue, hold: Hold, inquiry: Inquiry) -> None:
        self._ahead = Ahead(questions)
        self._facts = Facts(questions, queue, hold)
        self._queue = queue
        self._hold = hold
        self._inquiry = inquiry
        self._adopted = False

    async def build(self, jobs: Sequence[DueJob]) -> tuple[list[Built], bool]:
        """What can be sent of these jobs in one call, and whether there is more to decide because of them. Raises
        Changed if they are to be decided again, NoAccess after pausing the lane because QuickBooks could not be asked.
        """
        built: list[Built] = []
        left = self._adopted = False
        try:
            for prospect in await self._prospects(jobs):
                made = await self._one(prospect, str(len(built) + 1))
                if made is None:
                    continue
                if _same_turn(made[0], [job for job, _, _ in built]):
                    left = True
                else:
                    built.append(made)
        except LookUpFailed as error:
            sentence = error.fault.sentence("a question")
            await self._postpone(error.fault.fault_class, error.fault.retry_after, sentence)
        except (NotSent, Lost) as error:
            await self._postpone(
                FaultClass.TRANSIENT, None, f"QuickBooks could not be asked: {error.reason}."
            )
        return built, left or self._adopted

    async def _postpone(self, fault: FaultClass, told_to_wait: float | None, because: str) -> None:
        """Nothing was sent, so nothing is lost: all of it is decided again when the pause is over."""
        pauses = fault not in {FaultClass.RECORD, FaultClass.STALE, FaultClass.PERIOD}
        await self._queue.postpone(
            self._hold, fault if pauses else FaultClass.TRANSIENT, told_to_wait, because
        )
        raise NoAccess

    async def _prospects(self, jobs: Sequence[DueJob]) -> list[Prospect]:
        """What has to be known of QuickBooks for these jobs. If it takes a question for what one of them names, or
        answers with something that our own code cannot read, that must not stop the company: each is asked for alone.
        """
        try:
            return await self._ahead.look(jobs)
        except LookUpFailed as error:
            if error.fault.fault_class is not FaultClass.RECORD:
                raise
            if len(jobs) == 1:
                await self._not_looked_up(jobs[0], error.fault)
                return []
        except NOT_OF_A_RECORD:
            raise
        except Exception:
            if len(jobs) == 1:
                await self._failed(jobs[0])
                return []
        return [prospect for job in jobs for prospect in await self._prospects([job])]

    async def _one(self, prospect: Prospect, bid: str) -> Built | None:
        """None if it is not sent now: then that is recorded."""
        try:
            return await self._made(prospect, bid)
        except Refused as refusal:
            await self._refused(prospect.job, refusal)
        except LookUpFailed as error:
            if error.fault.fault_class is not FaultClass.RECORD:
                raise
            await self._not_looked_up(prospect.job, error.fault)
        except NOT_OF_A_RECORD:
            raise
        except Exception:
            await self._failed(prospect.job)
        return None

    async def _made(self, prospect: Prospect, bid: str) -> Built | None:
        """None if QuickBooks has it, or something in its place. Raises Refused."""
        job = prospect.job
        if job.qbo_id is not None and module_for(job.entity_type).reads_first:
            job = await self._checked(prospect)
        body = self._body(job, prospect.current)
        content = encode(body.payload)
        delivery = delivery_of(job, bid, body)
        if job.qbo_id is None and await self._place_taken(job, delivery, prospect.found):
            return None
        if prospect.current is not None and await self._takes_place(job, delivery, prospect.current):
            return None
        return job, delivery, content

    async def _not_looked_up(self, job: DueJob, fault: Fault) -> None:
        """QuickBooks does not take a question that names this record: it may be the question, or a bad hour of its."""
        sentence = fault.sentence(f"the look-up of {what_of(job)}")
        await self._refused(job, Refused(fault.code or "look_up", sentence, may_help=True))

    async def _failed(self, job: DueJob) -> None:
        """One record that our own code cannot handle must not stop its company; nor is it lost for a bad hour of
        QuickBooks, whose odd answer this may be. Called with the exception in hand.
        """
        log.exception("a record cannot be turned into a body", entity=job.entity_type, id=job.entity_id)
        sentence = f"syncd itself failed on {what_of(job)}; its log says why. Report it if it does not pass by itself."
        await self._refused(job, Refused("internal", sentence, may_help=True))

    async def _checked(self, prospect: Prospect) -> DueJob:
        """The job, to build on the object as QuickBooks holds it now. Raises Refused if somebody changed what syncd
        sent: a full write would undo it unseen.
        """
        job, current = prospect.job, prospect.current
        what = what_of(job)
        retry = retry_command(self._hold.company_id, job.entity_type, job.entity_id)
        if current is None:
            raise Refused(
                "gone",
                f"QuickBooks no longer has {what}, which syncd had put there. What was deleted there on purpose syncd "
                "does not make again by itself. To have it made anew, run: "
                f"{retry.replace('retry', 'settle', 1)} --make-again",
            )
        if str(current.get("SyncToken")) == job.sync_token:
            return job
        job = replace(job, sync_token=str(current.get("SyncToken")))
        payload = self._body(job, current).payload
        if touched := touched_fields(module_for(job.entity_type), job.sent_document, payload, current):
            raise Refused("stale", touched_sentence(what, touched, retry=retry))
        return job

    def _body(self, job: DueJob, current: dict[str, Any] | None) -> Body:
        return module_for(job.entity_type).build(
            parse(job.document),
            sent=parse(job.sent_document) if job.sent_document else None,
            qbo_id=job.qbo_id,
            sync_token=job.sync_token,
            current=current,
        )

    async def _place_taken(self, job: DueJob, delivery: Delivery, found: Sequence[Found]) -> bool:
        """Whether QuickBooks has something in the place of this create: then it is adopted, or a collision."""
        module = module_for(job.entity_type)
        holders = [
            (kind, o)
            for kind, o in found
            if kind == module.qbo_type and module.holds_place(delivery.payload, o)
        ]
        if not holders:
            return False
        ours = await self._inquiry.ours(delivery, module, holders)
        if not ours and module.adopts and len(holders) == 1 and holders[0][1].get("Active") is not False:
            ours = [holders[0][1]]
        if len(ours) == 1:
            note = "QuickBooks had it already."
            await self._queue.adopt(self._hold, job, str(ours[0]["Id"]), str(ours[0].get("SyncToken")), note)
            self._adopted = True
            return True
        await self._collides(job, delivery, [o for _, o in holders])
        return True

    async def _takes_place(self, job: DueJob, delivery: Delivery, current: dict[str, Any]) -> bool:
        """Whether the number that an update brings is another's: then that is a collision. QuickBooks itself refuses
        only names.
        """
        module = module_for(delivery.entity_type)
        if delivery.payload.keys() & {"Name", "DisplayName"} or module.holds_place(delivery.payload, current):
            return False
        holders = [
            o
            for kind, o in await self._inquiry.found(delivery)
            if kind == module.qbo_type
            and module.holds_place(delivery.payload, o)
            and str(o.get("Id")) != job.qbo_id
        ]
        if holders:
            await self._collides(job, delivery, holders)
        return bool(holders)

    async def _collides(self, job: DueJob, delivery: Delivery, holders: Sequence[dict[str, Any]]) -> None:
        sentence = clash.place_sentence(
            delivery.what,
            holders,
            retry=retry_command(self._hold.company_id, job.entity_type, job.entity_id),
        )
        log.info("collision", entity=job.entity_type, id=job.entity_id, reason=sentence)
        await self._queue.refuse(self._hold, job, "place_taken", sentence, ends=State.COLLISION)

    async def _refused(self, job: DueJob, refusal: Refused) -> None:
        if refusal.of_company and await self._facts.renewed():
            raise Changed(f"company {self._hold.company_id}: read anew")
        log.info("refused", entity=job.entity_type, id=job.entity_id, reason=refusal.sentence)
        await self._queue.refuse(
            self._hold,
            job,
            refusal.code,
            refusal.sentence,
            ends=State.HELD if refusal.held else State.ERROR,
            fault=FaultClass.STALE if refusal.code == "stale" else FaultClass.RECORD,
            may_help=refusal.may_help,
        )


def _same_turn(job: DueJob, others: Sequence[DueJob]) -> bool:
    """Whether another of the same call goes before it: once that one is under way, this one is decided again."""
    return job.turn is not None and (job.entity_type, job.turn) in [(o.entity_type, o.turn) for o in others]
