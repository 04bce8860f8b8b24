"""How a stored object looks to a reader."""

from collections.abc import Mapping

from syncd.sandbox.clock import metadata_time
from syncd.sandbox.entity import Entity
from syncd.sandbox.quirks import Quirks
from syncd.sandbox.schema import Field
from syncd.sandbox.store import Company, Stored
from syncd.sandbox.wire import Json


def present(
    entities: Mapping[str, Entity], company: Company, stored: Stored, quirks: Quirks
) -> dict[str, Json]:
    """The object as an answer carries it.

    Attributes without a value are left out, references get the name of what
    they point to, masked numbers are masked.
    """
    entity = entities[stored.entity]
    shown: dict[str, Json] = dict(stored.body)
    for field in entity.fields:
        if field.name in shown and (field.target or field.referring):
            shown[field.name] = _named(company, field, shown[field.name])
    entity.show(company, stored, shown, quirks)
    shown["domain"] = "QBO"
    shown["sparse"] = False
    shown["Id"] = stored.id
    shown["SyncToken"] = str(stored.token)
    shown["MetaData"] = {
        "CreateTime": metadata_time(stored.created),
        "LastUpdatedTime": metadata_time(stored.updated),
    }
    return shown


def _named(company: Company, field: Field, value: Json) -> Json:
    """A value with the names of what its references point to, within groups and lines too."""
    if isinstance(value, list):
        return [_named(company, field, item) for item in value]
    if not isinstance(value, dict):
        return value
    if field.target:
        stored = company.get(field.target, str(value["value"]))
        name = stored and (stored.body.get("DisplayName") or stored.body.get("Name"))
        return {"value": value["value"], "name": name} if name else value
    named = dict(value)
    for part in field.referring:
        if part.name in value:
            named[part.name] = _named(company, part, value[part.name])
    return named
