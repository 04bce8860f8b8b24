"""HTTP answers that are no JSON document: dropped and held connections, and their headers."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Dropped(Response):
    """Closes the connection without a byte of an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Cut the connection, and wait until the server knows that it is gone."""
        connection = scope["state"]["connections"].get(scope["client"])
        if connection is not None:  # else the client has hung up already
            connection.cut()
        while (await receive())["type"] != "http.disconnect":
            pass


async def hold(request: Request, seconds: float) -> None:
    """Wait until the client hangs up, or `seconds` have passed if that is above 0."""

    async def hung_up() -> None:
        while not await request.is_disconnected():  # noqa: ASYNC110 - uvicorn offers no event for it
            await asyncio.sleep(0.02)

    try:
        await asyncio.wait_for(hung_up(), seconds or None)
    except TimeoutError:
        return


class Identified:
    """Puts `intuit_tid` on every answer, whatever produced it."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a new transaction id for its answer."""
        tid = f"1-{uuid.uuid4().hex[:8]}-{uuid.uuid4().hex[:24]}".encode()

        async def identify(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"intuit_tid", tid)]
            await send(message)

        await self._app(scope, receive, identify)
