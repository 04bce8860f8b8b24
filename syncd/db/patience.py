"""How long to wait for an answer of Postgres behind a connection that may be half open.

A time-out of asyncio cancels the task, and psycopg then waits up to ten seconds more for the statement to end. Here the
socket is shut instead: whoever waits on it gets an error at once, as if Postgres had hung up.
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg_pool import AsyncConnectionPool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class NoAnswer(psycopg.OperationalError):
    """The other side said nothing for too long."""


def sever(connection: psycopg.AsyncConnection[Any]) -> None:
    """End a connection without asking the other side."""
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as ours:
        ours.shutdown(socket.SHUT_RDWR)


@contextmanager
def answers_within(seconds: float, connection: psycopg.AsyncConnection[Any]) -> Iterator[None]:
    """Sever the connection if the block takes longer. Raises NoAnswer then."""
    late = False

    def give_up() -> None:
        nonlocal late
        late = True
        sever(connection)

    timer = asyncio.get_running_loop().call_later(seconds, give_up)
    try:
        yield
    except psycopg.Error:
        if late:
            raise NoAnswer(f"no answer within {seconds:g} s") from None
        raise
    finally:
        timer.cancel()


class PatientPool(AsyncConnectionPool):
    """Whoever borrows a connection gets his answers in time, or an error; then those that lie idle are replaced, since
    they may be half open too.
    """

    answer_seconds = 8.0

    @asynccontextmanager
    async def connection(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - as the pool has it
    ) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """As in any pool."""
        try:
            async with super().connection(timeout) as connection:
                with answers_within(self.answer_seconds, connection):
                    yield connection
        except NoAnswer:
            await self.drain()
            raise
