"""Access tokens of a leased company: decrypted, renewed in time, kept in the database before they are used.

One lane has one owner, so one process at a time refreshes a realm: Intuit refuses the second of two.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from syncd.db.pool import through_outages
from syncd.db.queue import LaneLost
from syncd.qbo import oauth
from syncd.qbo.client import Access

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncd.config import Config
    from syncd.db.queue import Connection, Hold, Leased, Queue, Refresh
    from syncd.qbo.client import Client
    from syncd.qbo.vault import Vault

log = structlog.get_logger()

MARGIN = timedelta(minutes=2)
AGAIN_SECONDS = 60.0
UNCONNECTED_SECONDS = 3600.0


class NoAccess(Exception):
    """The lane has been paused: nothing can be sent for this company now."""

    reason = "the company's connection has to be renewed first"


class Keys:
    """What opens the companies' doors: the app's own id and secret, the vault, and Intuit's token endpoint."""

    def __init__(
        self, config: Config, vault: Vault, client: Client, queue: Queue, stands: Callable[[], bool]
    ) -> None:
        """`stands`: whether this daemon's lease surely goes on."""
        self.stands = stands
        self._config = config
        self._client_id, self._client_secret = config.need_client()
        self._vault = vault
        self._client = client
        self._queue = queue
        self._renewals: dict[str, asyncio.Task[oauth.Tokens]] = {}

    async def door(self, leased: Leased) -> Door:
        """The way to a company just leased. Raises NoAccess after pausing the lane, VaultError or MalformedTokens."""
        if leased.connection is None:
            # Until it is connected: that opens the lane at once.
            await self._queue.pause(
                leased.hold, UNCONNECTED_SECONDS, "The company is not connected to QuickBooks."
            )
            raise NoAccess
        tokens = oauth.Tokens.from_json(self._vault.decrypt(leased.connection.tokens))
        return Door(
            self, leased.hold, leased.connection, self._config.api_url(leased.connection.environment), tokens
        )

    async def finish(self, seconds: float) -> None:
        """Wait for renewals under way whose lanes have ended."""
        if self._renewals:
            await asyncio.wait(self._renewals.values(), timeout=seconds)

    async def renewed(self, hold: Hold) -> oauth.Tokens:
        """One renewal of a company at a time, and not cut short with the lane: a token that Intuit gave and nobody
        kept is a connection lost. Raises NoAccess after pausing the lane.
        """
        renewal = self._renewals.get(hold.company_id)
        if renewal is None:
            renewal = self._renewals[hold.company_id] = asyncio.create_task(self._renew(hold))
            renewal.add_done_callback(lambda done: self._renewal_ended(hold.company_id, done))
        return await asyncio.shield(renewal)

    def _renewal_ended(self, company_id: str, renewal: asyncio.Task[oauth.Tokens]) -> None:
        del self._renewals[company_id]
        if not renewal.cancelled():
            renewal.exception()  # seen by whoever waits; nobody may any more

    async def _renew(self, hold: Hold) -> oauth.Tokens:
        refresh = await self._queue.begin_refresh(hold)
        stored = oauth.Tokens.from_json(self._vault.decrypt(refresh.tokens))
        now = datetime.now(UTC)
        if not self.stands():
            raise LaneLost  # another may have renewed them by now: Intuit may end the connection over the old one
        try:
            fresh = await oauth.refresh(
                self._client.http,
                token_url=self._config.qbo_token_url,
                client_id=self._client_id,
                client_secret=self._client_secret,
                refresh_token=stored.refresh_token,
                now=now,
            )
        except (oauth.InvalidGrant, oauth.InvalidClient, oauth.TokenEndpointDown) as error:
            # Without an answer the token may be another by now: that trace stays, as that of an earlier renewal does.
            unheard = isinstance(error, oauth.TokenEndpointDown) and error.sent
            if refresh.interrupted_at is None and not unheard:
                await self._queue.forget_refresh(hold, refresh)
            if isinstance(error, oauth.InvalidGrant):
                await self._refused(hold, error, refresh.interrupted_at)
            else:
                await self._pause(hold, f"{error.reason}. {error.remedy}")
        else:
            await self._keep(hold, refresh, fresh)
            return fresh
        raise NoAccess

    async def _keep(self, hold: Hold, refresh: Refresh, fresh: oauth.Tokens) -> None:
        """Keeps trying while Postgres is away: the token before is dead already."""
        blob = self._vault.encrypt(fresh.to_json())
        await through_outages(
            lambda: self._queue.keep_tokens(
                hold, refresh, blob, fresh.access_expires_at, fresh.refresh_expires_at
            )
        )

    async def _refused(self, hold: Hold, error: oauth.InvalidGrant, interrupted: datetime | None) -> None:
        """Intuit's outages refuse good tokens too, so the first refusal only waits."""
        if not await self._queue.refuse_refresh(hold):
            await self._pause(hold, f"{error.reason}. It is tried once more in a minute.")
            return
        because = f"{error.reason}. {error.remedy}"
        if interrupted is not None:
            because += (
                f" A renewal of the connection was interrupted at {interrupted:%Y-%m-%d %H:%M:%S} UTC: syncd was"
                " stopped, or Intuit's answer did not arrive. So the new token was lost."
            )
        log.error("connection lost", company_id=hold.company_id, reason=because)
        await self._queue.pause(hold, 0, because, lost_connection=True)

    async def _pause(self, hold: Hold, because: str) -> None:
        log.warning("lane paused", company_id=hold.company_id, reason=because, seconds=AGAIN_SECONDS)
        await self._queue.pause(hold, AGAIN_SECONDS, because)


class Door:
    """One leased company's way in. The lease is the proof that its tokens are the latest: whoever connects the company
    anew takes the lane away, and only its holder renews them.
    """

    def __init__(
        self, keys: Keys, hold: Hold, connection: Connection, base_url: str, tokens: oauth.Tokens
    ) -> None:
        self._keys = keys
        self._hold = hold
        self._connection = connection
        self._base_url = base_url
        self._tokens = tokens

    @property
    def realm_id(self) -> str:
        """The realm behind it."""
        return self._connection.realm_id

    async def access(self, *, refused: str | None = None) -> Access:
        """A token that is good for the next minutes. `refused` is one that QBO did not take, so that it is renewed
        whatever its age. Raises NoAccess after pausing the lane, and LaneLost if the lease may have ended: a process
        that was frozen would else send what another has settled meanwhile.
        """
        if (
            self._tokens.access_expires_at < datetime.now(UTC) + MARGIN
            or self._tokens.access_token == refused
        ):
            self._tokens = await self._keys.renewed(self._hold)
        if not self._keys.stands():
            raise LaneLost
        return Access(self._base_url, self._connection.realm_id, self._tokens.access_token)
