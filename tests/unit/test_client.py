"""The client against real sockets: what goes out, what comes back, and what is known when nothing does."""

from __future__ import annotations

import asyncio
import gc
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from syncd.db.states import FaultClass
from syncd.qbo.client import Access, Answer, Client, Lost, NotSent, literal
from tests.unit.wire_server import Request, WireServer, answer, refused_port

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

GOOD = b'{"Customer":{"Id":"12","SyncToken":"0","Balance":10.10,"Level":0}}'
FAULT = json.dumps(
    {"Fault": {"Error": [{"Message": "m", "Detail": "d", "code": "6240"}], "type": "ValidationFault"}}
).encode()
THROTTLE = json.dumps({"Fault": {"Error": [{"Message": "m", "code": "003001"}], "type": "SERVICE"}}).encode()


def write(client: Client, access: Access) -> Awaitable[Answer]:
    return client.write(access, "customer", b'{"DisplayName":"Ann"}', "request-1")


def read(client: Client, access: Access) -> Awaitable[Answer]:
    return client.read(access, "customer/12")


def called(
    call: Callable[[Client, Access], Awaitable[Answer]],
    reply: Callable[[Request], bytes | None],
    *,
    delay: float = 0.0,
    seconds: float = 5.0,
) -> tuple[Answer | Exception, list[Request]]:
    async def run() -> tuple[Answer | Exception, list[Request]]:
        async with WireServer(reply, delay) as server:
            client = Client(timeout=seconds)
            try:
                return await call(client, Access(server.url, "4620", "secret-token")), server.requests
            except (Lost, NotSent) as error:
                return error, server.requests
            finally:
                await client.aclose()

    return asyncio.run(run())


def answered(
    call: Callable[[Client, Access], Awaitable[Answer]], *replies: bytes | None
) -> tuple[Answer, list[Request]]:
    queue = list(replies)
    outcome, requests = called(call, lambda _: queue.pop(0))
    assert isinstance(outcome, Answer), outcome
    return outcome, requests


def test_a_write_sends_the_exact_bytes_with_its_request_id() -> None:
    result, (request,) = answered(write, answer(200, GOOD, intuit_tid="1-abc"))
    url = urlsplit(request.target)
    assert (request.method, url.path) == ("POST", "/v3/company/4620/customer")
    assert parse_qs(url.query) == {"requestid": ["request-1"], "minorversion": ["75"]}
    assert request.body == b'{"DisplayName":"Ann"}'
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept"] == "application/json"
    assert request.headers["authorization"] == "Bearer secret-token"
    assert (result.status, result.fault, result.intuit_tid) == (200, None, "1-abc")
    assert result.duration_ms >= 0


def test_numbers_are_decimals() -> None:
    customer = answered(write, answer(200, GOOD))[0].body["Customer"]
    assert customer["Balance"] == Decimal("10.10")
    assert {type(customer["Balance"]), type(customer["Level"])} == {Decimal}


def test_a_path_may_bring_parameters_of_its_own() -> None:
    _, (request,) = answered(
        lambda client, access: client.write(access, "invoice?operation=void", b"{}", "r"), answer(200, GOOD)
    )
    assert parse_qs(urlsplit(request.target).query) == {
        "operation": ["void"],
        "requestid": ["r"],
        "minorversion": ["75"],
    }


def test_a_query_is_posted_as_text() -> None:
    statement = "QUERY " + literal("Bäcker & Söhne + 100%")
    _, (request,) = answered(
        lambda client, access: client.query(access, statement), answer(200, b'{"QueryResponse":{}}')
    )
    url = urlsplit(request.target)
    assert (request.method, url.path) == ("POST", "/v3/company/4620/query")
    assert parse_qs(url.query) == {"minorversion": ["75"]}
    assert request.headers["content-type"] == "application/text"
    assert request.body.decode() == statement


def test_a_read_is_a_get_without_body() -> None:
    _, (request,) = answered(read, answer(200, GOOD))
    assert (request.method, urlsplit(request.target).path) == ("GET", "/v3/company/4620/customer/12")
    assert request.body == b""
    assert "content-type" not in request.headers


