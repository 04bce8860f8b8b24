"""A sleeping daemon hears of every change, whoever writes it and whatever becomes of its sessions. The lease is long,
so that no timer hides a bell that was not heard.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import IsolationLevel

from tests.support.bell import LONG, SOON, arrives, asleep, heard, long_transaction, on_duty, queued
from tests.support.processes import until

if TYPE_CHECKING:
    from tests.flow.conftest import World


def test_each_change_wakes_a_sleeping_daemon(world: World) -> None:
    world.connect("1", on=False)
    on_duty(world)
    for number in range(10):
        asleep(world)
        world.database.add_customer(f"Ann {number}")
        heard(world)


@pytest.mark.parametrize(
    "level",
    [IsolationLevel.REPEATABLE_READ, pytest.param(IsolationLevel.READ_COMMITTED, marks=pytest.mark.slow)],
)
def test_no_burst_of_writers_goes_unheard(world: World, level: IsolationLevel) -> None:
    world.connect("1", on=False)
    on_duty(world)
    dice = random.Random(level.value)

    def write(sip: psycopg.Connection, pauses: list[float], *, undone: bool) -> None:
        time.sleep(pauses[0])
        sip.execute("select 1")  # the snapshot, before the daemon's next move
        time.sleep(pauses[1])
        sip.execute("insert into sip.customers (organization_id, name) values (1, 'Ann')")
        if undone:
            with sip.transaction(force_rollback=True):
                sip.execute("insert into sip.customers (organization_id, name) values (1, 'Bob')")
        time.sleep(pauses[2])
        sip.commit()

    with ExitStack() as stack:
        connections = [stack.enter_context(psycopg.connect(world.database.dsn)) for _ in range(4)]
        for connection in connections:
            connection.isolation_level = level
        for _ in range(50):
            writers = [
                threading.Thread(
                    target=write,
                    args=(connection, [dice.random() * longest for longest in (0.008, 0.008, 0.03)]),
                    kwargs={"undone": dice.random() < 0.3},
                )
                for connection in connections
            ]
            for writer in writers:
                writer.start()
            for writer in writers:
                writer.join()
            heard(world)


def test_a_change_committed_by_a_transaction_older_than_the_sleep_is_heard(world: World) -> None:
    world.connect("1", on=False)
    on_duty(world)
    with psycopg.connect(world.database.dsn) as sip:
        sip.execute("insert into sip.customers (organization_id, name) values (1, 'Ann')")
        world.database.add_customer("Bob")
        heard(world)  # Bob's; while Ann's writer is open
        time.sleep(0.2)
        sip.commit()
    heard(world)


def test_duty_passes_on_at_once_when_its_holder_is_killed(world: World) -> None:
    realm = world.connect("1")
    first = on_duty(world)
    second = world.daemon(LONG)
    until(lambda: second.events("the bell is open"))
    first.kill()
    until(lambda: second.events("on duty"), what="the other is on duty")
    arrives(world, realm, "Ann", within=SOON)


def test_duty_passes_on_too_when_its_holder_is_killed_while_it_waits_for_the_bell(world: World) -> None:
    realm = world.connect("1")
    with long_transaction(world):
        first = world.daemon(LONG)
        queued(world)
        second = world.daemon(LONG)
        until(lambda: second.events("the bell is open"))
        first.kill()
        until(lambda: second.events("on duty"), what="the other is on duty")
        arrives(world, realm, "Ann", within=SOON)


def test_a_daemon_that_stands_by_keeps_no_snapshot(world: World) -> None:
    world.connect("1")
    on_duty(world)
    second = world.daemon(LONG)
    until(lambda: second.events("the bell is open"))
    now = world.database.value("select pg_current_xact_id()::text::bigint")
    until(
        lambda: world.database.value(
            "select not exists (select from pg_stat_activity where application_name like 'syncd%%'"
            " and backend_xmin::text::bigint <= %s)",
            (now,),
        ),
        what="VACUUM may remove what died before",
    )


@pytest.mark.slow
def test_a_frozen_daemon_is_unseated(world: World) -> None:
    world.connect("1", on=False)
    first = on_duty(world, SYNCD_LEASE_SECONDS="2")
    second = world.daemon({"SYNCD_LEASE_SECONDS": "2"})
    until(lambda: second.events("the bell is open"))

    def taken() -> bool:
        return bool(world.database.value("select not exists (select from syncd.outbox)"))

    os.kill(first.process.pid, signal.SIGSTOP)
    try:
        world.database.add_customer("Ann")
        until(lambda: second.events("on duty"), what="the other is on duty")
        until(taken)
    finally:
        os.kill(first.process.pid, signal.SIGCONT)
    world.database.add_customer("Bob")
    until(taken)


def test_work_that_an_admin_makes_due_wakes_it_too(world: World) -> None:
    realm = world.connect("1")
    world.database.add_customer("Ann")
    world.database.execute("select syncd.absorb(10)")
    world.database.execute("update syncd.job set state = 'error', due_at = 'infinity'")
    world.database.execute("update syncd.lane set due_at = 'infinity'")
    on_duty(world)
    world.database.execute("select syncd.retry('1')")
    until(lambda: world.names(realm) == ["Ann"], seconds=SOON, what="the retry is heard")


def test_a_bad_signal_is_set_aside_and_the_others_go_on(world: World) -> None:
    realm = world.connect("1")
    daemon = on_duty(world)
    # An id that cannot be a key fails only where the company has to be looked up by it.
    world.database.execute(
        "insert into syncd.outbox (entity_type, entity_id) values ('customer', 'no number')"
    )
    world.database.add_customer("Ann")
    until(lambda: world.names(realm) == ["Ann"])
    [event] = daemon.events("a signal cannot be absorbed and was set aside")
    assert "no number" in event["reason"]
    assert world.database.value("select count(*) from syncd.outbox_bad") == 1
