"""SIGTERM: what is under way is finished and recorded, within a bounded time."""

from __future__ import annotations

import time
from signal import SIGTERM
from typing import TYPE_CHECKING

import psycopg

from tests.support.bell import LONG, asleep
from tests.support.processes import PATIENT

if TYPE_CHECKING:
    from tests.faults.conftest import Town

ONE_SLOT = {"SYNCD_SLOTS": "1"}


def test_a_call_in_flight_is_finished_and_recorded(town: Town) -> None:
    realm = town.connect()
    held = town.order(realm, "hold")
    daemon = town.world.daemon(PATIENT)
    town.database.add_customer("Ann")
    town.wait(lambda: town.sandbox.writes(realm))
    town.database.add_customer("Bob")
    daemon.process.send_signal(SIGTERM)
    town.wait(lambda: daemon.events("finishing"))
    town.release(held)
    assert daemon.ended() == 0
    assert town.world.names(realm) == ["Ann"]
    assert town.database.rows("select entity_name, status::text from syncd.sync_log") == [("Ann", "success")]
    assert town.database.value("select count(*) from syncd.lane where owner is not null") == 0
    daemon.start()
    town.settle()
    town.check()


def test_a_call_that_takes_too_long_is_left_to_the_next_start(town: Town) -> None:
    realm = town.connect()
    town.order(realm, "hang", when="after")
    daemon = town.world.daemon({**PATIENT, "SYNCD_SHUTDOWN_SECONDS": "1"})
    town.database.add_customer("Ann")
    town.wait(lambda: town.sandbox.objects(realm))
    begin = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begin < 50, "it did not wait for the answer"
    assert town.states() == ["sending"]
    daemon.start()
    town.settle()
    town.check()


def test_a_second_signal_ends_at_once(town: Town) -> None:
    realm = town.connect()
    town.order(realm, "hang")
    daemon = town.world.daemon(PATIENT)
    town.database.add_customer("Ann")
    town.wait(lambda: town.sandbox.writes(realm))
    daemon.process.send_signal(SIGTERM)
    town.wait(lambda: daemon.events("finishing"))
    assert daemon.stop() == 1
    town.lease_ends(daemon)
    daemon.start()
    town.settle()
    town.check()


def test_duty_passes_on_before_what_is_under_way_is_finished(town: Town) -> None:
    held = town.order(town.connect(), "hold")
    town.database.add_customer("Ann")
    first = town.world.daemon({**LONG, **PATIENT})
    town.wait(lambda: first.events("on duty") and town.states() == ["sending"])
    second = town.world.daemon(LONG)
    town.wait(lambda: second.events("the bell is open"))
    with psycopg.connect(town.database.dsn, autocommit=True) as listener:
        listener.execute("listen syncd_lanes")
        first.process.send_signal(SIGTERM)
        assert list(listener.notifies(timeout=60, stop_after=1)), "who stands by is told"
    town.wait(lambda: second.events("on duty"), "the other is on duty")
    assert first.process.poll() is None
    town.release(held)
    assert first.ended() == 0


def test_the_work_that_it_leaves_wakes_the_others(town: Town) -> None:
    slow, other = town.connect("1"), town.connect("2")
    on_duty = town.world.daemon({**ONE_SLOT, **LONG, **PATIENT})
    town.wait(lambda: on_duty.events("on duty"))
    elsewhere = town.order(other, "hold")
    town.database.add_customer("Ann", "2")
    town.wait(
        lambda: town.sandbox.writes(other), "the one on duty is busy, so that lane 1 goes to who comes now"
    )
    leaving = town.world.daemon({**ONE_SLOT, **LONG, **PATIENT})
    held = town.order(slow, "hold")
    town.database.add_customer("Bob", "1")
    town.wait(lambda: town.sandbox.writes(slow))
    town.database.add_customer("Cid", "1")
    town.wait(lambda: town.states("1") == ["sending", "pending"])
    owner = "select count(*) from syncd.lane l join syncd.worker w on w.worker_id = l.owner where w.pid = %s"
    assert town.database.value(owner, (leaving.process.pid,)) == 1
    town.release(elsewhere)
    town.wait(lambda: not town.database.value(owner, (on_duty.process.pid,)), "it has given its lane back")
    asleep(town.world)
    leaving.process.send_signal(SIGTERM)
    town.wait(lambda: leaving.events("finishing"))
    town.release(held)
    assert leaving.ended() == 0
    town.wait(lambda: town.world.names(slow) == ["Bob", "Cid"], "Cid has arrived")
