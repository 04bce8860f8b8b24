"""How an invoice says its tax, by the company's region and settings.

SIP's stored tax is what must arrive, to the cent. QuickBooks takes it in four ways:

- automated (United States): lines are TAX or NON, and an explicit TotalTax overrides what QuickBooks computes;
- manual (United States): the same, and a code of the whole transaction, chosen for SIP's rate;
- off (United States): QuickBooks ignores what it is told of tax, so an invoice with tax is refused;
- codes (Canada, Global): a code on every line, and the amount of each rate that a code consists of.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from syncd.push import CENT, Refused, cents, number, plain, reference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TAX = "TAX"
NON = "NON"
"""The only two codes a line can have in the United States."""


@dataclass(frozen=True, slots=True)
class Tax:
    """`codes`: the tax code of taxable (True) and of other lines. `header`: what the invoice itself says."""

    codes: Mapping[bool, str | None]
    header: dict[str, Any]


def of_invoice(document: Mapping[str, Any], taxable: Decimal) -> Tax:
    """The tax of an invoice whose taxable lines, as sent, come to `taxable`. Raises Refused."""
    tax = cents(document["tax"])
    _check(document, tax)
    match document["sales_tax"]:
        case "automated":
            return Tax(_tax_or_non(tax), {"TxnTaxDetail": {"TotalTax": tax}})
        case "manual":
            return Tax(_tax_or_non(tax), {"TxnTaxDetail": _manual(document, tax)})
        case "off":
            return Tax(_tax_or_non(tax), {})
        case "codes":
            return Tax(_codes(document), _per_rate(document, tax, taxable))
        case other:
            raise ValueError(f"no way to say tax is called {other!r}")


def shares(total: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """The total by weight, in whole cents that add up to it: those who lost most by rounding down get a cent.

    Of equal losses the first gets it, so that the same invoice is always the same.
    """
    whole = sum(map(Fraction, weights))
    if not whole:
        return [Decimal("0.00") for _ in weights]
    exact = [Fraction(total) * 100 * Fraction(weight) / whole for weight in weights]
    parts = [int(share) for share in exact]
    by_loss = sorted(range(len(exact)), key=lambda index: parts[index] - exact[index])
    for index in by_loss[: int(total * 100) - sum(parts)]:
        parts[index] += 1
    return [part * CENT for part in parts]


def rate_of(document: Mapping[str, Any]) -> str:
    """SIP's rate as sentences and commands write it: 8.25."""
    return format(plain(document.get("rate") or 0), "f")


def _check(document: Mapping[str, Any], tax: Decimal) -> None:
    """SIP's figures must be possible at all."""
    invoice = f"Invoice {document['number']}"
    if tax < 0:
        raise Refused(
            "tax_negative",
            f"{invoice} has a tax of {tax}. QuickBooks takes no negative tax; correct it in SIP.",
        )
    if tax and document["sales_tax"] == "off":
        raise Refused(
            "sales_tax_off",
            f"{invoice} has {tax} of tax at {rate_of(document)} %, and sales tax is switched off in QuickBooks, "
            "which would drop it. Set it up there, under Taxes > Sales tax, then run: syncd retry.",
            of_company=True,
        )
    if tax and not any(line["taxable"] for line in document["lines"]):
        raise Refused(
            "tax_without_lines",
            f"{invoice} has {tax} of tax, but no line is taxable. Correct it in SIP.",
        )


def _tax_or_non(tax: Decimal) -> dict[bool, str | None]:
    """A taxable line of an invoice without tax would be taxed by QuickBooks."""
    return {True: TAX if tax else NON, False: NON}


def _manual(document: Mapping[str, Any], tax: Decimal) -> dict[str, Any]:
    if not tax:
        return {"TotalTax": tax}
    return {"TxnTaxCodeRef": reference(_chosen(document, taxable=True)), "TotalTax": tax}


def _codes(document: Mapping[str, Any]) -> dict[bool, str | None]:
    """QuickBooks wants a code on every line there, on those without tax too."""
    needed = {bool(line["taxable"]) for line in document["lines"]}
    return {taxable: _chosen(document, taxable=taxable) for taxable in sorted(needed)}


def _chosen(document: Mapping[str, Any], *, taxable: bool) -> str:
    code = document.get("tax_code" if taxable else "untaxed_code")
    if code is not None:
        return str(code)
    rate = rate_of(document)
    what, slot = (f"lines taxable at {rate} %", rate) if taxable else ("lines without tax", "untaxed")
    raise Refused(
        "tax_code_missing",
        f"Invoice {document['number']} has {what}, and no tax code of QuickBooks is chosen for them. "
        f"Choose one: syncd map tax set COMPANY {slot} CODE",
    )


def _per_rate(document: Mapping[str, Any], tax: Decimal, taxable: Decimal) -> dict[str, Any]:
    """Each rate's part of SIP's tax; TaxExcluded says that the lines' amounts are net."""
    detail: dict[str, Any] = {"TotalTax": tax}
    if any(line["taxable"] for line in document["lines"]):
        rates = document.get("rates") or []
        percents = [number(rate["percent"]) for rate in rates]
        if tax and not sum(percents):
            raise Refused(
                "tax_code_without_rate",
                f"Invoice {document['number']} has {tax} of tax at {rate_of(document)} %, but the tax code chosen "
                f"for that rate taxes nothing. Choose another: syncd map tax set COMPANY {rate_of(document)} CODE",
            )
        net = _net(document, taxable)
        detail["TaxLine"] = [
            {
                "Amount": amount,
                "DetailType": "TaxLineDetail",
                "TaxLineDetail": {
                    "TaxRateRef": reference(rate["rate_ref"]),
                    "PercentBased": True,
                    "TaxPercent": plain(rate["percent"]),
                    "NetAmountTaxable": net,
                },
            }
            for rate, amount in zip(rates, shares(tax, percents), strict=True)
        ]
    return {"GlobalTaxCalculation": "TaxExcluded", "TxnTaxDetail": detail}


def _net(document: Mapping[str, Any], taxable: Decimal) -> Decimal:
    """The taxable lines less their proportional part of the discount, as SIP taxes them."""
    subtotal, discount = cents(document["subtotal"]), cents(document["discount"])
    return cents(taxable - discount * taxable / subtotal) if subtotal else taxable
