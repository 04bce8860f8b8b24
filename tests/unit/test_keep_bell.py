"""A bell that cannot be opened is said once, however often it is tried again."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any, cast

from structlog.testing import capture_logs

from syncd.daemon import look
from syncd.daemon.doorbell import Unfit

if TYPE_CHECKING:
    import pytest


class Bell:
    """Cannot be opened for one reason, again and again, and then for another."""

    def __init__(self) -> None:
        self.reasons = [*["a pooler stands between"] * 4, *["the triggers do not ring"] * 3]
        self.over = asyncio.Event()

    async def open(self) -> None:
        if not self.reasons:
            self.over.set()
            await asyncio.sleep(60)
        raise Unfit(self.reasons.pop(0))

    def fail(self, reason: str) -> None:
        """It is polled meanwhile."""


def test_why_it_polls_is_said_once_while_it_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "UNFIT_SECONDS", 0.001)

    async def run() -> None:
        bell = Bell()
        nobody = cast("Any", None)
        looker = look.Looker(nobody, cast("Any", bell), nobody, uuid.uuid4, asyncio.Event(), 60)
        keeping = asyncio.create_task(looker.keep_bell())
        await asyncio.wait_for(bell.over.wait(), 60)
        keeping.cancel()

    with capture_logs() as said:
        asyncio.run(run())
    assert [event["reason"] for event in said] == ["a pooler stands between", "the triggers do not ring"]
