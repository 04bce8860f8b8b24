"""A daemon that was told to stop lets go of duty before it waits for anything, also for a task of its own."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, cast

from pydantic import SecretStr

from syncd.config import Config
from syncd.daemon.main import Daemon
from tests.support.processes import VAULT_KEY


class Bell:
    """Says what is asked of it, and when."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []
        self.keeping: asyncio.Task[None] | None = None

    async def resign(self) -> None:
        self._note("resign")

    async def close(self) -> None:
        self._note("close")

    def _note(self, what: str) -> None:
        assert self.keeping is not None
        self.asked.append((what, self.keeping.done()))


async def deaf_once() -> None:
    """Its first cancellation is lost, as can happen when its socket is ready in that moment."""
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(60)
    await asyncio.sleep(60)


def test_duty_is_let_go_before_the_bells_task_has_ended_and_stays_so() -> None:
    async def run() -> list[tuple[str, bool]]:
        config = Config(
            dsn=SecretStr("host=nowhere.invalid"),
            vault_keys=SecretStr(VAULT_KEY),
            qbo_client_id="sandbox",
            qbo_client_secret=SecretStr("sandbox"),
        )
        daemon = Daemon(config)
        bell = Bell()
        daemon._bell = cast("Any", bell)
        bell.keeping = asyncio.create_task(deaf_once())
        await asyncio.sleep(0)
        await asyncio.wait_for(daemon._hand_over(bell.keeping), 10)
        return bell.asked

    assert asyncio.run(run()) == [("resign", False), ("close", True)]
