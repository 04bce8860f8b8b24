"""How long to wait for an answer of Postgres behind a connection that may be half open.

A time-out of asyncio cancels the task, and psycopg then waits up to ten seconds more for the statement to end. Here the
socket is shut instead: whoever waits on it gets an error at once, as if Postgres had hung up.
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator


def sever(connection: psycopg.AsyncConnection[Any]) -> None:
    """End a connection without asking the other side."""
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as ours:
        ours.shutdown(socket.SHUT_RDWR)


@contextmanager
def answers_within(seconds: float, connection: psycopg.AsyncConnection[Any]) -> Iterator[None]:
    """Sever the connection if the block takes longer. Raises psycopg.OperationalError then."""
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
            raise psycopg.OperationalError(f"no answer within {seconds:g} s") from None
        raise
    finally:
        timer.cancel()
