"""Calls: which bytes go to QBO under which request id, for one record or a batch of them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from syncd.db.queue import parse
from syncd.db.states import CallKind
from syncd.push import module_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncd.db.queue import DueJob, Hold, OpenCall
    from syncd.push import Body

NAMESPACE = uuid.UUID("5c1d9a63-2f6e-5b5c-9f0e-1f7c3b0a9d41")
BATCH = "batch"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One record in a call: what is sent of it."""

    bid: str
    entity_type: str
    entity_id: str
    entity_name: str
    operation: str
    qbo_id: str | None
    payload: dict[str, Any]
    document: str
    sent_document: str | None
    notes: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """How a sentence names the record."""
        return what_of(self)


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP write with its exact bytes, for a single record or a batch."""

    kind: str
    path: str
    request_id: str
    body: bytes
    deliveries: tuple[Delivery, ...]

    @property
    def is_batch(self) -> bool:
        return self.kind == CallKind.BATCH


def what_of(record: DueJob | Delivery) -> str:
    """How a sentence names a record."""
    return f'{record.entity_type.replace("_", " ")} "{record.entity_name}"'


def delivery_of(job: DueJob, bid: str, body: Body) -> Delivery:
    """A job with the body made of its document."""
    notes = body.notes
    if job.names and body.name_sent != job.entity_name:
        notes = (f'Sent to QuickBooks as "{body.name_sent}".', *notes)
    return Delivery(
        bid,
        job.entity_type,
        job.entity_id,
        job.entity_name,
        job.operation,
        job.qbo_id,
        body.payload,
        job.document,
        job.sent_document,
        notes,
    )


def single(hold: Hold, job: DueJob, delivery: Delivery, content: bytes) -> Call:
    """The call that sends one record by itself; `content` is its encoded payload."""
    path = module_for(job.entity_type).path
    return Call(CallKind.SINGLE, path, request_id(job, hold.company_id, content), content, (delivery,))


def batch(deliveries: Sequence[tuple[Delivery, bytes]]) -> Call:
    """The call that sends several, each with its encoded payload. Its id is random: what one holds may never come
    together again.
    """
    items = [
        b'{"bId":"%s","operation":"%s","%s":%s}'
        % (
            delivery.bid.encode(),
            delivery.operation.encode(),
            module_for(delivery.entity_type).qbo_type.encode(),
            content,
        )
        for delivery, content in deliveries
    ]
    body = b'{"BatchItemRequest":[%s]}' % b",".join(items)
    return Call(CallKind.BATCH, BATCH, str(uuid.uuid4()), body, tuple(d for d, _ in deliveries))


def request_id(job: DueJob, company_id: str, body: bytes) -> str:
    """Never the same for two writes of one record, and the same again when the row that held it was lost."""
    parts = (
        job.environment,
        job.realm_id,
        company_id,
        job.entity_type,
        job.entity_id,
        job.operation,
        str(job.generation + 1),
        job.sync_token or "",
        sha256(body).hexdigest(),
    )
    return str(uuid.uuid5(NAMESPACE, "\x1f".join(parts)))


def reopened(call: OpenCall) -> Call:
    """The call that an open one was. Of a batch only the records that still wait are told of; its bytes are whole."""
    content = parse(call.body.decode())
    payloads = {"1": content}
    if call.kind == CallKind.BATCH:
        payloads = {item["bId"]: _payload_of(item) for item in content["BatchItemRequest"]}
    return Call(
        call.kind,
        call.path,
        call.request_id,
        call.body,
        tuple(
            Delivery(
                item.bid,
                item.entity_type,
                item.entity_id,
                item.entity_name,
                item.operation,
                item.qbo_id,
                payloads[item.bid],
                item.document,
                item.sent_document,
            )
            for item in call.items
        ),
    )


def _payload_of(item: dict[str, Any]) -> dict[str, Any]:
    """What one item of a batch sends: the member that is neither its id nor its operation."""
    [payload] = [value for key, value in item.items() if key not in {"bId", "operation"}]
    return dict(payload)
