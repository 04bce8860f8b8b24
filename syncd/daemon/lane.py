"""A leased lane: all due work of one company, several calls at a time, until nothing is due.

A lane has two queues. QBO locks a company's list of names while one is written, so names go one call at a time. Of
the rest several calls are under way, and one place is kept for live work, so that an edit never waits behind a slow
batch of backfill.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
import structlog
from structlog.contextvars import bound_contextvars

from syncd.daemon.access import NoAccess
from syncd.daemon.dispatch import Dispatch
from syncd.daemon.ending import end
from syncd.db.pool import DATABASE_AWAY, through_outages
from syncd.db.queue import Changed, LaneLost
from syncd.db.states import State
from syncd.qbo.oauth import MalformedTokens
from syncd.qbo.vault import VaultError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from syncd.daemon.access import Keys
    from syncd.db.queue import DueJob, Leased, Queue, Settled
    from syncd.qbo.client import Client

log = structlog.get_logger()

REST_IN_FLIGHT = 4  # with one call of names far below the ten at a time that Intuit lets a realm have
BATCH = 30  # Postgres takes fewer where a limit or trouble says so
STICKY_SECONDS = 2.0  # how long a lane stays with its daemon after its last work
TOGETHER_SECONDS = 0.25  # lanes that rest end at multiples of it
BACKFILL_EVERY = 4
NOTHING_SEEN = [0, 0, 0, 0]


class Flight(NamedTuple):
    """A call under way, from its building to its recording: in which queue, and whether it was sent before."""

    names: bool
    opened: bool


class Lane:
    """Works one lane until it is given back, or lost to another daemon."""

    def __init__(self, leased: Leased, client: Client, queue: Queue, keys: Keys) -> None:
        self._leased = leased
        self._hold = leased.hold
        self._client = client
        self._queue = queue
        self._keys = keys
        self._flights: dict[asyncio.Task[list[Settled]], Flight] = {}
        self._woken = asyncio.Event()
        self._ready_rest = True
        self._ready_names = True
        self._has_open = self._check_open = leased.open_calls
        self._floors = NOTHING_SEEN
        self._decides_all = False
        self._again_at: float | None = None
        self._rounds = {"rest": 0, "names": 0}
        self._leaving = False
        self._resting = False
        self._worked = False
        self._since = asyncio.get_running_loop().time()

    @property
    def resting(self) -> bool:
        """Whether it only stays in case more work comes. Not from the moment it gets some, or is to leave."""
        return self._resting and not self._woken.is_set()

    @property
    def leaving(self) -> bool:
        """Whether it is on its way to be given back."""
        return self._leaving

    @property
    def seconds_held(self) -> float:
        """Since it was leased."""
        return asyncio.get_running_loop().time() - self._since

    def nudge(self) -> None:
        """The company got work."""
        self._ready_rest = self._ready_names = True
        self._check_open = self._has_open
        self._woken.set()

    def leave(self) -> None:
        """Begin nothing new, and give the lane back once what is under way is recorded."""
        self._leaving = True
        self._woken.set()

    async def run(self) -> None:
        """Postgres may go away and come back meanwhile."""
        with bound_contextvars(company_id=self._hold.company_id, epoch=self._hold.epoch):
            try:
                await through_outages(self._serve_or_leave)
            except LaneLost:
                log.warning("lane lost to another daemon")
            finally:
                await end(self._flights)
                self._pass_over()

    def _pass_over(self) -> None:
        """What came of calls that nobody collects: the lane has ended. A call that is cancelled may hear from Postgres
        all the same that the lane is lost; unless it is asked for that, asyncio tells of it as of a mistake.
        """
        for flight in self._flights:
            error = None if flight.cancelled() else flight.exception()
            if error is not None and not isinstance(error, (LaneLost, NoAccess, *DATABASE_AWAY)):
                log.error("a call failed", exc_info=error)

    async def _serve_or_leave(self) -> None:
        try:
            await self._serve()
        except DATABASE_AWAY:
            # What had no answer may be done, and a call that nobody sends looks to its own lease as if it were under
            # way. The next lease finds it.
            self._leaving = True
            raise

    async def _serve(self) -> None:
        try:
            door = await self._keys.door(self._leased)
            await self._work(Dispatch(self._client, self._queue, self._hold, door))
        except NoAccess:
            await self._queue.release(self._hold, leaving=True, floors=NOTHING_SEEN)
        except (VaultError, MalformedTokens) as error:
            await self._queue.pause(self._hold, 60, str(error))
            await self._queue.release(self._hold, leaving=True, floors=NOTHING_SEEN)

    async def _work(self, dispatch: Dispatch) -> None:
        while True:
            self._woken.clear()
            self._collect()
            if not self._leaving and await self._begin(dispatch):
                continue
            if self._flights:
                await self._rest(self._seconds_left())
            elif self._leaving:
                await self._queue.release(self._hold, leaving=True, floors=NOTHING_SEEN)
                return
            elif await self._idle():
                return

    async def _idle(self) -> bool:
        """Nothing to do: stay a little, then give the lane back; True if it is."""
        left = self._seconds_left()
        stay = _sticky() if self._worked else 0.0
        self._resting = True
        woken = await self._rest(stay if left is None else min(left, stay))
        self._resting = False
        if woken or (left is not None and left <= stay):
            return False
        if await self._queue.release(self._hold, leaving=False, floors=self._floors):
            return True
        self._floors = NOTHING_SEEN
        self.nudge()
        return False

    def _collect(self) -> None:
        """What came of the calls that have ended, and whether the time has come for what was put off."""
        for flight in [f for f in self._flights if f.done()]:
            del self._flights[flight]
            settled = flight.result()
            self._has_open = self._has_open or any(s.state == State.UNKNOWN for s in settled)
            if any(s.due or s.state not in {State.SYNCED, State.VARIANCE} for s in settled):
                self.nudge()
        if self._again_at is not None and self._again_at <= asyncio.get_running_loop().time():
            self._again_at = None
            self.nudge()

    async def _begin(self, dispatch: Dispatch) -> bool:
        """Start what may start. False: nothing moved."""
        # One at a time, and not beside a call of names, since it may be one.
        if self._check_open and not any(c.opened or c.names for c in self._flights.values()):
            self._check_open = False
            opened = await dispatch.reopen()
            if opened is not None:
                self._check_open = True
                self._start(dispatch.deliver(opened), names=opened.names, opened=True)
                return True
        room = REST_IN_FLIGHT - sum(not c.names for c in self._flights.values())
        rest = BATCH if self._ready_rest and room > 0 else 0
        names = BATCH if self._ready_names and not any(c.names for c in self._flights.values()) else 0
        if rest == names == 0:
            return False
        return await self._dispatch(dispatch, rest, names, last_place=room == 1)

    async def _dispatch(self, dispatch: Dispatch, rest: int, names: int, *, last_place: bool) -> bool:
        """Decide up to so many jobs of each queue and send what is to be pushed. False: nothing moved."""
        # Before asking: what comes while Postgres answers must be asked for again.
        self._ready_rest = self._ready_rest and (rest == 0 or last_place)
        self._ready_names = self._ready_names and names == 0
        self._decides_all = False
        of_rest, of_names = self._share("rest", rest), self._share("names", names)
        try:
            decided = await self._queue.decide(
                self._hold, (rest, names), self._floors, ("none" if last_place else of_rest, of_names)
            )
        except DATABASE_AWAY:
            raise
        except psycopg.Error as error:
            await self._set_apart(error)
            return True
        # A call may have found meanwhile that what it was made for has to be decided again.
        self._floors = NOTHING_SEEN if self._decides_all else decided.floors
        if decided.again_in == 0:
            # Of either queue: what waits for a customer has made it due.
            self._ready_rest = self._ready_names = True
        elif decided.again_in is not None:
            self._again_at = asyncio.get_running_loop().time() + decided.again_in
        for jobs in ([j for j in decided.jobs if not j.names], [j for j in decided.jobs if j.names]):
            if jobs:
                self._start(self._send(dispatch, jobs), names=jobs[0].names)
        return bool(decided.jobs) or decided.again_in == 0

    async def _set_apart(self, error: psycopg.Error) -> None:
        """One record that nobody can read must not stop its company."""
        number = await self._queue.set_apart(self._hold)
        if not number:
            raise error
        log.error(
            "records that cannot be read were set apart", records=number, reason=error.diag.message_primary
        )
        self._decide_again()

    def _share(self, queue: str, most: int) -> str:
        """Whether backfill has its turn in this queue, if that is asked at all."""
        turn = self._rounds[queue] % BACKFILL_EVERY == BACKFILL_EVERY - 1
        self._rounds[queue] += most > 0
        return "first" if turn else "after"

    async def _send(self, dispatch: Dispatch, jobs: list[DueJob]) -> list[Settled]:
        try:
            committed = await dispatch.commit(jobs)
        except Changed:
            self._decide_again()
            return []
        except BaseException:
            self._floors = NOTHING_SEEN
            raise
        if committed is None:
            self.nudge()  # what was adopted without a call may have been waited for
            return []
        if committed.left:
            self._decide_again()
        return await dispatch.deliver(committed)

    def _decide_again(self) -> None:
        """Some that were decided are still due."""
        self._floors = NOTHING_SEEN
        self._decides_all = True
        self.nudge()

    def _start(
        self, sending: Coroutine[Any, Any, list[Settled]], *, names: bool, opened: bool = False
    ) -> None:
        self._worked = True
        flight = asyncio.create_task(sending)
        self._flights[flight] = Flight(names, opened)
        flight.add_done_callback(lambda _: self._woken.set())

    def _seconds_left(self) -> float | None:
        """Until something that was put off is due."""
        if self._again_at is None:
            return None
        return max(0.0, self._again_at - asyncio.get_running_loop().time())

    async def _rest(self, seconds: float | None) -> bool:
        """Until woken; False: that long."""
        try:
            await asyncio.wait_for(self._woken.wait(), timeout=seconds)
        except TimeoutError:
            return False
        return True


def _sticky() -> float:
    """How long a lane stays from now. Those that rest end together, several times a second, so that one statement gives
    many of them back.
    """
    now = asyncio.get_running_loop().time()
    return math.ceil((now + STICKY_SECONDS) / TOGETHER_SECONDS) * TOGETHER_SECONDS - now
