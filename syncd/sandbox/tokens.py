"""Grants and tokens: what consent gives, how it is renewed, and how it ends.

Facts of Intuit's OAuth 2.0 page and its FAQ: access tokens live an hour,
refresh tokens about 101 days from their last use and at most five years, a
replaced refresh token is dead.
"""

import secrets
from dataclasses import dataclass, field
from enum import Enum

ACCESS_SECONDS = 3600
REFRESH_SECONDS = 8_726_400
HARD_SECONDS = 5 * 365 * 86_400
CODE_SECONDS = 600
DAY = 86_400
ACCOUNTING = "com.intuit.quickbooks.accounting"


@dataclass
class Grant:
    """One person's consent for one app and realm."""

    realm_id: str
    client_id: str
    scopes: frozenset[str]
    granted_at: float
    refresh: str = ""
    issued_at: float = 0.0
    expires_at: float = 0.0
    replaced: dict[str, float] = field(default_factory=dict)
    """Refresh tokens that were replaced, and until when each still works."""
    revoked: bool = False


@dataclass(frozen=True)
class Issued:
    """A pair of tokens as the token endpoint gives it; times in seconds from now."""

    realm_id: str
    access_token: str
    refresh_token: str
    expires_in: int
    refresh_expires_in: int
    hard_expires_in: int


@dataclass
class _Code:
    grant: Grant
    redirect_uri: str
    expires_at: float
    used: bool = False


class Refused(Enum):
    """Why an access token opens nothing."""

    MALFORMED = "Malformed bearer token: too short or too long"
    EXPIRED = "Token expired"
    REVOKED = "Token revoked"


class Tokens:
    """Every code, token and grant of the sandbox."""

    def __init__(self) -> None:
        self._codes: dict[str, _Code] = {}
        self._access: dict[str, tuple[Grant, float]] = {}
        self._refresh: dict[str, Grant] = {}

    def consent(self, realm_id: str, client_id: str, scopes: frozenset[str], now: float) -> Grant:
        """A person allows an app to work on a company."""
        return Grant(realm_id, client_id, scopes, now)

    def code(self, grant: Grant, redirect_uri: str, now: float) -> str:
        """An authorization code: good once, for ten minutes, with this redirect URI."""
        code = "AB" + secrets.token_hex(24)
        self._codes[code] = _Code(grant, redirect_uri, now + CODE_SECONDS)
        return code

    def exchange(
        self, code: str, redirect_uri: str, client_id: str, now: float, *, reuse_revokes: bool
    ) -> Issued | None:
        """Tokens for a code, or None (invalid_grant)."""
        known = self._codes.get(code)
        if known is None:
            return None
        if known.used:
            known.grant.revoked = known.grant.revoked or reuse_revokes
            return None
        grant = known.grant
        if now >= known.expires_at or redirect_uri != known.redirect_uri or client_id != grant.client_id:
            return None
        known.used = True
        return self.issue(grant, now)

    def issue(self, grant: Grant, now: float) -> Issued:
        """A new access token and a new refresh token for a grant."""
        grant.refresh = "RT1-" + secrets.token_hex(20)
        grant.issued_at = now
        self._refresh[grant.refresh] = grant
        return self._answer(grant, now)

    def renew(
        self, token: str, client_id: str, now: float, *, rotate_at_once: bool, old_lives: float
    ) -> Issued | None:
        """Tokens for a refresh token, or None (invalid_grant).

        `old_lives` is how many seconds a replaced refresh token still works.
        """
        grant = self._refresh.get(token)
        if grant is None or grant.revoked or grant.client_id != client_id or now >= grant.expires_at:
            return None
        if token != grant.refresh:
            return self._answer(grant, now) if now < grant.replaced[token] else None
        if not rotate_at_once and now - grant.issued_at < DAY:
            return self._answer(grant, now)
        grant.replaced[token] = now + old_lives
        return self.issue(grant, now)

    def _answer(self, grant: Grant, now: float) -> Issued:
        access = "eyJlbmMiOiJBMTI4Q0JDLUhTMjU2In0." + secrets.token_urlsafe(48)
        hard_end = grant.granted_at + HARD_SECONDS
        grant.expires_at = min(now + REFRESH_SECONDS, hard_end)
        self._access[access] = (grant, now + ACCESS_SECONDS)
        return Issued(
            grant.realm_id,
            access,
            grant.refresh,
            ACCESS_SECONDS,
            int(grant.expires_at - now),
            int(hard_end - now),
        )

    def check(self, access_token: str, now: float) -> Grant | Refused:
        """The grant behind an access token, or why there is none."""
        if not 20 <= len(access_token) <= 4096 or not access_token.isascii():
            return Refused.MALFORMED
        grant, end = self._access.get(access_token, (None, 0.0))
        if grant is None or now >= end:
            return Refused.EXPIRED
        return Refused.REVOKED if grant.revoked else grant

    def revoke(self, token: str, client_id: str) -> bool:
        """End the whole grant an access or refresh token belongs to; False if there is none."""
        grant = self._refresh.get(token) or self._access.get(token, (None, 0.0))[0]
        if grant is None or grant.client_id != client_id or grant.revoked:
            return False
        grant.revoked = True
        return True

    def kill(self, token: str) -> None:
        """Make one token stop working, as an injected fault; unknown ones are ignored."""
        self._access.pop(token, None)
        grant = self._refresh.pop(token, None)
        if grant is not None and grant.refresh == token:
            grant.revoked = True
