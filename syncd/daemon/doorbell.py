"""The doorbell: who is on duty, and how that daemon sleeps without missing a change. docs/bell.md has the reasoning.

Two sessions of its own. `duty` holds the lock "on duty" and plays on the lock "bell"; `ears` listens. Both are
direct: a pooler would lend them to others. While anything about them is in doubt the daemon polls.
"""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psycopg
import structlog

from syncd.daemon.ending import end
from syncd.db.patience import answers_within, sever
from syncd.db.pool import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from psycopg_pool import AsyncConnectionPool

log = structlog.get_logger()

BELL, DUTY = (1937337955, 1), (1937337955, 2)
UNLOCK = "select pg_advisory_unlock(1937337955, 1)"
UNLOCK_IF_HELD = f"{UNLOCK} where 1 = any(syncd.bell_locks(pg_backend_pid()))"
ANSWER_SECONDS = 2.0  # no statement here takes a hundredth of it, but for the wait for the bell
FIRST_LOOK_SECONDS, LONGEST_LOOK_SECONDS = 0.01, 1.0  # while the bell is asked for, each half as long again
PROBE_SECONDS = 5.0
PROBE_PATIENCE = 2.0
ASK_FOR_DUTY_SECONDS = 0.4
# Each of these, set for the role or the database, would end the protocol without a word.
UNLIMITED = (
    "statement_timeout",
    "lock_timeout",
    "idle_session_timeout",
    "idle_in_transaction_session_timeout",
    "transaction_timeout",
)


class Unfit(Exception):
    """These sessions cannot carry the protocol; the text says why, and what to do."""


POOLED = "a pooler stands between us and Postgres; give a direct connection as SYNCD_LISTEN_DSN"


