"""The daemon as a process: looks for signals, keeps its lease alive, starts a task per leased lane, ends in order.

It survives Postgres and QBO going away. What it does not know after a crash, Postgres does.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import uuid
from typing import TYPE_CHECKING

import psycopg
import structlog

import syncd
from syncd.daemon import systemd
from syncd.daemon.access import Keys
from syncd.daemon.delivery import Courier
from syncd.daemon.lane import Lane
from syncd.db import check
from syncd.db.queue import DATABASE_AWAY, PATIENCE, Queue, make_pool
from syncd.errors import DatabaseProblem
from syncd.qbo.client import Client
from syncd.qbo.vault import Vault

if TYPE_CHECKING:
    from syncd.config import Config
    from syncd.db.queue import Hold

log = structlog.get_logger()

SLICE = 1000
BUSY_SECONDS = 0.005
IDLE_SECONDS = 0.05
DAY = 86_400.0


class Daemon:
    """One process. `run` returns when a signal has ended it and what was under way is recorded or given back."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._dsn = config.need_dsn()
        self._pool = make_pool(self._dsn)
        self._queue = Queue(self._pool)
        self._client = Client(timeout=config.http_timeout_seconds, max_connections=config.slots)
        self._keys = Keys(config, Vault(config.need_vault_keys()), self._client, self._queue)
        self._courier = Courier(self._client, self._keys, self._queue)
        self._worker = uuid.uuid4()
        self._stop = asyncio.Event()
        self._lanes: set[asyncio.Task[None]] = set()
        self._away = False
        self._extended = 0.0

    async def run(self) -> None:
        """Until SIGTERM or SIGINT; a second one ends it at once. Raises DatabaseProblem on an unfit schema."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ask_to_stop)
        systemd.notify(STATUS="waiting for Postgres")
        await self._open()
        if self._stop.is_set():
            await self._close()
            return
        beats = asyncio.create_task(self._heartbeats())
        guard = asyncio.create_task(self._guard_lease())
        days = asyncio.create_task(self._each_day())
        try:
            log.info(
                "ready", version=syncd.__version__, worker_id=str(self._worker), slots=self._config.slots
            )
            systemd.notify(READY=1, STATUS="looking for work")
            await self._look_until_stopped()
            systemd.notify(STOPPING=1, STATUS="finishing what is under way")
            await self._finish()
        finally:
            for task in (beats, guard, days):
                task.cancel()
            await asyncio.gather(beats, guard, days, return_exceptions=True)
            await self._close()

    async def _close(self) -> None:
        await self._client.aclose()
        await self._pool.close(timeout=5)
        log.info("stopped")

    def _ask_to_stop(self) -> None:
        if self._stop.is_set():
            log.warning("second signal: ending at once")
            os._exit(1)
        self._stop.set()

    async def _open(self) -> None:
        """Wait for Postgres, however long it takes, and refuse to run on a schema that does not fit."""
        while not self._stop.is_set():
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._dsn, autocommit=True, application_name="syncd check", **PATIENCE
                ):
                    pass
                fatal = [f for f in await asyncio.to_thread(self._findings) if f.fatal]
                if fatal:
                    raise DatabaseProblem(f"{fatal[0].sentence} {fatal[0].remedy}")
                # Not wait=True: a pool that gave up waiting is closed for good.
                await self._pool.open()
                await self._queue.make_log_partitions()
                connection = await self._connect_beats()
                self._extended = asyncio.get_running_loop().time()
                async with connection:
                    await self._beat(connection)
            except DATABASE_AWAY as error:
                self._say_away(error)
                await self._sleep(random.uniform(0.5, 2))  # noqa: S311 - no secret, only jitter
            else:
                self._say_back()
                return

    def _findings(self) -> list[check.Finding]:
        with psycopg.connect(self._dsn, autocommit=True, connect_timeout=5) as connection:
            return check.findings(connection, self._config.source_dir)

    async def _look_until_stopped(self) -> None:
        pause = BUSY_SECONDS
        watchdog = systemd.watchdog_seconds()
        fed = 0.0
        while not self._stop.is_set():
            try:
                busy = await self._look()
            except DATABASE_AWAY as error:
                self._say_away(error)
                pause = min(3.0, max(0.1, pause * 2)) * random.uniform(0.5, 1)  # noqa: S311 - jitter
            else:
                self._say_back()
                pause = BUSY_SECONDS if busy else min(IDLE_SECONDS, pause * 1.5)
            now = asyncio.get_running_loop().time()
            if watchdog and now - fed > watchdog / 3:
                systemd.notify(WATCHDOG=1, STATUS=f"{len(self._lanes)} companies being served")
                fed = now
            await self._sleep(pause)

    async def _look(self) -> bool:
        """Absorb signals and start tasks for the lanes that have work. True: there may be more at once."""
        signals = await self._queue.absorb(SLICE)
        free = self._config.slots - len(self._lanes)
        known = [task.get_name() for task in self._lanes]
        held = await self._queue.lease(self._worker, free, known) if free > 0 else []
        for hold in held:
            task = asyncio.create_task(self._serve(hold), name=hold.company_id)
            self._lanes.add(task)
            task.add_done_callback(self._lanes.discard)
        return bool(signals or held)

    async def _serve(self, hold: Hold) -> None:
        try:
            await Lane(hold, self._queue, self._courier, self._keys, self._stop).run()
        except Exception:
            # The lane stays ours until it is given back; nobody else could serve the company.
            log.exception("a lane failed", company_id=hold.company_id)
            await self._give_back(hold)

    async def _give_back(self, hold: Hold) -> None:
        try:
            await self._queue.pause(hold, 10, "syncd failed on this company; its log says why.")
            await self._queue.release(hold, leaving=True)
        except Exception:
            log.exception("a lane could not be given back", company_id=hold.company_id)

    async def _finish(self) -> None:
        """Answers under way are recorded; what takes longer than the limit is asked for again at the next start."""
        if self._lanes:
            log.info("finishing", lanes=len(self._lanes))
            await asyncio.wait(self._lanes, timeout=self._config.shutdown_seconds)
        for task in self._lanes:
            task.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)
        await self._keys.finish(5)
        try:
            await asyncio.wait_for(self._queue.leave(self._worker), timeout=3)
        except (*DATABASE_AWAY, TimeoutError):
            log.warning("Postgres is away; the leases end by themselves")

    async def _heartbeats(self) -> None:
        """Extends the lease on a connection of its own, whatever befalls it: nobody else would notice its end."""
        loop = asyncio.get_running_loop()
        lease = self._config.lease_seconds
        connection: psycopg.AsyncConnection | None = None
        failing = False
        while True:
            await asyncio.sleep(lease / (16 if failing else 4))
            asked = loop.time()
            try:
                async with asyncio.timeout(lease / 4):
                    connection = connection or await self._connect_beats()
                    await self._beat(connection)
                self._extended = asked
                failing = False
            except (psycopg.Error, TimeoutError) as error:
                if not failing:
                    log.warning("lease not extended", reason=str(error).strip() or "no answer in time")
                failing = True
                if connection is not None:
                    await connection.close()
                    connection = None

    async def _guard_lease(self) -> None:
        """What could not be extended in time is given up: the tasks end before others may take their lanes, and this
        daemon goes on under a new name. Apart from the heartbeat, which may itself hang on a silent Postgres.
        """
        loop = asyncio.get_running_loop()
        lease = self._config.lease_seconds
        while True:
            await asyncio.sleep(lease / 16)
            running = [task for task in self._lanes if not task.cancelling()]
            if running and loop.time() - self._extended > lease * 0.75:
                log.error("lease given up", lanes=len(running))
                for task in running:
                    task.cancel()
                await asyncio.wait(running, timeout=lease / 8)
                self._worker = uuid.uuid4()

    async def _connect_beats(self) -> psycopg.AsyncConnection:
        return await psycopg.AsyncConnection.connect(
            self._dsn, autocommit=True, application_name="syncd heartbeat", **PATIENCE
        )

    async def _beat(self, connection: psycopg.AsyncConnection) -> None:
        await connection.execute(
            "select syncd.heartbeat(%s, make_interval(secs => %s), %s, %s, %s)",
            (self._worker, self._config.lease_seconds, socket.gethostname(), os.getpid(), syncd.__version__),
        )

    async def _each_day(self) -> None:
        while True:
            await asyncio.sleep(DAY)
            try:
                await self._queue.make_log_partitions()
            except psycopg.Error:
                log.exception("the log's partitions could not be made")

    def _say_away(self, error: Exception) -> None:
        if not self._away:
            log.warning("Postgres is away", reason=str(error).strip())
            systemd.notify(STATUS="Postgres is away; trying again")
        self._away = True

    def _say_back(self) -> None:
        if self._away:
            log.info("Postgres is back")
            systemd.notify(STATUS="looking for work")
        self._away = False

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but not past a signal to stop."""
        try:
            await asyncio.wait_for(self._stop.wait(), timeout=seconds)
        except TimeoutError:
            return
