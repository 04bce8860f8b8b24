"""The daemon's own connections."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from syncd.db.pool import make_pool

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
