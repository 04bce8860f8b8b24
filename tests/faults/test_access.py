"""Throttles, tokens and the token endpoint: the realm waits, nothing is lost, and other companies go on."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from syncd.qbo.vault import Vault
from tests.support.processes import VAULT_KEY
from tests.support.truth import effects

if TYPE_CHECKING:
    from tests.faults.conftest import Town
    from tests.support.proxy import Passage, Proxy

TOKENS = "/tokens/bearer"


def _seconds(town: Town, column: str, company: str = "1") -> float:
    """How far in the future a time of the lane is."""
    return float(
        town.database.value(
            f"select extract(epoch from least({column}, now() + interval '1 year') - clock_timestamp())"  # noqa: S608
            " from syncd.lane where company_id = %s",
            (company,),
        )
    )


def _state(town: Town) -> str:
    return str(town.database.value("select state::text from syncd.company where company_id = '1'"))


def _refreshes(town: Town) -> int:
    return sum(1 for r in town.sandbox.ask("requests")["requests"] if r["path"].endswith(TOKENS))


def test_a_throttled_realm_is_left_alone_for_a_minute_and_others_go_on(town: Town) -> None:
    throttled, other = town.connect("1"), town.connect("2")
    town.order(throttled, "throttle")
    town.world.daemon()
    town.database.add_customer("Ann", "1")
    town.wait(lambda: town.errors("1"))
    assert 50 < _seconds(town, "not_before") <= 61
    wait = town.database.value(
        "select extract(epoch from next_attempt_at - occurred_at) from syncd.sync_log where error_class = 'throttle'"
    )
    assert 59 <= wait <= 61
    for number in range(5):
        town.database.add_customer(f"Live {number}", "1")
        town.database.add_customer(f"Bob {number}", "2")
    town.wait(lambda: len(town.sandbox.objects(other)) == 5)
    town.wait(lambda: not town.database.value("select count(*) from syncd.outbox"))
    assert len(town.sandbox.writes(throttled)) == 1
    town.settle()
    town.check()


def test_a_throttled_look_up_leaves_the_realm_alone_too(town: Town) -> None:
    realm = town.connect()
    town.in_qbo(realm, "vendor", DisplayName="Ann")
    town.sandbox.tell("faults", kind="throttle", realm_id=realm, entity="query", times=0)
    town.world.daemon()
    town.database.add_customer("Ann")
    town.wait(lambda: town.errors())
    assert 50 < _seconds(town, "not_before") <= 61
    town.no_more_faults()
    town.hurry()
    town.wait(lambda: town.states() == ["error"])
    assert "vendor" in town.errors()[-1]


def test_a_dead_token_is_renewed_once_and_the_same_call_sent_again(town: Town) -> None:
    realm = town.connect()
    town.order(realm, "token-dead")
    before = _refreshes(town)
    town.world.daemon()
    town.database.add_customer("Ann")
    town.settle()
    town.check()
    assert _refreshes(town) == before + 1
    assert len({w["requestid"] for w in town.sandbox.writes(realm)}) == 1
    assert town.errors() == []


def test_killed_right_after_a_refresh_the_rotated_token_is_there(town: Town) -> None:
    town.connect(expired=True)
    daemon = town.world.daemon()
    connected = town.database.value("select refreshed_at from syncd.company")
    town.database.add_customer("Ann")
    town.wait(lambda: town.database.value("select refreshed_at from syncd.company") > connected)
    town.kill(daemon)
    daemon.start()
    town.settle()
    # Used up: the next refresh must find the newest one.
    town.order(town.realms["1"], "token-dead")
    town.database.add_customer("Bob")
    town.settle()
    town.check()


def test_killed_while_intuit_renews_the_loss_is_said_and_reconnecting_releases_all(
    town: Town, proxy: Proxy
) -> None:
    """The token is rotated, nobody heard of it: recognised, waited for once, then said; the jobs wait."""
    realm = town.connect(expired=True)
    answered, go = threading.Event(), threading.Event()

    def hold_back(passage: Passage) -> bytes:
        if passage.path.endswith(TOKENS):
            answered.set()
            go.wait(30)
        return passage.body

    proxy.bend = hold_back
    daemon = town.world.daemon({"SYNCD_QBO_TOKEN_URL": f"{proxy.url}/oauth2/v1{TOKENS}"})
    town.database.add_customer("Ann")
    town.wait(answered.is_set)
    town.kill(daemon)
    go.set()
    proxy.bend = lambda passage: passage.body
    daemon.start()
    town.wait(lambda: town.database.value("select refresh_refused_at from syncd.company"))
    town.wait(lambda: _seconds(town, "not_before") > 50)
    assert _state(town) == "connected"
    town.database.execute("update syncd.company set refresh_refused_at = now() - interval '61 seconds'")
    town.hurry()
    town.wait(lambda: _state(town) == "needs_reconnect")
    town.wait(lambda: _seconds(town, "not_before") > 1e6)
    because = town.database.value("select paused_because from syncd.lane")
    assert "interrupted" in because
    assert "syncd company connect" in because
    town.database.add_customer("Bob")
    town.wait(lambda: town.states() == ["pending", "pending"])
    assert town.database.value("select sum(attempts) from syncd.job") == 0
    assert town.sandbox.writes(realm) == []
    town.reconnect("1", realm)
    town.settle()
    town.check()


@pytest.mark.parametrize("unheard", [False, True], ids=["refused twice", "an answer was lost before"])
def test_a_lost_connection_is_put_down_to_an_interruption_only_if_there_was_one(
    town: Town, unheard: bool
) -> None:
    realm = town.connect(expired=True)
    if unheard:
        town.sandbox.tell("faults", kind="drop-after", entity="token", times=1)
    else:
        # Somebody took the app's access away.
        tokens = Vault([VAULT_KEY]).decrypt(town.database.value("select tokens from syncd.company"))
        held = json.loads(tokens)
        town.sandbox.http.post(
            "/v2/oauth2/tokens/revoke",
            json={"token": held["refresh_token"]},
            auth=("sandbox", "sandbox"),
        ).raise_for_status()
    town.world.daemon()
    town.database.add_customer("Ann")

    def tried_again() -> bool:
        town.database.execute(
            "update syncd.company set refresh_refused_at = now() - interval '61 seconds'"
            " where refresh_refused_at is not null"
        )
        town.hurry()
        return _state(town) == "needs_reconnect"

    town.wait(tried_again)
    town.wait(lambda: _seconds(town, "not_before") > 1e6)
    because = town.database.value("select paused_because from syncd.lane")
    assert "syncd company connect" in because
    assert ("interrupted" in because) == unheard
    town.reconnect("1", realm)
    town.settle()
    town.check()


def test_postgres_is_away_while_intuit_renews(town: Town, proxy: Proxy) -> None:
    """The renewed token is in the daemon's hands only, and is kept as soon as Postgres is back."""
    town.connect(expired=True)
    answered, go = threading.Event(), threading.Event()

    def hold_back(passage: Passage) -> bytes:
        if passage.path.endswith(TOKENS):
            answered.set()
            go.wait(30)
        return passage.body

    proxy.bend = hold_back
    town.world.daemon({"SYNCD_QBO_TOKEN_URL": f"{proxy.url}/oauth2/v1{TOKENS}", "SYNCD_LEASE_SECONDS": "1"})
    town.database.add_customer("Ann")
    town.wait(answered.is_set)
    town.database.execute("alter role test_daemon nologin")
    try:
        town.database.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'test_daemon'"
        )
        go.set()
        # Long enough for the lease to end: the renewal must outlive its lane.
        town.wait(lambda: town.database.value("select max(alive_until) < now() from syncd.worker"))
    finally:
        town.database.execute("alter role test_daemon login")
    town.settle()
    town.check()
    assert _state(town) == "connected"
    assert not town.database.value("select refresh_refused_at from syncd.company")


def test_the_token_endpoint_is_down(town: Town) -> None:
    realm = town.connect(expired=True)
    town.sandbox.tell("faults", kind="status", entity="token", times=2)
    town.world.daemon()
    town.database.add_customer("Ann")
    town.wait(lambda: _seconds(town, "not_before") > 50)
    assert _state(town) == "connected"
    assert town.sandbox.writes(realm) == []
    town.settle()
    town.check()
    assert len(effects(town.sandbox, realm)) == 1


def test_a_disconnected_company_waits_and_is_not_tried_in_a_loop(town: Town) -> None:
    realm = town.connect()
    daemon = town.world.daemon()
    town.database.execute("update syncd.company set state = 'disconnected'")
    town.database.add_customer("Ann")
    # Whether the lane saw it before its jobs, and pauses, or a job did, and waits for the connection.
    town.wait(lambda: town.states() and (_seconds(town, "not_before") > 1000 or town.states() == ["waiting"]))
    assert daemon.events("jobs are due, but none moves") == []
    town.reconnect("1", realm)
    town.settle()
    town.check()
