"""What payments pay of invoices, and what a change of one does to the other.

The links are the payments' own lines. An invoice's Balance and LinkedTxn, and a
payment's UnappliedAmt, follow from them. Whether an invoice's SyncToken moves
when a payment is applied is a quirk.
"""

from collections.abc import Iterable
from decimal import Decimal

from syncd.sandbox.entity import Change
from syncd.sandbox.ledger import ZERO
from syncd.sandbox.money import identifier, number
from syncd.sandbox.store import Company, Stored
from syncd.sandbox.wire import Json
from syncd.sandbox.writes import record


def links(payment: Stored | None) -> dict[str, Decimal]:
    """The invoices a payment pays, and how much of each."""
    lines = payment.body.get("Line") if payment else None
    return parts(lines if isinstance(lines, list) else ())


def parts(lines: Iterable[Json]) -> dict[str, Decimal]:
    """The invoices these lines are linked to, and how much goes to each."""
    found: dict[str, Decimal] = {}
    for line in lines:
        if isinstance(line, dict):
            invoice = invoice_of(line)
            found[invoice] = found.get(invoice, ZERO) + number(line["Amount"])
    return found


def invoice_of(line: dict[str, Json]) -> str:
    """The invoice a payment's line is linked to."""
    linked = line["LinkedTxn"]
    first = linked[0] if isinstance(linked, list) else None
    return str(first["TxnId"]) if isinstance(first, dict) else ""


def open_balance(company: Company, invoice: Stored, payment: Stored | None) -> Decimal:
    """What is open of an invoice, not counting what this payment pays already."""
    own = company.applied[invoice.id].get(payment.id, ZERO) if payment else ZERO
    return number(invoice.body["Balance"]) + own


def payment_changed(change: Change) -> None:
    """Effects of a payment: the invoices it pays, or paid before."""
    payment = change.after or change.before
    if payment is None:
        return
    before, after = links(change.before), links(change.after)
    for key in before.keys() | after.keys():
        change.company.applied[key].pop(payment.id, None)
        if key in after:
            change.company.applied[key][payment.id] = after[key]
        if before.get(key) != after.get(key):
            invoice = change.company.objects["Invoice"][key]
            _replace(change, invoice, _paid(change.company, invoice))


def invoice_changed(change: Change) -> None:
    """Effects of an invoice: payments it can hold no longer are unapplied, the newest first."""
    invoice, old = change.after or change.before, change.before
    if invoice is None:
        return
    room = ZERO if change.after is None else _room(invoice)
    if old is not None and identifier(old.body["CustomerRef"]) != identifier(invoice.body["CustomerRef"]):
        room = ZERO
    applied = change.company.applied[invoice.id]
    over = sum(applied.values(), ZERO) - room
    for key in sorted(applied, key=int, reverse=True):
        if over <= 0:
            break
        cut = min(over, applied[key])
        over -= cut
        _unapply(change, change.company.objects["Payment"][key], invoice.id, cut)
    if change.after is not None and applied:
        invoice.body.update(_paid(change.company, invoice))
        record(change.company, change.entities["Invoice"], invoice)
        for key in applied:
            record(change.company, change.entities["Payment"], change.company.objects["Payment"][key])


def _room(invoice: Stored) -> Decimal:
    return max(number(invoice.body["TotalAmt"]) - number(invoice.body.get("Deposit")), ZERO)


def _paid(company: Company, invoice: Stored) -> dict[str, Json]:
    """Balance and LinkedTxn of an invoice as its payments have them now."""
    applied = company.applied[invoice.id]
    old = invoice.body.get("LinkedTxn")
    others = (
        [link for link in old if isinstance(link, dict) and link["TxnType"] != "Payment"]
        if isinstance(old, list)
        else []
    )
    payments: list[Json] = [{"TxnId": key, "TxnType": "Payment"} for key in sorted(applied, key=int)]
    return {"Balance": _room(invoice) - sum(applied.values(), ZERO), "LinkedTxn": [*others, *payments]}


def _unapply(change: Change, payment: Stored, invoice: str, cut: Decimal) -> None:
    """Take an amount back from a payment's lines for an invoice."""
    kept: list[Json] = []
    left = cut
    lines = payment.body["Line"]
    for line in lines if isinstance(lines, list) else ():
        if isinstance(line, dict) and invoice_of(line) == invoice and left:
            taken = min(left, number(line["Amount"]))
            left -= taken
            line = {**line, "Amount": number(line["Amount"]) - taken}
        if isinstance(line, dict) and number(line["Amount"]):
            kept.append(line)
    unapplied = number(payment.body["UnappliedAmt"]) + cut
    applied = change.company.applied[invoice]
    applied[payment.id] -= cut
    if not applied[payment.id]:
        del applied[payment.id]
    _replace(change, payment, {"Line": kept, "UnappliedAmt": unapplied})


def _replace(change: Change, stored: Stored, changes: dict[str, Json]) -> None:
    """The next version of an object that another one's write has changed."""
    step = 1 if change.quirks["link-token"] == "moves" else 0
    body = {**stored.body, **changes}
    new = Stored(stored.entity, stored.id, stored.token + step, stored.created, change.now, body)
    record(change.company, change.entities[stored.entity], new)
