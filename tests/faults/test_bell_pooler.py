"""Where the bell cannot work, the daemon says so once with the remedy, polls, and leaves nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from syncd.demo.postgres import throwaway_postgres
from tests.support.bell import LOCKS, LONG, LOST, OPEN, POLLING, SOON, arrives, asleep, on_duty
from tests.support.database import fresh_database, make_template
from tests.support.pooler import PROGRAM, Pooler
from tests.support.processes import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncd.demo.postgres import Server
    from tests.flow.conftest import World

needs_pooler = pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed")


@pytest.fixture
def pooler(world: World, server: Server, tmp_path: Path) -> Iterator[Pooler]:
    """In front of the test's Postgres."""
    running = Pooler(server, tmp_path)
    yield running
    world.end()
    running.stop()


def _through(world: World, pooler: Pooler) -> str:
    return make_conninfo(world.database.daemon_dsn, host="127.0.0.1", port=pooler.port)


@needs_pooler
def test_work_through_a_pooler_and_the_bell_beside_it(world: World, pooler: Pooler) -> None:
    realm = world.connect()
    direct = world.database.daemon_dsn
    daemon = on_duty(world, SYNCD_DSN=_through(world, pooler), SYNCD_LISTEN_DSN=direct)
    for number in range(8):  # more often than it takes for a statement to be prepared
        asleep(world)
        arrives(world, realm, f"Ann {number}", within=SOON)
    assert not daemon.events(POLLING)
    assert not daemon.events(LOST)
    assert not daemon.events("Postgres is away")
    assert not daemon.events("a lane failed")


@needs_pooler
def test_a_bell_behind_a_pooler_is_found_out_before_any_lock_is_taken(world: World, pooler: Pooler) -> None:
    realm = world.connect()
    daemon = world.daemon({**LONG, "SYNCD_DSN": _through(world, pooler)})
    until(lambda: daemon.events(POLLING))
    for number in range(8):
        arrives(world, realm, f"Ann {number}", within=SOON)
        assert world.database.value(LOCKS) == 0
    [event] = daemon.events(POLLING)
    assert "SYNCD_LISTEN_DSN" in event["reason"]
    assert not daemon.events(OPEN)
    assert not daemon.events("Postgres is away")
    assert daemon.stop() == 0
    assert world.database.value(LOCKS) == 0
    with psycopg.connect(_through(world, pooler), autocommit=True, prepare_threshold=None) as next_client:
        assert next_client.execute("select * from pg_listening_channels()").fetchall() == []


@pytest.fixture(scope="module")
def preparing() -> Iterator[Server]:
    """A server on which transactions may be prepared."""
    with throwaway_postgres({"max_prepared_transactions": "5"}) as running:
        make_template(running)
        yield running


class TestPreparedTransactions:
    """Their server stands in for the usual one."""

    @pytest.fixture
    def database(self, preparing: Server) -> Iterator[object]:
        """On that server."""
        yield from fresh_database(preparing)

    def test_where_transactions_may_be_prepared_it_polls(self, world: World) -> None:
        realm = world.connect()
        daemon = world.daemon(LONG)
        until(lambda: daemon.events(POLLING))
        with psycopg.connect(world.database.dsn) as sip:
            sip.execute("insert into sip.customers (organization_id, name) values (1, 'Ann')")
            sip.execute("prepare transaction 'of SIP'")
        sip.close()
        arrives(world, realm, "Bob", within=SOON)
        assert world.names(realm) == ["Bob"]
        world.database.execute("commit prepared 'of SIP'")
        until(lambda: world.names(realm) == ["Ann", "Bob"], seconds=SOON)
        [event] = daemon.events(POLLING)
        assert "max_prepared_transactions" in event["reason"]
        assert world.database.value(LOCKS) == 0
