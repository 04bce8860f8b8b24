"""The OAuth 2.0 endpoints, as Intuit's OAuth page and its own client library use them."""

import asyncio
import base64
import binascii
import ipaddress
import secrets
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from syncd.sandbox.inject import Injected
from syncd.sandbox.journal import Entry
from syncd.sandbox.replies import Dropped, hold
from syncd.sandbox.tokens import ACCOUNTING, DAY, Issued, Refused
from syncd.sandbox.wire import BodyError, Json, read_object, write
from syncd.sandbox.world import World

KNOWN_SCOPES = frozenset(
    (ACCOUNTING, "com.intuit.quickbooks.payment", "openid", "profile", "email", "phone", "address")
)


def reply(status: int, document: Json) -> Response:
    """A JSON answer of the OAuth server."""
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    return Response(write(document), status, headers, "application/json;charset=UTF-8")


def refuse(status: int, error: str, description: str = "") -> Response:
    """An OAuth error (RFC 6749, section 5.2)."""
    document: dict[str, Json] = {"error": error}
    if description:
        document["error_description"] = description
    return reply(status, document)


def token_document(issued: Issued, *, with_hard_end: bool = False) -> dict[str, Json]:
    """What the token endpoint answers; lifetimes in seconds."""
    document: dict[str, Json] = {
        "token_type": "bearer",
        "access_token": issued.access_token,
        "expires_in": issued.expires_in,
        "refresh_token": issued.refresh_token,
        "x_refresh_token_expires_in": issued.refresh_expires_in,
    }
    if with_hard_end:
        document["x_refresh_token_hard_expires_in"] = issued.hard_expires_in
    return document


