"""A proxy between the daemon and the sandbox, for answers that no server would give on purpose."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable


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
