"""One request to the accounting API, and the two forms of its answer."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from starlette.requests import Request

from syncd.sandbox import faults
from syncd.sandbox.clock import envelope_time
from syncd.sandbox.entity import Entity
from syncd.sandbox.faults import QboFaultError
from syncd.sandbox.names import SPACE
from syncd.sandbox.replay import Answer
from syncd.sandbox.throttle import Weight
from syncd.sandbox.wire import BodyError, Json, read_object, write
from syncd.sandbox.world import World

if TYPE_CHECKING:
    import asyncio

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
        self._document: dict[str, Json] | None = None
        self.names_locked = False
        """Whether another call holds the lock that this one's list writes need."""
        self.delays = {"before": world.latency / 2, "after": world.latency / 2}
        """Seconds the call takes before it is carried out, and after."""
        self.holds: dict[str, list[asyncio.Event]] = {"before": [], "after": []}
        """What it waits for then."""

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

    @cached_property
    def replay_key(self) -> str:
        """What a repeat of this call has in common with it: the requestid, and the bIds of a batch."""
        bids = sorted(str(item.get("bId")) for item in self.items)
        return "\n".join([self.requestid or "", *bids])

    @property
    def now(self) -> float:
        """The sandbox's time."""
        return self.world.clock.now()

    @cached_property
    def items(self) -> list[dict[str, Json]]:
        """What looks like an item of a batch; nothing for other calls, or a body that is no batch."""
        if self.resource != "batch":
            return []
        try:
            given = self.read_json().get("BatchItemRequest")
        except QboFaultError:
            return []
        return [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []

    @property
    def written(self) -> list[Entity]:
        """The entities this call may change."""
        if not self.is_write:
            return []
        if self.entity is not None:
            return [self.entity]
        return [
            self.world.entities[name] for item in self.items for name in item if name in self.world.entities
        ]

    @property
    def kinds(self) -> set[str]:
        """What this call is about, in the words that ordered faults use."""
        if self.resource == "batch":
            return {"batch", *(entity.name for entity in self.written)}
        return {self.entity.name if self.entity else self.resource}

    @property
    def weight(self) -> Weight:
        """What this call counts towards the limits."""
        batch = self.resource == "batch"
        by_items = batch and self.world.quirks["batch-weight"] == "items"
        return Weight(max(len(self.items), 1) if by_items else 1, batch=batch)

    def locks(self, entity: Entity) -> bool:
        """Whether a write of this entity is alone in its company."""
        quirk = self.world.quirks["names-lock"]
        return entity.name_list and (quirk == "on" or (quirk == "names" and entity.space == SPACE))

    def read_json(self) -> dict[str, Json]:
        """The body as a JSON object; QboFaultError if it is none."""
        if self._document is None:
            try:
                self._document = read_object(self.read_text("application/json"))
            except BodyError:
                raise faults.bad_property() from None
        return self._document

    def read_text(self, *kinds: str) -> str:
        """The body as text, if it comes as one of these kinds of content."""
        kind = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in kinds:
            raise faults.wrong_content_type(kind)
        try:
            return self.body.decode("utf-8")
        except UnicodeDecodeError:
            raise faults.not_utf8() from None


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