class Doorbell:
    """`open` it, then `sleep` whenever there is nothing to do; `healthy` is False while polling is the only way."""

    def __init__(
        self,
        dsn: str,
        pool: AsyncConnectionPool,
        name: Callable[[], uuid.UUID],
        told: Callable[[str], None],
    ) -> None:
        """`name`: the worker this daemon is. `told` is called with each company whose lane got work from elsewhere."""
        self._dsn = dsn
        self._pool = pool
        self._name = name
        self._told = told
        self.wakeups = {"bell": 0, "grant": 0, "lanes": 0, "timer": 0}
        self._duty: psycopg.AsyncConnection | None = None
        self._ears: psycopg.AsyncConnection | None = None
        self._had: set[str] = set()
        self._listening: asyncio.Task[None] | None = None  # asyncio itself keeps no task alive
        self._arming: asyncio.Task[None] | None = None
        self._seated = False
        self._rung = asyncio.Event()
        self._lanes = asyncio.Event()
        self._probed = asyncio.Event()
        self._token = ""
        self._broken = asyncio.Event()
        self._broken.set()
        self._because = "the bell is not open yet"

    @property
    def healthy(self) -> bool:
        """Both sessions live, and the last probe passed."""
        return not self._broken.is_set()

    @property
    def polling_because(self) -> str | None:
        """Why this daemon polls; None while it sleeps on the bell."""
        return None if self.healthy else self._because

    @property
    def on_duty(self) -> bool:
        """This daemon absorbs and plays the bell."""
        return self.healthy and self._seated

    async def open(self) -> None:
        """Connect, make sure that the sessions are direct, listen, and take duty if it is free. A full look follows.

        Raises psycopg.Error, or Unfit.
        """
        await self.close()
        try:
            ears = self._ears = await self._session(f"syncd ears {self._name()}")
            duty = self._duty = await self._session(f"syncd duty {self._name()}")
            with answers_within(ANSWER_SECONDS, ears), answers_within(ANSWER_SECONDS, duty):
                await self._make_sure_of_it(ears, duty)
                await self._end_those_before(ears, duty)
                for channel in ("syncd", "syncd_lanes", "syncd_probe"):
                    await ears.execute(f"listen {channel}")
                self._seated = await self._take_seat(duty)
        except BaseException:
            await self.close()
            raise
        self._broken.clear()
        self._listening = asyncio.create_task(self._listen(ears))

    async def close(self) -> None:
        """Let go of everything; duty passes to the next daemon at once."""
        self._broken.set()
        self._seated = False
        for connection in (self._duty, self._ears):
            if connection is not None:
                sever(connection)
                async with connection.lock:  # closed under a task that uses it, that would wait for ever
                    await connection.close()
        self._duty = self._ears = None

    async def resign(self) -> None:
        """Close, and let another daemon have duty now and not when it next asks."""
        duty = self._duty
        if duty is not None and self.on_duty:
            self._seated = False
            with suppress(psycopg.Error), answers_within(ANSWER_SECONDS, duty):
                await duty.execute("select pg_advisory_unlock_all(), pg_notify('syncd_lanes', '')")
        await self.close()

    async def until_duty(self, seconds: float) -> None:
        """For a daemon that is not on duty: until it is, or it is told of lanes, or that long at most.

        It asks again and again: a session that waits for a lock holds a snapshot, and with it every VACUUM.
        """
        duty = self._duty
        if duty is None or not self.healthy or self._seated:
            return
        try:
            with answers_within(ANSWER_SECONDS, duty):
                taken = await self._take_seat(duty)
        except psycopg.Error as error:
            self._lost(duty, error)
            return
        if taken:
            self._seated = self._duty is duty
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._lanes.wait(), min(seconds, ASK_FOR_DUTY_SECONDS))

    async def sleep(self, seconds: float, looks: Callable[[], Awaitable[bool]], stop: asyncio.Event) -> None:
        """On duty, with nothing to do: sleep until rung, or that long. `looks` looks for work and says whether there
        was any; it is called once the writers that saw us awake have committed, and now and then until they have.
        """
        duty = self._duty
        until = asyncio.get_running_loop().time() + seconds
        if duty is None or not self.on_duty or self._woken(until, stop):
            return None
        arming = self._arming = asyncio.create_task(self._ask_for_bell(duty))
        try:
            pause = FIRST_LOOK_SECONDS
            while not await self._ends(arming, pause, until, stop):
                # A writer that saw us awake does not ring, and another that goes on for long keeps the bell from us.
                if self._woken(until, stop):
                    return self._count(stop)
                if await looks():
                    self.wakeups["grant"] += 1
                    return None
                pause = min(pause * 1.5, LONGEST_LOOK_SECONDS)
            # From here on every writer rings; whoever did not has committed before the grant.
            if arming.exception():
                return None
            if await looks():
                self.wakeups["grant"] += 1
                return None
            lost = asyncio.create_task(self._until_lost(duty))
            await self._ends(lost, seconds, until, stop)
            await end([lost])
            self._count(stop)
            if self._rung.is_set() and self.healthy:
                self._rung.clear()
                await looks()  # at once; that writers ring for nothing meanwhile can wait
            return None
        finally:
            await self._disarm(duty, arming)
            self._arming = None

    def _count(self, stop: asyncio.Event) -> None:
        if not stop.is_set():
            self.wakeups["bell" if self._rung.is_set() else "lanes" if self._lanes.is_set() else "timer"] += 1

    def _woken(self, until: float, stop: asyncio.Event) -> bool:
        late = asyncio.get_running_loop().time() >= until
        return late or any(event.is_set() for event in (self._rung, self._lanes, stop))

    async def _ends(
        self, task: asyncio.Task[None], seconds: float, until: float, stop: asyncio.Event
    ) -> bool:
        """Wait for the task to end, something to wake us, or that long; True if it ended."""
        events = {asyncio.create_task(event.wait()) for event in (self._rung, self._lanes, stop)}
        waits: set[asyncio.Task[Any]] = {task, *events}
        left = until - asyncio.get_running_loop().time()
        await asyncio.wait(waits, timeout=max(0, min(seconds, left)), return_when=asyncio.FIRST_COMPLETED)
        for event in events:
            event.cancel()
        return task.done()

    async def _disarm(self, duty: psycopg.AsyncConnection, arming: asyncio.Task[None]) -> None:
        """Awake: writers need not ring. The request is cancelled; it may have been granted meanwhile, even where it
        ends as cancelled: a session's lock that was granted at that moment stays.
        """
        try:
            with answers_within(ANSWER_SECONDS, duty):
                if not arming.done() and self.healthy:
                    await duty.cancel_safe(timeout=ANSWER_SECONDS)
                with suppress(psycopg.errors.QueryCanceled):
                    await arming
                await duty.execute(UNLOCK if arming.exception() is None else UNLOCK_IF_HELD)
        except psycopg.Error as error:
            self._lost(duty, error)

    def settled(self) -> None:
        """A look begins: what was rung, and what changed about the lanes, before it, it sees. What comes later wakes,
        also before `sleep`.
        """
        self._rung.clear()
        self._lanes.clear()

    def nudge(self) -> None:
        """Something about the lanes changed in this process: whoever sleeps looks again."""
        self._lanes.set()

    async def watch(self) -> None:
        """Probe both sessions from another one, end to end, until one fails: then `healthy` is False."""
        while self.healthy:
            try:
                await asyncio.wait_for(self._broken.wait(), PROBE_SECONDS)
            except TimeoutError:
                if reason := await self._probe():
                    self.fail(reason)

    def fail(self, reason: str) -> None:
        """From now on this daemon polls, until `open` succeeds again."""
        self._because = reason
        if not self.healthy:
            return
        log.warning("the bell cannot be trusted; polling", reason=reason)
        self._broken.set()
        self._rung.set()
        self._lanes.set()
        for connection in (self._duty, self._ears):
            if connection is not None:
                sever(connection)

    def _lost(self, duty: psycopg.AsyncConnection, error: psycopg.Error) -> None:
        """An error of a session that may have been replaced by now."""
        if duty is self._duty:
            self.fail(f"the session on duty: {said(error)}")

    async def _probe(self) -> str | None:
        """What is wrong. A connection of the pool may itself be dead, or silent, and the others with it: those are
        replaced, and a new one is asked.
        """
        try:
            try:
                return await self._probe_once()
            except psycopg.Error:
                await self._pool.drain()
                return await self._probe_once()
        except psycopg.Error as error:
            return said(error)

    async def _probe_once(self) -> str | None:
        self._token = uuid.uuid4().hex
        self._probed.clear()
        async with self._pool.connection() as connection:
            with answers_within(PROBE_PATIENCE, connection):
                await connection.execute("select pg_notify('syncd_probe', %s)", (self._token,))
                mute, missing = await self._missing(connection)
                if missing:
                    await asyncio.sleep(PROBE_PATIENCE / 4)  # asked for a moment ago, it is on its way
                    mute, still = await self._missing(connection)
                    missing &= still
        if mute:
            return f"the triggers do not ring: {mute}"
        if missing:
            return "a lock of ours is gone"
        try:
            await asyncio.wait_for(self._probed.wait(), PROBE_PATIENCE)
        except TimeoutError:
            return "a notification did not arrive"
        return None

    async def _missing(self, connection: psycopg.AsyncConnection) -> tuple[str | None, set[object]]:
        """Why the triggers are mute, and what should show in pg_locks by now and does not."""
        duty = self._duty
        wanted = {DUTY[1]: self.on_duty, BELL[1]: self._arming}
        if duty is None:
            return None, set()
        row = await (
            await connection.execute("select syncd.mute(), syncd.bell_locks(%s)", (duty.info.backend_pid,))
        ).fetchone()
        assert row is not None
        # As it was before the question and still is: the main task arms and disarms meanwhile.
        still = {DUTY[1]: self.on_duty, BELL[1]: self._arming}
        return row[0], {
            (lock, why) for lock, why in wanted.items() if why and still[lock] is why and lock not in row[1]
        }

    async def _listen(self, ears: psycopg.AsyncConnection) -> None:
        try:
            async for notice in ears.notifies():
                match notice.channel:
                    case "syncd":
                        self._rung.set()
                    case "syncd_lanes":
                        self._told(notice.payload)
                        self._lanes.set()
                    case "syncd_probe" if notice.payload == self._token:
                        self._probed.set()
        except psycopg.Error as error:
            self.fail(f"the session that listens: {said(error)}")

    async def _until_lost(self, duty: psycopg.AsyncConnection) -> None:
        """It listens to nothing, so this ends only when the session does."""
        try:
            async for _ in duty.notifies():
                pass
        except psycopg.Error as error:
            self._lost(duty, error)

    async def _take_seat(self, duty: psycopg.AsyncConnection) -> bool:
        row = await (await duty.execute("select pg_try_advisory_lock(%s, %s)", DUTY)).fetchone()
        return row == (True,)

    async def _ask_for_bell(self, duty: psycopg.AsyncConnection) -> None:
        await duty.execute("select pg_advisory_lock(%s, %s)", BELL)

    async def _session(self, name: str) -> psycopg.AsyncConnection:
        connection = await psycopg.AsyncConnection.connect(
            self._dsn, autocommit=True, application_name=name, prepare_threshold=None, **PATIENCE
        )
        try:
            with answers_within(ANSWER_SECONDS, connection):
                await self._prepare(connection)
        except BaseException:
            await connection.close()
            raise
        self._had.add(name)
        return connection

    async def _prepare(self, connection: psycopg.AsyncConnection) -> None:
        # First of all: what is set behind a pooler is set for whoever gets that session next.
        row = await (await connection.execute("select pg_backend_pid()")).fetchone()
        if row != (connection.info.backend_pid,):
            raise Unfit(POOLED)
        await connection.execute(
            "select set_config(name, '0', false) from pg_settings where name = any(%s)", (list(UNLIMITED),)
        )
        rows = await (
            await connection.execute(
                "select name from pg_settings where name = any(%s) and setting <> '0'", (list(UNLIMITED),)
            )
        ).fetchall()
        if rows:
            raise Unfit(f"{rows[0][0]} cannot be switched off for the session")
        # Else a session that waits for the bell keeps duty after its daemon died. Not every platform can.
        with suppress(psycopg.errors.InvalidParameterValue):
            await connection.execute("set client_connection_check_interval = '250ms'")

    async def _make_sure_of_it(self, *ours: psycopg.AsyncConnection) -> None:
        """Behind a pooler in transaction mode a session lock belongs to whoever gets that backend next, and LISTEN is
        accepted and never heard. A NOTIFY from a third session tells; before any lock is taken. And somebody must ring.
        """
        channel = f"syncd_{uuid.uuid4().hex}"
        for connection in ours:
            await connection.execute(f"listen {channel}")
        async with self._pool.connection() as third:
            with answers_within(ANSWER_SECONDS, third):
                await third.execute("select pg_notify(%s, '')", (channel,))
                row = await (await third.execute("select syncd.mute()")).fetchone()
        if row != (None,):
            raise Unfit(f"the triggers do not ring: {row[0] if row else ''}")
        for connection in ours:
            heard = [n async for n in connection.notifies(timeout=1, stop_after=1)]
            await connection.execute(f"unlisten {channel}")
            if not heard:
                raise Unfit(f"notifications do not arrive; {POOLED}")

    async def _end_those_before(self, *ours: psycopg.AsyncConnection) -> None:
        """Cut off by a half-open connection, our former session would stay on duty for ever."""
        pids = [connection.info.backend_pid for connection in ours]
        await ours[0].execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = any(%s) and not pid = any(%s)",
            (list(self._had), pids),
        )
        self._had = {f"syncd {part} {self._name()}" for part in ("ears", "duty")}


def said(error: Exception) -> str:
    """On one line."""
    return " ".join(str(error).split())
