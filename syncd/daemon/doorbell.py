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

from syncd.db.queue import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from psycopg_pool import AsyncConnectionPool

log = structlog.get_logger()

BELL, DUTY = (1937337955, 1), (1937337955, 2)
PROBE_SECONDS = 10.0
PROBE_PATIENCE = 2.0
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


class Doorbell:
    """`open` it, then `sleep` whenever there is nothing to do; `healthy` is False while polling is the only way."""

    def __init__(self, dsn: str, pool: AsyncConnectionPool, name: Callable[[], uuid.UUID]) -> None:
        self._dsn = dsn
        self._pool = pool
        self._name = name
        self._duty: psycopg.AsyncConnection | None = None
        self._ears: psycopg.AsyncConnection | None = None
        self._listening: asyncio.Task[None] | None = None
        self._taking_duty: asyncio.Task[None] | None = None
        self._arming: asyncio.Task[None] | None = None
        self._rung = asyncio.Event()
        self._lanes = asyncio.Event()
        self._probed = asyncio.Event()
        self._token = ""
        self._broken: str | None = "not opened"

    @property
    def healthy(self) -> bool:
        """Both sessions live, and the last probe passed."""
        return self._broken is None

    @property
    def on_duty(self) -> bool:
        """This daemon absorbs and plays the bell."""
        return (
            self.healthy
            and self._taking_duty is not None
            and self._taking_duty.done()
            and not self._taking_duty.cancelled()
            and self._taking_duty.exception() is None
        )

    async def open(self) -> None:
        """Connect, make sure that the sessions are direct, listen, and ask for duty. A full look must follow.

        Raises psycopg.Error, or Unfit.
        """
        await self.close()
        self._ears = await self._session("syncd ears")
        self._duty = await self._session(f"syncd duty {self._name()}")
        await self._make_sure_they_are_direct()
        async with self._pool.connection() as connection:
            row = await (await connection.execute("select syncd.rings()")).fetchone()
        if row != (True,):
            raise Unfit("the triggers do not ring (max_prepared_transactions is above 0)")
        for channel in ("syncd", "syncd_lanes", "syncd_probe"):
            await self._ears.execute(f"listen {channel}")
        self._broken = None
        self._listening = asyncio.create_task(self._listen(self._ears))
        self._taking_duty = asyncio.create_task(self._lock(self._duty, DUTY))

    async def close(self) -> None:
        """Let go of everything; duty passes to the next daemon at once."""
        self._broken = self._broken or "closed"
        for task in (self._listening, self._taking_duty, self._arming):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task
        for connection in (self._duty, self._ears):
            if connection is not None:
                await connection.close()
        self._listening = self._taking_duty = self._arming = self._duty = self._ears = None

    async def until_duty(self, seconds: float) -> None:
        """For a daemon that is not on duty: wait until it is, or it is told of lanes, or that long."""
        assert self._taking_duty is not None
        lanes = asyncio.create_task(self._lanes.wait())
        await asyncio.wait(
            {lanes, *({self._taking_duty} if not self._taking_duty.done() else set())},
            timeout=seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        lanes.cancel()

    async def sleep(self, seconds: float, looks: Callable[[], Awaitable[bool]], stop: asyncio.Event) -> None:
        """On duty, with nothing to do: sleep until rung, or that long. `looks` looks for work and says whether there
        was any; it is called once the writers that saw us awake have committed.

        Raises psycopg.Error if the session on duty is lost.
        """
        assert self._duty is not None
        self._rung.clear()
        self._arming = asyncio.create_task(self._lock(self._duty, BELL))
        try:
            if await self._granted_first(self._arming, seconds, stop):
                self._arming.result()
                # From here on every writer rings; whoever did not has committed before the grant.
                if await looks():
                    return
                await self._granted_first(None, seconds, stop)
        finally:
            await self._disarm()

    async def _granted_first(
        self, granted: asyncio.Task[None] | None, seconds: float, stop: asyncio.Event
    ) -> bool:
        """Wait for the bell, for lanes, for the end, or that long; True if the grant came before."""
        rung = asyncio.create_task(self._rung.wait())
        lanes = asyncio.create_task(self._lanes.wait())
        ended = asyncio.create_task(stop.wait())
        waits: set[asyncio.Task[Any]] = {rung, lanes, ended}
        if granted is not None:
            waits.add(granted)
        done, _ = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in (rung, lanes, ended):
            task.cancel()
        return granted in done

    async def _disarm(self) -> None:
        """Awake: writers need not ring. The request is cancelled; it may have been granted meanwhile."""
        arming, self._arming = self._arming, None
        if arming is None or self._duty is None:
            return
        if not arming.done():
            await self._duty.cancel_safe(timeout=5)
        with suppress(psycopg.errors.QueryCanceled):
            await arming
            await self._duty.execute("select pg_advisory_unlock(%s, %s)", BELL)

    def settled(self) -> None:
        """A look begins: what changed about the lanes before it, it sees."""
        self._lanes.clear()

    def nudge(self) -> None:
        """Something about the lanes changed in this process: whoever sleeps looks again."""
        self._lanes.set()

    async def watch(self) -> None:
        """Probe both sessions from another one, end to end, until one fails: then `healthy` is False."""
        while self.healthy:
            await asyncio.sleep(PROBE_SECONDS)
            reason = await self._probe()
            if reason and self.healthy:
                self.fail(reason)

    def fail(self, reason: str) -> None:
        """From now on this daemon polls, until `open` succeeds again."""
        log.warning("the bell cannot be trusted; polling", reason=reason)
        self._broken = reason
        self._rung.set()
        self._lanes.set()

    async def _probe(self) -> str | None:
        self._token = uuid.uuid4().hex
        self._probed.clear()
        try:
            async with asyncio.timeout(PROBE_PATIENCE), self._pool.connection() as connection:
                await connection.execute("select pg_notify('syncd_probe', %s)", (self._token,))
                await self._probed.wait()
                if self._arming is not None and self._duty is not None:
                    row = await (
                        await connection.execute(
                            "select syncd.bell_is_armed(%s)", (self._duty.info.backend_pid,)
                        )
                    ).fetchone()
                    if row != (True,) and self._arming is not None:
                        return "the session that holds the bell is gone"
        except TimeoutError:
            return "a notification did not arrive in time"
        except psycopg.Error as error:
            return str(error).strip()
        return None

    async def _listen(self, ears: psycopg.AsyncConnection) -> None:
        try:
            async for notice in ears.notifies():
                match notice.channel:
                    case "syncd":
                        self._rung.set()
                    case "syncd_lanes":
                        self._lanes.set()
                    case "syncd_probe" if notice.payload == self._token:
                        self._probed.set()
        except psycopg.Error as error:
            self.fail(f"the listening session ended: {str(error).strip()}")

    async def _lock(self, connection: psycopg.AsyncConnection, key: tuple[int, int]) -> None:
        await connection.execute("select pg_advisory_lock(%s, %s)", key)

    async def _session(self, name: str) -> psycopg.AsyncConnection:
        connection = await psycopg.AsyncConnection.connect(
            self._dsn, autocommit=True, application_name=name, prepare_threshold=None, **PATIENCE
        )
        for setting in UNLIMITED:
            await connection.execute(
                "select set_config(name, '0', false) from pg_settings where name = %s", (setting,)
            )
        rows = await (
            await connection.execute(
                "select name from pg_settings where name = any(%s) and setting <> '0'", (list(UNLIMITED),)
            )
        ).fetchall()
        if rows:
            raise Unfit(f"{rows[0][0]} cannot be switched off for the session")
        return connection

    async def _make_sure_they_are_direct(self) -> None:
        """Behind a pooler in transaction mode a session lock belongs to whoever gets that backend next, and LISTEN is
        accepted and never heard. A NOTIFY from a third session tells; before any lock is taken.
        """
        assert self._duty is not None
        assert self._ears is not None
        channel = f"syncd_{uuid.uuid4().hex}"
        ours = (self._duty, self._ears)
        for connection in ours:
            row = await (await connection.execute("select pg_backend_pid()")).fetchone()
            if row != (connection.info.backend_pid,):
                raise Unfit("a pooler stands between us and Postgres")
            await connection.execute(f"listen {channel}")
        if self._duty.info.backend_pid == self._ears.info.backend_pid:
            raise Unfit("a pooler stands between us and Postgres")
        async with self._pool.connection() as third:
            await third.execute("select pg_notify(%s, '')", (channel,))
        for connection in ours:
            heard = [n async for n in connection.notifies(timeout=1, stop_after=1)]
            if not heard:
                raise Unfit("notifications do not arrive; a pooler stands between us and Postgres")
            await connection.execute(f"unlisten {channel}")
