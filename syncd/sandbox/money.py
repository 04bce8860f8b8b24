"""Amounts: rounding, and what other currencies are worth."""

from decimal import ROUND_HALF_UP, Decimal

from syncd.sandbox.store import Company
from syncd.sandbox.wire import Json

CENT = Decimal("0.01")

_DOLLARS = {
    "AUD": "0.66",
    "CAD": "0.73",
    "CHF": "1.12",
    "EUR": "1.08",
    "GBP": "1.27",
    "JPY": "0.0067",
    "USD": "1",
}
"""Made-up rates, the same on every day; other currencies count as half a dollar."""


def cents(amount: Decimal) -> Decimal:
    """Rounded half up, away from zero, as QBO rounds."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def rate(company: Company, currency: str) -> Decimal:
    """Home units for one unit of a currency."""
    home = company.profile.currency
    if currency == home:
        return Decimal(1)
    value, base = (Decimal(_DOLLARS.get(code, "0.5")) for code in (currency, home))
    return (value / base).quantize(Decimal("0.000001"))


def to_home(amount: Decimal, exchange: Decimal) -> Decimal:
    """An amount of a currency in home currency."""
    return amount if exchange == 1 else cents(amount * exchange)


def number(value: Json) -> Decimal:
    """A stored number; 0 where there is none."""
    return Decimal(value) if isinstance(value, int | Decimal) else Decimal(0)


def identifier(reference: Json) -> str:
    """The id in a stored reference; "" where there is none."""
    return str(reference["value"]) if isinstance(reference, dict) else ""
