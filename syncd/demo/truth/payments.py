"""Payments: what settles the invoice, without the tip, on that invoice and in the account that waits for the bank."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from syncd.demo.businesses import ACCOUNTS, METHODS
from syncd.demo.truth import Held, Wanted, cents, plain
from syncd.demo.truth.customers import sent_name

if TYPE_CHECKING:
    from syncd.demo.truth import Row
    from syncd.demo.truth.books import Books
    from syncd.demo.truth.office import Office


def wanted(office: Office) -> list[Wanted]:
    """SIP's payments, by the reference that each has in QuickBooks."""
    return [
        Wanted(
            str(key),
            office.tables.invoices[row["invoice_id"]]["number"],
            reference(office.business.company_id, key),
            _expected(office, row),
            office.not_payment(key),
        )
        for key, row in office.tables.payments.items()
    ]


def held(books: Books) -> list[Held]:
    """QuickBooks' payments, by reference."""
    return [Held(row.get("PaymentRefNum", ""), _shown(books, row)) for row in books.all("Payment")]


def reference(company: str, payment: int) -> str:
    """SIP-, and 80 bits of a hash of company and payment in base 32."""
    digest = hashlib.sha256(f"{company}/{payment}".encode()).digest()
    return f"SIP-{base64.b32encode(digest[:10]).decode()}"


def _expected(office: Office, row: Row) -> dict[str, str]:
    invoice = office.tables.invoices[row["invoice_id"]]
    return {
        "customer": sent_name(office.tables.customers[invoice["customer_id"]]),
        "date": str(row["paid_on"] or ""),
        "amount": cents(row["amount"]),
        "currency": office.business.kind.currency,
        "method": METHODS[row["method"]],
        "account": ACCOUNTS["undeposited-funds"],
        "applied": f"{invoice['number']} {cents(row['amount'])}",
        "unapplied": "0.00",
        "note": plain(row["note"]),
    }


def _shown(books: Books, row: Row) -> dict[str, str]:
    applied = [
        f"{books.name('Invoice', link['TxnId'])} {cents(line['Amount'])}"
        for line in row.get("Line") or []
        for link in line["LinkedTxn"]
        if link["TxnType"] == "Invoice"
    ]
    return {
        "customer": books.name("Customer", row["CustomerRef"]),
        "date": row["TxnDate"],
        "amount": cents(row["TotalAmt"]),
        "currency": row["CurrencyRef"]["value"],
        "method": books.name("PaymentMethod", row.get("PaymentMethodRef")),
        "account": books.name("Account", row.get("DepositToAccountRef")),
        "applied": ", ".join(applied),
        "unapplied": cents(row.get("UnappliedAmt")),
        "note": row.get("PrivateNote", ""),
    }
