"""Change data capture: what has changed or been deleted since a moment (page "Change data capture")."""

from collections.abc import Mapping

from syncd.sandbox import faults
from syncd.sandbox.clock import metadata_time, parse_time
from syncd.sandbox.entity import Entity
from syncd.sandbox.present import present
from syncd.sandbox.query import invalid
from syncd.sandbox.quirks import Quirks
from syncd.sandbox.store import Company
from syncd.sandbox.wire import Json

LOOK_BACK = 30 * 86_400
MAX_OBJECTS = 1000
_UNSUPPORTED = ("CompanyInfo", "Preferences", "TaxAgency", "TaxCode", "TaxRate")


def changes(
    entities: Mapping[str, Entity], company: Company, names: str, since: str, quirks: Quirks, now: float
) -> list[Json]:
    """The content of CDCResponse: a QueryResponse for each entity asked for, {} where nothing changed."""
    moment = parse_time(since)
    if not names:
        raise faults.required("entities")
    if moment is None:
        raise faults.bad_format("2060", "Date", "changedSince", since)
    if now - moment > LOOK_BACK:
        if quirks["cdc-too-old"] == "refused":
            raise invalid("changedSince must be within the last 30 days")
        moment = now - LOOK_BACK
    answers: list[Json] = []
    left = MAX_OBJECTS
    for name in names.split(","):
        found = _changed(entities, company, _entity(entities, name.strip(), quirks), moment, quirks)[:left]
        left -= len(found)
        shown = [document for _, document in found]
        answers.append({name.strip(): shown, "startPosition": 1, "maxResults": len(shown)} if shown else {})
    return [{"QueryResponse": answers}]


def _entity(entities: Mapping[str, Entity], name: str, quirks: Quirks) -> Entity:
    hidden = name == "TimeActivity" and quirks["cdc-time-activity"] == "absent"
    if name not in entities or name in _UNSUPPORTED or hidden:
        raise invalid(f"Entity {name} is not supported by change data capture")
    return entities[name]


def _changed(
    entities: Mapping[str, Entity], company: Company, entity: Entity, since: float, quirks: Quirks
) -> list[tuple[float, Json]]:
    """What changed, the oldest change first: objects in full, of deleted ones the id."""
    found: list[tuple[float, Json]] = [
        (stored.updated, present(entities, company, stored, quirks))
        for stored in company.objects[entity.name].values()
        if stored.updated >= since
    ]
    for (name, identifier), gone in company.gone.items():
        if name == entity.name and gone >= since:
            times: dict[str, Json] = {"LastUpdatedTime": metadata_time(gone)}
            found.append((gone, {"domain": "QBO", "status": "Deleted", "Id": identifier, "MetaData": times}))
    return sorted(found, key=lambda change: change[0])
