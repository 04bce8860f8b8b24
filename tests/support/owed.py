"""Which changes QuickBooks must have, and which it must not, by the switches at the time of each: the judgement over
what `mixed` did. It is read from SIP's side, QuickBooks' objects, and the log's rows of success.
"""

from __future__ import annotations

import json
import time
from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass
from enum import Enum
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

from tests.support.mixed import NUMBER, TOGGLES, Record, alongside

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from tests.support.database import Database
    from tests.support.mixed import Change, Flip, Memory
    from tests.support.processes import Sandbox

AROUND = 0.5
"""Seconds before and after a commit in which a switch must have stood still for its position to be known."""

JUST_BEFORE = 1.0
"""Seconds before a write in which the switches were surely looked at for the last time."""

KINDS = {
    "customer": "Customer",
    "service_item": "Item",
    "invoice": "Invoice",
    "payment": "Payment",
    "timesheet_entry": "TimeActivity",
}


class Stood(Enum):
    """How the switches of a change's kind stood around its commit."""

    ON = "on"
    OFF = "off"
    EITHER = "either"


class Write(NamedTuple):
    """One write of a record that QuickBooks carried out: what it said, when it was committed, when it was recorded."""

    number: int
    committed: float
    recorded: float


@dataclass(frozen=True)
class Found:
    """What there is of one company in QuickBooks: record -> its writes, and number -> the objects that bear it."""

    writes: dict[Record, list[Write]]
    objects: dict[tuple[str, int], list[dict[str, Any]]]
    others: dict[str, list[str]]


class Watch:
    """Looks, many times a second, since when the oldest change waits that syncd has no verdict on yet."""

    OLDEST = (
        "select extract(epoch from least((select min(signaled_at) from syncd.outbox), (select min(owed_since)"
        " from syncd.job where due_at is null and call_id is null and source = 'auto')))::float8"
    )

    def __init__(self, database: Database) -> None:
        self._dsn = database.dsn
        self._looks: list[tuple[float, float, float]] = []

    def at_work(self) -> AbstractContextManager[None]:
        """Meanwhile."""
        return alongside(self._look)

    def _look(self, over: threading.Event) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            while not over.wait(0.02):
                before = time.time()
                [oldest] = connection.execute(self.OLDEST).fetchone() or [None]
                self._looks.append((before, time.time(), float("inf") if oldest is None else oldest))

    def decided(self, change: Change, by: float) -> bool:
        """Whether there certainly was a verdict on a change by then."""
        for _, after, oldest in islice(self._looks, bisect_left(self._looks, (change.after,)), None):
            if after > by:
                return False
            if oldest > change.after:
                return True
        return False


