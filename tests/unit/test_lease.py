"""Once the lease may have ended, nothing is sent under it, whoever notices first."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest

from syncd.daemon import lease as lease_module
from syncd.daemon.access import Door, Keys
from syncd.daemon.lease import Lease
from syncd.db.queue import Hold, LaneLost
from syncd.qbo.oauth import Tokens


@pytest.mark.parametrize(("seconds", "stands"), [(22.5, True), (22.6, False)])
def test_a_lease_stands_for_three_quarters_of_its_time(
    monkeypatch: pytest.MonkeyPatch, seconds: float, stands: bool
) -> None:
    monkeypatch.setattr(lease_module, "_now", lambda: seconds)
    lease = Lease("", 30.0, list, dict)
    assert lease.stands is stands


def test_nobody_renews_tokens_without_a_lease() -> None:
    class Queue:
        async def begin_refresh(self, _hold: object) -> SimpleNamespace:
            return SimpleNamespace(tokens=stored)

    stored = Tokens("access", "refresh", datetime.now(UTC), datetime.now(UTC)).to_json()
    config = SimpleNamespace(need_client=lambda: ("id", "secret"))
    vault = SimpleNamespace(decrypt=lambda blob: blob)

    async def renew() -> None:
        # A client that could not ask anybody.
        keys = Keys(
            cast("Any", config), cast("Any", vault), cast("Any", None), cast("Any", Queue()), lambda: False
        )
        await keys.renewed(Hold("1", uuid4(), 1))

    with pytest.raises(LaneLost):
        asyncio.run(renew())


@pytest.mark.parametrize("fresh", [True, False], ids=["a token", "a renewed token"])
def test_nobody_is_let_in_without_a_lease(fresh: bool) -> None:
    later = datetime.now(UTC) + timedelta(hours=1 if fresh else -1)
    tokens = Tokens("access", "refresh", later, later)

    class Doorkeeper:
        lease = True

        def stands(self) -> bool:
            return self.lease

        async def renewed(self, _hold: object) -> Tokens:
            self.lease = False  # it ended while Intuit was asked
            return tokens

    keys = Doorkeeper()
    keys.lease = not fresh
    door = Door(cast("Any", keys), cast("Any", None), cast("Any", SimpleNamespace(realm_id="9")), "", tokens)
    with pytest.raises(LaneLost):
        asyncio.run(door.access())
