"""The bell's sessions killed, timed out or cut off: it is said once, nothing waits for long, the bell comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from psycopg.conninfo import make_conninfo

from tests.support.bell import (
    LOCKS,
    LONG,
    LOST,
    OPEN,
    POLLING,
    SOON,
    arrives,
    asleep,
    heard,
    long_transaction,
    on_duty,
    queued,
    sessions,
    terminate,
)
from tests.support.processes import until
from tests.support.proxy import BOTH, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from syncd.demo.postgres import Server
    from tests.flow.conftest import World
    from tests.support.processes import Daemon

DUTY, EARS, POOL, ALL = "syncd duty", "syncd ears", "syncd", ""
TO, FROM = BOTH
slow = pytest.mark.slow


@pytest.fixture
def wire(world: World, server: Server) -> Iterator[Wire]:
    """A proxy in front of Postgres."""
    running = Wire(server.port)
    yield running
    world.end()
    running.stop()


def _by(world: World, wire: Wire) -> dict[str, str]:
    """The daemon comes through the wire."""
    return {"SYNCD_DSN": make_conninfo(world.database.daemon_dsn, host="127.0.0.1", port=wire.port)}


def _comes_back(world: World, daemon: Daemon, *, lost: int = 1) -> None:
    """It said what happened, once, and that it is over, once; and hears again."""
    until(lambda: len(daemon.events(OPEN)) == 1 + lost, seconds=60, what="the bell is open again")
    asleep(world)
    world.database.add_customer("Zoe")
    heard(world)
    assert len(daemon.events(LOST)) == lost
    assert len(daemon.events(OPEN)) == 1 + lost
    assert len(daemon.events(POLLING)) <= 1


def _ended(world: World, *names: str) -> Callable[[], bool]:
    before = {name: sessions(world, name) for name in names}
    terminate(world, *names)
    return lambda: not any(set(pids) & set(sessions(world, name)) for name, pids in before.items())


@pytest.mark.parametrize(
    "victims", [(DUTY, EARS), pytest.param((DUTY,), marks=slow), pytest.param((EARS,), marks=slow)]
)
def test_sessions_killed_while_it_sleeps(world: World, victims: tuple[str, ...]) -> None:
    realm = world.connect()
    daemon = on_duty(world)
    _ended(world, *victims)
    arrives(world, realm, "Ann")
    _comes_back(world, daemon)


@pytest.mark.parametrize(
    "victims", [(DUTY,), pytest.param((EARS,), marks=slow), pytest.param((DUTY, EARS), marks=slow)]
)
def test_sessions_killed_while_a_long_transaction_keeps_the_bell(
    world: World, victims: tuple[str, ...]
) -> None:
    realm = world.connect()
    with long_transaction(world):
        daemon = world.daemon(LONG)
        queued(world)
        _ended(world, *victims)
        arrives(world, realm, "Ann")
        until(lambda: len(daemon.events(OPEN)) == 2, what="the bell is open again")
        queued(world)
        arrives(world, realm, "Bob", within=SOON)
    _comes_back(world, daemon)


@pytest.mark.parametrize(
    "victims", [(DUTY,), pytest.param((EARS,), marks=slow), pytest.param((DUTY, EARS), marks=slow)]
)
def test_sessions_killed_while_it_stands_by(world: World, victims: tuple[str, ...]) -> None:
    realm = world.connect()
    first = on_duty(world)
    theirs = {name: sessions(world, name) for name in (DUTY, EARS)}
    second = world.daemon(LONG)
    until(lambda: second.events(OPEN))
    for name in victims:
        [ours] = set(sessions(world, name)) - set(theirs[name])
        world.database.execute("select pg_terminate_backend(%s)", (ours,))
    until(lambda: len(second.events(OPEN)) == 2, what="it noticed")
    assert not first.events(LOST)
    first.kill()
    until(lambda: second.events("on duty"), what="the other is on duty")
    arrives(world, realm, "Ann", within=SOON)
    _comes_back(world, second)


@slow
def test_the_pool_killed_while_it_sleeps(world: World) -> None:
    realm = world.connect()
    daemon = on_duty(world)
    pool = world.database.rows(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and application_name = 'syncd'"
    )
    assert pool
    arrives(world, realm, "Ann")
    asleep(world)
    arrives(world, realm, "Bob", within=SOON)
    assert daemon.process.poll() is None
    assert len(daemon.events(LOST)) <= 1


@pytest.mark.parametrize(
    ("name", "directions"),
    [
        (DUTY, BOTH),
        pytest.param(DUTY, (TO,), marks=slow),
        pytest.param(DUTY, (FROM,), marks=slow),
        pytest.param(EARS, BOTH, marks=slow),
        pytest.param(EARS, (TO,), marks=slow),
        pytest.param(EARS, (FROM,), marks=slow),
        pytest.param(ALL, BOTH, marks=slow),
        pytest.param(ALL, (TO,), marks=slow),
        pytest.param(ALL, (FROM,), marks=slow),
    ],
)
def test_connections_half_open_while_it_sleeps(
    world: World, wire: Wire, name: str, directions: tuple[str, ...]
) -> None:
    realm = world.connect()
    daemon = on_duty(world, **_by(world, wire), SYNCD_LEASE_SECONDS="15" if name == ALL else "300")
    assert wire.swallow(name, *directions)
    arrives(world, realm, "Ann")
    if name == EARS and directions == (TO,):  # it only listens; nobody misses what it might say
        return
    _comes_back(world, daemon)
    assert len(sessions(world, DUTY)) == 1, "the session that was cut off is ended"


def test_a_session_that_ends_behind_a_half_open_connection(world: World, wire: Wire) -> None:
    """Its lock is gone, so nobody rings, and nothing tells the daemon."""
    realm = world.connect()
    daemon = on_duty(world, **_by(world, wire))
    assert wire.swallow(DUTY, *BOTH)
    terminate(world, DUTY)
    until(lambda: not sessions(world, DUTY))
    arrives(world, realm, "Ann")
    _comes_back(world, daemon)


@slow
@pytest.mark.parametrize("name", [DUTY, EARS])
def test_connections_half_open_while_a_long_transaction_keeps_the_bell(
    world: World, wire: Wire, name: str
) -> None:
    realm = world.connect()
    with long_transaction(world):
        daemon = world.daemon({**LONG, **_by(world, wire)})
        queued(world)
        assert wire.swallow(name, *BOTH)
        arrives(world, realm, "Ann")
        until(lambda: len(daemon.events(OPEN)) == 2, what="the bell is open again")
        queued(world)
        arrives(world, realm, "Bob", within=SOON)
    _comes_back(world, daemon)


@slow
@pytest.mark.parametrize("name", [DUTY, EARS])
def test_connections_half_open_while_it_stands_by(world: World, wire: Wire, name: str) -> None:
    realm = world.connect()
    first = on_duty(world)
    second = world.daemon({**LONG, **_by(world, wire)})
    until(lambda: second.events(OPEN))
    assert wire.swallow(name, *BOTH)
    until(lambda: len(second.events(OPEN)) == 2, what="it noticed")
    first.kill()
    until(lambda: second.events("on duty"), what="the other is on duty")
    arrives(world, realm, "Ann", within=SOON)
    _comes_back(world, second)


@slow
def test_nothing_passes_for_a_while(world: World, wire: Wire) -> None:
    realm = world.connect()
    daemon = on_duty(world, **_by(world, wire), SYNCD_LEASE_SECONDS="15")
    wire.cut()
    world.database.add_customer("Ann")
    until(lambda: daemon.events(LOST))
    until(lambda: daemon.events(POLLING), seconds=60)
    wire.mend()
    arrives(world, realm, "Bob")
    assert world.names(realm) == ["Ann", "Bob"]
    until(lambda: len(daemon.events(OPEN)) == 2, seconds=60, what="the bell is open again")


TIMEOUTS = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"]


@pytest.mark.parametrize(
    "settings",
    [
        TIMEOUTS,
        pytest.param(["idle_session_timeout"], marks=slow),
        *(pytest.param([name], marks=slow) for name in TIMEOUTS),
    ],
)
def test_time_outs_set_for_the_role_do_not_end_the_bell(world: World, settings: list[str]) -> None:
    realm = world.connect()
    newer = world.database.value("select current_setting('server_version_num')::integer >= 170000")
    for name in [*settings, *(["transaction_timeout"] if newer and len(settings) > 1 else [])]:
        world.database.execute(
            f"alter role test_daemon in database {world.database.name} set {name} = '700ms'"
        )
    with long_transaction(world):
        daemon = world.daemon(LONG)
        standing_by = world.daemon(LONG)
        queued(world)
        until(lambda: standing_by.events(OPEN))
        before = sessions(world, DUTY) + sessions(world, EARS)
        world.database.execute("select pg_sleep(1.5)")
    asleep(world)
    world.database.execute("select pg_sleep(1.5)")
    arrives(world, realm, "Ann")
    assert sessions(world, DUTY) + sessions(world, EARS) == before
    assert not daemon.events(LOST)
    assert not standing_by.events(LOST)


def test_a_time_out_that_cannot_be_switched_off_is_said(world: World) -> None:
    realm = world.connect()
    world.database.execute("create schema stubborn")
    world.database.execute("grant usage on schema stubborn to test_daemon")
    world.database.execute(
        "create function stubborn.set_config(text, text, boolean) returns text language sql return $2"
    )
    for setting in ("search_path = stubborn, pg_catalog", "lock_timeout = '10s'"):
        world.database.execute(f"alter role test_daemon in database {world.database.name} set {setting}")
    daemon = world.daemon(LONG)
    until(lambda: daemon.events(POLLING))
    arrives(world, realm, "Ann", within=SOON)
    [event] = daemon.events(POLLING)
    assert event["reason"] == "lock_timeout cannot be switched off for the session"
    assert world.database.value(LOCKS) == 0