class OAuth:
    """The endpoints over one World."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """Paths as at Intuit's hosts; there they live on five host names, here on one."""
        documents = ("openid_configuration", "openid_sandbox_configuration")
        return [
            *(Route(f"/.well-known/{name}{end}", self._discovery) for name in documents for end in ("", "/")),
            Route("/connect/oauth2", self._authorize),
            Route("/oauth2/v1/tokens/bearer", self._token, methods=["POST"]),
            Route("/v2/oauth2/tokens/revoke", self._revoke, methods=["POST"]),
            Route("/v1/openid_connect/userinfo", self._userinfo),
            Route("/op/v1/jwks", self._jwks),
        ]

    async def _discovery(self, request: Request) -> Response:
        base = str(request.base_url).rstrip("/")
        scopes: list[Json] = ["openid", "email", "profile", "address", "phone"]
        return reply(
            200,
            {
                "issuer": "https://oauth.platform.intuit.com/op/v1",
                "authorization_endpoint": f"{base}/connect/oauth2",
                "token_endpoint": f"{base}/oauth2/v1/tokens/bearer",
                "userinfo_endpoint": f"{base}/v1/openid_connect/userinfo",
                "revocation_endpoint": f"{base}/v2/oauth2/tokens/revoke",
                "jwks_uri": f"{base}/op/v1/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": scopes,
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            },
        )

    async def _authorize(self, request: Request) -> Response:
        """The consent page, with the person's answer given in the query.

        Two parameters of the sandbox's own stand for the person: `realm_id`
        picks the company (default: the first), `decision=deny` refuses.
        """
        asked = request.query_params
        problem = self._authorize_problem(request)
        if problem:
            return PlainTextResponse(f"Sorry, but this app did not connect: {problem}\n", 400)
        if asked.get("decision") == "deny":
            return _back(asked["redirect_uri"], {"error": "access_denied", "state": asked["state"]})
        realm = asked.get("realm_id") or next(iter(self._world.companies))
        now = self._world.clock.now()
        tokens = self._world.tokens
        grant = tokens.consent(realm, asked["client_id"], frozenset(asked["scope"].split()), now)
        code = tokens.code(grant, asked["redirect_uri"], now)
        return _back(asked["redirect_uri"], {"code": code, "state": asked["state"], "realmId": realm})

    def _authorize_problem(self, request: Request) -> str:
        asked = request.query_params
        for name in ("client_id", "response_type", "scope", "redirect_uri", "state"):
            if not asked.get(name):
                return f"the {name} query parameter is missing."
        if asked["client_id"] != self._world.client_id:
            return "the client_id is not known."
        if asked["response_type"] != "code":
            return "the response_type must be code."
        unknown = set(asked["scope"].split()) - KNOWN_SCOPES
        if unknown:
            return f"the scope {sorted(unknown)[0]} is not known."
        if not self._world.companies or asked.get("realm_id", "") not in ("", *self._world.companies):
            return "there is no such company; create one with POST /sandbox/companies."
        return _redirect_problem(asked["redirect_uri"])

    def _client(self, request: Request) -> str:
        """The client_id of a right Basic header, "" otherwise."""
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        try:
            pair = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return ""
        wanted = f"{self._world.client_id}:{self._world.client_secret}".encode()
        right = scheme.lower() == "basic" and secrets.compare_digest(pair, wanted)
        return self._world.client_id if right else ""

    async def _token(self, request: Request) -> Response:
        entry = self._world.journal.open(request.scope["state"]["arrived"], "POST", request.url.path)
        entry.entity = "token"
        form = _form(request, await request.body())
        answer: Response | None = None
        for order in self._world.injector.take("POST", request.url.path, "", {"token"}):
            if order.kind == "delay":
                await asyncio.sleep(order.seconds)
            elif order.kind == "token-dead":
                self._world.tokens.kill((form or {}).get("refresh_token", ""))
            else:
                if order.kind == "drop-after" or order.when == "after":
                    self._grant(request, form, entry)
                answer = await _ordered_answer(request, order)
        entry.outcome = "refused" if answer else "executed"
        answer = answer or self._grant(request, form, entry)
        entry.status = answer.status_code
        return answer

    def _grant(self, request: Request, form: dict[str, str] | None, entry: Entry) -> Response:
        client = self._client(request)
        if not client:
            return refuse(401, "invalid_client")
        if form is None:
            return refuse(400, "invalid_request", "The body must be application/x-www-form-urlencoded")
        kind = form.get("grant_type")
        if kind not in ("authorization_code", "refresh_token"):
            return refuse(400, "unsupported_grant_type" if kind else "invalid_request")
        issued = self._exchange(form, client) if kind == "authorization_code" else self._renew(form, client)
        if issued is None:
            entry.code = "invalid_grant"
            what = "refresh token" if kind == "refresh_token" else "authorization code"
            return refuse(400, "invalid_grant", f"Incorrect or invalid {what}")
        entry.realm = issued.realm_id
        hard = request.headers.get("x-include-refresh-token-hard-expires-in", "").lower() == "true"
        return reply(200, token_document(issued, with_hard_end=hard))

    def _exchange(self, form: dict[str, str], client: str) -> Issued | None:
        return self._world.tokens.exchange(
            form.get("code", ""),
            form.get("redirect_uri", ""),
            client,
            self._world.clock.now(),
            reuse_revokes=self._world.quirks["reused-code"] == "revokes",
        )

    def _renew(self, form: dict[str, str], client: str) -> Issued | None:
        quirks = self._world.quirks
        return self._world.tokens.renew(
            form.get("refresh_token", ""),
            client,
            self._world.clock.now(),
            rotate_at_once=quirks["refresh-token-rotation"] == "at-once",
            old_lives=DAY if quirks["old-refresh-token"] == "24h" else 0,
        )

    async def _revoke(self, request: Request) -> Response:
        client = self._client(request)
        if not client:
            return refuse(401, "invalid_client")
        try:
            token = read_object((await request.body()).decode()).get("token")
        except (BodyError, UnicodeDecodeError):
            return refuse(400, "invalid_request")
        if not isinstance(token, str) or not self._world.tokens.revoke(token, client):
            return refuse(400, "invalid_request", "Incorrect or invalid token")
        return Response(b"", 200)

    async def _userinfo(self, request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        grant = self._world.tokens.check(token, self._world.clock.now())
        if isinstance(grant, Refused) or "openid" not in grant.scopes:
            return refuse(401, "invalid_token")
        return reply(200, {"sub": "sandbox-user", "email": "owner@company.example", "emailVerified": True})

    async def _jwks(self, _request: Request) -> Response:
        return reply(200, {"keys": []})


async def _ordered_answer(request: Request, order: Injected) -> Response:
    """What an injected fault puts in the place of the token endpoint's answer."""
    if order.kind in ("drop-before", "drop-after", "hang"):
        if order.kind == "hang":
            await hold(request, order.seconds)
        return Dropped()
    if order.kind == "html":
        return Response("<html><body>Bad gateway</body></html>", order.status or 502, media_type="text/html")
    return refuse(order.status or 503, order.code or "temporarily_unavailable", order.detail)


def _form(request: Request, body: bytes) -> dict[str, str] | None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return None
    pairs = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in pairs.items()}


def _redirect_problem(uri: str) -> str:
    parts = urlsplit(uri)
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return "the redirect_uri must not hold an IP address; use localhost."
    if parts.query or parts.fragment:
        return "the redirect_uri must not hold a query string; use state."
    if (parts.scheme == "https" and host) or (parts.scheme == "http" and host == "localhost"):
        return ""
    return "the redirect_uri must be https, or http on localhost with development keys."


def _back(uri: str, answer: dict[str, str]) -> Response:
    return RedirectResponse(f"{uri}?{urlencode(answer)}", 302)
