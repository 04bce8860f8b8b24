"""The daemon as a process: looks for signals, keeps its lease alive, starts a task per leased lane, ends in order.

It survives Postgres and QBO going away. What it does not know after a crash, Postgres does.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
from typing import TYPE_CHECKING, Any

import anyio.lowlevel
import psycopg
import structlog

import syncd
from syncd.daemon import systemd
from syncd.daemon.access import Keys
from syncd.daemon.crew import Crew
from syncd.daemon.doorbell import Doorbell
from syncd.daemon.ending import end
from syncd.daemon.lease import Lease
from syncd.daemon.look import Looker
from syncd.db import check
from syncd.db.pool import DATABASE_AWAY, PATIENCE, make_pool
from syncd.db.queue import Queue
from syncd.errors import DatabaseProblem
from syncd.qbo.client import Client
from syncd.qbo.vault import Vault

if TYPE_CHECKING:
    from syncd.config import Config

log = structlog.get_logger()

DAY = 86_400.0
OVERDUE_SECONDS = 10.0  # beyond the time for answers under way: a silent Postgres must not keep the process


class Daemon:
    """One process. `run` returns when a signal has ended it and what was under way is recorded or given back."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._dsn = config.need_dsn()
        self._pool = make_pool(self._dsn)
        self._queue = Queue(self._pool)
        self._client = Client(timeout=config.http_timeout_seconds)
        self._keys = Keys(
            config,
            Vault(config.need_vault_keys()),
            self._client,
            self._queue,
            lambda: self._lease.stands,
        )
        self._stop = asyncio.Event()
        self._crew = Crew(config.slots, self._client, self._queue, self._keys, lambda: self._bell.nudge())
        self._lease = Lease(self._dsn, config.lease_seconds, lambda: self._crew.tasks, self._tell)
        self._bell = Doorbell(
            config.need_listen_dsn(),
            self._pool,
            lambda: self._lease.worker,
            lambda company: self._crew.nudge([company]),
        )
        self._looker = Looker(
            self._queue, self._bell, self._crew, lambda: self._lease.worker, self._stop, config.lease_seconds
        )
        self._away = False
        self._told = 0.0
        self._turned = 0.0

    async def run(self) -> None:
        """Until SIGTERM or SIGINT; a second one ends it at once. Raises DatabaseProblem on an unfit schema."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ask_to_stop)
        systemd.notify(STATUS="waiting for Postgres")
        # Makes anyio, on which httpx runs, load its part for asyncio. Else the first request would: 60 ms in which
        # every company waits.
        await anyio.lowlevel.checkpoint()
        await self._open()
        if self._stop.is_set():
            await self._close()
            return
        bell = asyncio.create_task(self._looker.keep_bell())
        aside = [
            bell,
            *(
                asyncio.create_task(work)
                for work in (self._lease.extend(), self._lease.guard(), self._each_day())
            ),
        ]
        # What was loaded stays. Looked through at each full collection it would stop the daemon for up to a tenth of a
        # second, every quarter of a minute under load.
        gc.collect()
        gc.freeze()
        try:
            log.info(
                "ready",
                version=syncd.__version__,
                worker_id=str(self._lease.worker),
                slots=self._config.slots,
            )
            systemd.notify(READY=1, STATUS="looking for work")
            await self._look_until_stopped()
            systemd.notify(STOPPING=1, STATUS="finishing what is under way")
            await self._hand_over(bell)
            await self._finish()
        finally:
            await end(aside)
            await self._bell.close()
            await self._close()

    async def _hand_over(self, bell: asyncio.Task[None]) -> None:
        """Whoever finishes does not look: another must be on duty, and before anything else is waited for."""
        await self._bell.resign()
        await end([bell])
        await self._bell.close()  # it may have been about to open it again

    async def _close(self) -> None:
        await self._client.aclose()
        await self._pool.close(timeout=5)
        log.info("stopped")

    def _ask_to_stop(self) -> None:
        if self._stop.is_set():
            log.warning("second signal: ending at once")
            os._exit(1)
        self._stop.set()
        asyncio.get_running_loop().call_later(
            self._config.shutdown_seconds + OVERDUE_SECONDS, self._end_overdue
        )

    def _end_overdue(self) -> None:
        # Nothing is lost by it: what is not recorded is asked for by the next owner.
        log.error("the end takes too long: ending at once")
        os._exit(1)

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
                await self._lease.begin()
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
        pause = 0.1
        feeding = asyncio.create_task(self._feed_watchdog())
        try:
            while not self._stop.is_set():
                try:
                    await self._looker.turn()
                except DATABASE_AWAY as error:
                    self._looker.forget()
                    self._say_away(error)
                    pause = min(3.0, pause * 2)
                    await self._sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - jitter
                else:
                    pause = 0.1
                    self._say_back()
                self._turned = asyncio.get_running_loop().time()
        finally:
            feeding.cancel()

    async def _feed_watchdog(self) -> None:
        seconds = systemd.watchdog_seconds()
        while seconds:
            await asyncio.sleep(seconds / 3)
            # A turn may rest for as long as a lease; one that does not end is what the watchdog is for.
            if asyncio.get_running_loop().time() - self._turned < seconds + self._config.lease_seconds:
                systemd.notify(WATCHDOG=1, STATUS=f"{len(self._crew.tasks)} companies being served")

    def _tell(self) -> dict[str, Any]:
        return {
            "slots": self._config.slots,
            "on_duty": self._bell.on_duty,
            "polling_because": self._bell.polling_because,
            "wakeups": {**self._bell.wakeups, "safety": self._looker.missed},
        }

    async def _finish(self) -> None:
        await self._crew.finish(self._config.shutdown_seconds)
        await self._keys.finish(5)
        try:
            await asyncio.wait_for(self._queue.leave(self._lease.worker), timeout=3)
        except (*DATABASE_AWAY, TimeoutError):
            log.warning("Postgres is away; the leases end by themselves")

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
