"""The lines of a sale: amounts, items, discount and subtotal."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from syncd.sandbox import chart, faults
from syncd.sandbox.entity import Write
from syncd.sandbox.ledger import ZERO
from syncd.sandbox.money import cents, identifier, number
from syncd.sandbox.schema import Field
from syncd.sandbox.transactions import LINKED_TXN
from syncd.sandbox.wire import Json, plain

Line = dict[str, Json]

_SALES = (
    Field("ItemRef", "ref", target="Item"),
    Field("Qty", "number"),
    Field("UnitPrice", "number"),
    Field("TaxCodeRef", "ref"),
    Field("ClassRef", "ref", target="Class"),
    Field("ServiceDate", "date"),
    Field("TaxInclusiveAmt", "number"),
    *(
        Field(name, read_only=True)
        for name in (
            "DeferredRevenue", "DiscountAmt", "DiscountRate", "ItemAccountRef", "ItemEx", "MarkupInfo", "PriceLevelRef",
            "RatePercent", "SalesItemEx", "TaxClassificationRef", "UOMRef", "UQCId",
        )
    ),
)  # fmt: skip
_DISCOUNT = (
    Field("PercentBased", "bool"),
    Field("DiscountPercent", "number"),
    Field("DiscountAccountRef", "ref", target="Account"),
    Field("ClassRef", "ref", target="Class"),
    Field("TaxCodeRef", read_only=True),
    Field("DiscountRef", read_only=True),
    Field("ServiceDate", read_only=True),
)
_TYPES = (
    "SalesItemLineDetail", "DiscountLineDetail", "SubTotalLineDetail", "DescriptionOnly", "DescriptionLineDetail",
    "GroupLineDetail",
)  # fmt: skip
FIELD = Field(
    "Line",
    "list",
    parts=(
        Field("Id"),
        Field("LineNum", "integer"),
        Field("Description", limit=4000),
        Field("Amount", "number"),
        Field("DetailType", "enum", choices=_TYPES),
        Field("LinkedTxn", "list", parts=LINKED_TXN),
        Field("SalesItemLineDetail", "group", parts=_SALES),
        Field("DiscountLineDetail", "group", parts=_DISCOUNT),
        *(
            Field(name, read_only=True)
            for name in (
                "CustomField", "CustomExtensions", "DescriptionLineDetail", "DescriptionOnly", "GroupLineDetail",
                "LineEx", "Received", "SubTotalLineDetail",
            )
        ),
    ),
)  # fmt: skip


@dataclass
class Sale:
    """Lines that have been checked: what each sells for and under which tax code, and the discount."""

    lines: list[Json] = field(default_factory=list)
    sold: list[tuple[Line, Decimal]] = field(default_factory=list)
    discount: Decimal = ZERO

    @property
    def subtotal(self) -> Decimal:
        """The sum before discount and tax."""
        return sum((amount for _, amount in self.sold), ZERO)


def settle_lines(write: Write) -> Sale:
    """Check the lines and put them in QuickBooks' order: as sent, subtotal, discount."""
    given = write.draft.get("Line")
    sent = [line for line in given if isinstance(line, dict)] if isinstance(given, list) else []
    if not any(line.get("DetailType") in ("SalesItemLineDetail", "SubTotalLineDetail") for line in sent):
        raise faults.required("Line" if not sent or "DetailType" in sent[0] else "Line.DetailType")
    sale = Sale()
    discounts: list[Line] = []
    ids = _LineIds(write)
    for line in sent:
        kind = line.get("DetailType")
        if kind is None:
            raise faults.required("Line.DetailType")
        if kind == "GroupLineDetail":
            raise faults.unsupported("GroupLineDetail")
        if kind == "DiscountLineDetail":
            discounts.append(line)
        elif kind == "SalesItemLineDetail" and "ItemRef" in _detail(line):
            amount = _sold(write, line)
            settled = ids.numbered(line) | {"Amount": amount}
            sale.lines.append(settled)
            sale.sold.append((settled, amount))
        elif kind != "SubTotalLineDetail":
            sale.lines.append(_description(ids.numbered(line)))
    sale.lines.append(
        {"Amount": sale.subtotal, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": dict[str, Json]()}
    )
    _settle_discount(write, sale, discounts)
    return sale


class _LineIds:
    """Line ids: those of the object's own lines are kept, others are new."""

    def __init__(self, write: Write) -> None:
        old = write.before.body.get("Line") if write.before else None
        lines = [line for line in old if isinstance(line, dict)] if isinstance(old, list) else []
        self._free = {str(line["Id"]) for line in lines if "Id" in line}
        self._last = max((int(key) for key in self._free), default=0)
        self._count = 0

    def numbered(self, line: Line) -> Line:
        """The line with its Id and LineNum."""
        key = str(line.get("Id", ""))
        if key in self._free:
            self._free.discard(key)
        else:
            self._last += 1
            key = str(self._last)
        self._count += 1
        return {**line, "Id": key, "LineNum": self._count}


def _detail(line: Line) -> Line:
    found = line.get("SalesItemLineDetail")
    return found if isinstance(found, dict) else {}


def _description(line: Line) -> Line:
    """A line without an item is a remark: its amount does not count."""
    kept = {name: value for name, value in line.items() if name in ("Id", "LineNum", "Description")}
    return kept | {"DetailType": "DescriptionOnly", "DescriptionLineDetail": dict[str, Json]()}


def _sold(write: Write, line: Line) -> Decimal:
    """A sales line's amount: given, and Qty times UnitPrice rounded half up (6070)."""
    if "Amount" not in line:
        raise faults.required("Line.Amount")
    detail, amount = _detail(line), number(line["Amount"])
    item = write.company.objects["Item"][identifier(detail["ItemRef"])]
    if item.body["Type"] == "Category":
        raise faults.category_on_line()
    quantity, price = detail.get("Qty"), detail.get("UnitPrice")
    if price is not None and not (number(price) == 0 and number(quantity) == 0):
        product = number(1 if quantity is None else quantity) * number(price)
        if cents(product) != amount:
            raise faults.wrong_amount(plain(amount))
    elif number(quantity):
        detail["UnitPrice"] = round(amount / number(quantity), 7)
    return cents(amount)


def _settle_discount(write: Write, sale: Sale, discounts: list[Line]) -> None:
    if not discounts:
        return
    if write.company.preference("SalesFormsPrefs", "AllowDiscount") is not True:
        if write.quirks["discount-off"] == "refused":
            raise faults.business("Discounts are switched off in this company.")
        return
    if len(discounts) > 1:
        raise faults.business("A transaction can have one discount only.")
    line = discounts[0]
    found = line.get("DiscountLineDetail")
    detail = dict(found) if isinstance(found, dict) else {}
    percent = detail.get("DiscountPercent") if detail.get("PercentBased") is True else None
    if percent is None and (detail.get("PercentBased") is True or "Amount" not in line):
        raise faults.validation(
            "6090", "Invalid Discount", "Discount information is missing.", "DiscountLineDetail"
        )
    amount = cents(number(line.get("Amount")) if percent is None else sale.subtotal * number(percent) / 100)
    if amount < 0:
        raise faults.validation("2290", "Negative Amount", "A discount cannot be negative.", "Line.Amount")
    detail["PercentBased"] = percent is not None
    detail.setdefault("DiscountAccountRef", {"value": chart.of_type(write.company, "DiscountsRefundsGiven")})
    sale.discount = amount
    sale.lines.append({"Amount": amount, "DetailType": "DiscountLineDetail", "DiscountLineDetail": detail})


def zeroed(lines: Json) -> list[Json]:
    """The lines of a voided sale."""
    kept: list[Json] = []
    for line in lines if isinstance(lines, list) else ():
        if isinstance(line, dict):
            left = {**line, "Amount": ZERO}
            if _detail(line):
                left["SalesItemLineDetail"] = _without_amounts(_detail(line))
            kept.append(left)
    return kept


def _without_amounts(detail: Line) -> Line:
    return {
        name: ZERO if name in ("Qty", "UnitPrice", "TaxInclusiveAmt") else value
        for name, value in detail.items()
    }


def sold(lines: Json) -> Iterable[tuple[Line, Decimal]]:
    """The sales lines of a stored sale, with their amounts."""
    for line in lines if isinstance(lines, list) else ():
        if isinstance(line, dict) and line["DetailType"] == "SalesItemLineDetail":
            yield line, number(line["Amount"])


def discount_of(lines: Json) -> tuple[str, Decimal]:
    """The account and the amount of a stored sale's discount; nothing is ("", 0)."""
    for line in lines if isinstance(lines, list) else ():
        if isinstance(line, dict) and isinstance(detail := line.get("DiscountLineDetail"), dict):
            return identifier(detail["DiscountAccountRef"]), number(line["Amount"])
    return "", ZERO
