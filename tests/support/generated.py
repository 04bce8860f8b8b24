"""Invoices of SIP drawn by hypothesis, and what QuickBooks must hold of them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from tests.support.arithmetic import Figures, Line, cents, figures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.support.sip import Sip

ITEMS = 4
"""A line's item is the number of one of these, or None for free text."""

WORDS = ("Work", "Labour, 2 persons", "Rohr 3/4″ — ½ m", 'a "quoted" \\ text', "two\nlines", "x" * 500)
NASTY_QUANTITIES = ("0", "0.0001", "0.3333", "0.333333", "1.5", "2.675", "0.005", "-1", "1000")
NASTY_PRICES = ("0", "0.01", "0.33", "33.333333", "1861.075", "0.000001", "-0.995", "99999.999999", "10.05")


@dataclass(frozen=True)
class Invoice:
    """As SIP's user enters it. By amount and by percent there is one line of quantity 1, which SIP does not store."""

    mode: str
    lines: tuple[Line, ...]
    rate: Decimal
    discount: str
    value: Decimal
    by_line: bool
    contract: Decimal | None = None
    percent: Decimal | None = None

    @property
    def figures(self) -> Figures:
        """What SIP stores."""
        return figures(self.lines, self.rate, discount=self.discount, value=self.value, by_line=self.by_line)

    @property
    def rounded(self) -> list[Decimal]:
        """Each line rounded by itself."""
        return [cents(line.exact) for line in self.lines]


def numbers(nasty: Sequence[str], most: int, places: int) -> st.SearchStrategy[Decimal]:
    """From nothing to `most` with so many decimals at most, or one of the nasty ones."""
    drawn = st.builds(
        lambda digits, scale: Decimal(digits % (most * 10**scale + 1)).scaleb(-scale),
        st.integers(0, most * 10**places),
        st.integers(0, places),
    )
    return st.sampled_from([Decimal(text) for text in nasty]) | drawn


def rates(chosen: Sequence[str] | None) -> st.SearchStrategy[Decimal]:
    """A tax rate of SIP's: one of these, or any."""
    if chosen is None:
        nasty = st.sampled_from(["0.00", "0.01", "8.25", "8.50", "33.33", "99.99", "100.00"])
        return nasty.map(Decimal) | st.integers(0, 100_00).map(lambda n: Decimal(n).scaleb(-2))
    return st.sampled_from([Decimal(rate) for rate in chosen])


def lines(quantity: st.SearchStrategy[Decimal], price: st.SearchStrategy[Decimal]) -> st.SearchStrategy[Line]:
    """A line, of an item or of free text."""
    item = st.none() | st.integers(0, ITEMS - 1).map(str)
    return st.builds(Line, quantity, price, st.booleans(), item, st.sampled_from(WORDS))


@st.composite
def invoices(draw: st.DrawFn, chosen_rates: Sequence[str] | None) -> Invoice:
    """An invoice that SIP can store and QuickBooks can take: nothing in it is below zero as a whole."""
    mode = draw(st.sampled_from(["line_items", "line_items", "line_items", "fixed", "percent"]))
    contract = percent = None
    if mode == "line_items":
        quantity = draw(st.sampled_from([4, 6]).map(lambda places: numbers(NASTY_QUANTITIES, 1000, places)))
        sold = draw(st.lists(lines(quantity, numbers(NASTY_PRICES, 99_999, 6)), min_size=1, max_size=12))
    else:
        amount = draw(numbers(("0", "0.01", "1861.08", "99999999.99"), 10_000_000, 2))
        if mode == "percent":
            contract, percent = amount, draw(numbers(("0", "33.3333", "12.5", "100", "0.0001"), 200, 4))
            amount = cents(Fraction(contract) * Fraction(percent) / 100)
        sold = [Line(Decimal(1), amount)]
    discount = draw(st.sampled_from(["none", "percent", "fixed"]))
    value = Decimal(0)
    if discount == "percent":
        value = draw(numbers(("0", "0.01", "10", "33.33", "99.99", "100"), 100, 2))
    elif discount == "fixed":
        value = draw(numbers(("0", "0.01", "0.05", "10.00", "99999.99"), 10_000, 2))
    made = Invoice(
        mode, tuple(sold), draw(rates(chosen_rates)), discount, value, draw(st.booleans()), contract, percent
    )
    sums = made.figures
    assume(sums.subtotal >= 0 and sums.tax >= 0 and sums.total >= 0)
    assume(sum(amount for amount, line in zip(made.rounded, sold, strict=True) if line.taxable) >= 0)
    return made


