"""Once the lease may have ended, nothing is sent under it, whoever notices first."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from syncd.daemon import lease as lease_module
from syncd.daemon.access import Door
from syncd.daemon.lease import Lease
from syncd.db.queue import LaneLost
from syncd.qbo.oauth import Tokens


@pytest.mark.parametrize(("seconds", "stands"), [(22.5, True), (22.6, False)])
def test_a_lease_stands_for_three_quarters_of_its_time(
    monkeypatch: pytest.MonkeyPatch, seconds: float, stands: bool
) -> None:
    monkeypatch.setattr(lease_module, "_now", lambda: seconds)
    lease = Lease("", 30.0, list, dict)
    assert lease.stands is stands


@pytest.mark.parametrize("fresh", [True, False], ids=["a token", "a renewed token"])
def test_nobody_is_let_in_without_a_lease(fresh: bool) -> None:
    later = datetime.now(UTC) + timedelta(hours=1 if fresh else -1)
    tokens = Tokens("access", "refresh", later, later)

    class Keys:
        lease = True

        def stands(self) -> bool:
            return self.lease

        async def renewed(self, _hold: object) -> Tokens:
            self.lease = False  # it ended while Intuit was asked
            return tokens

    keys = Keys()
    keys.lease = not fresh
    door = Door(cast("Any", keys), cast("Any", None), cast("Any", SimpleNamespace(realm_id="9")), "", tokens)
    with pytest.raises(LaneLost):
        asyncio.run(door.access())
