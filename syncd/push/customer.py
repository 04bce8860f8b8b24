"""A SIP customer becomes a QuickBooks Customer.

The document: {"name": str, "email", "phone", "street", "city", "state", "zip": str or null}, trimmed, empty
as null. Limits and the rules for names follow Intuit's API reference of Customer: no colon, tab or newline in
a name, lengths as below, one name space over customers, vendors and employees, active or not.

A name is never cut, no given or family name is guessed; a field QuickBooks cannot take is left out and a note
says so. Of the addresses only BillAddr is ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from syncd.push import (
    DELETED,
    Body,
    Difference,
    as_it_is,
    clean,
    loose,
    name_as_sent,
    no_look,
    no_variances,
    short,
    squeezed,
    text,
)
from syncd.qbo.query import literal

__all__ = [
    "adopts",
    "build",
    "differences",
    "holds_place",
    "informed",
    "is_own",
    "look_ahead",
    "own_queries",
    "path",
    "qbo_type",
    "reads_first",
    "variances",
]

qbo_type = "Customer"
path = "customer"
reads_first = False
adopts = False
variances = no_variances
informed = as_it_is
look_ahead = no_look

NAME_LENGTH = 500
EMAIL_LENGTH = 100
PHONE_LENGTH = 30
LINE_LENGTH = 500
LINES = 5
STREET_LENGTH = 2000
CITY_LENGTH = 255
STATE_LENGTH = 255
ZIP_LENGTH = 30

_LABELS: dict[tuple[str, str], str] = {
    ("PrimaryEmailAddr", "Address"): "e-mail",
    ("PrimaryPhone", "FreeFormNumber"): "phone",
    **{("BillAddr", f"Line{number}"): f"street, line {number}" for number in range(1, LINES + 1)},
    ("BillAddr", "City"): "city",
    ("BillAddr", "CountrySubDivisionCode"): "state",
    ("BillAddr", "PostalCode"): "postal code",
}

_Fields = dict[tuple[str, str], str]

_REMOVED = " The one sent earlier was removed from QuickBooks."


def build(
    document: Mapping[str, Any],
    *,
    sent: Mapping[str, Any] | None,
    qbo_id: str | None,
    sync_token: str | None,
    current: Mapping[str, Any] | None = None,  # noqa: ARG001 (a sparse update builds on nothing)
) -> Body:
    """The body of a create (`qbo_id` None) or of a sparse update.

    What the document last sent (`sent`) had and this one has no more is cleared with empty strings, as
    Intuit's sparse update wants it (it ignores null). All present parts of the address go along each time, so
    that the result is the same whether QuickBooks merges a nested object or replaces it.

    Raises Refused("name_empty" or "name_too_long").
    """
    name = display_name(document.get("name"))
    fields, notes = _fields(document)
    payload: dict[str, Any] = {"DisplayName": name}
    if qbo_id is not None:
        if sync_token is None:
            raise ValueError("an update needs the SyncToken it builds on")
        payload |= {"Id": qbo_id, "SyncToken": sync_token, "sparse": True}
        if sent is not None:
            before = _fields(sent)[0]
            notes = {key: note + _REMOVED if key in before else note for key, note in notes.items()}
            fields = dict.fromkeys(before, "") | fields
    for (section, key), value in fields.items():
        payload.setdefault(section, {})[key] = value
    return Body(payload, name_sent=name, notes=tuple(notes.values()))


def display_name(name: object) -> str:
    """The name as QuickBooks can take it. Raises Refused."""
    return name_as_sent(name, "customer", NAME_LENGTH)


def own_queries(payload: Mapping[str, Any]) -> list[str]:
    """One statement each for customers, vendors and employees, active or not, under this name.

    A record that was made inactive carries a suffix, so both forms are asked for. Only objects that the first
    statement finds can be our own.
    """
    name = payload["DisplayName"]
    names = f"{literal(name)}, {literal(name + DELETED)}"
    return [  # QuickBooks' query language has no parameters; `literal` escapes
        f"SELECT * FROM {kind} WHERE DisplayName IN ({names}) AND Active IN (true, false) ORDERBY Id"  # noqa: S608 (each value went through `literal`)
        for kind in ("Customer", "Vendor", "Employee")
    ]


def holds_place(payload: Mapping[str, Any], candidate: Mapping[str, Any]) -> bool:
    """Whether a customer, vendor or employee has the name; QuickBooks does not tell names apart by case."""
    return loose(_name(candidate)) == loose(payload["DisplayName"])


def is_own(payload: Mapping[str, Any], candidate: Mapping[str, Any]) -> bool:
    """Whether a Customer that a look-up found holds every field this payload sent.

    The name must agree to the letter (inactive: before the suffix). Creation time and links are the caller's.
    """
    return _name(candidate) == payload["DisplayName"] and not differences(payload, candidate)


def differences(payload: Mapping[str, Any], answer_object: Mapping[str, Any]) -> list[Difference]:
    """Where QuickBooks' Customer says something else than what was sent.

    The suffix of an inactive one is QuickBooks' own, and no change of the name.

    Tolerated, since QuickBooks or its address service may rewrite them: case (but not in the name), outer and
    repeated blanks, the punctuation of a phone number, a postal code as a number.
    """
    found: list[Difference] = []
    name, got = payload["DisplayName"], _name(answer_object)
    if squeezed(name) != squeezed(got):
        found.append(("name", name, got))
    for (section, key), label in _LABELS.items():
        if key not in payload.get(section, {}):
            continue
        value = payload[section][key]
        holder = answer_object.get(section)
        got = text(holder.get(key)) if isinstance(holder, Mapping) else ""
        same = _phone if label == "phone" else loose
        if same(value) != same(got):
            found.append((label, value, got))
    return found


def _fields(document: Mapping[str, Any]) -> tuple[_Fields, _Fields]:
    """The contact fields that QuickBooks can take, and a note on each that it cannot."""
    fields: _Fields = {}
    notes: _Fields = {}
    for key, target, problem in _RULES:
        value = clean(text(document.get(key)))
        if not value:
            continue
        if reason := problem(value):
            notes[target] = f'The {_LABELS[target]} "{short(value)}" was left out: {reason}.'
        else:
            fields[target] = value
    lines = list(_street_lines(text(document.get("street"))))
    if reason := _street_problem(lines):
        notes["BillAddr", "Line1"] = f'The street "{short(" ".join(lines))}" was left out: {reason}.'
    else:
        fields |= {("BillAddr", f"Line{number}"): line for number, line in enumerate(lines, start=1)}
    return fields, notes


def _longer_than(limit: int) -> Callable[[str], str | None]:
    def problem(value: str) -> str | None:
        return f"QuickBooks takes at most {limit} characters" if len(value) > limit else None

    return problem


# The common shape of RFC 822: a dot-atom, an @, and a host name of at least two labels.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")


def email_problem(value: str) -> str | None:
    if too_long := _longer_than(EMAIL_LENGTH)(value):
        return too_long
    return None if _EMAIL.fullmatch(value) else "it is not one valid e-mail address"


_RULES: tuple[tuple[str, tuple[str, str], Callable[[str], str | None]], ...] = (
    ("email", ("PrimaryEmailAddr", "Address"), email_problem),
    ("phone", ("PrimaryPhone", "FreeFormNumber"), _longer_than(PHONE_LENGTH)),
    ("city", ("BillAddr", "City"), _longer_than(CITY_LENGTH)),
    ("state", ("BillAddr", "CountrySubDivisionCode"), _longer_than(STATE_LENGTH)),
    ("zip", ("BillAddr", "PostalCode"), _longer_than(ZIP_LENGTH)),
)


def _street_lines(street: str) -> list[str]:
    """The street's own lines, over-long ones split at blanks; more than five: the last ones joined."""
    lines = [part for line in street.splitlines() for part in _split(clean(line))]
    if len(lines) > LINES:
        lines[LINES - 1 :] = [", ".join(lines[LINES - 1 :])]
    return lines


def _split(line: str) -> Iterator[str]:
    while len(line) > LINE_LENGTH:
        cut = line.rfind(" ", 0, LINE_LENGTH + 1)
        if cut <= 0:
            break
        yield line[:cut].rstrip()
        line = line[cut:].lstrip()
    if line:
        yield line


def _street_problem(lines: list[str]) -> str | None:
    if any(len(line) > LINE_LENGTH for line in lines) or sum(map(len, lines)) > STREET_LENGTH:
        return f"QuickBooks takes at most {LINES} lines of {LINE_LENGTH} characters, {STREET_LENGTH} in all"
    return None


def _name(candidate: Mapping[str, Any]) -> str:
    """The name under which it was made: QuickBooks appends a suffix when it is made inactive."""
    name = text(candidate.get("DisplayName"))
    return name.removesuffix(DELETED) if candidate.get("Active") is False else name


def _phone(value: str) -> str:
    """The digits; a phone without any is compared as text."""
    return "".join(character for character in value if character.isdigit()) or loose(value)
