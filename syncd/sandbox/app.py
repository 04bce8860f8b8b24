"""The routes of the sandbox, as one ASGI application."""

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from syncd.sandbox import api
from syncd.sandbox.control import Control
from syncd.sandbox.oauth import OAuth
from syncd.sandbox.replies import App, Identified
from syncd.sandbox.world import World

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def build(world: World) -> App:
    """OAuth, the accounting API and the control interface over one World."""

    async def accounting(request: Request) -> Response:
        return await api.handle(world, request)

    routes = [
        Route("/v3/{path:path}", accounting, methods=_METHODS),
        *OAuth(world).routes(),
        *Control(world).routes(),
    ]
    return Identified(Starlette(routes=routes, exception_handlers={ClientDisconnect: _hung_up}))


async def _hung_up(_request: Request, _error: Exception) -> Response:
    """A client that dies while it sends is no error of ours, and nobody reads this."""
    return Response()
