"""A SIP payment becomes a QuickBooks Payment on its invoice.

The document: {"amount", "date", "customer": id, "invoice": id, "invoice_number", "open_balance": of the invoice as
QuickBooks last answered, or null, "expected_open": what should be open on it before this payment, or null,
"method": id, "deposit_account": id, "reference": "SIP-" and 16 characters that stand for this payment alone,
"currency", "multicurrency", "note": str or null, "auto_apply_credit": whether QuickBooks itself applies what is
unapplied, "invoice_there": whether QuickBooks still has the invoice}. All but "open_balance" and "invoice_there"
comes from SQL; `informed` adds those.

A payment is created once and never updated: what changes of it in SIP later, a person settles in QuickBooks.

The whole amount is always recorded, for it was collected. What the invoice does not owe stays unapplied, and an
admin is told. PaymentRefNum takes 21 characters and is the only field by which a payment can be found again.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from syncd.push import (
    Body,
    Difference,
    Refused,
    balance,
    cents,
    check_currency,
    clean_lines,
    compared,
    field,
    money,
    reference,
    shortened,
    text,
)
from syncd.qbo.query import literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "adopts",
    "build",
    "differences",
    "holds_place",
    "informed",
    "is_own",
    "look_ahead",
    "own_queries",
    "path",
    "qbo_type",
    "reads_first",
    "variances",
]

qbo_type = "Payment"
path = "payment"
reads_first = False
adopts = False

NOTE_LENGTH = 4000
NOTHING = Decimal("0.00")


def build(
    document: Mapping[str, Any],
    *,
    sent: Mapping[str, Any] | None,  # noqa: ARG001 (a payment is never updated)
    qbo_id: str | None,
    sync_token: str | None,  # noqa: ARG001
    current: Mapping[str, Any] | None = None,  # noqa: ARG001
) -> Body:
    """The body of a create. There is no update (`qbo_id` given): a second payment would come of it.

    Raises Refused("auto_apply_credit", "invoice_gone", "nothing_collected", "method_missing",
    "deposit_account_missing").
    """
    if qbo_id is not None:
        raise ValueError("a payment is never updated")
    amount = cents(document["amount"])
    _check(document, amount)
    payload: dict[str, Any] = {
        "CustomerRef": reference(document["customer"]),
        "CurrencyRef": reference(document["currency"]),
        "TotalAmt": amount,
        "TxnDate": document["date"],
        "PaymentMethodRef": reference(document["method"]),
        "PaymentRefNum": document["reference"],
        "DepositToAccountRef": reference(document["deposit_account"]),
    }
    if note := shortened(clean_lines(text(document.get("note"))), NOTE_LENGTH):
        payload["PrivateNote"] = note  # SIP's note is for the office, as this is
    if lines := _lines(document, amount):
        payload["Line"] = lines
    return Body(payload, name_sent=document["reference"])


def look_ahead(documents: Sequence[Mapping[str, Any]]) -> str | None:
    """What is open on the invoices now, whoever else has collected since syncd last heard of them."""
    invoices = ", ".join(literal(document["invoice"]) for document in documents)
    return f"SELECT * FROM Invoice WHERE Id IN ({invoices}) MAXRESULTS 1000"  # noqa: S608 (each value went through `literal`)


def informed(document: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The document with the open balance of its invoice, and whether that is there at all."""
    balances = {invoice["Id"]: balance(invoice) for invoice in found}
    invoice = document["invoice"]
    return {**document, "open_balance": balances.get(invoice), "invoice_there": invoice in balances}


def own_queries(payload: Mapping[str, Any]) -> list[str]:
    """Payments with this reference."""
    wanted = literal(payload["PaymentRefNum"])
    # QuickBooks' query language has no parameters; `literal` escapes
    return [f"SELECT * FROM Payment WHERE PaymentRefNum = {wanted} ORDERBY Id DESC"]  # noqa: S608 (each value went through `literal`)


def holds_place(payload: Mapping[str, Any], candidate: Mapping[str, Any]) -> bool:
    """Whether a payment has the reference. No other payment of SIP's ever has."""
    return bool(candidate.get("PaymentRefNum") == payload["PaymentRefNum"])


def is_own(payload: Mapping[str, Any], candidate: Mapping[str, Any]) -> bool:
    """Whether reference, customer, date and amount of a Payment that a look-up found are those of this payload."""
    return all(_READINGS[label](payload) == _READINGS[label](candidate) for label in _IDENTITY)


def differences(payload: Mapping[str, Any], answer_object: Mapping[str, Any]) -> list[Difference]:
    """Where QuickBooks' Payment says something else than what was sent, the links to invoices among it."""
    return compared(_READINGS, payload, answer_object) + _link_differences(payload, answer_object)


