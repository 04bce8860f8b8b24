"""Sales tax, as the company's country and setup have it.

US: lines say TAX or NON, and the whole sale has one code, found by automated
sales tax or named by the client. Elsewhere each line has its own code.
"""

from collections import defaultdict
from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal

from syncd.sandbox import faults
from syncd.sandbox.entity import Write
from syncd.sandbox.ledger import ZERO
from syncd.sandbox.lines import Sale
from syncd.sandbox.money import CENT, cents, identifier, number
from syncd.sandbox.schema import Field
from syncd.sandbox.store import Company, Stored
from syncd.sandbox.taxtables import PSEUDO_CODES
from syncd.sandbox.wire import Json

Line = dict[str, Json]

_LINE_DETAIL = (
    Field("TaxRateRef", "ref", target="TaxRate"),
    Field("PercentBased", "bool"),
    Field("TaxPercent", "number"),
    Field("NetAmountTaxable", "number"),
    Field("TaxInclusiveAmount", "number"),
    Field("OverrideDeltaAmount", "number"),
    Field("ServiceDate", "date"),
)
FIELDS = (
    Field(
        "TxnTaxDetail",
        "group",
        parts=(
            Field("DefaultTaxCodeRef", read_only=True),
            Field("TxnTaxCodeRef", "ref"),
            Field("TotalTax", "number"),
            Field(
                "TaxLine",
                "list",
                parts=(
                    Field("Id", read_only=True),
                    Field("LineNum", read_only=True),
                    Field("Description", read_only=True),
                    Field("Amount", "number"),
                    Field("DetailType", "enum", choices=("TaxLineDetail",)),
                    Field("TaxLineDetail", "group", parts=_LINE_DETAIL),
                ),
            ),
        ),
    ),
    Field("GlobalTaxCalculation", "enum", choices=("TaxExcluded", "TaxInclusive", "NotApplicable")),
    Field("ApplyTaxAfterDiscount", "bool", default=False),
)
_DECIDES = (
    "Line", "TxnTaxDetail", "ApplyTaxAfterDiscount", "CustomerRef", "GlobalTaxCalculation", "ShipAddr",
)  # fmt: skip
_MISSING = {
    "CA": "Make sure all your transactions have a GST/HST rate before you save.",
    "GB": "Make sure all your transactions have a VAT rate before you save.",
}
MAX_TAXABLE_LINES = 750


def settle_tax(write: Write, sale: Sale, customer: Stored) -> Decimal:
    """Write TxnTaxDetail into the draft; the tax."""
    if write.company.profile.country == "US":
        return _settle_us(write, sale, customer)
    return _settle_by_line(write, sale)


def _asked(write: Write) -> Line:
    """What the client said of the tax; what was there before, where it changed nothing that decides."""
    if write.before is not None and write.sparse and not any(name in write.given for name in _DECIDES):
        kept = write.before.body.get("TxnTaxDetail")
    else:
        kept = write.given.get("TxnTaxDetail")
    return kept if isinstance(kept, dict) else {}


def _taxed_share(write: Write, sale: Sale) -> Decimal:
    """Which part of each line is taxed: all, or what the discount leaves."""
    if write.draft["ApplyTaxAfterDiscount"] is not True or not sale.subtotal:
        return Decimal(1)
    return (sale.subtotal - sale.discount) / sale.subtotal


def _settle_us(write: Write, sale: Sale, customer: Stored) -> Decimal:
    company, draft = write.company, write.draft
    draft.pop("GlobalTaxCalculation", None)
    asked = _asked(write)
    taxable = ZERO
    count = 0
    for line, amount in sale.sold:
        if _us_line_is_taxed(company, line, customer):
            taxable += amount
            count += 1
    if count > MAX_TAXABLE_LINES:
        raise faults.business(f"A taxable invoice can have at most {MAX_TAXABLE_LINES} lines.")
    draft.pop("TxnTaxDetail", None)
    if company.preference("TaxPrefs", "UsingSalesTax") is not True:
        return ZERO
    code = _us_code(write, asked, customer)
    if not count or not code:
        draft["TxnTaxDetail"] = {"TotalTax": ZERO}
        return ZERO
    net = cents(taxable * _taxed_share(write, sale))
    shares = {key: net * percent / 100 for key, percent in _rates(company, code).items()}
    amounts = {key: cents(share) for key, share in shares.items()}
    total = asked.get("TotalTax")
    if total is not None and write.quirks["total-tax"] == "honoured":
        amounts = _prorated(cents(number(total)), shares)
    detail = _detail(company, {key: (amount, net) for key, amount in amounts.items()})
    draft["TxnTaxDetail"] = {"TxnTaxCodeRef": {"value": code}, **detail}
    return sum(amounts.values(), ZERO)


def _us_line_is_taxed(company: Company, line: Line, customer: Stored) -> bool:
    """Whether a line says TAX, or its item does where it says nothing (6100 for anything else)."""
    detail = line["SalesItemLineDetail"]
    if not isinstance(detail, dict):
        return False
    code = identifier(detail.get("TaxCodeRef"))
    if not code:
        item = company.objects["Item"][identifier(detail["ItemRef"])]
        code = "TAX" if item.body.get("Taxable") is True else "NON"
    if code not in ("TAX", "NON"):
        raise faults.validation(
            "6100",
            "Invalid Line TaxCode",
            "Invalid Line TaxCode in the request: For US specify TAX or NON",
            "TaxCodeRef",
        )
    detail["TaxCodeRef"] = {"value": code}
    return code == "TAX" and customer.body.get("Taxable") is not False


