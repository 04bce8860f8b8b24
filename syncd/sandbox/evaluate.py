"""Running a parsed query over a company's objects."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial

from syncd.sandbox.clock import parse_time
from syncd.sandbox.entity import Entity
from syncd.sandbox.names import SUFFIX
from syncd.sandbox.present import present
from syncd.sandbox.query import Condition, Query, Value, invalid
from syncd.sandbox.quirks import Quirks
from syncd.sandbox.schema import Field
from syncd.sandbox.store import Company, Stored
from syncd.sandbox.taxtables import PSEUDO_CODES
from syncd.sandbox.wire import Json

_COMMON = {
    "id": Field("Id", "id", query="sort"),
    "metadata.createtime": Field("MetaData.CreateTime", "time", query="sort"),
    "metadata.lastupdatedtime": Field("MetaData.LastUpdatedTime", "time", query="sort"),
}
_ORDERED = ("number", "date", "time", "string", "name")

Comparable = str | Decimal | float | bool | int


def run(entities: Mapping[str, Entity], company: Company, query: Query, quirks: Quirks) -> dict[str, Json]:
    """The content of QueryResponse; QboFaultError 4001 for what cannot be queried."""
    entity = next((entry for entry in entities.values() if entry.name.lower() == query.entity.lower()), None)
    if entity is None:
        raise invalid(f"Invalid context declaration: {query.entity}")
    selected = [_selectable(entity, name) for name in query.fields if name != "*"]
    total, found = _found(entities, entity, company, query, quirks)
    if query.count:
        return {"totalCount": total}
    page: list[Json] = [
        _everything(entity, shown, selected) if "*" in query.fields else _project(shown, selected)
        for shown in found
    ]
    if not page:
        return {}
    return {entity.name: page, "startPosition": query.start, "maxResults": len(page)}


def _found(
    entities: Mapping[str, Entity], entity: Entity, company: Company, query: Query, quirks: Quirks
) -> tuple[int, list[dict[str, Json]]]:
    """How many objects match, and those of the page that is asked for."""
    tests = [_test(entity, condition) for condition in query.conditions]
    order = [(_property(entity, name, "sort"), down) for name, down in query.order]
    objects = _candidates(entity, company, query.conditions)
    if entity.name_list and not any(entry.property.lower() == "active" for entry in query.conditions):
        objects = [stored for stored in objects if stored.body.get("Active") is not False]
    descending = quirks["default-order"] == "id-desc"
    if [field.kind for field, _ in order] == ["id"]:
        descending, order = order[0][1], []
    objects.sort(key=lambda stored: _id_order(stored.id), reverse=descending and not order)
    start, end = query.start - 1, query.start - 1 + query.limit
    if not tests and not order and entity.name != "TaxCode":
        # Pages of everything are cut before the objects are shown: a large list is read in linear time.
        return len(objects), [present(entities, company, stored, quirks) for stored in objects[start:end]]
    everything = [present(entities, company, stored, quirks) for stored in objects]
    found = [shown for shown in everything if all(test(shown) for test in tests)]
    for field, down in reversed(order):
        found.sort(key=partial(_sort_key, field), reverse=down)
    page = found[start:end]
    if entity.name == "TaxCode" and page:
        # Observed: TAX, NON and CustomSalesTax come on top of what MAXRESULTS allows.
        page += [shown for shown in found if shown["Id"] in PSEUDO_CODES and shown not in page]
    return len(found), page


def _candidates(entity: Entity, company: Company, conditions: tuple[Condition, ...]) -> list[Stored]:
    """Objects that may match: found by id or index where a condition allows, else all."""
    for condition in conditions:
        if condition.operator not in ("=", "in"):
            continue
        if condition.property.lower() == "id":
            ids = dict.fromkeys(str(value) for value in condition.values)
            return [stored for key in ids if (stored := company.get(entity.name, key)) is not None]
        field = _property(entity, condition.property, "filter")
        if field.indexed:
            # An inactive name is stored without the suffix it is shown with.
            keys = {str(value).strip().casefold() for value in condition.values}
            keys |= {key.removesuffix(SUFFIX) for key in keys}
            return [stored for key in sorted(keys) for stored in company.find(entity.name, field.name, key)]
    return list(company.objects[entity.name].values())


def _property(entity: Entity, name: str, use: str) -> Field:
    field = _COMMON.get(name.lower()) or _declared(entity, name)
    if field is None:
        raise invalid(f"Property {name} not found for Entity {entity.name}")
    if not field.query or (use == "sort" and field.query != "sort"):
        raise invalid(f"property '{field.name}' is not {'sortable' if use == 'sort' else 'queryable'}")
    return field


def _declared(entity: Entity, name: str) -> Field | None:
    return next((field for field in entity.fields if field.name.lower() == name.lower()), None)


def _selectable(entity: Entity, name: str) -> str:
    if name.lower() in ("synctoken", "metadata"):
        return "SyncToken" if name.lower() == "synctoken" else "MetaData"
    field = _COMMON.get(name.lower()) or _declared(entity, name)
    if field is None:
        raise invalid(f"Property {name} not found for Entity {entity.name}")
    return field.name.partition(".")[0]


def _everything(entity: Entity, shown: dict[str, Json], selected: list[str]) -> dict[str, Json]:
    left_out = {field.name for field in entity.fields if field.on_request} - set(selected)
    return {name: value for name, value in shown.items() if name not in left_out} if left_out else shown


def _project(shown: dict[str, Json], selected: list[str]) -> dict[str, Json]:
    kept = {"domain", "Id", *selected}
    return {name: value for name, value in shown.items() if name in kept} | {"sparse": True}


def _id_order(identifier: str) -> int:
    """Ids compare as numbers; those of QBO's pseudo tax codes are words."""
    return int(identifier) if identifier.isdigit() else -sum(identifier.encode())


