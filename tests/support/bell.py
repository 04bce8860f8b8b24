"""Daemons on the bell: asleep, waiting for it, standing by; and whether they hear."""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import psycopg

from tests.support.processes import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.flow.conftest import World
    from tests.support.processes import Daemon

# No timer hides a bell that was not heard.
LONG = {"SYNCD_LEASE_SECONDS": "300"}
SOON = 20.0  # seconds; a hundred times what it takes, and no timer of a daemon on the bell comes so early
UNAIDED = 4.5  # but the probe: whatever took longer may have been found by it, which then says so
LATEST = 30.0  # what no change may wait longer than, whatever befalls the bell

OPEN = "the bell is open"
LOST = "the bell cannot be trusted; polling"
POLLING = "polling instead of the bell"

HELD = (
    "select exists (select from pg_locks where locktype = 'advisory' and classid = 1937337955 and objid = 1"
    " and mode = 'ExclusiveLock' and granted = %s"
    " and database = (select oid from pg_database where datname = current_database()))"
)
LOCKS = (
    "select count(*) from pg_locks where locktype = 'advisory' and classid = 1937337955"
    " and database = (select oid from pg_database where datname = current_database())"
)


def on_duty(world: World, **more: str) -> Daemon:
    """A daemon that is on duty and asleep."""
    daemon = world.daemon({**LONG, **more})
    until(lambda: daemon.events("on duty"), what="the daemon is on duty")
    asleep(world)
    return daemon


def asleep(world: World) -> None:
    """The bell's lock is held: everything has been looked at."""
    until(lambda: world.database.value(HELD, (True,)), what="the daemon sleeps")


def queued(world: World) -> None:
    """The bell's lock is asked for, and somebody's transaction keeps it."""
    until(lambda: world.database.value(HELD, (False,)), what="the daemon waits for the bell")


@contextmanager
def long_transaction(world: World) -> Iterator[psycopg.Connection[Any]]:
    """A transaction of SIP that wrote while no daemon slept, and goes on. Committed at the end."""
    with psycopg.connect(world.database.dsn) as sip:
        sip.execute("insert into sip.customers (organization_id, name) values (1, 'Old')")
        yield sip


def heard(world: World, *, seconds: float = SOON) -> None:
    """Every signal is taken soon."""
    with _by_the_bell(world):
        until(
            lambda: world.database.value("select not exists (select from syncd.outbox)"),
            seconds=seconds,
            what="the signal is heard",
        )


@contextmanager
def _by_the_bell(world: World) -> Iterator[None]:
    """What is waited for comes without the help of a probe that failed."""

    def lost() -> int:
        return sum(len(daemon.events(LOST)) for daemon in world.daemons)

    began, before = time.monotonic(), lost()
    yield
    assert time.monotonic() - began < UNAIDED or lost() == before, "the probe heard it, and not the bell"


def arrives(world: World, realm: str, name: str, *, within: float = LATEST) -> float:
    """A customer added now is in QuickBooks in time; the seconds it took."""
    began = time.monotonic()
    world.database.add_customer(name)
    with _by_the_bell(world) if within == SOON else nullcontext():
        until(lambda: name in world.names(realm), seconds=60, what=f"{name} never arrived")
    took = time.monotonic() - began
    assert took < within
    return took


def sessions(world: World, name: str) -> list[int]:
    """The processes of the sessions whose name begins so."""
    return [
        pid
        for (pid,) in world.database.rows(
            "select pid from pg_stat_activity where datname = current_database() and application_name like %s"
            " order by pid",
            (f"{name}%",),
        )
    ]


def terminate(world: World, *names: str) -> None:
    """End the sessions with these names."""
    for name in names:
        for pid in sessions(world, name):
            world.database.execute("select pg_terminate_backend(%s)", (pid,))
