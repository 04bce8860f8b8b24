"""One request to the accounting API, and the two forms of its answer."""

import re
from collections.abc import Mapping

from starlette.requests import Request

from syncd.sandbox import faults
from syncd.sandbox.clock import envelope_time
from syncd.sandbox.faults import QboFaultError
from syncd.sandbox.replay import Answer
from syncd.sandbox.wire import Json, write
from syncd.sandbox.world import World

PATH = re.compile(r"/v3/company/(?P<realm>[^/]+)/(?P<resource>[^/]+)(?:/(?P<id>[^/]*))?")


class Call:
    """One request under /v3, with its body read."""

    def __init__(self, world: World, request: Request, body: bytes) -> None:
        self.world = world
        self.request = request
        self.body = body
        self.path = request.url.path
        match = PATH.fullmatch(self.path)
        self.realm = match["realm"] if match else ""
        self.resource = match["resource"] if match else ""
        self.id = (match["id"] or "") if match else ""
        self.entity = world.paths.get(self.resource)
        self.params = request.query_params
        self.retry_after = 0.0
        self.delays = {"before": world.latency / 2, "after": world.latency / 2}
        """Seconds the call takes before it is carried out, and after."""

    @property
    def wants_json(self) -> bool:
        """Whether the answer is JSON; QBO writes XML unless it is asked not to."""
        accept = self.request.headers.get("accept", "").lower()
        return "application/json" in accept or self.world.quirks["default-format"] == "json"

    @property
    def is_write(self) -> bool:
        """Whether this call may change something."""
        return self.request.method == "POST" and self.resource != "query"

    @property
    def requestid(self) -> str | None:
        """The requestid of a write; reads are never replayed."""
        return self.params.get("requestid") if self.is_write else None


def answer_with(call: Call, document: Mapping[str, Json], object_id: str = "") -> Answer:
    """A good answer: the document in its envelope."""
    body = {**document, "time": envelope_time(call.world.clock.now())}
    return Answer(200, write(body), "", object_id)


def refuse_with(call: Call, fault: QboFaultError, *, exact_status: bool = False) -> Answer:
    """A fault as an answer; `exact_status` keeps its HTTP status whatever the quirks say."""
    quirks = call.world.quirks
    lower = quirks["gateway-casing"] == "lower" and call.wants_json
    document = fault.document(call.world.clock.now(), lower=lower)
    soft = fault.kind == faults.VALIDATION and quirks["fault-on-200"] == "on" and not exact_status
    return Answer(200 if soft else fault.status, write(document), fault.code)
