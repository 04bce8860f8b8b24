"""SIGTERM: what is under way is finished and recorded, within a bounded time."""

from __future__ import annotations

import time
from signal import SIGTERM
from typing import TYPE_CHECKING

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
