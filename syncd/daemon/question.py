"""Questions to QBO: queries and reads of one lane, within its realm's budget. They never change anything."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from syncd.db.states import FaultClass

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from syncd.daemon.access import Door
    from syncd.db.queue import Hold, Queue
    from syncd.qbo.client import Access, Answer, Client
    from syncd.qbo.faults import Fault

Found = tuple[str, dict[str, Any]]
"""QBO's name of the type, and the object."""


class LookUpFailed(Exception):
    """QBO answered a question with a fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code)
        self.fault = fault


class Questions:
    """Asks for one lane. Each question raises NotSent, Lost, LookUpFailed, or NoAccess after pausing the lane."""

    def __init__(self, client: Client, queue: Queue, hold: Hold, door: Door) -> None:
        self._client = client
        self._queue = queue
        self._hold = hold
        self._door = door

    @property
    def realm_id(self) -> str:
        """The realm that is asked."""
        return self._door.realm_id

    async def query(self, statement: str) -> list[Found]:
        """Every object that a query statement finds."""
        answer = await self._answer(lambda access: self._client.query(access, statement))
        if answer.fault is not None:
            raise LookUpFailed(answer.fault)
        return [
            (kind, found)
            for kind, objects in answer.body.get("QueryResponse", {}).items()
            if isinstance(objects, list)
            for found in objects
        ]

    async def read(self, path: str, key: str) -> dict[str, Any] | None:
        """One object, as "customer/12" and "Customer" name it; None if there is none."""
        answer = await self._answer(lambda access: self._client.read(access, path))
        if answer.fault is not None and answer.fault.fault_class is not FaultClass.RECORD:
            raise LookUpFailed(answer.fault)
        found = answer.body.get(key)
        return found if isinstance(found, dict) else None

    async def _answer(self, ask: Callable[[Access], Awaitable[Answer]]) -> Answer:
        """Renews a token that QBO does not take, once."""
        access = await self._door.access()
        await self._turn()
        answer = await ask(access)
        if answer.fault and answer.fault.fault_class is FaultClass.AUTH and answer.fault.retry:
            access = await self._door.access(refused=access.token)
            await self._turn()
            answer = await ask(access)
        return answer

    async def _turn(self) -> None:
        """Wait within the realm's budget: QBO answers what exceeds it with a minute's silence."""
        await asyncio.sleep(await self._queue.take_turn(self._hold))
