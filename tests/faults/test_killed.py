"""The daemon is killed, at any moment and at the worst ones; QuickBooks equals SIP all the same."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.support.processes import PATIENT
from tests.support.truth import effects

if TYPE_CHECKING:
    from tests.faults.conftest import Town
    from tests.support.processes import Daemon
    from tests.support.proxy import Passage, Proxy


@pytest.mark.parametrize("seed", [20261122])
def test_killed_at_random_moments_under_load(town: Town, seed: int) -> None:
    """Two daemons, of which one or the other is killed and started again, twenty times."""
    rng = random.Random(seed)
    companies = ["1", "2", "3", "4"]
    for company in companies:
        town.order(town.connect(company), "delay", times=0, seconds=rng.uniform(0.03, 0.1))
    daemons = [town.world.daemon(), town.world.daemon()]
    ids: list[str] = []
    for kill in range(20):
        for _ in range(4):
            company = rng.choice(companies)
            ids.append(
                town.database.add_customer(f"Customer {len(ids)}", company, email=f"c{len(ids)}@x.com")
            )
        for edited in rng.sample(ids, 4):
            town.database.execute(
                "update sip.customers set phone = %s, city = %s where id = %s",
                (f"555 01{kill:02}", f"Town {rng.random():.6f}", edited),
            )
        time.sleep(rng.uniform(0, 0.35))  # not for correctness: any moment is a good one to be killed at
        victim = daemons[kill % 2]
        ready(town, victim, kill // 2 + 1)
        town.kill(victim)
        victim.start()
    town.settle()
    town.check()
    assert len(ids) == 80


def ready(town: Town, daemon: Daemon, times: int) -> None:
    """Wait until the daemon has come up that often."""
    town.wait(lambda: len(daemon.events("ready")) >= times, "the daemon is ready")


def test_killed_after_the_intent_and_before_the_request(town: Town) -> None:
    realm = town.connect()
    daemon = town.world.daemon({"SYNCD_LEASE_SECONDS": "3"})
    # The realm's budget lets the request go only in some seconds.
    town.database.execute("update syncd.lane set next_turn = clock_timestamp() + interval '9 seconds'")
    town.database.add_customer("Ann")
    town.wait(lambda: town.database.value("select count(*) from syncd.call"))
    daemon.kill()  # and its lease ends by itself
    assert town.sandbox.writes(realm) == []
    town.database.execute("update syncd.lane set next_turn = now()")
    daemon.start()
    town.settle()
    town.check()
    assert len(town.sandbox.writes(realm)) == 1


def test_killed_while_quickbooks_works(town: Town) -> None:
    realm = town.connect()
    town.order(realm, "hang", when="after")  # carried out, but the answer never comes
    daemon = town.world.daemon(PATIENT)
    town.database.add_customer("Ann")
    town.wait(lambda: town.sandbox.objects(realm))
    town.kill(daemon)
    daemon.start()
    town.settle()
    town.check()
    assert [w["outcome"] for w in town.sandbox.writes(realm)] == ["executed", "replayed"]


def test_killed_between_the_answer_and_its_record(town: Town, proxy: Proxy) -> None:
    realm = town.connect()
    daemon = town.world.daemon({"SYNCD_QBO_SANDBOX_URL": proxy.url})
    with psycopg.connect(town.database.dsn) as blocker:

        def hold_the_lane(passage: Passage) -> bytes:
            blocker.execute("select from syncd.lane for update")
            return passage.body

        proxy.bend = hold_the_lane
        town.database.add_customer("Ann")
        recording = (
            "select pid from pg_stat_activity where datname = current_database()"
            " and query like '%syncd.record(%' and wait_event_type = 'Lock'"
        )
        town.wait(lambda: town.database.value(recording), "the answer is in the daemon's hands")
        town.kill(daemon)
        town.database.execute(recording.replace("select pid", "select pg_terminate_backend(pid)"))
        town.wait(lambda: not town.database.value(recording))
    assert town.database.value("select count(*) from syncd.sync_log") == 0
    proxy.bend = lambda passage: passage.body
    daemon.start()
    town.settle()
    town.check()
    assert len(effects(town.sandbox, realm)) == 1
