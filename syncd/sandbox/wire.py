"""Bodies: JSON read and written without floats, and the XML form of an answer."""

import json
from collections.abc import Mapping
from decimal import Decimal
from json.encoder import encode_basestring as quote
from xml.sax.saxutils import escape, quoteattr

Json = None | bool | int | Decimal | str | list["Json"] | dict[str, "Json"]


class BodyError(ValueError):
    """A body that is not one JSON object."""


def read_object(text: str) -> dict[str, Json]:
    """The JSON object in `text`; numbers with a fraction become Decimal.

    Raises BodyError for anything else: no JSON, NaN, an attribute given twice,
    half a surrogate pair, or nesting no honest client sends.
    """
    try:
        value: Json = json.loads(
            text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_unique
        )
        if "\\u" in text:
            write(value).encode()
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise BodyError(str(error)) from error
    if not isinstance(value, dict):
        raise BodyError("The body is not a JSON object.")
    return value


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an attribute is given twice")
    return found


def write(value: object) -> str:
    """Compact JSON. Decimals are written digit for digit, without an exponent."""
    if isinstance(value, str):
        return quote(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ",".join([f"{quote(key)}:{write(item)}" for key, item in value.items()]) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join([write(item) for item in value]) + "]"
    raise TypeError(f"{type(value).__name__} has no JSON form")


def plain(value: Decimal) -> str:
    """A Decimal as QBO writes numbers: no exponent, no padding zeros."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def to_xml(document: Mapping[str, Json]) -> str:
    """An answer's document in the XML form QBO uses when JSON is not asked for."""
    attributes = "".join(
        f" {key}={quoteattr(str(value))}" for key, value in document.items() if key == "time"
    )
    inner = "".join(_element(key, value) for key, value in document.items() if key != "time")
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f'<IntuitResponse xmlns="http://schema.intuit.com/finance/v3"{attributes}>{inner}</IntuitResponse>'
    )


_AS_ATTRIBUTE = {"domain", "sparse", "status", "type", "code", "element", "name"}
_AS_ATTRIBUTE |= {"startPosition", "maxResults", "totalCount"}


def _element(name: str, value: Json) -> str:
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    if not isinstance(value, dict):
        return f"<{name}>{escape(_scalar(value))}</{name}>"
    attributes = "".join(
        f" {key}={quoteattr(_scalar(item))}" for key, item in value.items() if key in _AS_ATTRIBUTE
    )
    if "value" in value:
        return f"<{name}{attributes}>{escape(_scalar(value['value']))}</{name}>"
    inner = "".join(_element(key, item) for key, item in value.items() if key not in _AS_ATTRIBUTE)
    return f"<{name}{attributes}>{inner}</{name}>"


def _scalar(value: Json) -> str:
    return value if isinstance(value, str) else write(value).strip('"')
