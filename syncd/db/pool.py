"""The daemon's connections: how long they are waited for, how their sessions are set up, when Postgres is away."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg_pool import PoolTimeout
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from syncd.db.patience import PatientPool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from psycopg_pool import AsyncConnectionPool

T = TypeVar("T")

DATABASE_AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    PoolTimeout,
    psycopg.errors.ReadOnlySqlTransaction,  # a primary that has become a standby
)
POOL_SIZE = 8
PATIENCE: dict[str, Any] = {
    "connect_timeout": 5,
    # A Postgres whose machine fell silent is noticed after some seconds, not after hours.
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
SESSION = """
    set default_transaction_isolation = 'read committed';
    set statement_timeout = '30s';
    set idle_in_transaction_session_timeout = '5s';
    set timezone = 'UTC';
    select set_config(name, '0', false) from pg_settings
    where name in ('lock_timeout', 'idle_session_timeout', 'transaction_timeout');
    -- Every statement of these sessions looks rows up by key, and what a queue's statistics say is always wrong: a plan
    -- made while it was empty would read all of it when it is full.
    set enable_seqscan = off;
    set enable_hashjoin = off;
    set enable_mergejoin = off;
    set jit = off;
    -- One plan for a session: to plan a verdict for one record anew takes ten times as long as to carry it out.
    set plan_cache_mode = force_generic_plan
"""


def make_pool(dsn: str) -> AsyncConnectionPool:
    """The daemon's pool, not yet open. Read committed is pinned: the protocols of sql/engine rest on it."""

    async def configure(connection: psycopg.AsyncConnection) -> None:
        await connection.execute(SESSION)
        row = await (await connection.execute("select pg_backend_pid()")).fetchone()
        if row == (connection.info.backend_pid,):
            # No pooler lends this session to others, so it may keep prepared statements.
            connection.prepare_threshold = 0
            # One that is not warm serves all the same.
            with suppress(psycopg.Error):
                await connection.execute("select syncd.warm_up()")

    return PatientPool(
        dsn,
        min_size=2,
        max_size=POOL_SIZE,
        open=False,
        configure=configure,
        reconnect_timeout=5,
        timeout=10,
        kwargs={"autocommit": True, "prepare_threshold": None, "application_name": "syncd", **PATIENCE},
    )


async def through_outages(work: Callable[[], Awaitable[T]]) -> T:
    """What `work` returns; while Postgres is away it is begun again and again."""
    try:
        return await work()
    except DATABASE_AWAY:
        pass
    # Not for the first attempt, which is nearly always the last: what tenacity makes for a call refers to itself, and
    # made twice for each record it was most of the garbage collector's work.
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(DATABASE_AWAY), wait=wait_random_exponential(0.1, max=3)
    ):
        with attempt:
            result = await work()
    return result
