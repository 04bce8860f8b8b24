"""What QuickBooks must hold, worked out anew from SIP's tables and the published rules, beside what it does hold.

One module per type of record. Nothing of syncd's engine or push modules is used, and none of its tables is read, so
that a fault there shows here. The two sides meet by what a person would go by: a customer's name, an invoice's number,
the reference of a payment, the tag of an hour.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

CENT = Decimal("0.01")

Row = dict[str, Any]
"""A row of one of SIP's tables, or an object of QuickBooks."""


class Wanted(NamedTuple):
    """A record of SIP. `place` is where it must be found in QuickBooks, `fields` what it must say there, and `why_not`
    why it must not be there, if so. One that `stays` was there before it was withdrawn.
    """

    key: str
    name: str
    place: str
    fields: Mapping[str, str]
    why_not: str = ""
    stays: bool = False


class Held(NamedTuple):
    """An object of QuickBooks."""

    place: str
    fields: Mapping[str, str]


def plain(text: str | None) -> str:
    """Without control characters, trimmed."""
    return re.sub(r"[\x00-\x1f\x7f]", " ", text or "").strip()


def lines_of(text: str | None) -> list[str]:
    """The lines that have something in them."""
    return [line for line in map(plain, (text or "").splitlines()) if line]


def cents(amount: Any) -> str:
    """An amount of money; none is 0.00."""
    return str(Decimal(amount or 0).quantize(CENT, ROUND_HALF_UP))


def number(value: Any) -> str:
    """A number without zeros that say nothing."""
    return format(Decimal(value or 0).normalize() + 0, "f")
