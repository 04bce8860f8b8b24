"""The daemon's own connections."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg
import pytest

from syncd.db.pool import SESSION, make_pool, through_outages

if TYPE_CHECKING:
    from tests.support.database import Database


def test_statements_stay_prepared_in_a_session_that_nobody_else_gets(database: Database) -> None:
    """Behind a pooler they do not: tests/faults/test_bell_pooler.py."""

    async def prepared() -> list[str]:
        pool = make_pool(database.daemon_dsn)
        await pool.open()
        try:
            async with pool.connection() as connection:
                await connection.execute("select syncd.sleep_for(%s)", (1,))
                found = await connection.execute("select statement from pg_prepared_statements")
                return [statement for (statement,) in await found.fetchall()]
        finally:
            await pool.close()

    assert any("syncd.sleep_for" in statement for statement in asyncio.run(prepared()))


WRONG = """
    create or replace function syncd.warm_up() returns void language plpgsql as $$ begin
        raise exception 'no session can be warmed';
    end $$
"""
CHANGED = "select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_xact_user_tables"


def test_a_session_is_warmed_for_all_that_a_lane_asks_and_nothing_is_changed(database: Database) -> None:
    database.add_company("1", realm="9131")
    database.add_customer("Ann")
    database.execute("select syncd.absorb(1000)")
    database.execute(SESSION)
    with database.connection.transaction():
        database.execute("set local track_functions = 'all'")
        before = database.value(CHANGED)
        database.execute("select syncd.warm_up()")
        called = {
            name
            for (name,) in database.rows(
                "select funcname from pg_stat_xact_user_functions where schemaname = 'syncd' and calls > 0"
            )
        }
        assert {"lease", "decide", "judge", "intend", "record", "release"} <= called
        assert database.value(CHANGED) == before


def test_a_session_that_cannot_be_warmed_serves_all_the_same(database: Database) -> None:
    database.execute(WRONG)

    async def asked() -> object:
        pool = make_pool(database.daemon_dsn)
        await pool.open()
        try:
            async with pool.connection(timeout=5) as connection:
                return await (await connection.execute("select 1")).fetchone()
        finally:
            await pool.close()

    assert asyncio.run(asked()) == (1,)


def test_what_an_outage_interrupts_is_done_when_postgres_is_back() -> None:
    left = [psycopg.OperationalError("the connection is lost")] * 3

    async def work() -> str:
        if left:
            raise left.pop()
        return "done"

    async def run() -> tuple[str, str]:
        # Also where what is called is no coroutine function itself.
        return await through_outages(lambda: work()), await through_outages(work)

    assert asyncio.run(run()) == ("done", "done")
    assert not left


def test_what_is_no_outage_is_raised_at_once() -> None:
    async def work() -> None:
        raise psycopg.errors.UniqueViolation("twice")

    with pytest.raises(psycopg.errors.UniqueViolation):
        asyncio.run(through_outages(work))
