"""The HTTP client of QuickBooks Online's accounting API, version 3.

Shapes and headers follow Intuit's REST API features and query pages: `requestid` makes a write replayable,
`minorversion` is 75 (older ones are unsupported since August 2025), `intuit_tid` names a call for support.
"""

from __future__ import annotations

import functools
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import tenacity

import syncd
from syncd.db.states import FaultClass
from syncd.qbo import faults
from syncd.qbo.query import literal
from syncd.qbo.wire import Lost, NotSent, exchange

if TYPE_CHECKING:
    import ssl

    from syncd.qbo.faults import Fault

__all__ = ["Access", "Answer", "Client", "Lost", "NotSent", "literal"]

MINOR_VERSION = "75"
READ_TRIES = 3
CONNECT_SECONDS = 10.0
IDLE_SECONDS = 20.0  # shorter than usual idle limits of gateways: a reused dead connection would lose a write


@dataclass(frozen=True, slots=True)
class Access:
    """Where and as whom to call: `base_url` without path, the realm, a valid access token (never shown)."""

    base_url: str
    realm_id: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer that arrived whole.

    `body` is the JSON object with every number as Decimal, {} when there was none. `fault` is None only for
    a good answer; where `fault.executed` is None the outcome of a write is unknown, just as after Lost.
    The faults of single batch items are not looked at: ask `faults.parse_item` for each.
    `intuit_tid` is Intuit's name of the call; `duration_ms` counts from the first try.
    """

    status: int
    body: dict[str, Any]
    fault: Fault | None
    intuit_tid: str | None
    duration_ms: int


class Client:
    """Calls of many realms over shared connections. Not tied to a token: each call brings its Access.

    `timeout` is the whole time of one call in seconds, repeats of a read included. `http` is for other addresses.
    """

    def __init__(self, *, timeout: float = 60.0) -> None:
        self._seconds = timeout
        self._idle: deque[_Idle] = deque()
        self.http = _connection(timeout)

    async def write(self, access: Access, path: str, body: bytes, request_id: str) -> Answer:
        """POST exactly these bytes, once. `path` may carry parameters: "invoice?operation=void", "batch".

        Raises NotSent (surely nothing happened) or Lost (unknown). Never repeats: whoever stored the call
        repeats it, with the same bytes and request id.
        """
        request = self._request(
            access, "POST", path, body, content_type="application/json", parameters={"requestid": request_id}
        )
        return await self._once(request, time.monotonic(), self._seconds)

    async def query(self, access: Access, statement: str) -> Answer:
        """Run one query statement; values go through `literal`. Repeats itself like `read`."""
        return await self._repeated(access, "POST", "query", statement.encode(), "application/text")

    async def read(self, access: Access, path: str) -> Answer:
        """GET "customer/12", "preferences", "companyinfo/{realm}" ...

        Transient trouble is tried up to three times within the client's timeout, with jitter; what then still
        fails is returned, or raised as NotSent or Lost.
        """
        return await self._repeated(access, "GET", path, None, None)

    async def aclose(self) -> None:
        """Close the connections, once no call is under way."""
        await self.http.aclose()
        while self._idle:
            await self._idle.pop().http.aclose()

    async def _repeated(
        self, access: Access, method: str, path: str, body: bytes | None, content_type: str | None
    ) -> Answer:
        start = time.monotonic()
        request = self._request(access, method, path, body, content_type=content_type)

        async def attempt() -> Answer:
            left = self._seconds - (time.monotonic() - start)
            return await self._once(request, start, max(left, 0.0))

        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type((NotSent, Lost)) | tenacity.retry_if_result(_is_transient),
            stop=tenacity.stop_after_attempt(READ_TRIES) | tenacity.stop_before_delay(self._seconds),
            wait=tenacity.wait_random_exponential(multiplier=0.2, max=2.0),
            retry_error_callback=_last_outcome,
        )
        return await retrying(attempt)

    def _request(
        self,
        access: Access,
        method: str,
        path: str,
        body: bytes | None,
        *,
        content_type: str | None,
        parameters: dict[str, str] | None = None,
    ) -> httpx.Request:
        if not (access.token.isascii() and access.token.isprintable()):
            # httpx would raise an error that carries the token.
            raise NotSent("the stored access token is not one; reconnect the company")
        try:
            url = httpx.URL(f"{access.base_url.rstrip('/')}/v3/company/{access.realm_id}/{path}")
        except httpx.InvalidURL:
            raise NotSent(f'"{access.base_url}" is not the address of a QuickBooks API') from None
        headers = {"Authorization": f"Bearer {access.token}"}
        if content_type is not None:
            headers["Content-Type"] = content_type
        url = url.copy_merge_params({**(parameters or {}), "minorversion": MINOR_VERSION})
        return self.http.build_request(method, url, content=body, headers=headers)

    async def _once(self, request: httpx.Request, start: float, seconds: float) -> Answer:
        http = await self._lend()
        try:
            response = await exchange(http, request, seconds)
        finally:
            self._idle.append(_Idle(http, time.monotonic()))
        body = faults.decode(response.content)
        return Answer(
            status=response.status_code,
            body=body or {},
            fault=faults.parse_decoded(response.status_code, response.headers, body, response.content),
            intuit_tid=response.headers.get("intuit_tid"),
            duration_ms=round((time.monotonic() - start) * 1000),
        )

    async def _lend(self) -> httpx.AsyncClient:
        """The connection that was given back last: the likeliest to be open still. One that has been idle for too long
        is closed by the way.

        Each is a client of its own, for one call at a time: a pool asks each of its idle connections, at each request
        and each answer, whether it is still open, which with eight of them is a tenth of the daemon's work.
        """
        if self._idle and self._idle[0].since < time.monotonic() - IDLE_SECONDS:
            with suppress(httpx.HTTPError, OSError):
                await self._idle.popleft().http.aclose()
        return self._idle.pop().http if self._idle else _connection(self._seconds)


class _Idle(NamedTuple):
    """A connection that no call uses, and since when, by the monotonic clock."""

    http: httpx.AsyncClient
    since: float


def _connection(timeout: float) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        verify=_trust(),
        timeout=httpx.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout)),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=1, keepalive_expiry=IDLE_SECONDS),
        headers={"Accept": "application/json", "User-Agent": f"syncd/{syncd.__version__}"},
        # One realm's session cookie must not travel with the next realm's call.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )


@functools.cache
def _trust() -> ssl.SSLContext:
    # Reading all root certificates takes tens of milliseconds; a daemon has hundreds of clients.
    return httpx.create_ssl_context()


def _is_transient(answer: Answer) -> bool:
    return answer.fault is not None and answer.fault.fault_class is FaultClass.TRANSIENT


def _last_outcome(state: tenacity.RetryCallState) -> Answer:
    assert state.outcome is not None  # tenacity calls this only after a try
    answer: Answer = state.outcome.result()
    return answer
