"""Postgres restarted, silent, read-only, full or away: nothing is lost, nothing spins, and systemd is told."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

import psycopg
import pytest

from syncd.demo.postgres import throwaway_postgres
from tests.support.database import make_template
from tests.support.processes import Daemon, environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncd.demo.postgres import Server
    from tests.faults.conftest import Town

QUICK = {"SYNCD_LEASE_SECONDS": "1"}
OURS = "select pid from pg_stat_activity where datname = current_database() and usename = 'test_daemon'"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of these tests' own, which they may stop."""
    with throwaway_postgres() as running:
        yield running


@pytest.fixture(scope="module")
def template(server: Server) -> Server:
    """The same, with the template."""
    make_template(server)
    return server


def _start(town: Town, server: Server) -> None:
    server.start()
    town.database.connection.close()
    town.database.connection = psycopg.connect(town.database.dsn, autocommit=True)


def _terminate(town: Town) -> None:
    town.database.execute(OURS.replace("select pid", "select pg_terminate_backend(pid)"))


def _quiet(daemon: Daemon, lines: int) -> None:
    """The log tells of the trouble, and does not repeat it without end."""
    text = daemon.log.read_text()
    assert "Traceback" not in text
    found = [line for line in text.splitlines() if '"event": "recorded"' not in line]
    assert len(found) <= lines, found[:lines]


@pytest.mark.parametrize("mode", ["immediate", pytest.param("fast", marks=pytest.mark.slow)])
def test_restarted_while_calls_are_in_flight(
    town: Town, server: Server, mode: Literal["fast", "immediate"]
) -> None:
    for company in ("1", "2"):
        town.order(town.connect(company), "delay", times=3, seconds=0.6)
    daemon = town.world.daemon(QUICK)
    for number in range(3):
        for company in town.realms:
            town.database.add_customer(f"Customer {number}", company)
    town.wait(lambda: all(town.sandbox.writes(realm) for realm in town.realms.values()))
    server.stop(mode)
    town.wait(lambda: all(town.sandbox.objects(realm) for realm in town.realms.values()))
    _start(town, server)
    town.settle()
    town.check()
    _quiet(daemon, 20)


@pytest.mark.slow
def test_sessions_terminated_again_and_again_under_load(town: Town) -> None:
    rng = random.Random(7)
    for company in ("1", "2", "3"):
        town.order(town.connect(company), "delay", times=0, seconds=0.03)
    daemon = town.world.daemon(QUICK)
    ids = []
    for number in range(15):
        ids.append(town.database.add_customer(f"Customer {number}", rng.choice("123")))
        town.database.execute(
            "update sip.customers set phone = %s where id = %s", (f"555 {number:04}", rng.choice(ids))
        )
        time.sleep(rng.uniform(0, 0.15))  # not for correctness: any moment is a good one
        _terminate(town)
    town.settle()
    town.check()
    assert daemon.events("a lane failed") == []
    _quiet(daemon, 80)


def test_a_lease_whose_answer_was_lost_is_found_again(town: Town) -> None:
    """The lane belongs to a living daemon that does not know of it."""
    town.connect()
    town.world.daemon()
    town.database.execute(
        "update syncd.lane set owner = (select worker_id from syncd.worker), epoch = epoch + 1"
    )
    town.database.add_customer("Ann")
    town.settle()
    town.check()


@pytest.mark.slow
def test_a_primary_that_is_read_only_for_a_while(town: Town) -> None:
    town.connect()
    daemon = town.world.daemon(QUICK)
    town.database.add_customer("Ann")
    town.settle()
    name = town.database.name
    town.database.execute(f"alter database {name} set default_transaction_read_only = on")
    _terminate(town)
    town.wait(lambda: daemon.events("Postgres is away") and daemon.events("lease not extended"))
    town.database.add_customer("Bob")
    town.database.execute(f"alter database {name} reset default_transaction_read_only")
    _terminate(town)
    town.settle()
    town.check()
    _quiet(daemon, 20)


def test_a_postgres_that_falls_silent_costs_the_lease_and_no_record(town: Town, server: Server) -> None:
    realm = town.connect()
    town.order(realm, "delay", seconds=2)
    daemon = town.world.daemon(QUICK)
    town.database.add_customer("Ann")
    town.wait(lambda: town.sandbox.writes(realm))
    beating = "select pid from pg_stat_activity where application_name = 'syncd heartbeat'"
    town.wait(lambda: town.database.value(beating))
    frozen = [server.pid, *(pid for (pid,) in town.database.rows(OURS))]
    try:
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        town.wait(lambda: daemon.events("lease given up"), "the call is given up before the lease ends")
    finally:
        for pid in frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    town.settle()
    town.check()
    _quiet(daemon, 20)


@pytest.mark.slow
def test_a_daemon_ends_though_postgres_says_nothing(town: Town, server: Server) -> None:
    town.connect()
    daemon = town.world.daemon({"SYNCD_SHUTDOWN_SECONDS": "1"})
    town.database.add_customer("Ann")
    town.settle()
    frozen = [server.pid, *(pid for (pid,) in town.database.rows(OURS))]
    try:
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        daemon.process.terminate()
        daemon.process.wait(90)
    finally:
        for pid in frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def test_away_at_the_start_and_systemd_is_told(town: Town, server: Server, tmp_path: Path) -> None:
    town.connect()
    town.database.add_customer("Ann")
    said: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.setblocking(False)

        def hears(word: str) -> bool:
            with suppress(BlockingIOError):
                while True:
                    said.append(channel.recv(4096).decode())
            return any(word in message for message in said)

        server.stop()
        daemon = Daemon(
            environment(
                town.database,
                town.sandbox.url,
                NOTIFY_SOCKET=str(tmp_path / "notify"),
                WATCHDOG_USEC="3000000",
            ),
            tmp_path / "log",
        )
        try:
            town.wait(lambda: hears("waiting for Postgres"))
            town.wait(lambda: daemon.events("Postgres is away"))
            assert not hears("READY=1")
            _start(town, server)
            town.wait(lambda: hears("READY=1"))
            town.wait(lambda: hears("WATCHDOG=1"))
            town.settle()
            town.check()
            assert daemon.stop() == 0
            assert hears("STOPPING=1")
        finally:
            if daemon.process.poll() is None:
                daemon.kill()
    _quiet(daemon, 20)


def test_no_connection_is_free_at_the_start(town: Town, tmp_path: Path) -> None:
    """A pool that could not be filled is no reason to wait for ever."""
    town.connect()
    town.database.add_customer("Ann")
    town.database.execute("alter role test_daemon connection limit 1")
    daemon = Daemon(environment(town.database, town.sandbox.url), tmp_path / "log")
    try:
        town.wait(lambda: daemon.events("Postgres is away"))
        town.database.execute("alter role test_daemon connection limit -1")
        town.settle()
        town.check()
    finally:
        town.database.execute("alter role test_daemon connection limit -1")
        daemon.kill()


@pytest.mark.slow
def test_sigterm_while_postgres_is_gone(town: Town, server: Server) -> None:
    realm = town.connect()
    town.order(realm, "delay", seconds=1)
    daemon = town.world.daemon({**QUICK, "SYNCD_SHUTDOWN_SECONDS": "2"})
    town.database.add_customer("Ann")
    town.wait(lambda: town.sandbox.writes(realm))
    server.stop("immediate")
    try:
        assert daemon.stop() == 0
    finally:
        _start(town, server)
    daemon.start()
    town.settle()
    town.check()
    _quiet(daemon, 20)
