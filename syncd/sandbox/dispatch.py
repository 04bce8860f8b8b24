"""Carrying a call out: queries, reads, creates and updates.

Everything here is synchronous; what it raises is QboFaultError.
"""

from syncd.sandbox import faults
from syncd.sandbox.batch import run_batch
from syncd.sandbox.call import Call, answer_with
from syncd.sandbox.cdc import changes
from syncd.sandbox.entity import Entity
from syncd.sandbox.evaluate import run
from syncd.sandbox.operations import carry_out
from syncd.sandbox.present import present
from syncd.sandbox.query import parse
from syncd.sandbox.replay import Answer
from syncd.sandbox.store import Company
from syncd.sandbox.taxservice import create as create_tax


def dispatch(call: Call, company: Company) -> Answer:
    """Do what the path, the method and `operation` ask for."""
    world, method = call.world, call.request.method
    if call.resource == "query" and not call.id and method in ("GET", "POST"):
        found = run(world.entities, company, parse(_statement(call)), world.quirks)
        return answer_with(call, {"QueryResponse": found})
    if call.resource == "batch" and not call.id and method == "POST":
        return run_batch(call, company)
    if (call.resource, call.id, method) == ("cdc", "", "GET"):
        names, since = call.params.get("entities", ""), call.params.get("changedSince", "")
        changed = changes(world.entities, company, names, since, world.quirks, call.now)
        return answer_with(call, {"CDCResponse": changed})
    if (call.resource, call.id, method) == ("taxservice", "taxcode", "POST"):
        return answer_with(call, create_tax(world, company, call.read_json()))
    entity = call.entity
    if entity is None or method not in ("GET", "POST"):
        raise faults.no_such_path()
    if method == "GET":
        return _read(call, company, entity)
    if call.id:
        raise faults.no_such_path()
    operation, include = call.params.get("operation", "update"), call.params.get("include", "")
    done = carry_out(world, company, entity, operation, include, call.read_json())
    return answer_with(call, {entity.name: done.shown}, object_id=done.id)


def _read(call: Call, company: Company, entity: Entity) -> Answer:
    identifier = call.id
    if entity.singleton and identifier in ("", company.realm_id):
        identifier = "1"
    if not identifier:
        raise faults.no_such_path()
    stored = company.get(entity.name, identifier)
    if stored is None:
        raise (
            faults.not_found() if identifier.isascii() and identifier.isdigit() else faults.bad_id(identifier)
        )
    shown = present(call.world.entities, company, stored, call.world.quirks)
    return answer_with(call, {entity.name: shown}, object_id=stored.id)


def _statement(call: Call) -> str:
    if call.request.method == "GET":
        return call.params.get("query", "")
    return call.read_text("application/text", "text/plain")
