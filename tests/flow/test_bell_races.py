"""The doorbell itself against a real Postgres: grants that race with rings, and transactions that go on for long."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import psycopg

from syncd.daemon.doorbell import Doorbell
from syncd.db.pool import make_pool
from tests.support.bell import HELD, LOCKS, SOON
from tests.support.processes import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from tests.support.database import Database

WRITE = "insert into sip.customers (organization_id, name) values (1, 'Ann')"
FOR_LONG = 60.0


class Sleeper:
    """A doorbell on duty. `looks` counts looks, and finds what became visible since the last one."""

    def __init__(self, bell: Doorbell, database: Database) -> None:
        self.bell = bell
        self.database = database
        self.looks = 0
        self.found = 0
        self.stop = asyncio.Event()

    async def look(self) -> bool:
        """As the daemon's look, but that nothing is taken away."""
        self.looks += 1
        there: int = await asyncio.to_thread(self.database.value, "select count(*) from syncd.outbox")
        self.found, before = there, self.found
        return there > before

    async def sleep(self) -> None:
        """The safety nets are far away."""
        await asyncio.wait_for(self.bell.sleep(FOR_LONG, self.look, self.stop), FOR_LONG / 2)

    async def sleeps(self, *, granted: bool) -> asyncio.Task[None]:
        """Asleep, with the bell or waiting for it."""
        self.bell.settled()
        task = asyncio.create_task(self.sleep())
        await asyncio.to_thread(until, lambda: self.database.value(HELD, (granted,)), what="it sleeps")
        return task


@asynccontextmanager
async def sleeper(database: Database) -> AsyncIterator[Sleeper]:
    """On duty, awake, and no heartbeat or lane anywhere near."""
    async with make_pool(database.daemon_dsn) as pool:
        bell = Doorbell(database.daemon_dsn, pool, uuid.uuid4, lambda _company: None)
        try:
            await bell.open()
            await bell.until_duty(0)
            assert bell.on_duty
            yield Sleeper(bell, database)
            assert bell.healthy
        finally:
            await bell.close()


def play(database: Database, scene: Callable[[Sleeper], Coroutine[None, None, None]]) -> None:
    """Run a scene with one sleeper."""

    async def whole() -> None:
        async with sleeper(database) as ours:
            await scene(ours)

    database.execute("insert into sip.organizations (id, name) values (1, 'Company')")
    asyncio.run(whole())


def test_a_ring_and_a_grant_at_the_same_moment_leave_no_lock_behind(database: Database) -> None:
    dice = random.Random(8)

    async def scene(ours: Sleeper) -> None:
        granted = 0
        # How long after the ring the grant comes. It goes where either may be first, which no two machines have at the
        # same place.
        lead = 0.0
        with psycopg.connect(database.dsn) as writer:

            def commit_after(seconds: float) -> None:
                time.sleep(seconds)  # the loop's own timers know only milliseconds
                writer.commit()

            for _ in range(150):
                writer.execute("select pg_advisory_xact_lock_shared(1937337955, 1)")
                asleep = await ours.sleeps(granted=False)
                ours.looks = 0
                apart = lead + dice.uniform(-0.0003, 0.0003)
                ringing = asyncio.get_running_loop().call_later(max(0, -apart), ours.bell.nudge)
                await asyncio.to_thread(commit_after, max(0, apart))
                await asleep
                ringing.cancel()
                granted += ours.looks > 0
                lead += 0.0001 if ours.looks > 0 else -0.0001
                assert database.value(LOCKS) == 1, "duty and nothing else"
        assert 0 < granted < 150, "both happened"

    play(database, scene)


def test_a_writer_that_saw_the_daemon_awake_is_found_at_the_grant(database: Database) -> None:
    async def scene(ours: Sleeper) -> None:
        for number in range(5):
            with psycopg.connect(database.dsn) as writer:
                writer.execute(WRITE)
                asleep = await ours.sleeps(granted=False)
                await asyncio.sleep(0.1)  # the looks while it waits have become rare
                writer.commit()
            async with asyncio.timeout(SOON):
                await asleep
            assert ours.found == number + 1

    play(database, scene)


def test_a_writer_that_saw_the_daemon_awake_is_found_while_another_keeps_the_bell(database: Database) -> None:
    async def scene(ours: Sleeper) -> None:
        with psycopg.connect(database.dsn) as long, psycopg.connect(database.dsn) as short:
            long.execute(WRITE)
            short.execute(WRITE)
            asleep = await ours.sleeps(granted=False)
            await asyncio.sleep(0.2)
            short.commit()
            async with asyncio.timeout(SOON):
                await asleep
        assert ours.found == 1

    play(database, scene)


def test_what_rings_between_a_look_and_the_sleep_is_not_forgotten(database: Database) -> None:
    async def scene(ours: Sleeper) -> None:
        with psycopg.connect(database.dsn) as long:
            long.execute(WRITE)
            ours.bell.settled()
            await ours.look()
            database.execute("select pg_notify('syncd', '')")
            await asyncio.sleep(0.3)
            ours.looks = 0
            await ours.sleep()
        assert ours.looks == 0

    play(database, scene)


def test_a_ring_ends_the_wait_for_the_bell(database: Database) -> None:
    async def scene(ours: Sleeper) -> None:
        with psycopg.connect(database.dsn) as long:
            long.execute(WRITE)
            asleep = await ours.sleeps(granted=False)
            database.add_customer("Bob")  # while the lock is asked for, every writer rings
            async with asyncio.timeout(SOON):
                await asleep
            assert not database.value(HELD, (False,)), "the request is taken back"
            assert not database.value(HELD, (True,))

    play(database, scene)