class Judge:
    """Knows what was done, how the switches stood, and what had a verdict."""

    def __init__(self, memory: Memory, flips: Mapping[str, Sequence[Flip]], watch: Watch) -> None:
        self._memory = memory
        self._flips = flips
        self._watch = watch
        self.late: set[Record] = set()
        """Records that became due before syncd had seen that they were not."""
        self._needed_by: defaultdict[Record, list[Record]] = defaultdict(list)
        for record, needs in memory.needs.items():
            for needed in needs:
                self._needed_by[needed].append(record)
        self._stood = {
            change: self._around(change) for changes in memory.changes.values() for change in changes
        }

    def stood(self, change: Change) -> Stood:
        """How the switches stood around a change."""
        return self._stood[change]

    def _around(self, change: Change) -> Stood:
        return self._between(change.record, change.before - AROUND, change.after + AROUND)

    def _between(self, record: Record, first: float, last: float, toggle: str | None = None) -> Stood:
        """How the switches of a record stood in that time, or Enable Sync and one of them."""
        toggle = toggle or TOGGLES[record.kind]
        flips = self._flips[self._memory.company[record]]
        # In force were those that had begun by then, from the last one that certainly had before.
        end = bisect_right([flip.before for flip in flips], last)
        begin = bisect_right([flip.after for flip in flips], first) - 1
        stood = {flip.settings["enable_sync"] and flip.settings[toggle] for flip in flips[begin:end]}
        return Stood.EITHER if len(stood) == 2 else Stood.ON if stood == {True} else Stood.OFF

    def must_have(self, record: Record) -> int | None:
        """The place of the last change that QuickBooks must have, among the record's; None: of none.

        What was withdrawn before it was sent is not sent, however owed; from its return on it is due again.
        """
        changes = self._memory.changes[record]
        if changes[-1].number is None or record in self._memory.nobody:
            return None
        returned = max((n + 1 for n, change in enumerate(changes) if change.number is None), default=0)
        owed = [n for n in range(returned, len(changes)) if self._stood[changes[n]] is Stood.ON]
        return owed[-1] if owed else None

    def must_tell(self, record: Record, writes: Sequence[Write]) -> bool:
        """Whether people must be told that it was withdrawn: while its switch was on, and after it had been sent."""
        end = self._memory.changes[record][-1]
        return end.number is None and self._stood[end] is Stood.ON and writes[0].committed < end.before

    def wrongs(self, record: Record, writes: Sequence[Write]) -> Iterable[str]:
        """What is wrong with the writes of a record."""
        changes = self._memory.changes[record]
        places = {change.number: n for n, change in enumerate(changes) if change.number is not None}
        told = [places.get(write.number) for write in writes]
        if None in told:
            yield f"{record} was sent as it never was: {[w.number for w in writes]} of {list(places)}"
            return
        if record in self._memory.nobody and writes:
            yield f"{record} is of a member nobody knows"
        carried = [-1, *(place for place in told if place is not None)]
        for nth, (had, got) in enumerate(pairwise(carried)):
            if got <= had:
                yield f"{record} was sent without need: change {got} after {had}"
            elif all(self._stood[change] is Stood.OFF for change in changes[had + 1 : got + 1]) and not (
                self._as_prerequisite(record, changes[had + 1 : got + 1], writes[: nth + 1])
            ):
                if had < 0 and self._owed_as_draft(record, changes[0]):
                    self.late.add(record)
                    continue
                yield f"{record} was owed nothing: changes {had + 1} to {got}, write {nth}"
        yield from self._sent_while_off(record, writes)
        must = self.must_have(record)
        if must is not None and carried[-1] < must:
            yield f"{record} is owed: change {must} of {len(changes)}, QuickBooks has {carried[-1]}"

    def _sent_while_off(self, record: Record, writes: Sequence[Write]) -> Iterable[str]:
        """What is owed waits while its switch is off; what others need waits for Enable Sync alone."""
        for nth, write in enumerate(writes):
            first, last = write.committed - JUST_BEFORE, write.committed
            needed = nth < 2 and self._needed(record, last)
            toggle = "enable_sync" if needed else None
            if self._between(record, first, last, toggle) is Stood.OFF:
                yield f"{record} was sent while its switch was off: write {nth}"

    def _owed_as_draft(self, record: Record, first: Change) -> bool:
        """Whether it was made while its switch was on, and became due before syncd had a verdict on that.

        Then the verdict finds it due, and it was owed; which of its changes made it so, syncd cannot tell.
        """
        draft = self._memory.drafts.get(record)
        return not (
            draft is None or self._around(draft) is Stood.OFF or self._watch.decided(draft, first.before)
        )

    def _as_prerequisite(self, record: Record, changes: Sequence[Change], writes: Sequence[Write]) -> bool:
        """Whether the last of these writes was made since another record needed it.

        That is its first one; and a second, with what was changed while the others still waited for the first.
        """
        if not self._needed(record, writes[-1].committed):
            return False
        return len(writes) == 1 or (len(writes) == 2 and changes[0].before <= writes[0].recorded)

    def _needed(self, record: Record, at: float) -> bool:
        """Whether another record that QuickBooks may have been told of by then names this one."""
        return any(
            any(
                c.before <= at and self._stood[c] is not Stood.OFF
                for c in self._memory.changes.get(other, ())
            )
            or any(self._owed_as_draft(other, c) for c in self._memory.changes.get(other, ())[:1])
            or self._needed(other, at)
            for other in self._needed_by[record]
            if other not in self._memory.nobody
        )


def found_in(database: Database, sandbox: Sandbox, company: str, realm: str) -> Found:
    """What there is of a company."""
    writes: defaultdict[Record, list[Write]] = defaultdict(list)
    for kind, id_, said, committed, recorded in database.rows(
        "select i.entity_type, i.entity_id, i.document::text, extract(epoch from c.committed_at)::float8,"
        " extract(epoch from l.occurred_at)::float8"
        " from syncd.sync_log l join syncd.call c on c.request_id = l.request_id"
        " join syncd.call_item i on i.call_id = c.call_id and i.entity_type = l.entity_type"
        " and i.entity_id = l.entity_id"
        " where l.company_id = %s and l.status = 'success' order by l.log_id",
        (company,),
    ):
        if kind in KINDS:
            [number] = set(NUMBER.findall(said))
            writes[Record(kind, id_)].append(Write(int(number), committed, recorded))
    objects: defaultdict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    others: defaultdict[str, list[str]] = defaultdict(list)
    for kind, qbo_type in KINDS.items():
        for one in sandbox.objects(realm, qbo_type):
            numbers = {int(number) for number in NUMBER.findall(json.dumps(one))}
            if numbers:
                [number] = numbers
                objects[kind, number].append(one)
            else:
                others[qbo_type].append(str(one.get("Name") or one["Id"]))
    others["PaymentMethod"] = [one["Name"] for one in sandbox.objects(realm, "PaymentMethod")]
    return Found(dict(writes), dict(objects), dict(others))
