"""Documents become QuickBooks bodies: pure functions, one module per entity type.

A document is the canonical JSON of one SIP record, built in SQL. A module turns it into the body of one
QuickBooks write, and says how to recognise its own earlier object and how to compare the answer. Nothing
here reads a clock, a database or the network.

A new entity type is one new file, `syncd/push/<entity_type>.py`, that satisfies `Module`; there is no list
to extend.
"""

from __future__ import annotations

import importlib
import json
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Protocol, cast

_TYPE_NAME = re.compile(r"[a-z][a-z_]*")

CENT = Decimal("0.01")

DELETED = " (deleted)"
"""What QuickBooks appends to the name of a record that is made inactive."""


@dataclass(frozen=True, slots=True)
class Body:
    """One write, ready for `encode`.

    `payload` holds str, bool, int, Decimal, None, dicts and lists only. `name_sent` is the name as QuickBooks
    gets it, for the log. `notes` are sentences on what had to be left out; they belong to the log row of the
    success.
    """

    payload: dict[str, Any]
    name_sent: str
    notes: tuple[str, ...] = ()


class Refused(Exception):
    """The record itself cannot be sent; found before any call. A `record` fault, repeated only if that `may_help`.

    `code` is a short word for the log ("name_empty", "name_too_long"), `sentence` the cause with its remedy.
    `held`: nothing is wrong with the record, so it is kept without using an attempt until somebody puts right what
    is said. `of_company`: it rests on what QuickBooks said of the company, which may be another by now.
    """

    def __init__(
        self,
        code: str,
        sentence: str,
        *,
        held: bool = False,
        of_company: bool = False,
        may_help: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.held = held
        self.may_help = may_help
        self.of_company = of_company


Difference = tuple[str, str, str]
"""(field in an admin's words, what was sent, what QuickBooks holds); "" stands for an empty field."""


class Module(Protocol):
    """What `syncd.push.<entity_type>` provides. The modules themselves satisfy it; nobody derives from it."""

    qbo_type: str
    """QuickBooks' name of the entity, as in its answers: "Customer"."""
    path: str
    """Its path below /v3/company/{realm}/, in lower case: "customer"."""
    adopts: bool
    """Whether an object of the same name is taken as it is, instead of being a collision.

    Only where the name is all that SIP means by it, so that nothing can be taken for something else.
    """
    reads_first: bool
    """Whether an update is a full write, which needs the object as QuickBooks holds it: `current` of `build`."""

    def look_ahead(self, documents: Sequence[Mapping[str, Any]]) -> str | None:
        """One query, asked before the creates of these documents are built; None if there is nothing to ask.

        What it finds of `qbo_type` and `holds_place` of a payload is a collision, or our own earlier object.
        """

    def informed(self, document: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """The document of a create with what `look_ahead` found out."""

    def build(
        self,
        document: Mapping[str, Any],
        *,
        sent: Mapping[str, Any] | None,
        qbo_id: str | None,
        sync_token: str | None,
        current: Mapping[str, Any] | None = None,
    ) -> Body:
        """The body of a create (`qbo_id` None) or of an update. `sent`: the document last sent, if any.

        `current` is the object as read just before an update; None for a create and where `reads_first` is
        False. `sync_token` is the one the update builds on: where `current` was read, its own.

        Raises Refused if the record cannot be sent as it is.
        """

    def own_queries(self, payload: Mapping[str, Any]) -> list[str]:
        """Query statements that find everything that may be, or may hold the place of, this payload."""

    def holds_place(self, payload: Mapping[str, Any], candidate: Mapping[str, Any]) -> bool:
        """Whether an object that a query found has the name, number, reference or tag of this payload.

        One that has it and is not our own is a collision: sending would be refused, or make a second one.
        """

    def is_own(self, payload: Mapping[str, Any], candidate: Mapping[str, Any]) -> bool:
        """Whether an object of `qbo_type` that a query found is what this payload would have created.

        Creation time and existing links are the caller's to check, and so are the differences: only the
        fields that identify it need to agree.
        """

    def differences(self, payload: Mapping[str, Any], answer_object: Mapping[str, Any]) -> list[Difference]:
        """Where QuickBooks' object says something else than the payload; empty when it took everything."""

    def variances(self, document: Mapping[str, Any], answer_object: Mapping[str, Any]) -> list[str]:
        """Sentences on what is amiss although QuickBooks took everything: a payment that found less open."""


def module_for(entity_type: str) -> Module:
    """The push module of an entity type, e.g. "customer". Raises LookupError if there is none."""
    if _TYPE_NAME.fullmatch(entity_type):
        name = f"{__name__}.{entity_type}"
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            # Only the module itself may be missing; a broken import inside it is no "unknown type".
            if error.name != name:
                raise
        else:
            if hasattr(module, "qbo_type"):
                return cast("Module", module)
    raise LookupError(f'syncd cannot push records of the type "{entity_type}".')


def encode(payload: Mapping[str, Any]) -> bytes:
    """Canonical JSON, UTF-8: sorted keys, no blanks, Decimals as JSON numbers with every digit they have.

    Equal payloads give equal bytes, on which request ids and fingerprints rest. A float raises TypeError
    (money is Decimal), NaN, an infinity or text that is no Unicode raises ValueError.
    """
    return _json(payload).encode("utf-8")


def _json(value: object) -> str:
    match value:
        case None | bool() | str():
            return json.dumps(value, ensure_ascii=False)
        case int():
            return str(value)
        case Decimal():
            if not value.is_finite():
                raise ValueError(f"{value} is not a number that JSON can carry")
            return format(value, "f")
        case Mapping():
            return "{" + ",".join(_member(key, value[key]) for key in sorted(value)) + "}"
        case Sequence() if not isinstance(value, bytes | bytearray):
            return "[" + ",".join(_json(item) for item in value) + "]"
    raise TypeError(f"a payload cannot hold a {type(value).__name__}")


def _member(key: object, value: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a payload's keys are text, not {type(key).__name__}")
    return f"{json.dumps(key, ensure_ascii=False)}:{_json(value)}"


# What the modules share: full writes, and reading the same field of a payload and of an answer.


def overlay(
    ours: Mapping[str, Any],
    current: Mapping[str, Any] | None,
    *,
    qbo_id: str,
    sync_token: str | None,
    keeps: Collection[str],
    clears: Collection[str] = (),
) -> dict[str, Any]:
    """A full write: our fields laid over the object as QuickBooks holds it, since what it lacks is set to null.

    `keeps` names what may be sent back. It is a list and not "everything": QuickBooks answers with attributes
    that it refuses in a request. `clears` names what syncd sent earlier and sends no more.
    """
    if current is None or sync_token is None:
        raise ValueError("a full write needs the object as QuickBooks holds it, and its SyncToken")
    kept = {key: current[key] for key in keeps if current.get(key) is not None and key not in clears}
    return {**kept, **ours, "Id": qbo_id, "SyncToken": sync_token}


def name_as_sent(value: object, what: str, limit: int) -> str:
    """The name as QuickBooks can take it; applied twice it changes nothing more. A name is never cut.

    Raises Refused("name_empty" or "name_too_long"); `what` is the record in an admin's words.
    """
    name = clean(text(value).replace(":", " - "))
    if not any(unicodedata.category(character) not in {"Cf", "Zs"} for character in name):
        raise Refused(
            "name_empty", f"A {what} without a name cannot be in QuickBooks. Give it a name in SIP."
        )
    if len(name) > limit:
        raise Refused(
            "name_too_long",
            f'The name of {what} "{short(name)}" has {len(name)} characters; QuickBooks takes at most {limit}. '
            "Shorten it in SIP.",
        )
    return name


def reference(value: str) -> dict[str, Any]:
    """A reference as QuickBooks writes it."""
    return {"value": value}


Reading = Callable[[Mapping[str, Any]], str]
"""One field of a payload or of QuickBooks' object, as text that can be compared and shown."""


def compared(
    readings: Mapping[str, Reading], payload: Mapping[str, Any], answer_object: Mapping[str, Any]
) -> list[Difference]:
    """The readings, by label, in which the two differ, apart from case and blanks.

    What a create leaves out QuickBooks may fill in by itself; a full write that leaves it out has cleared it.
    """
    found: list[Difference] = []
    for label, read in readings.items():
        ours, theirs = read(payload), read(answer_object)
        if (ours or "Id" in payload) and loose(ours) != loose(theirs):
            found.append((label, ours, theirs))
    return found


def field(*keys: str) -> Reading:
    """The text found by these keys, one inside the other."""

    def read(holder: Mapping[str, Any]) -> str:
        value: Any = holder
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        return text(value)

    return read


def money(*keys: str) -> Reading:
    """The amount found by these keys; none is 0.00, as QuickBooks leaves out what is nothing."""
    read = field(*keys)
    return lambda holder: str(cents(read(holder) or 0))


def no_look(documents: Sequence[Mapping[str, Any]]) -> str | None:  # noqa: ARG001 (the protocol's shape)
    """`look_ahead` of a module whose creates depend on nothing in QuickBooks."""
    return None


def as_it_is(document: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:  # noqa: ARG001 (the protocol's shape)
    """`informed` of a module that needs to know no more."""
    return document


def no_variances(document: Mapping[str, Any], answer_object: Mapping[str, Any]) -> list[str]:  # noqa: ARG001 (the protocol's shape)
    """`variances` of a module whose differences say everything."""
    return []


def check_currency(document: Mapping[str, Any], what: str) -> None:
    """Raises Refused("currency") if QuickBooks has the customer of a document in another currency than the document's.

    "customer_currency" is in the document only where a company has several; `what` begins the sentence.
    """
    theirs = document.get("customer_currency")
    if theirs and theirs != document["currency"]:
        raise Refused(
            "currency",
            f"{what} is in {document['currency']}, and QuickBooks has its customer in {theirs}, which cannot change "
            f"there. Bill it in SIP to another customer, under a name of its own: syncd makes that one in "
            f"{document['currency']}.",
        )


def balance(answer_object: Mapping[str, Any]) -> Decimal | None:
    """What QuickBooks says is open on it; None for a type that has no balance."""
    value = answer_object.get("Balance")
    return None if value is None else cents(value)


# Money and numbers.


def number(value: object) -> Decimal:
    """The number of a document or an answer. Raises TypeError for a float: money is Decimal."""
    if isinstance(value, float):
        raise TypeError("a number is Decimal, never float")
    return Decimal(str(value))


def cents(value: object) -> Decimal:
    """Rounded to cents as QuickBooks rounds, half up."""
    return number(value).quantize(CENT, ROUND_HALF_UP) + 0  # + 0: there is no minus nothing


def plain(value: object) -> Decimal:
    """Every digit that counts: 1.50 and 1.5 are one number, and have one form."""
    return number(value).normalize() + 0


# Text.


def text(value: object) -> str:
    """A field as text, absent ones as nothing."""
    return "" if value is None else str(value)


def clean(value: str) -> str:
    """Control characters, line separators and half surrogates become blanks; then trimmed."""
    return "".join(
        " " if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} else character
        for character in value
    ).strip()


def clean_lines(value: str) -> str:
    """The same for a text of several lines, which stay."""
    return "\n".join(clean(line) for line in value.splitlines()).strip()


def shortened(value: str, limit: int) -> str:
    """Free text cut to the limit, which shows. For words only: no name and no number is ever cut."""
    return value if len(value) <= limit else value[: limit - 1].rstrip() + "…"


def short(value: str) -> str:
    """A text as a sentence quotes it."""
    return value if len(value) <= 60 else value[:60] + "…"


def squeezed(value: str) -> str:
    """Without outer and repeated blanks."""
    return " ".join(unicodedata.normalize("NFC", value).split())


def loose(value: str) -> str:
    """For comparison where case does not count."""
    return squeezed(value).casefold()
