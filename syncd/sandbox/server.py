"""Serving the sandbox: one process, one event loop, an end without delay."""

import contextlib
import gc
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from syncd.sandbox.app import build
from syncd.sandbox.replies import App, Receive, Scope, Send
from syncd.sandbox.world import World


class Connection(H11Protocol):
    """A client's connection: knows when a request arrived, and can be cut."""

    open: dict[Any, "Connection"] = {}  # noqa: RUF012 - one server a process
    arrived = 0.0

    def connection_made(self, transport: Any) -> None:
        """A client has connected."""
        super().connection_made(transport)
        self.open[self.client] = self

    def connection_lost(self, exc: Exception | None) -> None:
        """The client, or this side, has closed."""
        self.open.pop(self.client, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes arrived: of a new request, unless one is being read."""
        if self.cycle is None or self.cycle.response_complete:
            self.arrived = time.time()
        super().data_received(data)

    def cut(self) -> None:
        """Close at once; the client sees the connection end without an answer."""
        self.transport.abort()


class Server(uvicorn.Server):
    """A uvicorn server that says where it listens and ends without waiting for anyone."""

    def __init__(self, config: uvicorn.Config, url: str) -> None:
        super().__init__(config)
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept, then say so on stdout in one JSON line."""
        await super().startup(sockets)
        sys.stdout.write(json.dumps({"url": self._url}) + "\n")
        sys.stdout.flush()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals, and keep them: uvicorn would raise them again at its end."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.handle_exit)
        yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Stop now: state in memory needs no farewell, and calls being answered must not delay it."""
        os._exit(0)


def with_connection(app: App) -> App:
    """Give each request the connection it came on and the time it arrived."""

    async def connected(scope: Scope, receive: Receive, send: Send) -> None:
        connection = Connection.open.get(scope["client"])
        if connection is None:
            return
        scope["state"] = {"connections": Connection.open, "arrived": connection.arrived}
        await app(scope, receive, send)

    return connected


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens; OSError if the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sets TCP_NODELAY only then; without it each answer takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def serve(world: World, listener: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM."""
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    config = uvicorn.Config(
        with_connection(build(world)),
        http=Connection,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=3600,
    )
    gc.callbacks.append(_keep)
    Server(config, url).run(sockets=[listener])


def _keep(phase: str, info: dict[str, int]) -> None:
    """What outlived a collection of everything is objects and the journal, which stay. Looked at again and again as
    they grow, they would stop the sandbox for a quarter of a second at a time, as QuickBooks never does.
    """
    if phase == "stop" and info["generation"] == 2:
        gc.freeze()
