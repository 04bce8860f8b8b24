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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol, cast

_TYPE_NAME = re.compile(r"[a-z][a-z_]*")


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
    """The record itself cannot be sent; found before any call. A `record` fault that is not repeated.

    `code` is a short word for the log ("name_empty", "name_too_long"), `sentence` the cause with its remedy.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


Difference = tuple[str, str, str]
"""(field in an admin's words, what was sent, what QuickBooks holds); "" stands for an empty field."""


class Module(Protocol):
    """What `syncd.push.<entity_type>` provides. The modules themselves satisfy it; nobody derives from it."""

    qbo_type: str
    """QuickBooks' name of the entity, as in its answers: "Customer"."""
    path: str
    """Its path below /v3/company/{realm}/, in lower case: "customer"."""

    def build(
        self,
        document: Mapping[str, Any],
        *,
        sent: Mapping[str, Any] | None,
        qbo_id: str | None,
        sync_token: str | None,
    ) -> Body:
        """The body of a create (`qbo_id` None) or of an update. `sent`: the document last sent, if any.

        Raises Refused if the record cannot be sent as it is.
        """

    def own_queries(self, payload: Mapping[str, Any]) -> list[str]:
        """Query statements that find everything that may be, or may hold the place of, this payload."""

    def is_own(self, payload: Mapping[str, Any], candidate: Mapping[str, Any]) -> bool:
        """Whether an object of `qbo_type` that a query found equals what this payload would have created.

        Creation time and existing links are the caller's to check.
        """

    def differences(self, payload: Mapping[str, Any], answer_object: Mapping[str, Any]) -> list[Difference]:
        """Where QuickBooks' object says something else than the payload; empty when it took everything."""


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
