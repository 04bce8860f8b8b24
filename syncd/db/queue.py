"""The daemon's calls of the SQL functions in `sql/engine`: one function call, one transaction each.

Every call under a lease passes (company, worker, epoch); Postgres refuses it with LaneLost if the lane belongs to
somebody else by now.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg.rows import class_row, scalar_row, tuple_row
from psycopg.types.json import Jsonb

from syncd.db.asked import Answered, Ask, Commit, Leave, company_of
from syncd.db.gather import Gathering
from syncd.db.pool import DATABASE_AWAY
from syncd.db.states import FaultClass, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from psycopg_pool import AsyncConnectionPool

LANE_LOST = "SY001"
CHANGED = "SY002"

T = TypeVar("T")


class LaneLost(Exception):
    """The lane belongs to another daemon now; nothing was written."""


class Changed(Exception):
    """A record, or the connection, changed since it was decided; nothing was written."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A lease: proof, checked by Postgres at each write, that this daemon may work for the company."""

    company_id: str
    worker_id: UUID
    epoch: int


@dataclass(frozen=True, slots=True)
class Leased:
    """A lane just leased: the hold, how to reach the company, and whether earlier calls of it are still open."""

    hold: Hold
    connection: Connection | None
    open_calls: bool


@dataclass(frozen=True, slots=True)
class Look:
    """What one look did: signals taken, the snapshot for the next look (None: look at everything), the companies of
    ours that got work, and how many signals an earlier look should have found.
    """

    signals: int
    seen: str | None
    mine: tuple[str, ...]
    missed: int


@dataclass(frozen=True, slots=True)
class DueJob:
    """A job with verdict push, as syncd.decide returns it. Documents are JSON text. `names`: its queue.

    Of its type, those of the same `turn` go one after the other; `turn_after` is the last call of the turn.
    """

    entity_type: str
    entity_id: str
    entity_name: str
    version: int
    document: str
    fingerprint: str
    operation: str
    qbo_type: str
    qbo_id: str | None
    sync_token: str | None
    generation: int
    sent_document: str | None
    environment: str
    realm_id: str
    names: bool
    turn: str | None = None
    turn_after: int | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """The pushes among the jobs decided, the floors for the next time, and in how many seconds there may be more."""

    jobs: list[DueJob]
    floors: list[int]
    again_in: float | None


