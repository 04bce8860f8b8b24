"""Invoices: SIP's stored figures to the cent, line by line, with each line's tax said as the country says it."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from syncd.demo.businesses import ACCOUNTS, OWN_ITEM
from syncd.demo.truth import CENT, Held, Wanted, cents, lines_of, number, plain
from syncd.demo.truth.customers import sent_email, sent_name

if TYPE_CHECKING:
    from syncd.demo.truth import Row
    from syncd.demo.truth.books import Books
    from syncd.demo.truth.office import Office

PERCENTS = {"GST": Decimal(5), "PST BC": Decimal(7)}
"""What the tax codes of the demo consist of."""


def wanted(office: Office) -> list[Wanted]:
    """SIP's invoices, by number."""
    collected = office.collected()
    return [
        Wanted(
            str(key),
            row["number"],
            row["number"],
            _expected(office, row, collected.get(key, Decimal(0))),
            office.not_invoice(key),
        )
        for key, row in office.tables.invoices.items()
    ]


def held(books: Books) -> list[Held]:
    """QuickBooks' invoices, by number."""
    return [Held(row.get("DocNumber", ""), _shown(books, row)) for row in books.all("Invoice")]


def _expected(office: Office, row: Row, collected: Decimal) -> dict[str, str]:
    customer = office.tables.customers[row["customer_id"]]
    memo = [f"PO number: {row['po_number']}"] if row["po_number"] else []
    memo += [text for text in (plain(row["notes"]), plain(row["terms"])) if text]
    return {
        "customer": sent_name(customer),
        "date": str(row["issue_date"]),
        "due date": str(row["due_date"]),
        "currency": office.business.kind.currency,
        "discount": cents(row["discount"]),
        "discount account": ACCOUNTS["discounts"] if row["discount"] else "",
        "tax": cents(row["tax"]),
        "tax by rate": _by_rate(office, row),
        "total": cents(row["total"]),
        "open": cents(row["total"] - collected),
        "message": "\n".join(memo),
        "service address": ", ".join(lines_of(row["service_address"])),
        "e-mail": "" if customer["email_unsubscribed"] else sent_email(customer["email"]),
        "QuickBooks sends it": "NotSet",
        "QuickBooks collects it": "no",
        **{f"line {place}": text for place, text in enumerate(_lines(office, row), start=1)},
    }


def _lines(office: Office, row: Row) -> list[str]:
    if row["mode"] != "line_items":
        job = office.tables.jobs[row["job_id"]]["name"] if row["job_id"] else "Fixed amount"
        words = f"{number(row['percent'])} % of {job}" if row["mode"] == "percent" else job
        return [_line(OWN_ITEM, words, 1, row["subtotal"], row["subtotal"], _code(office, row, taxable=True))]
    return [
        _line(
            office.tables.service_items[line["service_item_id"]]["name"]
            if line["service_item_id"]
            else OWN_ITEM,
            plain(line["description"]),
            line["quantity"],
            line["unit_price"],
            line["quantity"] * line["unit_price"],
            _code(office, row, taxable=line["taxable"]),
        )
        for line in office.lines_of(row["id"])
    ]


def _line(item: str, words: str, quantity: object, price: object, amount: object, code: str) -> str:
    return f"{item}, {words}: {number(quantity)} x {number(price)} = {cents(amount)}, tax {code}"


def _code(office: Office, row: Row, *, taxable: bool) -> str:
    kind = office.business.kind
    if kind.region == "us":
        return "TAX" if taxable and row["tax"] else "NON"
    return {**kind.tax_codes, "5": "GST"}[number(row["tax_rate"]) if taxable else "untaxed"]


def _by_rate(office: Office, row: Row) -> str:
    """In Canada: SIP's tax in whole cents over the rates of the code, largest remainder first."""
    if office.business.kind.region == "us":
        return ""
    rates = {"12": ("GST", "PST BC"), "5": ("GST",)}[number(row["tax_rate"])]
    whole = sum(PERCENTS[rate] for rate in rates)
    exact = {rate: row["tax"] * PERCENTS[rate] / whole for rate in rates}
    parts = {rate: share - share % CENT for rate, share in exact.items()}
    for rate in sorted(rates, key=lambda rate: parts[rate] - exact[rate]):
        if sum(parts.values()) < row["tax"]:
            parts[rate] += CENT
    return ", ".join(f"{rate} {cents(parts[rate])}" for rate in rates if parts[rate])


def _shown(books: Books, row: Row) -> dict[str, str]:
    detail = row.get("TxnTaxDetail") or {}
    [discount] = [line for line in row["Line"] if line["DetailType"] == "DiscountLineDetail"] or [{}]
    sold = [line for line in row["Line"] if line["DetailType"] == "SalesItemLineDetail"]
    collects = row.get("AllowOnlineCreditCardPayment") or row.get("AllowOnlineACHPayment")
    return {
        "customer": books.name("Customer", row["CustomerRef"]),
        "date": row["TxnDate"],
        "due date": row["DueDate"],
        "currency": row["CurrencyRef"]["value"],
        "discount": cents(discount.get("Amount")),
        "discount account": books.name(
            "Account", (discount.get("DiscountLineDetail") or {}).get("DiscountAccountRef")
        ),
        "tax": cents(detail.get("TotalTax")),
        "tax by rate": _rates_shown(books, row),
        "total": cents(row["TotalAmt"]),
        "open": cents(row["Balance"]),
        "message": (row.get("CustomerMemo") or {}).get("value", ""),
        "service address": (row.get("ShipAddr") or {}).get("Line1", ""),
        "e-mail": (row.get("BillEmail") or {}).get("Address", ""),
        "QuickBooks sends it": row.get("EmailStatus", ""),
        "QuickBooks collects it": "yes" if collects else "no",
        **{f"line {place}": _line_shown(books, line) for place, line in enumerate(sold, start=1)},
    }


def _rates_shown(books: Books, row: Row) -> str:
    if row["CurrencyRef"]["value"] == "USD":
        return ""
    lines = [line for line in (row.get("TxnTaxDetail") or {}).get("TaxLine") or [] if line["Amount"]]
    return ", ".join(
        sorted(
            f"{books.name('TaxRate', line['TaxLineDetail']['TaxRateRef'])} {cents(line['Amount'])}"
            for line in lines
        )
    )


def _line_shown(books: Books, line: Row) -> str:
    detail = line["SalesItemLineDetail"]
    amount = Decimal(line["Amount"]).quantize(CENT, ROUND_HALF_UP)
    return _line(
        books.name("Item", detail["ItemRef"]),
        line.get("Description", ""),
        detail.get("Qty"),
        detail.get("UnitPrice"),
        amount,
        books.name("TaxCode", detail.get("TaxCodeRef")),
    )