def _sort_key(field: Field, shown: dict[str, Json]) -> tuple[bool, Comparable]:
    value = _comparable(field, shown)
    return (False, 0) if value is None else (True, value)


def _comparable(field: Field, shown: Mapping[str, Json]) -> Comparable | None:
    """The shown value of a property in a form that compares, or None without one."""
    first, *rest = field.name.split(".")
    value = shown.get(first)
    for step in rest:
        value = value.get(step) if isinstance(value, dict) else None
    if isinstance(value, dict):
        value = value.get("value") or value.get("Address")
    if value is None or isinstance(value, list | dict):
        return None
    if field.kind == "id":
        return _id_order(str(value))
    if field.kind in ("time", "date"):
        return parse_time(str(value))
    return value.casefold() if isinstance(value, str) else value


def _test(entity: Entity, condition: Condition) -> Callable[[Mapping[str, Json]], bool]:
    field = _property(entity, condition.property, "filter")
    operator = condition.operator
    if operator == "like":
        pattern = _like(field, condition.values[0])
        return lambda shown: (
            isinstance(value := _comparable(field, shown), str) and bool(pattern.fullmatch(value))
        )
    wanted = [_literal(field, value) for value in condition.values]
    if operator in ("=", "in"):
        return lambda shown: _comparable(field, shown) in wanted
    if operator == "!=" and field.kind != "id":
        return lambda shown: (value := _comparable(field, shown)) is not None and value != wanted[0]
    if field.kind not in _ORDERED:
        raise invalid(f"Operator {operator} is not supported for property {field.name}")
    return lambda shown: (
        (value := _comparable(field, shown)) is not None and _ordered(value, operator, wanted[0])
    )


def _ordered(left: Comparable, operator: str, right: Comparable) -> bool:
    if isinstance(left, str) != isinstance(right, str):
        return False
    below, equal = left < right, left == right  # type: ignore[operator]
    return {"<": below, "<=": below or equal, ">": not below and not equal, ">=": not below}[operator]


def _like(field: Field, value: Value) -> re.Pattern[str]:
    if field.kind not in ("string", "name", "email", "enum") or not isinstance(value, str):
        raise invalid(f"Operator LIKE is not supported for property {field.name}")
    return re.compile(".*".join(re.escape(part) for part in value.casefold().split("%")), re.DOTALL)


def _literal(field: Field, value: Value) -> Comparable:
    """A statement's value in the property's type; fault 4001 if it has none there."""
    wrong = invalid(f"Invalid value for property {field.name}")
    if field.kind == "bool":
        if isinstance(value, bool):
            return value
        raise wrong
    if isinstance(value, bool):
        raise wrong
    if field.kind in ("time", "date"):
        moment = parse_time(value) if isinstance(value, str) else None
        if moment is None:
            raise wrong
        return moment
    if field.kind == "id" and str(value) in PSEUDO_CODES:
        return _id_order(str(value))
    if field.kind in ("id", "number"):
        text = str(value)
        if not re.fullmatch(r"-?\d{1,30}(\.\d{1,20})?", text, re.ASCII):
            raise wrong
        return Decimal(text)
    return str(value).casefold()
