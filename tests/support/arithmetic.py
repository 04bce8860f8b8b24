"""What SIP stores for an invoice, worked out as its documentation says. Written apart from syncd: it is the expected
side of tests, and must not agree with what it judges by being the same code.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Line:
    """A line of an invoice in SIP. `item` is a service item's id; None is a line of free text."""

    quantity: Decimal
    price: Decimal
    taxable: bool = True
    item: str | None = None
    description: str = "Work"

    @property
    def exact(self) -> Fraction:
        """Quantity by price, not rounded."""
        return Fraction(self.quantity) * Fraction(self.price)


@dataclass(frozen=True)
class Figures:
    """The four amounts that SIP stores."""

    subtotal: Decimal
    discount: Decimal
    tax: Decimal

    @property
    def total(self) -> Decimal:
        """What the customer owes."""
        return self.subtotal - self.discount + self.tax


def cents(amount: Fraction) -> Decimal:
    """To the nearest cent; half a cent goes away from nothing."""
    whole, rest = divmod(abs(amount) * 100, 1)
    counted = int(whole) + (rest >= Fraction(1, 2))
    return Decimal(counted if amount >= 0 else -counted).scaleb(-2)


def figures(
    lines: Sequence[Line],
    rate: Decimal,
    *,
    discount: str = "none",
    value: Decimal = Decimal(0),
    by_line: bool = True,
) -> Figures:
    """`by_line`: whether the subtotal is the sum of rounded lines or the rounded sum; SIP does not say which.

    The discount is at most the subtotal. What is taxed is the taxable part less its share of the discount.
    """
    amounts = [Fraction(cents(line.exact)) if by_line else line.exact for line in lines]
    whole, taxable = sum(amounts), sum(a for a, line in zip(amounts, lines, strict=True) if line.taxable)
    subtotal = cents(Fraction(whole))
    off = {"none": Fraction(0), "percent": Fraction(subtotal * value) / 100, "fixed": Fraction(value)}
    less = max(min(cents(off[discount]), subtotal), Decimal("0.00"))
    kept = 1 - Fraction(less) / Fraction(subtotal) if subtotal else Fraction(1)
    return Figures(subtotal, less, cents(taxable * kept * Fraction(rate) / 100))
