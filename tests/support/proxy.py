"""Proxies: between the daemon and the sandbox, for answers that no server would give on purpose, and between the
daemon and Postgres, for silence.
"""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable


BOTH = ("to Postgres", "from Postgres")


@dataclass(frozen=True, slots=True)
class Passage:
    """A request, and the sandbox's answer to it: what it asked for has been carried out."""

    method: str
    path: str
    status: int
    body: bytes

    def is_write(self) -> bool:
        """Whether it is a create or an update of a customer."""
        return self.method == "POST" and self.path.partition("?")[0].endswith("/customer")


class Proxy:
    """Forwards everything that `refuse`, given the body sent, does not answer itself with a status and
    a body. `bend` sees each passage and returns the body to answer with, None to answer half of it.
    """

    def __init__(self, target: str) -> None:
        self.refuse: Callable[[bytes], tuple[int, bytes] | None] = lambda _sent: None
        self.bend: Callable[[Passage], bytes | None] = lambda passage: passage.body
        self._upstream = httpx.Client(base_url=target, timeout=30)
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                proxy.pass_on(self)

            def do_POST(self) -> None:
                proxy.pass_on(self)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def pass_on(self, handler: BaseHTTPRequestHandler) -> None:
        """One request there and back. The caller may be gone by then."""
        sent = handler.rfile.read(int(handler.headers.get("content-length", "0")))
        headers = {
            name: handler.headers[name]
            for name in ("authorization", "content-type", "accept")
            if name in handler.headers
        }
        handler.close_connection = True
        with suppress(httpx.HTTPError, OSError):
            if refused := self.refuse(sent):
                _answer(handler, *refused)
                return
            answer = self._upstream.request(handler.command, handler.path, content=sent, headers=headers)
            body = self.bend(Passage(handler.command, handler.path, answer.status_code, answer.content))
            _answer(handler, answer.status_code, answer.content if body is None else body, half=body is None)

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._upstream.close()


def _answer(handler: BaseHTTPRequestHandler, status: int, body: bytes, *, half: bool = False) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2] if half else body)


class Pipe:
    """One connection through `Wire`: the name its client gave, and which directions are swallowed."""

    def __init__(self, client: socket.socket, server: socket.socket, swallowed: frozenset[str]) -> None:
        self.name = ""
        self.swallowed = swallowed
        self._sockets = (client, server)
        self._threads = [
            threading.Thread(target=self._carry, args=words, daemon=True)
            for words in ((client, server, "to Postgres"), (server, client, "from Postgres"))
        ]
        for thread in self._threads:
            thread.start()

    def _carry(self, source: socket.socket, target: socket.socket, direction: str) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if not self.name and (found := re.search(rb"application_name\0([^\0]*)\0", data)):
                    self.name = found[1].decode()
                if direction not in self.swallowed:
                    target.sendall(data)
            if direction in self.swallowed:
                return  # that it hung up is swallowed too
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def open(self) -> bool:
        """Both ways."""
        return all(thread.is_alive() for thread in self._threads)

    def close(self) -> None:
        """End it, both ways."""
        self.swallowed = frozenset()
        for end in self._sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in self._sockets:
            end.close()


class Wire:
    """A proxy between the daemon and Postgres that can fall silent: packets are swallowed, sockets stay open."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._pipes: list[Pipe] = []
        self._always: frozenset[str] = frozenset()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._pipes.append(Pipe(client, server, self._always))

    def swallow(self, name: str, *directions: str) -> int:
        """From now on, of the connections that are there now and whose name begins so; how many these are."""
        found = [pipe for pipe in self._pipes if pipe.open() and pipe.name.startswith(name)]
        for pipe in found:
            pipe.swallowed = frozenset(directions)
        return len(found)

    def cut(self) -> None:
        """Nothing passes any more, on new connections either."""
        self._always = frozenset(BOTH)
        self.swallow("", *BOTH)

    def mend(self) -> None:
        """New connections pass; what was swallowed is lost."""
        self._always = frozenset()

    def stop(self) -> None:
        """End it and every connection."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for pipe in self._pipes:
            pipe.close()