def _us_code(write: Write, asked: Line, customer: Stored) -> str:
    """The tax code of the sale: QuickBooks' own under automated tax, else the client's or the customer's."""
    company = write.company
    given = identifier(asked.get("TxnTaxCodeRef"))
    if given == "CustomSalesTax":
        raise faults.validation("6160", "Invalid Tax Code", "CustomSalesTax cannot be used on transactions.")
    if given and company.get("TaxCode", given) is None:
        raise faults.bad_reference("TaxCodes", given)
    if company.preference("TaxPrefs", "PartnerTaxEnabled") is True:
        address = write.draft.get("ShipAddr")
        region = address.get("CountrySubDivisionCode") if isinstance(address, dict) else None
        own = region in (None, company.profile.region)
        return "1" if own or "TotalTax" in asked else ""
    code = given or identifier(customer.body.get("DefaultTaxCodeRef"))
    return "" if code in PSEUDO_CODES else code


def _prorated(total: Decimal, shares: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """A given total spread over the rates in proportion, to the cent."""
    whole = sum(shares.values(), ZERO)
    parts = {key: total * share / whole if whole else ZERO for key, share in shares.items()}
    amounts = {key: part.quantize(CENT, ROUND_DOWN) for key, part in parts.items()}
    first = max(parts, key=lambda key: parts[key] - amounts[key])
    amounts[first] += total - sum(amounts.values(), ZERO)
    return amounts


def _settle_by_line(write: Write, sale: Sale) -> Decimal:
    draft = write.draft
    mode = draft.setdefault("GlobalTaxCalculation", "TaxExcluded")
    asked = _asked(write)
    draft.pop("TxnTaxDetail", None)
    if mode == "NotApplicable":
        if asked:
            raise faults.validation(
                "6170", "Invalid Tax", "TxnTaxDetail cannot be given with GlobalTaxCalculation NotApplicable."
            )
        return ZERO
    nets: defaultdict[str, Decimal] = defaultdict(Decimal)
    share = _taxed_share(write, sale)
    for line, amount in sale.sold:
        for key in _rates(write.company, _line_code(write.company, line)):
            nets[key] += amount * share
    if len(sale.sold) > MAX_TAXABLE_LINES:
        raise faults.business(f"A taxable invoice can have at most {MAX_TAXABLE_LINES} lines.")
    taxed: dict[str, tuple[Decimal, Decimal]] = {}
    for key, net in nets.items():
        percent = number(write.company.objects["TaxRate"][key].body["RateValue"])
        taxed[key] = (cents(net * percent / 100), cents(net))
    for key, amount in _given_lines(asked).items():
        if key not in taxed:
            raise faults.business(f"Tax rate {key} is not part of a tax code on the lines.")
        if write.quirks["total-tax"] == "honoured":
            taxed[key] = (amount, taxed[key][1])
    draft["TxnTaxDetail"] = _detail(write.company, taxed)
    return sum((amount for amount, _ in taxed.values()), ZERO)


def _line_code(company: Company, line: Line) -> str:
    detail = line["SalesItemLineDetail"]
    code = identifier(detail.get("TaxCodeRef")) if isinstance(detail, dict) else ""
    if not code:
        text = _MISSING.get(
            company.profile.country, "Make sure all your transactions have a sales tax rate before you save."
        )
        raise faults.business(text)
    if company.get("TaxCode", code) is None:
        raise faults.bad_reference("TaxCodes", code)
    return code


def _given_lines(asked: Line) -> dict[str, Decimal]:
    """The amounts a client gives for single rates; each rate once."""
    amounts: dict[str, Decimal] = {}
    lines = asked.get("TaxLine")
    for line in lines if isinstance(lines, list) else ():
        detail = line.get("TaxLineDetail") if isinstance(line, dict) else None
        key = identifier(detail.get("TaxRateRef")) if isinstance(detail, dict) else ""
        if not key or not isinstance(line, dict) or "Amount" not in line:
            raise faults.required("TaxLine.TaxLineDetail.TaxRateRef" if not key else "TaxLine.Amount")
        if key in amounts:
            raise faults.business(f"Tax rate {key} is given twice.")
        amounts[key] = cents(number(line["Amount"]))
    return amounts


def _rates(company: Company, code: str) -> dict[str, Decimal]:
    """The sales rates of a tax code: id to percent."""
    group = company.objects["TaxCode"][code].body["SalesTaxRateList"]
    rows = group.get("TaxRateDetail") if isinstance(group, dict) else None
    keys = (
        [identifier(row.get("TaxRateRef")) for row in rows if isinstance(row, dict)]
        if isinstance(rows, list)
        else []
    )
    return {key: number(company.objects["TaxRate"][key].body["RateValue"]) for key in keys}


def _detail(company: Company, taxed: Mapping[str, tuple[Decimal, Decimal]]) -> Line:
    """TotalTax and a TaxLine for each rate."""
    lines: list[Json] = [
        {
            "Amount": amount,
            "DetailType": "TaxLineDetail",
            "TaxLineDetail": {
                "TaxRateRef": {"value": key},
                "PercentBased": True,
                "TaxPercent": company.objects["TaxRate"][key].body["RateValue"],
                "NetAmountTaxable": net,
            },
        }
        for key, (amount, net) in taxed.items()
    ]
    return {"TotalTax": sum((amount for amount, _ in taxed.values()), ZERO), "TaxLine": lines}