@pytest.mark.parametrize(
    ("text", "quoted"),
    [("Ann", "'Ann'"), ("O'Brien", r"'O\'Brien'"), ("a\\b", r"'a\\b'"), ("\\'", r"'\\\''"), ("", "''")],
)
def test_literals(text: str, quoted: str) -> None:
    assert literal(text) == quoted


def test_a_fault_inside_200_is_a_fault() -> None:
    result, _ = answered(write, answer(200, FAULT))
    assert result.fault is not None
    assert (result.fault.code, result.fault.executed) == ("6240", False)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (502, b"<html><head><title>Bad Gateway</title></head></html>"),
        (500, b""),
        (200, b'{"Customer":{"Id":"1'),
        (200, b"<html></html>"),
        (307, b""),
    ],
)
def test_a_write_with_a_useless_answer_is_uncertain_and_not_repeated(status: int, body: bytes) -> None:
    result, requests = answered(write, answer(status, body, Location="/elsewhere"))
    assert result.fault is not None
    assert (result.fault.fault_class, result.fault.executed) == (FaultClass.TRANSIENT, None)
    assert result.body == {}
    assert len(requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        None,
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\nConnection: close\r\n\r\n",
        b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\nConnection: close\r\n\r\n{"Customer":',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 2",
        b"nonsense\r\nconnection: close\r\n\r\n",
    ],
)
def test_a_write_whose_answer_is_lost_says_so_and_is_not_repeated(reply: bytes | None) -> None:
    closing = (
        reply if reply is None or b"close" in reply or b"gzip" in reply else reply + b"\r\nconnection: close"
    )
    outcome, requests = called(write, lambda _: closing, seconds=2.0)
    assert isinstance(outcome, Lost)
    assert outcome.reason.endswith("after the request was sent")
    assert "secret" not in f"{outcome!r}{outcome.__cause__!r}{outcome.__context__!r}"
    assert len(requests) == 1


def test_a_slow_answer_is_lost() -> None:
    outcome, requests = called(write, lambda _: answer(200, GOOD), delay=5.0, seconds=0.2)
    assert isinstance(outcome, Lost)
    assert "did not answer in time" in outcome.reason
    assert len(requests) == 1


