"""Looking: absorb what SIP changed, and rest until there is more.

One daemon is on duty: it absorbs and sleeps on the bell. The others work lanes, and wait to be told of some. While
the bell is in doubt every daemon polls, which is right too, only dearer.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import psycopg
import structlog

from syncd.daemon.doorbell import Unfit
from syncd.db.pool import DATABASE_AWAY

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from syncd.daemon.crew import Crew
    from syncd.daemon.doorbell import Doorbell
    from syncd.db.queue import Leased, Queue

log = structlog.get_logger()

SLICE = 1000
PATIENT_SECONDS = 5.0  # in a flood without end lanes are leased all the same
BUSY_SECONDS = 0.005
IDLE_SECONDS = 0.05
LINGER_SECONDS = 0.01  # awake after work: the next change of a burst needs no bell
FULL_LOOK_SECONDS = 30.0
STANDBY_SECONDS = 1.0
STANDBY_LOOK_SECONDS = 5.0  # in case the daemon on duty hangs while its heartbeat lives
REOPEN_SECONDS = 2.0
UNFIT_SECONDS = 30.0


class Looker:
    """Looks for the crew's lanes."""

    def __init__(
        self,
        queue: Queue,
        bell: Doorbell,
        crew: Crew,
        worker: Callable[[], UUID],
        stop: asyncio.Event,
        longest: float,
    ) -> None:
        self._queue = queue
        self._bell = bell
        self._crew = crew
        self._worker = worker
        self._stop = stop
        self._longest = longest
        self._full = 0.0
        self._since: str | None = None
        self._slice = SLICE
        self._had_duty = False
        self._pause = BUSY_SECONDS
        self._found = False
        self._flood_since: float | None = None
        self.missed = 0

    async def turn(self) -> None:
        """One look, and the rest after it. Raises psycopg.Error while Postgres is away."""
        self._bell.settled()
        if await self.look():
            self._pause = BUSY_SECONDS
            if self._flood_since is None:
                await self._rest(BUSY_SECONDS)  # lanes that were just taken go first
        elif not self._bell.healthy:
            await self._rest(self._pause)
            self._pause = min(IDLE_SECONDS, self._pause * 1.5)
        elif self._bell.on_duty:
            await self._sleep_on_duty()
        else:
            await self._stand_by()

    async def look(self) -> bool:
        """Absorb, if that is ours to do, and lease. True: there may be more at once."""
        duty = self._bell.on_duty
        if duty and not self._had_duty:
            log.info("on duty")
            self.forget()  # whoever was on duty before may have left anything
        self._had_duty = duty
        if duty or not self._bell.healthy:
            return await self._look()
        return await self._take(
            await self._queue.lease(self._worker(), self._crew.free, self._crew.companies)
        )

    def forget(self) -> None:
        """Nothing seen before counts any more: the next look is a full one, and a flood begins anew."""
        self._since = self._flood_since = None

    async def _look(self) -> bool:
        now = asyncio.get_running_loop().time()
        # Alone, a difference to the last look is enough; beside others only everything is.
        since = self._since if self._bell.on_duty else None
        everything = since is None or now - self._full > FULL_LOOK_SECONDS
        try:
            look, leased = await self._queue.look(
                self._worker(),
                self._slice,
                since,
                everything=everything,
                slots=self._crew.free,
                held=self._crew.companies,
                patience=self._flood_since is None or now < self._flood_since + PATIENT_SECONDS,
            )
        except DATABASE_AWAY:
            self._since = None
            raise
        except psycopg.Error as error:
            self._since = None
            await self._make_way(error)
            return True
        if everything:
            self._full = now
        if look.missed:
            self.missed += look.missed
            log.error(
                "the slow look found changes that nothing had announced: report it", signals=look.missed
            )
        if look.signals < self._slice:
            self._flood_since = None
        elif self._flood_since is None:
            self._flood_since = now
        self._since = look.seen
        self._slice = min(SLICE, self._slice * 2)
        self._crew.nudge(look.mine)
        taken = await self._take(leased)
        self._found = look.signals > 0 or taken
        return self._found

    async def _take(self, leased: list[Leased]) -> bool:
        self._crew.take(leased)
        if self._crew.free == 0:
            await self._crew.make_room()
        return bool(leased)

    async def _make_way(self, error: psycopg.Error) -> None:
        """One bad signal must not stop every company: the slice is halved until it is alone, and set aside."""
        if self._slice > 1:
            self._slice = max(1, self._slice // 2)
            return
        because = (error.diag.message_primary or str(error)).strip()
        signal = await self._queue.set_aside(because)
        if signal is not None:
            log.error("a signal cannot be absorbed and was set aside", signal_id=signal, reason=because)

    async def _sleep_on_duty(self) -> None:
        end = asyncio.get_running_loop().time() + LINGER_SECONDS
        while asyncio.get_running_loop().time() < end:
            await self._rest(BUSY_SECONDS / 2)
            if self._stop.is_set() or await self.look():
                return
        # No longer than a lease: what other daemons leave behind when they die is known only by looking.
        seconds = await self._queue.sleep_for(self._longest)
        if seconds > 0:
            self._found = False
            await self._bell.sleep(seconds, self.look, self._stop)
            if self._found:
                await self._rest(BUSY_SECONDS)  # the lanes that it found work for go first
        else:
            await self._rest(IDLE_SECONDS)  # lanes are due, but no slot is free

    async def _stand_by(self) -> None:
        await self._queue.unseat()
        if asyncio.get_running_loop().time() - self._full > STANDBY_LOOK_SECONDS:
            await self._look()
        seconds = await self._queue.sleep_for(STANDBY_SECONDS)
        # Lanes that are due and not taken a moment ago wait for a slot.
        await self._bell.until_duty(max(seconds, IDLE_SECONDS))

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), timeout=seconds)
        except TimeoutError:
            return

    async def keep_bell(self) -> None:
        """Open the bell, watch it, and open it again when it breaks; for ever."""
        said = ""
        while True:
            try:
                await self._bell.open()
                self.forget()
                log.info("the bell is open")
                said = ""
                await self._bell.watch()
            except (psycopg.Error, Unfit, TimeoutError, OSError) as error:
                reason = str(error).strip()
                self._bell.fail(reason)
                if reason != said:
                    log.warning("polling instead of the bell", reason=reason)
                said = reason
                # What does not fit was set up so, and is not set right in a second.
                pause = UNFIT_SECONDS if isinstance(error, Unfit) else REOPEN_SECONDS
            else:
                pause = REOPEN_SECONDS
            await asyncio.sleep(random.uniform(0.2, 1) * pause)  # noqa: S311 - only jitter
