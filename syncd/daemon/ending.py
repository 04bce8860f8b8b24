"""How a task is ended for sure.

One `cancel` may be lost: in Python 3.11 `asyncio.wait_for`, on which psycopg waits for its socket, returns as if
nothing had been asked when what it waited for comes in the same turn of the loop. A task meant to go on for ever then
does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

AGAIN_SECONDS = 0.5


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel these tasks until they have ended. What they raise is passed over."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_SECONDS)
