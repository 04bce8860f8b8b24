"""Token refresh against a real local token endpoint: what it needs, what it gives, how it fails."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import httpx
import pytest

from syncd.qbo.oauth import (
    InvalidClient,
    InvalidGrant,
    MalformedTokens,
    TokenEndpointDown,
    Tokens,
    parse_tokens,
    refresh,
)
from tests.unit.wire_server import Request, WireServer, answer, refused_port

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 8, 17, 10, 0, tzinfo=UTC)
GIVEN: dict[str, Any] = {
    "token_type": "bearer",
    "access_token": "s3cret-access",
    "refresh_token": "s3cret-refresh-2",
    "expires_in": 3600,
    "x_refresh_token_expires_in": 8_640_000,
}


def refreshed(reply: Callable[[Request], bytes | None]) -> tuple[Tokens, Request]:
    async def run() -> tuple[Tokens, Request]:
        async with WireServer(reply) as server, httpx.AsyncClient() as http:
            tokens = await _refresh(http, f"{server.url}/tokens/bearer")
            return tokens, server.requests[0]

    return asyncio.run(run())


async def _refresh(http: httpx.AsyncClient, url: str) -> Tokens:
    return await refresh(
        http,
        token_url=url,
        client_id="id",
        client_secret="s3cret-of-app",
        refresh_token="s3cret-refresh-1",
        now=NOW,
    )


def replied(status: int, body: bytes | dict[str, Any]) -> Callable[[Request], bytes]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda _: answer(status, content)


def test_a_refresh_gives_tokens_with_aware_times() -> None:
    tokens, request = refreshed(replied(200, GIVEN))
    assert tokens == Tokens(
        access_token="s3cret-access",
        refresh_token="s3cret-refresh-2",
        access_expires_at=NOW + timedelta(hours=1),
        refresh_expires_at=NOW + timedelta(days=100),
    )
    assert request.method == "POST"
    assert request.headers["authorization"] == "Basic " + b64encode(b"id:s3cret-of-app").decode()
    assert request.headers["accept"] == "application/json"
    assert parse_qs(request.body.decode()) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["s3cret-refresh-1"],
    }


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"error": "invalid_grant", "error_description": "Incorrect s3cret-refresh-1"}, InvalidGrant),
        (401, {"error": "invalid_client"}, InvalidClient),
        (400, {"error": "unauthorized_client"}, InvalidClient),
        (400, {"error": "invalid_request"}, TokenEndpointDown),
        (400, {"error": "no such token: s3cret-refresh-1"}, TokenEndpointDown),
        (429, {}, TokenEndpointDown),
        (500, b"", TokenEndpointDown),
        (502, b"<html>s3cret-refresh-1</html>", TokenEndpointDown),
        (200, b'{"access_token": "s3cr', TokenEndpointDown),
        (200, {"access_token": "s3cret-access", "expires_in": 3600}, TokenEndpointDown),
        (302, b"", TokenEndpointDown),
    ],
)
def test_failures_have_a_reason_and_a_remedy_and_tell_no_secret(
    status: int, body: bytes | dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        refreshed(replied(status, body))
    failure: Any = caught.value
    assert failure.reason
    assert failure.remedy
    assert "s3cret" not in f"{failure!r} {failure.reason} {failure.__cause__!r}"


def test_a_lost_answer_is_told_from_a_refused_connection() -> None:
    with pytest.raises(TokenEndpointDown) as lost:
        refreshed(lambda _: None)
    assert lost.value.sent is True

    async def unreachable() -> None:
        async with httpx.AsyncClient() as http:
            await _refresh(http, f"http://127.0.0.1:{refused_port()}/tokens")

    with pytest.raises(TokenEndpointDown) as refused:
        asyncio.run(unreachable())
    assert refused.value.sent is False


@pytest.mark.parametrize("key", ["access_token", "refresh_token", "expires_in"])
def test_missing_keys_are_named(key: str) -> None:
    for data in ({k: v for k, v in GIVEN.items() if k != key}, {**GIVEN, key: None}, {**GIVEN, key: ""}):
        with pytest.raises(MalformedTokens, match=f'"{key}"') as caught:
            parse_tokens(data, NOW)
        assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("value", ["soon", -1, 1.5, True, [], "9" * 30])
def test_lifetimes_must_be_seconds(value: object) -> None:
    with pytest.raises(MalformedTokens, match="number of seconds"):
        parse_tokens({**GIVEN, "expires_in": value}, NOW)


def test_lifetimes_may_be_text_and_the_earliest_end_counts() -> None:
    tokens = parse_tokens({**GIVEN, "expires_in": "3600", "x_refresh_token_hard_expires_in": "86400"}, NOW)
    assert tokens.access_expires_at == NOW + timedelta(hours=1)
    assert tokens.refresh_expires_at == NOW + timedelta(days=1)
    assert parse_tokens({**GIVEN, "x_refresh_token_expires_in": None}, NOW).refresh_expires_at is None


@pytest.mark.parametrize("life", [8_640_000, None])
def test_tokens_survive_the_vault_and_hide_in_repr(life: int | None) -> None:
    tokens = parse_tokens({**GIVEN, "x_refresh_token_expires_in": life}, NOW)
    assert Tokens.from_json(tokens.to_json()) == tokens
    assert "s3cret" not in repr(tokens)


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"[]",
        b"{}",
        b'{"access_token": "s3cret-access"',
        b"\xff",
        b'{"access_token":"s3cret","refresh_token":"s3cret","access_expires_at":"2026-08-17T10:00:00",'
        b'"refresh_expires_at":null}',
    ],
)
def test_damaged_tokens_are_said_without_a_secret(blob: bytes) -> None:
    with pytest.raises(MalformedTokens) as caught:
        Tokens.from_json(blob)
    assert "reconnect" in str(caught.value)
    assert "s3cret" not in repr(caught.value)
