"""Creating and updating objects: schema, SyncToken, full and sparse updates.

Nothing here waits: a write is checked and committed in one step, or refused
without a trace.
"""

from collections.abc import Iterator, Mapping

from syncd.sandbox import faults
from syncd.sandbox.entity import Change, Entity, Write
from syncd.sandbox.ledger import ZERO
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
    write = draft_write(entities, company, entity, body, quirks, now)
    check_references(write)
    entity.rules(write)
    return commit(write)


def draft_write(
    entities: Mapping[str, Entity],
    company: Company,
    entity: Entity,
    body: dict[str, Json],
    quirks: Quirks,
    now: float,
) -> Write:
    """The write a request describes, checked against the schema only."""
    given = _read(entity, body, quirks)
    sparse = body.get("sparse") in (True, "true")
    if entity.sparse_quirk and quirks[entity.sparse_quirk] == "full":
        sparse = False
    before = existing(company, entity, body)
    draft = _draft(entity, before, given, sparse=sparse)
    return Write(entities, company, entity, before, given, draft, sparse, quirks, now)


def commit(write: Write) -> Stored:
    """Store a finished draft as a new object, or as the next version, with all that follows from it."""
    company, entity, before = write.company, write.entity, write.before
    body: dict[str, Json] = {name: value for name, value in write.draft.items() if value is not None}
    for field in entity.fields:
        address = body.get(field.name)
        if field.kind == "address" and isinstance(address, dict):
            old = before.body.get(field.name) if before else None
            kept = old.get("Id") if isinstance(old, dict) else None
            body[field.name] = {**address, "Id": kept or company.next_id("Addresses")}
    if before is None:
        stored = Stored(entity.name, company.next_id(entity.space), 0, write.now, write.now, body)
    else:
        stored = Stored(entity.name, before.id, before.token + 1, before.created, write.now, body)
    record(company, entity, stored)
    entity.effects(Change(write.entities, company, before, stored, write.quirks, write.now))
    balance_names(company)
    return company.objects[entity.name][stored.id]


def record(company: Company, entity: Entity, stored: Stored) -> None:
    """Store an object and bring the ledger up to date with it."""
    company.put(stored, entity.indexed)
    key = (entity.name, stored.id)
    if entity.postings is not None:
        company.ledger.post(key, entity.postings(company, stored))
    if entity.open_item is not None:
        company.ledger.keep_open(key, *entity.open_item(stored))


def delete(write: Write) -> Stored:
    """Delete a transaction; the object as it was."""
    company, entity, before = write.company, write.entity, write.before
    if before is None:
        raise faults.required("Id")
    entity.refuse_delete(write)
    company.remove(before, entity.indexed, write.now)
    key = (entity.name, before.id)
    company.ledger.post(key, ())
    if entity.open_item is not None:
        company.ledger.keep_open(key, entity.open_item(before)[0], ZERO)
    entity.effects(Change(write.entities, company, before, None, write.quirks, write.now))
    balance_names(company)
    return before


def balance_names(company: Company) -> None:
    """Write what customers and vendors owe by the ledger into them; their SyncToken stays."""
    for name in company.ledger.settle():
        for entity in ("Customer", "Vendor"):
            stored = company.objects[entity].get(name)
            if stored is not None:
                stored.body["Balance"] = company.ledger.owed[name]


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


def existing(company: Company, entity: Entity, body: dict[str, Json]) -> Stored | None:
    """The object a body means by Id and SyncToken, None if it has no Id."""
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


def check_references(write: Write) -> None:
    """Fault 2500 (or 610) for a reference to nothing, or newly to something inactive."""
    fields = write.entity.by_name
    before = write.before.body if write.before else {}
    old = {
        found for name, value in before.items() if name in fields for found in references(fields[name], value)
    }
    for name, value in write.given.items():
        for target, identifier in references(fields[name], value):
            stored = write.company.get(target, identifier)
            entity = write.entities.get(target)
            if stored is None:
                raise faults.bad_reference(entity.space if entity else f"{target}s", identifier)
            if stored.body.get("Active") is False and (target, identifier) not in old:
                if write.quirks["inactive-reference"] == "610":
                    raise faults.not_found()
                raise faults.bad_reference("", identifier, inactive=True)


def references(field: Field, value: Json) -> Iterator[tuple[str, str]]:
    """Every reference in an attribute's value, those within lines too: entity and id."""
    if isinstance(value, list):
        for item in value:
            yield from references(field, item)
    elif isinstance(value, dict):
        if field.target:
            yield field.target, str(value["value"])
        for part in field.referring:
            if part.name in value:
                yield from references(part, value[part.name])
