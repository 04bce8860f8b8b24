"""Tokens of Intuit's OAuth 2.0: what its token endpoint gives, how a refresh can fail, and how they are given back."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from syncd.qbo.wire import Lost, NotSent, exchange

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

REFRESH_SECONDS = 30.0
LONGEST_LIFE = timedelta(days=3660)  # beyond Intuit's five-year limit; more is a garbled number


class InvalidGrant(Exception):
    """Intuit does not take this refresh token: rotated by someone else, revoked, expired, or an outage.

    Read the stored token again before giving the connection up.
    """

    remedy = "Reconnect the company to QuickBooks: syncd company connect."

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InvalidClient(Exception):
    """Intuit does not take the app's own keys; no company can be refreshed until they are put right."""

    remedy = "Check the client id and the client secret of the Intuit app in syncd's settings."

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TokenEndpointDown(Exception):
    """No usable answer from the token endpoint.

    `sent` tells whether the request went out: then Intuit may have rotated the token without our knowing.
    """

    remedy = "Nothing to do; syncd tries again by itself. If it lasts, see Intuit's status page."

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent


class NotRevoked(Exception):
    """Intuit did not say that it has taken the tokens back; the text says why."""


class MalformedTokens(ValueError):
    """Tokens that cannot be used; the text names the missing or wrong key, never a value."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """One realm's tokens; the expiry times are aware. Neither token shows in repr."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    access_expires_at: datetime
    refresh_expires_at: datetime | None

    def to_json(self) -> bytes:
        """For the vault."""
        until = self.refresh_expires_at
        return json.dumps(
            {
                "access_token": self.access_token,
                "refresh_token": self.refresh_token,
                "access_expires_at": self.access_expires_at.isoformat(),
                "refresh_expires_at": until.isoformat() if until else None,
            }
        ).encode()

    @classmethod
    def from_json(cls, blob: bytes) -> Self:
        """The reverse of `to_json`. Raises MalformedTokens."""
        try:
            data = json.loads(blob)
            until = data["refresh_expires_at"]
            return cls(
                access_token=_text(data, "access_token"),
                refresh_token=_text(data, "refresh_token"),
                access_expires_at=_aware(data["access_expires_at"]),
                refresh_expires_at=None if until is None else _aware(until),
            )
        except MalformedTokens:
            raise
        except (ValueError, KeyError, TypeError):
            # Not chained: a JSON error carries the whole document, tokens included.
            raise MalformedTokens("The stored tokens are damaged; reconnect the company.") from None


async def refresh(
    http: httpx.AsyncClient,
    *,
    token_url: str,
    client_id: str,
    client_secret: str,
    refresh_token: str,
    now: datetime,
) -> Tokens:
    """Exchange the refresh token, once. The caller persists the result BEFORE using it.

    Serialise per realm: of two refreshes with one value the second is refused. Raises InvalidGrant,
    InvalidClient or TokenEndpointDown. `http` is any client, e.g. `Client.http`.
    """
    try:
        request = http.build_request(
            "POST",
            token_url,
            data={"grant_type": "refresh_token", "refresh_token": refresh_token},
            headers={"Accept": "application/json", "x-include-refresh-token-hard-expires-in": "true"},
        )
        request.headers["Authorization"] = _basic(client_id, client_secret)
        response = await exchange(http, request, REFRESH_SECONDS)
    except NotSent as error:
        raise TokenEndpointDown(error.reason, sent=False) from None
    except Lost as error:
        raise TokenEndpointDown(error.reason, sent=True) from None
    return _tokens_of(response, now)


async def revoke(
    http: httpx.AsyncClient, *, revoke_url: str, client_id: str, client_secret: str, token: str
) -> None:
    """Give a connection back: given its refresh token, Intuit lets neither token in any more. Raises NotRevoked."""
    request = http.build_request("POST", revoke_url, json={"token": token})
    request.headers["Authorization"] = _basic(client_id, client_secret)
    try:
        response = await exchange(http, request, REFRESH_SECONDS)
    except (NotSent, Lost) as error:
        raise NotRevoked(error.reason) from None
    if response.status_code != 200:
        raise NotRevoked(f"Intuit answered {response.status_code}")


def parse_tokens(data: Mapping[str, Any], now: datetime) -> Tokens:
    """Tokens from the JSON of the token endpoint (code exchange or refresh); lifetimes there are seconds.

    `now` is aware, taken before the request. Raises MalformedTokens. The refresh token ends with its rolling
    100 days or with the hard limit of five years, whichever comes first and is told.
    """
    ends = [
        now + life
        for key in ("x_refresh_token_expires_in", "x_refresh_token_hard_expires_in")
        if (life := _lifetime(data, key)) is not None
    ]
    access_life = _lifetime(data, "expires_in")
    if access_life is None:
        raise MalformedTokens(
            'Intuit\'s token answer lacks "expires_in"; try again, or reconnect the company.'
        )
    return Tokens(
        access_token=_text(data, "access_token"),
        refresh_token=_text(data, "refresh_token"),
        access_expires_at=now + access_life,
        refresh_expires_at=min(ends, default=None),
    )


def _basic(client_id: str, client_secret: str) -> str:
    return f"Basic {b64encode(f'{client_id}:{client_secret}'.encode()).decode()}"


def _tokens_of(response: httpx.Response, now: datetime) -> Tokens:
    status = response.status_code
    try:
        data = json.loads(response.content)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise TokenEndpointDown(f"Intuit's token endpoint answered {status} without JSON", sent=True)
    if status == 200:
        try:
            return parse_tokens(data, now)
        except MalformedTokens as error:
            raise TokenEndpointDown(str(error), sent=True) from None
    match data.get("error"):
        case "invalid_grant":
            raise InvalidGrant("Intuit does not accept the stored refresh token (invalid_grant)")
        case "invalid_client" | "unauthorized_client" as error:
            raise InvalidClient(f"Intuit does not accept the app's client id and secret ({error})")
    raise TokenEndpointDown(f"Intuit's token endpoint answered {status}{_word(data.get('error'))}", sent=True)


def _word(error: object) -> str:
    """The endpoint's error word, if it is one: anything longer might repeat what we sent."""
    return f" ({error})" if isinstance(error, str) and error.isidentifier() and len(error) <= 40 else ""


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value:
        raise MalformedTokens(f'The tokens lack "{key}"; try again, or reconnect the company.')
    return value


def _lifetime(data: Mapping[str, Any], key: str) -> timedelta | None:
    value = data.get(key)
    if value is None:
        return None
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit()) or len(text) > 10:
        raise MalformedTokens(f'"{key}" in Intuit\'s token answer is not a number of seconds; try again.')
    return min(timedelta(seconds=int(text)), LONGEST_LIFE)


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without zone")
    return moment
