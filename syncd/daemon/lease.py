"""The daemon's liveness: one heartbeat row, extended on a connection of its own by the database's clock.

What could not be extended in time is given up before others may take it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
import uuid
from typing import TYPE_CHECKING, Any

import psycopg
import structlog
from psycopg.types.json import Jsonb

import syncd
from syncd.db.patience import answers_within
from syncd.db.pool import PATIENCE, SESSION

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

log = structlog.get_logger()

CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on while the machine sleeps


class Lease:
    """Who this daemon is, and until when others believe that it lives."""

    def __init__(
        self,
        dsn: str,
        seconds: float,
        running: Callable[[], Collection[asyncio.Task[None]]],
        tell: Callable[[], dict[str, Any]],
    ) -> None:
        """`running`: the tasks to end with the lease. `tell`: what each heartbeat says of this daemon."""
        self._dsn = dsn
        self._seconds = seconds
        self._running = running
        self._tell = tell
        self._extended = 0.0
        self.worker = uuid.uuid4()

    @property
    def stands(self) -> bool:
        """Whether nobody else may take its lanes yet, with a quarter to spare."""
        return _now() - self._extended <= self._seconds * 0.75

    async def begin(self) -> None:
        """The first heartbeat. Raises psycopg.Error."""
        self._extended = _now()
        async with await self._connect() as connection:
            await self._beat(connection)

    async def extend(self) -> None:
        """For ever, whatever befalls it: nobody else would notice its end."""
        connection: psycopg.AsyncConnection | None = None
        failing = False
        while True:
            await asyncio.sleep(self._seconds / (16 if failing else 4))
            asked = _now()
            try:
                connection = connection or await self._connect()
                with answers_within(self._seconds / 4, connection):
                    await self._beat(connection)
                self._extended = asked
                failing = False
            except psycopg.Error as error:
                if not failing:
                    log.warning("lease not extended", reason=str(error).strip())
                failing = True
                if connection is not None:
                    await connection.close()
                    connection = None

    async def guard(self) -> None:
        """Ends the tasks of a lease that runs out, and goes on under a new name. Apart from the heartbeat, which may
        itself hang on a silent Postgres.
        """
        while True:
            await asyncio.sleep(self._seconds / 16)
            running = [task for task in self._running() if not task.cancelling()]
            if running and not self.stands:
                log.error("lease given up", lanes=len(running))
                for task in running:
                    task.cancel()
                await asyncio.wait(running, timeout=self._seconds / 8)
                self.worker = uuid.uuid4()

    async def _connect(self) -> psycopg.AsyncConnection:
        connection = await psycopg.AsyncConnection.connect(
            self._dsn, autocommit=True, application_name="syncd heartbeat", **PATIENCE
        )
        try:
            with answers_within(self._seconds / 4, connection):
                await connection.execute(SESSION)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _beat(self, connection: psycopg.AsyncConnection) -> None:
        await connection.execute(
            "select syncd.heartbeat(%s, make_interval(secs => %s), %s, %s, %s, %s)",
            (
                self.worker,
                self._seconds,
                socket.gethostname(),
                os.getpid(),
                syncd.__version__,
                Jsonb(self._tell()),
            ),
        )


def _now() -> float:
    return time.clock_gettime(CLOCK)
