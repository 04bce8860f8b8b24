"""SIGTERM: what is under way is finished and recorded, within a bounded time."""

from __future__ import annotations

import time
from signal import SIGTERM
from typing import TYPE_CHECKING

import psycopg

from tests.support.bell import LONG, SOON, asleep
from tests.support.processes import until

if TYPE_CHECKING:
    from tests.faults.conftest import Town


def test_a_call_in_flight_is_finished_and_recorded(town: Town) -> None:
    realm = town.connect()
    town.order(realm, "delay", seconds=1)
    daemon = town.world.daemon()
    town.database.add_customer("Ann")
    town.wait(lambda: town.sandbox.writes(realm))
    town.database.add_customer("Bob")
    assert daemon.stop() == 0
    assert town.world.names(realm) == ["Ann"]
    assert town.database.rows("select entity_name, status::text from syncd.sync_log") == [("Ann", "success")]
    assert town.database.value("select count(*) from syncd.lane where owner is not null") == 0
    daemon.start()
    town.settle()
    town.check()


def test_a_call_that_takes_too_long_is_left_to_the_next_start(town: Town) -> None:
    realm = town.connect()
    town.order(realm, "hang", when="after")
    daemon = town.world.daemon({"SYNCD_SHUTDOWN_SECONDS": "1", "SYNCD_HTTP_TIMEOUT_SECONDS": "60"})
    town.database.add_customer("Ann")
    town.wait(lambda: town.sandbox.objects(realm))
    begin = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begin < 15
    assert town.states() == ["sending"]
    daemon.start()
    town.settle()
    town.check()


def test_a_second_signal_ends_at_once(town: Town) -> None:
    realm = town.connect()
    town.order(realm, "hang")
    daemon = town.world.daemon({"SYNCD_HTTP_TIMEOUT_SECONDS": "60"})
    town.database.add_customer("Ann")
    town.wait(lambda: town.sandbox.writes(realm))
    daemon.process.send_signal(SIGTERM)
    town.wait(lambda: daemon.events("finishing"))
    assert daemon.stop() == 1
    daemon.start()
    town.settle()
    town.check()


def test_duty_passes_on_before_what_is_under_way_is_finished(town: Town) -> None:
    town.order(town.connect(), "delay", seconds=8)
    town.database.add_customer("Ann")
    first = town.world.daemon({**LONG, "SYNCD_HTTP_TIMEOUT_SECONDS": "60"})
    town.wait(lambda: first.events("on duty") and town.states() == ["sending"])
    second = town.world.daemon(LONG)
    town.wait(lambda: second.events("the bell is open"))
    with psycopg.connect(town.database.dsn, autocommit=True) as listener:
        listener.execute("listen syncd_lanes")
        first.process.send_signal(SIGTERM)
        assert list(listener.notifies(timeout=SOON, stop_after=1)), "who stands by is told"
    until(lambda: second.events("on duty"), seconds=SOON, what="the other is on duty")
    assert first.process.poll() is None


def test_the_work_that_it_leaves_wakes_the_others(town: Town) -> None:
    slow, other = town.connect("1"), town.connect("2")
    one_slot = {**LONG, "SYNCD_SLOTS": "1", "SYNCD_HTTP_TIMEOUT_SECONDS": "60"}
    on_duty = town.world.daemon(one_slot)
    town.wait(lambda: on_duty.events("on duty"))
    town.order(other, "delay", seconds=1)
    town.database.add_customer("Ann", "2")
    town.wait(lambda: town.sandbox.writes(other), "the one on duty is busy")
    leaving = town.world.daemon(one_slot)
    town.order(slow, "delay", seconds=6)
    town.database.add_customer("Bob", "1")
    town.wait(lambda: town.sandbox.writes(slow))
    town.database.add_customer("Cid", "1")
    town.wait(lambda: town.states("1") == ["sending", "pending"] and not town.states("2"))
    owner = "select count(*) from syncd.lane l join syncd.worker w on w.worker_id = l.owner where w.pid = %s"
    assert town.database.value(owner, (leaving.process.pid,)) == 1
    town.wait(lambda: not town.database.value(owner, (on_duty.process.pid,)), "it has given its lane back")
    asleep(town.world)
    assert leaving.stop() == 0
    until(lambda: town.world.names(slow) == ["Bob", "Cid"], seconds=SOON, what="Cid has arrived")