def variances(document: Mapping[str, Any], answer_object: Mapping[str, Any]) -> list[str]:
    """What the payment did not settle, and what it left open otherwise than SIP has it."""
    invoice = document["invoice_number"]
    applied = _applied(answer_object, document["invoice"])
    unapplied = cents(answer_object.get("UnappliedAmt") or 0)
    elsewhere = cents(document["amount"]) - unapplied - applied
    found: list[str] = []
    if unapplied:
        open_then = f"only {applied}" if applied else "nothing"
        customer = field("CustomerRef", "name")(answer_object) or "the customer"
        found.append(f"QuickBooks had {open_then} open on {invoice}. {unapplied} is unapplied on {customer}.")
    if elsewhere > 0:
        found.append(f"QuickBooks applied {elsewhere} of the payment of {invoice} to something else.")
    owed, expected = document.get("open_balance"), document.get("expected_open")
    # Where something is unapplied, QuickBooks had less open than it last said.
    if unapplied or owed is None or expected is None:
        return found
    left, should = cents(owed) - applied, max(cents(expected) - cents(document["amount"]), NOTHING)
    if left != should:
        still = "still open" if left else "open any more"
        found.append(f"{left or 'Nothing'} is {still} on {invoice} in QuickBooks, and {should} in SIP.")
    return found


_READINGS = {
    "reference": field("PaymentRefNum"),
    "customer": field("CustomerRef", "value"),
    "date": field("TxnDate"),
    "amount": money("TotalAmt"),
    "payment method": field("PaymentMethodRef", "value"),
    "deposit account": field("DepositToAccountRef", "value"),
    "note": field("PrivateNote"),
}
_IDENTITY = ("reference", "customer", "date", "amount")
_amount = money("Amount")


def _link_differences(payload: Mapping[str, Any], answer_object: Mapping[str, Any]) -> list[Difference]:
    """QuickBooks can take a payment and leave out a link without a word."""
    found: list[Difference] = []
    for invoice in _invoices(payload):
        ours, theirs = _applied(payload, invoice), _applied(answer_object, invoice)
        if ours != theirs:
            found.append(("amount applied to the invoice", str(ours), str(theirs)))
    return found


def _check(document: Mapping[str, Any], amount: Decimal) -> None:
    payment = f"The payment of {amount} for {document['invoice_number']}"
    check_currency(document, payment)
    if document.get("auto_apply_credit"):
        raise Refused(
            "auto_apply_credit",
            f"{payment} waits: QuickBooks would apply what the invoice does not owe to other invoices by itself. "
            "Switch that off there, under Account and settings > Advanced > Automation > Automatically apply credits, "
            "then run: syncd retry.",
            held=True,
            of_company=True,
        )
    if document.get("invoice_there") is False:
        raise Refused(
            "invoice_gone",
            f"{payment} has nothing to pay: QuickBooks no longer has the invoice, which syncd had put there. Enter the "
            "payment there by hand if the invoice is to stay deleted.",
            held=True,
        )
    if amount <= 0:
        raise Refused(
            "nothing_collected",
            f"{payment} cannot be in QuickBooks: nothing was collected. Correct it in SIP.",
        )
    if document.get("method") is None:
        raise Refused(
            "method_missing",
            f"{payment} has a payment method that no method of QuickBooks stands for. "
            "Choose one: syncd map payment-methods.",
        )
    if document.get("deposit_account") is None:
        raise Refused(
            "deposit_account_missing",
            f"{payment} needs an account that holds it until it is paid out, and none is chosen. Choose one, "
            "usually Undeposited Funds: syncd map accounts.",
        )


def _lines(document: Mapping[str, Any], amount: Decimal) -> list[dict[str, Any]]:
    """What goes to the invoice, at most what it owes."""
    owed = document.get("open_balance")
    applied = amount if owed is None else min(amount, cents(owed))
    if applied <= 0:
        return []
    return [{"Amount": applied, "LinkedTxn": [{"TxnId": document["invoice"], "TxnType": "Invoice"}]}]


def _applied(holder: Mapping[str, Any], invoice: str) -> Decimal:
    """How much of the payment is linked to the invoice."""
    return sum((cents(line["Amount"]) for line in holder.get("Line") or [] if _links(line, invoice)), NOTHING)


def _links(line: Mapping[str, Any], invoice: str) -> bool:
    return ("Invoice", invoice) in _targets(line)


def _targets(line: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(text(link.get("TxnType")), text(link.get("TxnId"))) for link in line.get("LinkedTxn") or []]


def _invoices(payload: Mapping[str, Any]) -> list[str]:
    return [
        transaction
        for line in payload.get("Line") or []
        for kind, transaction in _targets(line)
        if kind == "Invoice"
    ]
