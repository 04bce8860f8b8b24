"""The two measurements, alike for all peers that run on Python; measure.mjs has the same for Node."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Peer(Protocol):
    """What a peer has to be able to do."""

    async def fill(self, number: int) -> None:
        """Enqueue many jobs."""

    async def add(self, n: int) -> None:
        """Enqueue one job."""

    async def start(self, handle: Callable[[int], None]) -> Callable[[], Awaitable[object]]:
        """Work; returns how to stop."""

    async def left(self) -> int:
        """Jobs not done yet."""


async def drain(peer: Peer, number: int) -> dict[str, Any]:
    await peer.fill(number)
    times: list[float] = []
    stop = await peer.start(lambda _n: times.append(time.perf_counter()))
    while len(times) < number or await peer.left() > 0:  # noqa: ASYNC110 - asks the database too
        await asyncio.sleep(0.005)
    seconds = time.perf_counter() - times[0]
    await stop()
    return {"seconds": seconds}


async def latency(peer: Peer, number: int) -> dict[str, Any]:
    begun: dict[int, float] = {}
    milliseconds: list[float] = []
    stop = await peer.start(lambda n: milliseconds.append((time.perf_counter() - begun[n]) * 1000))
    await asyncio.sleep(1)
    for n in range(1, number + 1):
        begun[n] = time.perf_counter()
        await peer.add(n)
        await asyncio.sleep(random.uniform(0.1, 0.3))
    while len(milliseconds) < number:  # noqa: ASYNC110 - a matter of moments
        await asyncio.sleep(0.05)
    await stop()
    return {"milliseconds": milliseconds}


async def measure(peer: Peer) -> None:
    """Do what the command line says, and say the result as one line of JSON."""
    what, number = sys.argv[1:]
    found = await {"drain": drain, "latency": latency}[what](peer, int(number))
    sys.stdout.write(json.dumps(found) + "\n")
