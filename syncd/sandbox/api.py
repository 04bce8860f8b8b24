"""The accounting API under /v3/company: from a request to its answer.

Order of the checks: injected faults, token, realm, limits, path, requestid
(format, replay), name-list lock, and only then the content.
"""

import asyncio
import time
from dataclasses import replace

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from syncd.sandbox import faults
from syncd.sandbox.call import PATH, Call, refuse_with
from syncd.sandbox.dispatch import dispatch
from syncd.sandbox.faults import QboFaultError
from syncd.sandbox.inject import Injected
from syncd.sandbox.journal import Entry
from syncd.sandbox.replay import Answer, check_format
from syncd.sandbox.replies import Dropped, hold
from syncd.sandbox.store import Company
from syncd.sandbox.tokens import ACCOUNTING, Refused
from syncd.sandbox.wire import read_object, to_xml
from syncd.sandbox.world import World

_HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


async def handle(world: World, request: Request) -> Response:
    """Answer one request under /v3."""
    started = request.scope["state"].get("arrived", time.time())
    entry = world.journal.open(started, request.method, request.url.path)
    try:
        body = await request.body()
    except ClientDisconnect:
        entry.outcome, entry.code = "refused", "hung-up"
        raise
    call = Call(world, request, body)
    entry.realm, entry.requestid = call.realm, call.requestid or ""
    entry.entity = call.entity.name if call.entity else call.resource
    entry.items = len(call.items)
    answer = await _injected(call, entry)
    if isinstance(answer, Answer):
        return _render(call, entry, answer)
    return answer


async def _injected(call: Call, entry: Entry) -> Answer | Response:
    """Carry the call out, with what was ordered to happen around it."""
    orders = call.world.injector.take(call.request.method, call.path, call.realm, call.kinds)
    late: Injected | None = None
    for order in orders:
        if order.kind == "delay":
            call.delays[order.when] += order.seconds
        elif order.kind == "hold":
            call.holds[order.when].append(call.world.injector.released(order))
        elif order.kind == "token-dead":
            call.world.tokens.kill(_bearer(call.request))
        elif order.when == "after" or order.kind == "drop-after":
            late = order
        else:
            return await _ordered_answer(call, entry, order)
    answer = await _limited(call, entry)
    if late is None:
        return answer
    outcome = entry.outcome
    ordered = await _ordered_answer(call, entry, late)
    entry.outcome, entry.object_id = outcome, answer.object_id
    return replace(ordered, object_id=answer.object_id) if isinstance(ordered, Answer) else ordered


async def _ordered_answer(call: Call, entry: Entry, order: Injected) -> Answer | Response:
    entry.outcome, entry.code = "refused", order.kind
    if order.kind in ("drop-before", "drop-after"):
        return Dropped()
    if order.kind == "hang":
        await hold(call.request, order.seconds)
        return Dropped()
    if order.kind == "html":
        entry.status = order.status or 502
        return Response(_HTML, entry.status, media_type="text/html")
    if order.kind == "status":
        entry.status = order.status or 503
        return Response(order.detail, entry.status, media_type="text/plain")
    if order.kind == "throttle":
        return refuse_with(call, faults.throttled(call.world.quirks["throttle-code"]))
    return refuse_with(call, order.fault(), exact_status=True)


async def _limited(call: Call, entry: Entry) -> Answer:
    """Authentication and limits around the call itself."""
    world = call.world
    entry.outcome = "refused"
    try:
        app = _authenticate(call)
        company = world.companies[call.realm]
        limits = company.limits or world.limits
        wait = world.throttle.admit(call.realm, app, world.clock.now(), limits, call.weight)
        if wait:
            call.retry_after = wait
            raise faults.throttled(world.quirks["throttle-code"])
    except QboFaultError as fault:
        return refuse_with(call, fault)
    try:
        answer = await _once(call, entry, company)
        entry.item_codes = dict(answer.item_codes)
        return answer
    finally:
        world.throttle.leave(call.realm, app)


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _authenticate(call: Call) -> str:
    """The app behind the token; faults 3200 and 3100."""
    grant = call.world.tokens.check(_bearer(call.request), call.world.clock.now())
    if isinstance(grant, Refused):
        raise faults.unauthenticated(grant.value)
    if not PATH.fullmatch(call.path):
        raise faults.no_such_path()
    known = call.realm in call.world.companies
    if not known or grant.realm_id != call.realm or ACCOUNTING not in grant.scopes:
        raise faults.unauthorized()
    return grant.client_id


async def _once(call: Call, entry: Entry, company: Company) -> Answer:
    """Replay, or carry out and remember. The name-list lock lasts until the answer."""
    world, requestid = call.world, call.requestid
    key = (call.realm, call.replay_key)
    if requestid is not None:
        malformed = check_format(requestid, 36 if call.resource == "batch" else 50)
        if malformed:
            return refuse_with(call, malformed)
        kept = _recall(call)
        if kept is not None:
            entry.outcome = "replayed"
            return kept
        if key in world.replay.running and world.quirks["concurrent-requestid"] == "refused":
            return refuse_with(call, faults.duplicate_request())
    locks = any(call.locks(entity) for entity in call.written)
    call.names_locked = locks and call.realm in world.names_busy
    if call.names_locked and call.resource != "batch":
        return refuse_with(call, faults.names_locked())
    held = locks and not call.names_locked
    first = requestid is not None and key not in world.replay.running
    if held:
        world.names_busy.add(call.realm)
    if first:
        world.replay.running.add(key)
    try:
        await _linger(call, "before")
        answer = _recall(call)
        entry.outcome = "replayed" if answer else "executed"
        answer = answer or _execute(call, company)
        await _linger(call, "after")
    finally:
        if held:
            world.names_busy.discard(call.realm)
        if first:
            world.replay.running.discard(key)
    return answer


async def _linger(call: Call, when: str) -> None:
    """The ordered delays and holds before or after a call is carried out."""
    if call.delays[when]:
        await asyncio.sleep(call.delays[when])
    for released in call.holds[when]:
        await released.wait()


def _recall(call: Call) -> Answer | None:
    if call.requestid is None:
        return None
    world = call.world
    return world.replay.recall(call.realm, call.replay_key, call.now, world.quirks["replay-memory"])


def _execute(call: Call, company: Company) -> Answer:
    """Carry a call out and keep its answer for replay, in one step without a pause."""
    definite = True
    try:
        answer = dispatch(call, company)
    except QboFaultError as fault:
        definite = fault.definite and call.world.quirks["failed-replay"] == "remember"
        answer = refuse_with(call, fault)
    if call.requestid is not None and definite:
        call.world.replay.keep(call.realm, call.replay_key, call.now, answer)
    return answer


def _render(call: Call, entry: Entry, answer: Answer) -> Response:
    entry.status, entry.code, entry.object_id = answer.status, answer.code, answer.object_id
    headers = {"QBO-Version": "sandbox"}
    if answer.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="Intuit", error="invalid_token"'
    if answer.status == 429 and call.world.quirks["retry-after"] == "present":
        headers["Retry-After"] = str(int(call.retry_after or 60) + 1)
    if call.wants_json:
        return Response(answer.body, answer.status, headers, "application/json;charset=UTF-8")
    text = to_xml(read_object(answer.body))
    return Response(text, answer.status, headers, "application/xml;charset=UTF-8")
