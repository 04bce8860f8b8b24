"""Attributes of entities: how each is declared, and how a client's value is read.

A reader gets the JSON value a client sent and returns what is stored, or None
for "nothing" (an empty string, an empty address). It is as lenient as QBO's own
JSON mapping (numbers may be quoted, strings may be numbers) and no more: other
types are fault 2010, too long 2050, wrong characters 2040.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import cache, cached_property

from syncd.sandbox import faults
from syncd.sandbox.quirks import Quirks
from syncd.sandbox.wire import Json, plain


@dataclass(frozen=True)
class Field:
    """One attribute of an entity.

    `kind` names a reader of this module, unless `reader` is given. `limit` is
    the longest string allowed, in UTF-16 units. `read_only` attributes in a
    request are ignored; `create_only` ones are after creation. `keep` ones
    survive a full update that leaves them out, and cannot be cleared. `default`
    is stored when a create or a full update gives nothing. `query` says whether
    the query language may filter by it ("filter"), or sort as well ("sort").
    `target` is the entity a reference points to. `indexed` ones are found
    without reading every object. `on_request` ones are missing from `SELECT *`.
    """

    name: str
    kind: str = "string"
    limit: int = 0
    choices: tuple[str, ...] = ()
    read_only: bool = False
    create_only: bool = False
    keep: bool = False
    default: Json = None
    query: str = ""
    target: str = ""
    indexed: bool = False
    on_request: bool = False
    parts: tuple["Field", ...] = ()
    reader: "Reader | None" = None

    @cached_property
    def by_part(self) -> dict[str, "Field"]:
        """The parts by name."""
        return {part.name: part for part in self.parts}

    @cached_property
    def referring(self) -> tuple["Field", ...]:
        """The parts that are references, or have some within."""
        return tuple(part for part in self.parts if part.target or part.referring)

    def read(self, value: Json, quirks: Quirks, prefix: str = "") -> Json:
        """The value to store for what a client sent; QboFaultError if it is refused."""
        reader = self.reader or READERS[self.kind]
        return reader(self, value, quirks, prefix + self.name)


Reader = Callable[[Field, Json, Quirks, str], Json]

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_NOT_IN_NAMES = re.compile(r"[:\t\n\r]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", re.ASCII)
_EMAIL = re.compile(r"[^@\s,;:<>()\[\]\\\"]+@[^@\s,;:<>()\[\]\\\".]+(\.[^@\s,;:<>()\[\]\\\".]+)+")
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)?[^\s.<>\"/]+(\.[^\s.<>\"/]+)+(/[^\s<>\"]*)?")


def words(text: str) -> frozenset[str]:
    """The words of a text, for long lists of attribute names."""
    return frozenset(text.split())


def utf16_length(text: str) -> int:
    """How long QBO (a Java service) takes a string to be: in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def as_text(value: Json) -> str:
    """A string, or a number written out; fault 2010 for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None or isinstance(value, dict | list):
        raise faults.bad_property()
    return plain(value) if isinstance(value, Decimal) and abs(value.adjusted()) < 100 else str(value)


def _string(field: Field, value: Json, _quirks: Quirks, path: str) -> Json:
    text = as_text(value)
    if field.limit and utf16_length(text) > field.limit:
        raise faults.bad_length(path, field.limit, utf16_length(text))
    if _CONTROL.search(text):
        raise faults.bad_string(path, text)
    return text or None


def _name(field: Field, value: Json, quirks: Quirks, path: str) -> Json:
    text = _string(field, value, quirks, path)
    if not isinstance(text, str):
        return None
    if _NOT_IN_NAMES.search(text) or (quirks["emoji-names"] == "refused" and utf16_length(text) > len(text)):
        raise faults.bad_string(path, text)
    return text.strip() or None


def _bool(_field: Field, value: Json, _quirks: Quirks, _path: str) -> Json:
    if isinstance(value, bool):
        return value
    if value == "":
        return None
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise faults.bad_property()


def _number(_field: Field, value: Json, _quirks: Quirks, path: str) -> Json:
    if value == "":
        return None
    text = as_text(value)
    try:
        number = Decimal(text if _NUMBER.fullmatch(text) else "-")
    except InvalidOperation:
        raise faults.bad_property() from None
    if number and (number.adjusted() > 14 or int(number.as_tuple().exponent) < -20):
        raise faults.bad_format("2090", "Number", path, str(value))
    return number


def _date(_field: Field, value: Json, _quirks: Quirks, path: str) -> Json:
    if value == "":
        return None
    if not isinstance(value, str):
        raise faults.bad_property()
    try:
        date.fromisoformat(value if len(value) == 10 else "")
    except ValueError:
        raise faults.bad_format("2060", "Date", path, value) from None
    return value


def _enum(field: Field, value: Json, _quirks: Quirks, path: str) -> Json:
    text = as_text(value)
    if text == "" or text in field.choices:
        return text or None
    raise faults.validation("2170", "Invalid Enumeration", f"Invalid Enumeration : {text}", path)


def _reference(_field: Field, value: Json, _quirks: Quirks, _path: str) -> Json:
    if value == "":
        return None
    if not isinstance(value, dict) or not value.keys() <= {"value", "name", "type"}:
        raise faults.bad_property()
    identifier = value.get("value")
    return {"value": as_text(identifier)} if identifier not in (None, "") else None


def _group(field: Field, value: Json, quirks: Quirks, path: str) -> Json:
    if value == "":
        return None
    if not isinstance(value, dict):
        raise faults.bad_property()
    stored: dict[str, Json] = {}
    parts = field.by_part
    for key, item in value.items():
        if key not in parts:
            raise unknown_property(key, field.kind if field.kind[0].isupper() else field.name, parts, quirks)
        part = parts[key]
        read = None if item is None or part.read_only else part.read(item, quirks, f"{path}.")
        if read is not None:
            stored[key] = read
    return stored or None


def _list(field: Field, value: Json, quirks: Quirks, path: str) -> Json:
    """A list of groups; an empty one is kept, it may mean "none any more"."""
    if value == "":
        return None
    if not isinstance(value, list):
        raise faults.bad_property()
    if len(value) > 10_000:
        raise faults.business(f"{path} has more than 10,000 entries.")
    return [_group(field, item, quirks, path) or {} for item in value]


def _integer(_field: Field, value: Json, _quirks: Quirks, _path: str) -> Json:
    if value == "":
        return None
    text = as_text(value)
    if not re.fullmatch(r"[+-]?\d{1,9}", text, re.ASCII):
        raise faults.bad_property()
    return int(text)


def _clock_time(_field: Field, value: Json, _quirks: Quirks, path: str) -> Json:
    """A time of day, or a date and a time, with or without an offset, as it came."""
    if value == "":
        return None
    if not isinstance(value, str):
        raise faults.bad_property()
    try:
        _ = time.fromisoformat(value) if "T" not in value else datetime.fromisoformat(value)
    except ValueError:
        raise faults.bad_format("2060", "Date", path, value) from None
    return value


def _ignored(*parts: str) -> tuple[Field, ...]:
    return tuple(Field(part, "anything", read_only=True) for part in parts)


_ADDRESS_LINES = tuple(f"Line{number}" for number in range(1, 6))
_ADDRESS = Field(
    "",
    "PhysicalAddress",
    parts=(
        *(Field(line, limit=500) for line in _ADDRESS_LINES),
        *(Field(name, limit=255) for name in ("City", "Country", "CountrySubDivisionCode")),
        Field("PostalCode", limit=30),
        *_ignored("Id", "Lat", "Long", "Note", "Tag", "CountryCode", "County", "PostalCodeSuffix"),
        *_ignored("CountrySubDivision", "FreeFormAddress"),
    ),
)


def _address(_field: Field, value: Json, quirks: Quirks, path: str) -> Json:
    stored = _group(_ADDRESS, value, quirks, path)
    if isinstance(stored, dict):
        combined = sum(utf16_length(str(stored.get(line, ""))) for line in _ADDRESS_LINES)
        if combined > 2000:
            raise faults.bad_length(path, 2000, combined)
    return stored


@cache
def _telephone(limit: int) -> Field:
    others = ("Id", "DeviceType", "CountryCode", "AreaCode", "ExchangeCode", "Extension", "Default", "Tag")
    return Field("", "TelephoneNumber", parts=(Field("FreeFormNumber", limit=limit), *_ignored(*others)))


def _phone(field: Field, value: Json, quirks: Quirks, path: str) -> Json:
    return _group(_telephone(field.limit or 30), value, quirks, path)


@cache
def _email_address(limit: int) -> Field:
    return Field("", "EmailAddress", parts=(Field("Address", limit=limit), *_ignored("Id", "Default", "Tag")))


def _email(field: Field, value: Json, quirks: Quirks, path: str) -> Json:
    stored = _group(_email_address(field.limit or 100), value, quirks, path)
    if isinstance(stored, dict):
        text = str(stored["Address"])
        several = quirks["email-list"] == "accepted"
        addresses = [part.strip() for part in text.split(",")] if several else [text]
        if not all(_EMAIL.fullmatch(address) for address in addresses):
            detail = "Email Address does not conform to the syntax rules of RFC 822. Supplied value:" + text
            raise faults.validation("2210", "Invalid Email Address", detail, path)
    return stored


_WEB = Field("", "WebSiteAddress", parts=(Field("URI", limit=1000), *_ignored("Id", "Default", "Tag")))


def _web(_field: Field, value: Json, quirks: Quirks, path: str) -> Json:
    stored = _group(_WEB, value, quirks, path)
    if isinstance(stored, dict) and not _URI.fullmatch(str(stored["URI"])):
        raise faults.bad_format("2200", "URL", path, str(stored["URI"]))
    return stored


READERS: Mapping[str, Reader] = {
    "string": _string,
    "name": _name,
    "bool": _bool,
    "number": _number,
    "date": _date,
    "enum": _enum,
    "ref": _reference,
    "group": _group,
    "list": _list,
    "integer": _integer,
    "clock": _clock_time,
    "address": _address,
    "phone": _phone,
    "email": _email,
    "web": _web,
}


def unknown_property(key: str, kind: str, known: Mapping[str, Field], quirks: Quirks) -> faults.QboFaultError:
    """Fault 2010 for an attribute the schema does not have."""
    if quirks["unknown-property"] == "unnamed":
        return faults.bad_property()
    names = ", ".join(f'"{name}"' for name in known)
    return faults.bad_property(
        f'Unrecognized field "{key}" (class com.intuit.schema.finance.v3.{kind}), not marked as '
        f"ignorable ({len(known)} known properties: {names}) specified"
    )