@dataclass(frozen=True, slots=True)
class Intent:
    """One record of a call that is about to be committed."""

    bid: str
    job: DueJob
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenItem:
    """A record that waits for the answer of an open call."""

    bid: str
    entity_type: str
    entity_id: str
    entity_name: str
    operation: str
    document: str
    sent_document: str | None
    qbo_id: str | None


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call whose answer is not known, as syncd.reopen returns it. `sends` counts this time, unless it only looks;
    `ended`: every earlier send of it must have ended.
    """

    call_id: int
    kind: str
    path: str
    request_id: str
    body: bytes
    sends: int
    looks: bool
    ended: bool
    names: bool
    items: list[OpenItem]


@dataclass(frozen=True, slots=True)
class Connection:
    """How a company is reached: its realm and its encrypted tokens."""

    environment: str
    realm_id: str
    tokens: bytes
    access_expires_at: datetime


@dataclass(frozen=True, slots=True)
class Refresh:
    """A renewal of a company's tokens that has begun; `interrupted_at` tells of an earlier one that never ended."""

    tokens: bytes
    interrupted_at: datetime | None
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one record of a call, as syncd.record takes it; sql/engine/record.sql explains each field."""

    bid: str
    outcome: str
    qbo_id: str | None = None
    sync_token: str | None = None
    error: str | None = None
    note: str | None = None
    fault: str | None = None
    code: str | None = None
    may_help: bool = False
    collision: bool = False
    held: bool = False
    told_to_wait: float | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """What the log keeps of an HTTP answer, if one came."""

    http_status: int | None = None
    intuit_tid: str | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """Where one record of a call stands now; `due`: something is due again because of it."""

    entity_type: str
    entity_id: str
    state: str
    due: bool


def parse(document: str) -> dict[str, Any]:
    """A document as Python holds it: money is Decimal."""
    data: dict[str, Any] = json.loads(document, parse_float=Decimal)
    return data


class Queue:
    """The functions of sql/engine over a pool in autocommit. Raises psycopg.Error, and LaneLost where fenced."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool
        final = (*DATABASE_AWAY, Changed)
        self._decisions = Gathering(self._decide, company_of, final)
        self._intents = Gathering(self._intend, company_of, final)
        self._records = Gathering(self._record, company_of, final)
        self._releases = Gathering(self._release, company_of, final)

    async def look(
        self,
        worker: UUID,
        slice_: int,
        since: str | None,
        *,
        everything: bool,
        slots: int,
        held: Sequence[str],
        patience: bool,
    ) -> tuple[Look, list[Leased]]:
        """Turn up to `slice_` signals into jobs, then take up to `slots` lanes that have work; with `patience` none as
        long as more signals wait. `since` is the snapshot of the last look, None looks at everything. `held` are the
        companies whose lanes this worker knows it has.
        """
        async with self._pool.connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(
                "select * from syncd.look(%s, %s::pg_snapshot, %s, %s, %s, %s, %s)",
                (slice_, since, worker, everything, slots, list(held), patience),
            )
            rows = await cursor.fetchall()
        signals, seen, mine, missed = rows[0][:4]
        leased = [_leased(worker, *row[4:]) for row in rows if row[4] is not None]
        return Look(signals, seen, tuple(mine or ()), missed), leased

    async def set_aside(self, because: str) -> int | None:
        """Take the oldest signal out of the way, with the reason; None if it can be absorbed after all."""
        signal: int | None = await self._value("select syncd.set_aside(%s)", because)
        return signal

    async def sleep_for(self, longest: float) -> float:
        """How long a daemon may sleep, in seconds."""
        return float(await self._value("select syncd.sleep_for(%s)", longest))

    async def unseat(self) -> int:
        """End a session on duty whose daemon has fallen silent. How many were ended."""
        return int(await self._value("select syncd.unseat()"))

    async def due_lanes(self) -> None:
        """Tell the other daemons that there are lanes for them."""
        await self._value("select pg_notify('syncd_lanes', '')")

    async def lanes_wait(self) -> bool:
        """Whether lanes have work that nobody serves."""
        return bool(await self._value("select syncd.lanes_wait()"))

    async def lease(self, worker: UUID, slots: int, held: Sequence[str]) -> list[Leased]:
        """Take up to `slots` lanes that have work; `held` as for `look`."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(
                "select company_id, epoch, open_calls, environment, realm_id, tokens, access_expires_at"
                " from syncd.lease(%s, %s, %s)",
                (worker, slots, list(held)),
            )
            return [_leased(worker, *row) for row in await cursor.fetchall()]

    async def release(self, hold: Hold, *, leaving: bool, floors: Sequence[int]) -> bool:
        """Give the lane back; False means that more is due and the lane was kept."""
        return await self._releases(Leave(hold, leaving, floors))

    async def _release(self, lanes: Sequence[Leave]) -> list[bool | Exception]:
        """For each lane whether it was given back, or LaneLost."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(
                "select company_id, released from syncd.release(%s, %s)",
                (lanes[0].hold.worker_id, Jsonb([lane.as_asked() for lane in lanes])),
            )
            released: dict[str, bool] = dict(await cursor.fetchall())
        return [released.get(lane.hold.company_id, _lost(lane.hold)) for lane in lanes]

    async def pause(self, hold: Hold, seconds: float, because: str, *, lost_connection: bool = False) -> None:
        """Nothing goes out for the company for that long, or until it is reconnected."""
        await self._value(
            "select syncd.pause(%s, %s, %s, clock_timestamp() + make_interval(secs => %s), %s, %s)",
            *_words(hold),
            seconds,
            because,
            lost_connection,
        )

    async def take_turn(self, hold: Hold, *, is_batch: bool = False) -> float:
        """Take one request out of the realm's budget: how many seconds to wait before sending it."""
        return float(await self._value("select syncd.take_turn(%s, %s, %s, %s)", *_words(hold), is_batch))

    async def decide(
        self, hold: Hold, most: tuple[int, int], floors: Sequence[int], share: tuple[str, str]
    ) -> Decided:
        """The pushes among up to `most` due jobs of the rest and of the names; other verdicts have been carried out.
        `share` says when backfill goes in each: "after" live work, "first", or "none".
        """
        return await self._decisions(Ask(hold, most, floors, share))

    async def _decide(self, asks: Sequence[Ask]) -> list[Decided | Exception]:
        """For each lane what was decided, or LaneLost."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(
                "select company_id, again_in, next_floors, entity_type, entity_id, entity_name, version,"
                " document::text, fingerprint, operation, qbo_type, qbo_id, sync_token, generation,"
                " sent_document::text, environment::text, realm_id, names, turn, turn_after"
                " from syncd.decide(%s, %s)",
                (asks[0].hold.worker_id, Jsonb([ask.as_asked() for ask in asks])),
            )
            rows = await cursor.fetchall()
        decided: dict[str, Decided] = {}
        for company_id, again_in, floors, *columns in rows:
            of_lane = decided.setdefault(company_id, Decided([], floors, again_in))
            if columns[0] is not None:
                of_lane.jobs.append(DueJob(*columns))
        return [decided.get(ask.hold.company_id) or _lost(ask.hold) for ask in asks]

    async def set_apart(self, hold: Hold) -> int:
        """After decide failed: those of the due records on which a verdict fails become errors. How many did."""
        return int(await self._value("select syncd.set_apart(%s, %s, %s)", *_words(hold)))

    async def intend(
        self, hold: Hold, intents: Sequence[Intent], *, kind: str, request_id: str, path: str, body: bytes
    ) -> tuple[int, float]:
        """Commit a call with its exact bytes: its id, and in how many seconds it may be sent. Raises Changed."""
        return await self._intents(Commit(hold, intents, kind, request_id, path, body))

    async def _intend(self, calls: Sequence[Commit]) -> list[tuple[int, float] | Exception]:
        """For each call its id and wait, or Changed or LaneLost."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(
                "select company_id, call_id, wait from syncd.intend(%s, %s, %s)",
                (
                    calls[0].hold.worker_id,
                    Jsonb([call.as_asked() for call in calls]),
                    [call.body for call in calls],
                ),
            )
            committed = {company_id: (call_id, wait) for company_id, call_id, wait in await cursor.fetchall()}
        answers: list[tuple[int, float] | Exception] = []
        for call in calls:
            found = committed.get(call.hold.company_id)
            if found is None:
                answers.append(_lost(call.hold))
            elif found[0] is None:
                answers.append(Changed(f"a record of company {call.hold.company_id} changed"))
            else:
                answers.append(found)
        return answers

    async def reopen(self, hold: Hold) -> OpenCall | None:
        """The next call to ask about, marked as being sent again."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
            with _fenced():
                await cursor.execute(
                    "select call_id, kind, path, request_id, body, sends, looks, ended, names, bid, entity_type,"
                    " entity_id, entity_name, operation, document::text, sent_document::text, qbo_id"
                    " from syncd.reopen(%s, %s, %s)",
                    _words(hold),
                )
            rows = await cursor.fetchall()
        if not rows:
            return None
        call_id, kind, path, request_id, body, sends, looks, ended = rows[0][:8]
        return OpenCall(
            call_id=call_id,
            kind=kind,
            path=path,
            request_id=request_id,
            body=body,
            sends=sends,
            looks=looks,
            ended=ended,
            names=any(row[8] for row in rows),
            items=[OpenItem(*row[9:]) for row in rows],
        )

    async def record(
        self, hold: Hold, call_id: int, received: Received, results: Sequence[Result]
    ) -> list[Settled]:
        """Settle records of a call: where each stands now. One settled before has no row."""
        return await self._records(Answered(hold, call_id, received, results))

    async def _record(self, calls: Sequence[Answered]) -> list[list[Settled] | Exception]:
        """For each call where its records stand, or LaneLost."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(
                "select company_id, entity_type, entity_id, state::text, due from syncd.record(%s, %s)",
                (calls[0].hold.worker_id, Jsonb([call.as_asked() for call in calls])),
            )
            rows = await cursor.fetchall()
        settled: dict[str, list[Settled]] = {}
        for company_id, *columns in rows:
            of_lane = settled.setdefault(company_id, [])
            if columns[0] is not None:
                of_lane.append(Settled(*columns))
        return [
            settled[call.hold.company_id] if call.hold.company_id in settled else _lost(call.hold)
            for call in calls
        ]

    async def refuse(
        self,
        hold: Hold,
        job: DueJob,
        code: str,
        sentence: str,
        *,
        ends: State = State.ERROR,
        fault: FaultClass = FaultClass.RECORD,
        may_help: bool = False,
    ) -> None:
        """A record that is not sent: it ends in error, held or in collision; an error for which a later try `may_help`
        is tried again before. Raises Changed.
        """
        await self._value(
            "select syncd.refuse(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            *_words(hold),
            job.entity_type,
            job.entity_id,
            job.entity_name,
            job.version,
            ends,
            fault,
            may_help,
            code,
            sentence,
        )

    async def adopt(self, hold: Hold, job: DueJob, qbo_id: str, sync_token: str, note: str) -> None:
        """Link a record to what QuickBooks holds of it already. Raises Changed."""
        await self._value(
            "select syncd.adopt(%s, %s, %s, %s, %s, %s, %s)",
            *_words(hold),
            Jsonb(asdict(job)),
            qbo_id,
            sync_token,
            note,
        )

    async def postpone(self, hold: Hold, fault: str, told_to_wait: float | None, because: str) -> None:
        """Pause the lane: QuickBooks could not be asked."""
        await self._value(
            "select syncd.postpone(%s, %s, %s, %s, %s, %s)", *_words(hold), fault, told_to_wait, because
        )

    async def facts_due(self, hold: Hold) -> bool:
        """Whether what QuickBooks says of the company may be another by now."""
        return bool(await self._value("select syncd.facts_due(%s)", hold.company_id))

    async def keep_facts(
        self, hold: Hold, info: str, preferences: str, currency: str | None, *, payroll: bool | None
    ) -> None:
        """Store what QuickBooks says of the company; the first two are its JSON."""
        await self._value(
            "select syncd.keep_facts(%s, %s, %s, %s, %s, %s, %s)",
            *_words(hold),
            info,
            preferences,
            currency,
            payroll,
        )

    async def first_unsettled_create(self, hold: Hold, entity_type: str, entity_id: str) -> datetime | None:
        """When the first create of this record was committed whose answer never came, if there is one."""
        moment: datetime | None = await self._value(
            "select syncd.first_unsettled_create(%s, %s, %s)", hold.company_id, entity_type, entity_id
        )
        return moment

    async def linked_names(
        self, hold: Hold, qbo_ids: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], str]:
        """Which of these QBO objects (type, id) belong to which SIP record of the company, by name."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(
                "select qbo_type, qbo_id, entity_name from syncd.linked_names(%s, %s, %s)",
                (hold.company_id, [kind for kind, _ in qbo_ids], [id_ for _, id_ in qbo_ids]),
            )
            return {(kind, id_): name for kind, id_, name in await cursor.fetchall()}

    async def begin_refresh(self, hold: Hold) -> Refresh:
        """Note that the tokens are about to change."""
        rows = await self._rows(
            Refresh,
            "select tokens, interrupted_at, started_at from syncd.begin_refresh(%s, %s, %s)",
            *_words(hold),
        )
        return rows[0]

    async def keep_tokens(
        self,
        hold: Hold,
        refresh: Refresh,
        tokens: bytes,
        access_expires: datetime,
        refresh_expires: datetime | None,
    ) -> None:
        """Store what Intuit gave, before it is used; also if the lane was lost meanwhile."""
        await self._value(
            "select syncd.keep_tokens(%s, %s, %s, %s, %s, %s, %s)",
            *_words(hold),
            refresh.started_at,
            tokens,
            access_expires,
            refresh_expires,
        )

    async def forget_refresh(self, hold: Hold, refresh: Refresh) -> None:
        """Note that this renewal changed nothing."""
        await self._value("select syncd.forget_refresh(%s, %s, %s, %s)", *_words(hold), refresh.started_at)

    async def refuse_refresh(self, hold: Hold) -> bool:
        """Note that Intuit refused the refresh token; True if that makes the connection lost."""
        return bool(await self._value("select syncd.refuse_refresh(%s, %s, %s)", *_words(hold)))

    async def leave(self, worker: UUID) -> None:
        """Give everything back: this daemon ends."""
        await self._value("select syncd.leave(%s)", worker)

    async def make_log_partitions(self) -> None:
        """Make the log's coming months, where missing."""
        await self._value("select syncd.make_log_partitions()")

    async def _value(self, query: str, *words: object) -> Any:
        async with self._pool.connection() as connection, connection.cursor(row_factory=scalar_row) as cursor:
            with _fenced():
                await cursor.execute(query.encode(), words)
            return await cursor.fetchone()

    async def _rows(self, shape: type[T], query: str, *words: object) -> list[T]:
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(shape)) as cursor,
        ):
            with _fenced():
                await cursor.execute(query.encode(), words)
            return await cursor.fetchall()


def _leased(
    worker: UUID,
    company: str,
    epoch: int,
    open_calls: bool,
    *reached: Any,
) -> Leased:
    connection = Connection(*reached) if reached[0] is not None else None
    return Leased(Hold(company, worker, epoch), connection, open_calls)


def _lost(hold: Hold) -> LaneLost:
    return LaneLost(f"the lane of company {hold.company_id} belongs to another daemon now")


def _words(hold: Hold) -> tuple[str, UUID, int]:
    return hold.company_id, hold.worker_id, hold.epoch


@contextmanager
def _fenced() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        if error.sqlstate == LANE_LOST:
            raise LaneLost(str(error)) from None
        if error.sqlstate == CHANGED:
            raise Changed(str(error)) from None
        raise
