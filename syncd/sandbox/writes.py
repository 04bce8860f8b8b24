"""Creating and updating objects: schema, SyncToken, full and sparse updates.

Nothing here waits: a write is checked and committed in one step, or refused
without a trace.
"""

from collections.abc import Mapping

from syncd.sandbox import faults
from syncd.sandbox.entity import Entity, Write
from syncd.sandbox.quirks import Quirks
from syncd.sandbox.schema import Field, as_text, unknown_property
from syncd.sandbox.store import Company, Stored
from syncd.sandbox.wire import Json

_COMMON = frozenset(("Id", "SyncToken", "sparse", "domain", "MetaData"))


def save(
    entities: Mapping[str, Entity],
    company: Company,
    entity: Entity,
    body: dict[str, Json],
    quirks: Quirks,
    now: float,
) -> Stored:
    """Create the object in `body`, or update the one whose Id it carries.

    Raises QboFaultError with 2010, 2020, 2050 and the other codes of the schema,
    610 for an Id that is not there, 5010 for an old SyncToken, 2500 for a
    reference that leads nowhere, or what the entity's own rules refuse.
    """
    given = _read(entity, body, quirks)
    sparse = body.get("sparse") in (True, "true")
    before = _existing(company, entity, body)
    draft = _draft(entity, before, given, sparse=sparse)
    write = Write(company, entity, before, given, draft, sparse, quirks)
    check_references(entities, write)
    entity.rules(write)
    return commit(company, entity, before, write.draft, now)


def commit(
    company: Company, entity: Entity, before: Stored | None, draft: dict[str, Json], now: float
) -> Stored:
    """Store a finished draft as a new object, or as the next version of `before`."""
    body: dict[str, Json] = {name: value for name, value in draft.items() if value is not None}
    for field in entity.fields:
        address = body.get(field.name)
        if field.kind == "address" and isinstance(address, dict):
            old = before.body.get(field.name) if before else None
            kept = old.get("Id") if isinstance(old, dict) else None
            body[field.name] = {"Id": kept or company.next_id("Addresses"), **address}
    if before is None:
        stored = Stored(entity.name, company.next_id(entity.space), 0, now, now, body)
    else:
        stored = Stored(entity.name, before.id, before.token + 1, before.created, now, body)
    company.put(stored, entity.indexed)
    return stored


def _read(entity: Entity, body: dict[str, Json], quirks: Quirks) -> dict[str, Json]:
    """What the client gave, read by the schema; None for what it clears."""
    given: dict[str, Json] = {}
    for key, value in body.items():
        if key in _COMMON or (key in entity.accepted and key not in entity.by_name):
            continue
        field = entity.by_name.get(key)
        if field is None:
            raise unknown_property(key, entity.name, entity.by_name, quirks)
        if value is not None and not field.read_only:
            given[key] = field.read(value, quirks)
    return given


def _existing(company: Company, entity: Entity, body: dict[str, Json]) -> Stored | None:
    identifier = "1" if entity.singleton else _text(body, "Id")
    if not identifier:
        return None
    if not (identifier.isascii() and identifier.lstrip("-").isdigit()):
        raise faults.bad_id(identifier)
    before = company.get(entity.name, identifier)
    if before is None:
        raise faults.not_found()
    token = _text(body, "SyncToken")
    if not token:
        raise faults.required("SyncToken")
    if token != str(before.token):
        raise faults.stale(entity.name)
    return before


def _text(body: dict[str, Json], name: str) -> str:
    value = body.get(name)
    return "" if value is None else as_text(value)


def _draft(entity: Entity, before: Stored | None, given: dict[str, Json], *, sparse: bool) -> dict[str, Json]:
    """The object a request describes.

    Create: defaults and what is given. Sparse update: what was there, with the
    given attributes in its place. Full update: as a create, but attributes a
    client cannot write, or cannot remove, stay.
    """
    draft: dict[str, Json] = {} if before is None or not sparse else dict(before.body)
    for field in entity.fields:
        old = before.body.get(field.name) if before else None
        if before is not None and (field.read_only or field.create_only):
            value = old
        elif field.name in given and not (given[field.name] is None and field.keep):
            value = given[field.name]
        elif before is not None and (sparse or field.keep):
            value = old
        else:
            value = None
        if value is None:
            value = field.default
        draft.pop(field.name, None)
        if value is not None:
            draft[field.name] = value
    return draft


def check_references(entities: Mapping[str, Entity], write: Write) -> None:
    """Fault 2500 for a reference to nothing, or newly to something inactive."""
    for name, value in write.given.items():
        field: Field = write.entity.by_name[name]
        if not (field.target and isinstance(value, dict)):
            continue
        identifier = str(value["value"])
        target = write.company.get(field.target, identifier)
        entity = entities.get(field.target)
        if target is None:
            raise faults.bad_reference(entity.space if entity else f"{field.target}s", identifier)
        before = write.before.body.get(name) if write.before else None
        if target.body.get("Active") is False and value != before:
            raise faults.bad_reference("", identifier, inactive=True)
