"""How a stored object looks to a reader."""

from collections.abc import Mapping

from syncd.sandbox.clock import metadata_time
from syncd.sandbox.entity import Entity
from syncd.sandbox.quirks import Quirks
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
        value = shown.get(field.name)
        if field.target and isinstance(value, dict):
            shown[field.name] = _named(company, field.target, value)
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


def _named(company: Company, target: str, reference: dict[str, Json]) -> dict[str, Json]:
    stored = company.get(target, str(reference["value"]))
    name = stored and (stored.body.get("DisplayName") or stored.body.get("Name"))
    return {"value": reference["value"], "name": name} if name else reference