def test_an_answer_that_trickles_is_bounded_as_a_whole() -> None:
    async def run() -> None:
        async def trickle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            try:
                for _second in range(100):
                    writer.write(b" ")
                    await writer.drain()
                    await asyncio.sleep(0.05)
            except ConnectionError:
                pass
            finally:
                writer.close()

        async with await asyncio.start_server(trickle, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            client = Client(timeout=0.3)
            started = asyncio.get_running_loop().time()
            with pytest.raises(Lost):
                await write(client, Access(f"http://127.0.0.1:{port}", "1", "t"))
            assert asyncio.get_running_loop().time() - started < 2
            await client.aclose()
            await asyncio.sleep(0.1)  # the server notices

    asyncio.run(run())


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
def test_a_server_that_cannot_be_reached_got_nothing(host: str) -> None:
    async def run() -> None:
        client = Client(timeout=5.0)
        with pytest.raises(NotSent) as caught:
            await write(client, Access(f"http://{host}:{refused_port()}", "1", "secret-token"))
        assert host in caught.value.reason
        await client.aclose()

    asyncio.run(run())


@pytest.mark.parametrize("base", ["", "not an address", "ftp://127.0.0.1", "http://[::1"])
def test_a_base_that_is_no_address_got_nothing(base: str) -> None:
    async def run() -> None:
        client = Client(timeout=1.0)
        with pytest.raises(NotSent):
            await write(client, Access(base, "1", "t"))
        await client.aclose()

    asyncio.run(run())


@pytest.mark.parametrize("token", ["secret\nX-Other: 1", "sécret", "secret\u0000"])
def test_a_damaged_token_is_not_sent_and_not_told(token: str) -> None:
    outcome, requests = called(
        lambda client, access: write(client, Access(access.base_url, "1", token)), lambda _: answer(200, GOOD)
    )
    assert isinstance(outcome, NotSent)
    assert "cret" not in repr(outcome)
    assert requests == []


def test_a_proxy_that_refuses_got_the_request_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with WireServer(lambda _: answer(403, b"")) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            client = Client(timeout=5.0)
            with pytest.raises(NotSent, match="the proxy did not let"):
                await write(client, Access("https://quickbooks.invalid", "1", "t"))
            await client.aclose()
            assert [request.method for request in proxy.requests] == ["CONNECT"]

    asyncio.run(run())


def test_calls_do_not_wait_for_each_others_connections() -> None:
    async def run() -> list[Any]:
        async with WireServer(lambda _: answer(200, GOOD), delay=1.0) as server:
            client = Client(timeout=1.9)  # a second round of calls would be too late
            access = Access(server.url, "1", "t")
            outcomes = await asyncio.gather(
                *(write(client, access) for _ in range(40)), return_exceptions=True
            )
            await client.aclose()
            return list(outcomes)

    assert {type(outcome) for outcome in asyncio.run(run())} == {Answer}


def test_connections_of_a_burst_are_used_again_and_closed_once_they_are_too_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> None:
        async with WireServer(lambda _: answer(200, GOOD), delay=0.1) as server:
            client = Client()
            access = Access(server.url, "1", "t")
            for _ in range(2):
                await asyncio.gather(*(write(client, access) for _ in range(5)))
            assert (server.connections, server.open) == (5, 5)
            monkeypatch.setattr("syncd.qbo.client.IDLE_SECONDS", 0.15)
            for _ in range(10):
                await write(client, access)
            assert (server.connections, server.open) == (5, 1)
            await client.aclose()

    asyncio.run(run())


@pytest.mark.parametrize("trouble", [None, answer(502, b"<html>"), answer(500, b"")])
def test_reads_repeat_through_passing_trouble(trouble: bytes | None) -> None:
    result, requests = answered(read, trouble, trouble, answer(200, GOOD))
    assert result.fault is None
    assert len(requests) == 3
    assert len({(request.target, request.body) for request in requests}) == 1


def test_a_read_gives_up_after_three_tries_with_the_last_outcome() -> None:
    result, requests = answered(read, *[answer(503, b"")] * 3)
    assert result.fault is not None
    assert (result.status, len(requests)) == (503, 3)
    outcome, requests = called(read, lambda _: None)
    assert isinstance(outcome, Lost)
    assert len(requests) == 3


@pytest.mark.parametrize(
    "reply", [answer(400, FAULT), answer(429, THROTTLE), answer(401, b""), answer(404, FAULT)]
)
def test_a_read_is_not_repeated_where_that_cannot_help(reply: bytes) -> None:
    _, requests = answered(read, reply)
    assert len(requests) == 1


def test_a_read_is_bounded_in_all() -> None:
    async def run() -> tuple[float, int]:
        async with WireServer(lambda _: answer(200, GOOD), delay=5.0) as server:
            client = Client(timeout=0.3)
            started = asyncio.get_running_loop().time()
            with pytest.raises((Lost, NotSent)):
                await read(client, Access(server.url, "1", "t"))
            await client.aclose()
            return asyncio.get_running_loop().time() - started, len(server.requests)

    seconds, tries = asyncio.run(run())
    assert seconds < 2
    assert tries == 1


def test_an_answer_that_was_read_leaves_no_garbage() -> None:
    async def run() -> int:
        async with WireServer(lambda _: answer(200, GOOD)) as server:
            client = Client()
            access = Access(server.url, "1", "t")
            await write(client, access)
            gc.collect()
            gc.disable()
            try:
                for _ in range(10):
                    await write(client, access)
                return gc.collect()
            finally:
                gc.enable()
                await client.aclose()

    assert asyncio.run(run()) < 50


def test_connections_are_kept_and_cookies_are_not() -> None:
    async def run() -> None:
        async with WireServer(lambda _: answer(200, GOOD, **{"Set-Cookie": "session=realm-one"})) as server:
            client = Client()
            for realm in ("1", "2"):
                await write(client, Access(server.url, realm, "t"))
            await client.aclose()
            assert server.connections == 1
            assert "cookie" not in server.requests[1].headers

    asyncio.run(run())


def test_a_wait_asked_for_reaches_the_caller() -> None:
    result, _ = answered(write, answer(429, THROTTLE, **{"Retry-After": "7"}))
    assert result.fault is not None
    assert (result.fault.fault_class, result.fault.retry_after) == (FaultClass.THROTTLE, 7.0)


def test_the_token_hides_in_repr() -> None:
    assert "secret" not in repr(Access("http://127.0.0.1", "1", "secret"))