def drawn(strategy: st.SearchStrategy[Invoice], count: int) -> list[Invoice]:
    """So many of them, the same ones in every run, but that hypothesis draws some values from the constants of whatever
    modules have been imported by then.
    """
    found: list[Invoice] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(one: Invoice) -> None:
        found.append(one)

    collect()
    return found


def deliver(sip: Sip, chosen: Sequence[Invoice]) -> dict[str, str]:
    """Write them into SIP: half as drafts that are marked as sent together, half as sent or paid, some at a time.

    Number -> id, in the order of `chosen`.
    """
    customers = [sip.customer(f"Customer {n}", state=state) for n, state in enumerate(("CA", "NV", None))]
    items = [sip.service_item(f"Item {n}", active=n > 0, taxable=n > 1) for n in range(ITEMS)]
    half = len(chosen) // 2
    drafts = _write(sip, chosen[:half], customers, items, first=1, statuses=("draft",))
    sip.database.execute(
        "update sip.invoices set status = 'sent' where organization_id = %s and status = 'draft'",
        (sip.company,),
    )
    ids = drafts
    for start in range(half, len(chosen), 7):
        some = chosen[start : min(start + 7, len(chosen))]
        ids |= _write(sip, some, customers, items, first=start + 1, statuses=("sent", "paid"))
    return ids


def _write(
    sip: Sip,
    chosen: Sequence[Invoice],
    customers: Sequence[str],
    items: Sequence[str],
    *,
    first: int,
    statuses: Sequence[str],
) -> dict[str, str]:
    """In one transaction. By statements of many rows each: by single ones, SIP would be the slowest part."""
    rows = []
    for number, one in enumerate(chosen, first):
        customer, sums = customers[number % len(customers)], one.figures
        job = None
        if one.mode == "percent":
            job = sip.job(customer, f"Job {number}", contract_total=one.contract)
        rows.append(
            {
                "number": f"INV-{number:05}",
                "organization_id": sip.company,
                "customer_id": customer,
                "job_id": job,
                "mode": one.mode,
                "amount": one.lines[0].price if one.mode == "fixed" else None,
                "percent": one.percent,
                "due_date": "2026-09-30",
                "tax_rate": one.rate,
                "discount_type": one.discount,
                "discount_value": one.value,
                "subtotal": sums.subtotal,
                "discount": sums.discount,
                "tax": sums.tax,
                "total": sums.total,
                "status": statuses[number % len(statuses)],
            }
        )
    with sip.database.connection.transaction():
        ids = sip.insert_all("invoices", rows)
        sold = [
            {
                "invoice_id": id_,
                "position": position,
                "service_item_id": None if line.item is None else items[int(line.item)],
                "description": line.description,
                "quantity": line.quantity,
                "unit_price": line.price,
                "taxable": line.taxable,
            }
            for id_, one in zip(ids, chosen, strict=True)
            if one.mode == "line_items"
            for position, line in enumerate(one.lines, start=1)
        ]
        if sold:
            sip.insert_all("invoice_lines", sold)
    return {str(row["number"]): id_ for row, id_ in zip(rows, ids, strict=True)}


@dataclass(frozen=True)
class Held:
    """An invoice as a person reads it in QuickBooks."""

    amounts: tuple[Decimal, ...]
    discount: Decimal
    tax: Decimal
    total: Decimal

    @property
    def subtotal(self) -> Decimal:
        """Before discount and tax."""
        return sum(self.amounts, Decimal("0.00"))


def held(body: Mapping[str, Any]) -> Held:
    """Read from QuickBooks' object."""
    sold = [one for one in body["Line"] if one["DetailType"] == "SalesItemLineDetail"]
    less = [one for one in body["Line"] if one["DetailType"] == "DiscountLineDetail"]
    return Held(
        tuple(_money(one["Amount"]) for one in sold),
        sum((_money(one["Amount"]) for one in less), Decimal("0.00")),
        _money(body.get("TxnTaxDetail", {}).get("TotalTax", 0)),
        _money(body["TotalAmt"]),
    )


def expected(invoice: Invoice) -> Held:
    """What QuickBooks must hold: SIP's figures, on SIP's lines.

    Where the rounded lines miss SIP's subtotal, the largest line makes up for it.
    """
    sums, amounts = invoice.figures, invoice.rounded
    largest = amounts.index(max(amounts))
    amounts[largest] += sums.subtotal - sum(amounts)
    return Held(tuple(amounts), sums.discount, sums.tax, sums.total)


def _money(value: Any) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))
