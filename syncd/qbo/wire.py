"""One HTTP exchange, and the one question a failed one leaves: did the request leave this machine?"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx


class NotSent(Exception):
    """The request surely never reached the other side (DNS, refused, connect timeout, no free connection).

    Nothing can have happened there; the same call may be made again at any time.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Lost(Exception):
    """The request was sent, at least in part, and no usable answer came back: its outcome is unknown."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def exchange(http: httpx.AsyncClient, request: httpx.Request, seconds: float) -> httpx.Response:
    """Send once, no redirects, and read the whole answer within `seconds` in all.

    Raises NotSent or Lost. Cancelling it leaves the outcome unknown, like Lost.
    """
    sent = False

    async def trace(event: str, info: dict[str, Any]) -> None:
        nonlocal sent
        # A proxy's CONNECT travels through the same code; it is not yet our request.
        if event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            sent = True

    request.extensions["trace"] = trace
    try:
        async with asyncio.timeout(seconds):
            response = await http.send(request, follow_redirects=False)
            # httpx's stream refers to the response and the response to it (encode/httpx#3733): its body would be kept
            # until the next full garbage collection, of which there are few.
            response.stream = httpx.ByteStream(response.content)
            return response
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
        failure = _failure(error, request.url.host)
    # Outside of the handler, so that the cause, whose text may quote a header, is not chained.
    raise Lost(f"{failure}, after the request was sent") if sent else NotSent(failure)


def _failure(error: Exception, host: str) -> str:
    """A clause on what went wrong. Only connection errors are quoted: others may repeat a header."""
    match error:
        case httpx.PoolTimeout():
            return f"all connections to {host} stayed busy"
        case httpx.ConnectError():
            return f"{host} could not be reached ({error})"
        case httpx.ProxyError():
            return f"the proxy did not let the request through to {host}"
        case httpx.TimeoutException() | TimeoutError():
            return f"{host} did not answer in time"
        case httpx.DecodingError():
            return f"the answer of {host} could not be unpacked"
        case httpx.LocalProtocolError() | httpx.InvalidURL() | httpx.UnsupportedProtocol():
            return f"the request to {host} could not be formed ({type(error).__name__})"
    return f"the connection to {host} broke ({type(error).__name__})"
