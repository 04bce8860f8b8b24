"""Carrying a call out: queries, reads, creates and updates.

Everything here is synchronous; what it raises is QboFaultError.
"""

from syncd.sandbox import faults
from syncd.sandbox.call import Call, answer_with
from syncd.sandbox.entity import Entity
from syncd.sandbox.evaluate import run
from syncd.sandbox.present import present
from syncd.sandbox.query import parse
from syncd.sandbox.replay import Answer
from syncd.sandbox.store import Company
from syncd.sandbox.wire import BodyError, Json, read_object
from syncd.sandbox.writes import save


def dispatch(call: Call, company: Company) -> Answer:
    """Do what the path, the method and `operation` ask for."""
    world, method = call.world, call.request.method
    if call.resource == "query" and not call.id and method in ("GET", "POST"):
        found = run(world.entities, company, parse(_statement(call)), world.quirks)
        return answer_with(call, {"QueryResponse": found})
    entity = call.entity
    if entity is None or method not in ("GET", "POST"):
        raise faults.no_such_path()
    if method == "GET":
        return _read(call, company, entity)
    if call.id:
        raise faults.no_such_path()
    operation = call.params.get("operation", "update")
    if operation not in ("update", "create"):
        raise faults.unsupported(operation)
    stored = save(world.entities, company, entity, _json(call), world.quirks, world.clock.now())
    shown = present(world.entities, company, stored, world.quirks)
    return answer_with(call, {entity.name: shown}, object_id=stored.id)


def _read(call: Call, company: Company, entity: Entity) -> Answer:
    identifier = call.id
    if entity.singleton and identifier in ("", company.realm_id):
        identifier = "1"
    if not identifier:
        raise faults.no_such_path()
    if not (identifier.isascii() and identifier.isdigit()):
        raise faults.bad_id(identifier)
    stored = company.get(entity.name, identifier)
    if stored is None:
        raise faults.not_found()
    shown = present(call.world.entities, company, stored, call.world.quirks)
    return answer_with(call, {entity.name: shown}, object_id=stored.id)


def _statement(call: Call) -> str:
    if call.request.method == "GET":
        return call.params.get("query", "")
    kind = _content_type(call)
    if kind not in ("application/text", "text/plain"):
        raise faults.wrong_content_type(kind)
    return _text(call)


def _json(call: Call) -> dict[str, Json]:
    kind = _content_type(call)
    if kind != "application/json":
        raise faults.wrong_content_type(kind)
    try:
        return read_object(_text(call))
    except BodyError:
        raise faults.bad_property() from None


def _content_type(call: Call) -> str:
    return call.request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _text(call: Call) -> str:
    try:
        return call.body.decode("utf-8")
    except UnicodeDecodeError:
        raise faults.not_utf8() from None
