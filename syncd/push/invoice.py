"""A SIP invoice becomes a QuickBooks Invoice.

The document, amounts as SIP stores them: {"number", "date", "due_date", "customer": id, "currency",
"multicurrency",
"sales_tax": how tax is said (see `tax`), "rate", "tax_code", "untaxed_code", "rates": [{"rate_ref", "percent"}],
"discount_account": id or null, "default_item": id, "lines": [{"item": id or null, "description", "quantity",
"unit_price", "taxable"}], "subtotal", "discount", "tax", "total", "po_number", "notes", "terms",
"service_address", "email", "email_unsubscribed"}. An invoice by amount or by percent of a job has one line of
quantity 1. Limits follow Intuit's API reference of Invoice.

SIP's stored figures are the truth, and our own arithmetic never is: what it yields is made to add up to them, or
the invoice is refused.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from syncd.push import (
    CENT,
    Body,
    Difference,
    Reading,
    Refused,
    as_it_is,
    cents,
    check_currency,
    clean,
    clean_lines,
    compared,
    field,
    loose,
    money,
    no_variances,
    number,
    overlay,
    plain,
    reference,
    short,
    shortened,
    text,
)
from syncd.push.customer import email_problem
from syncd.push.tax import NON, Tax, of_invoice
from syncd.qbo.query import literal

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

qbo_type = "Invoice"
path = "invoice"
reads_first = True
adopts = False
variances = no_variances
informed = as_it_is

NUMBER_LENGTH = 21
DESCRIPTION_LENGTH = 4000
MEMO_LENGTH = 1000
ADDRESS_LENGTH = 500
LINES = 10_000
TAXABLE_LINES = 750

SALES, DISCOUNT, WORDS = "SalesItemLineDetail", "DiscountLineDetail", "DescriptionOnly"

KEEPS = (
    "ApplyTaxAfterDiscount",
    "BillAddr",
    "BillEmail",
    "BillEmailBcc",
    "BillEmailCc",
    "ClassRef",
    "CustomField",
    "CustomerMemo",
    "DepartmentRef",
    "DepositToAccountRef",
    "ExchangeRate",
    "PrintStatus",
    "PrivateNote",
    "ProjectRef",
    "SalesTermRef",
    "ShipAddr",
    "ShipDate",
    "ShipFromAddr",
    "ShipMethodRef",
    "TrackingNum",
    "TransactionLocationType",
)
"""What an update sends back as it is. Not with them: LinkedTxn and Deposit, see `_links` and `_deposit`."""

LINE_KEEPS = ("Id", "LineNum", "LinkedTxn")
WORDS_KEEPS = ("Id", "LineNum", "DetailType", "Description", "DescriptionLineDetail")
DETAIL_KEEPS = ("ClassRef", "ServiceDate", "TaxClassificationRef", "TaxCodeRef")

_Line = dict[str, Any]


def build(
    document: Mapping[str, Any],
    *,
    sent: Mapping[str, Any] | None,
    qbo_id: str | None,
    sync_token: str | None,
    current: Mapping[str, Any] | None = None,
) -> Body:
    """The body of a create (`qbo_id` None) or of a full write over `current`.

    Raises Refused for what QuickBooks cannot take, or would take differently.
    """
    name = _number(document)
    check_currency(document, f"Invoice {short(name)}")
    _check_figures(document)
    lines, tax = _lines(document)
    words, notes = _words(document)
    payload: dict[str, Any] = {
        "DocNumber": name,
        "TxnDate": document["date"],
        "DueDate": document["due_date"],
        "CustomerRef": reference(document["customer"]),
        "CurrencyRef": reference(document["currency"]),
        "Line": lines,
        **tax.header,
        **words,
        # SIP sends the invoice and collects the payment: QuickBooks must do neither.
        "EmailStatus": "NotSet",
        "AllowOnlineCreditCardPayment": False,
        "AllowOnlineACHPayment": False,
    }
    if any(line["DetailType"] == DISCOUNT for line in lines):
        payload["ApplyTaxAfterDiscount"] = True
    if qbo_id is None:
        return Body(payload, name, tuple(notes))
    if current is not None:
        _check_paid(document, current)
        before = _lines(sent)[0] if sent else []
        payload["Line"], removed = _onto_lines(lines, current.get("Line") or [], before, name)
        payload |= _links(current) | _deposit(current)
        notes += removed
    cleared = _words(sent)[0].keys() - words.keys() if sent else set()
    payload = overlay(payload, current, qbo_id=qbo_id, sync_token=sync_token, keeps=KEEPS, clears=cleared)
    return Body(payload, name, tuple(notes))


def look_ahead(documents: Sequence[Mapping[str, Any]]) -> str | None:
    """Whether one of the numbers is taken: QuickBooks does not say so where custom numbers are off."""
    return _numbers_query(clean(text(document.get("number"))) for document in documents)


def own_queries(payload: Mapping[str, Any]) -> list[str]:
    """Invoices of this number. QuickBooks itself may let a number be used twice."""
    return [_numbers_query([payload["DocNumber"]])]


def _numbers_query(numbers: Iterable[str]) -> str:
    listed = ", ".join(literal(number) for number in numbers)
    # QuickBooks' query language has no parameters; `literal` escapes
    return f"SELECT * FROM Invoice WHERE DocNumber IN ({listed}) ORDERBY Id DESC MAXRESULTS 1000"  # noqa: S608 (each value went through `literal`)


def holds_place(payload: Mapping[str, Any], candidate: Mapping[str, Any]) -> bool:
    """Whether an invoice has the number."""
    return loose(text(candidate.get("DocNumber"))) == loose(payload["DocNumber"])


def is_own(payload: Mapping[str, Any], candidate: Mapping[str, Any]) -> bool:
    """Whether number, customer, date and total of an Invoice that a look-up found are those of this payload."""
    return all(_READINGS[label](payload) == _READINGS[label](candidate) for label in _IDENTITY)


def differences(payload: Mapping[str, Any], answer_object: Mapping[str, Any]) -> list[Difference]:
    """Where QuickBooks' Invoice says something else than what was sent.

    Not compared: quantities and prices beside their amounts, and what QuickBooks makes of an address.
    """
    return [
        *compared(_READINGS, payload, answer_object),
        *_rate_differences(payload, answer_object),
        *_line_differences(payload, answer_object),
    ]


def _discount(holder: Mapping[str, Any]) -> Decimal:
    return _sum(_of_type(holder, DISCOUNT))


def _total(holder: Mapping[str, Any]) -> str:
    """An answer says it; of a payload it is what QuickBooks has to come to."""
    if "TotalAmt" in holder:
        return str(cents(holder["TotalAmt"]))
    return str(_sum(_of_type(holder, SALES)) - _discount(holder) + cents(_tax(holder)))


_tax = money("TxnTaxDetail", "TotalTax")
_amount = money("Amount")
_rate = field("TaxLineDetail", "TaxRateRef", "value")

_READINGS: dict[str, Reading] = {
    "number": field("DocNumber"),
    "customer": field("CustomerRef", "value"),
    "date": field("TxnDate"),
    "due date": field("DueDate"),
    "discount": lambda holder: str(_discount(holder)),
    "tax": _tax,
    "total": _total,
    "message": field("CustomerMemo", "value"),
    "e-mail": field("BillEmail", "Address"),
}
_IDENTITY = ("number", "customer", "date", "total")

_code = field(SALES, "TaxCodeRef", "value")

_LINE_READINGS: dict[str, Reading] = {
    "item": field(SALES, "ItemRef", "value"),
    "description": field("Description"),
    "amount": _amount,
    # Where sales tax is off QuickBooks does not say that a line is without it.
    "tax code": lambda line: _code(line) or NON,
}


def _line_differences(payload: Mapping[str, Any], answer_object: Mapping[str, Any]) -> list[Difference]:
    ours, theirs = _of_type(payload, SALES), _of_type(answer_object, SALES)
    if len(ours) != len(theirs):
        return [("number of lines", str(len(ours)), str(len(theirs)))]
    return [
        (f"{label} of line {position}", sent, got)
        for position, (line, other) in enumerate(zip(ours, theirs, strict=True), start=1)
        for label, sent, got in compared(_LINE_READINGS, line, other)
    ]


def _rate_differences(payload: Mapping[str, Any], answer_object: Mapping[str, Any]) -> list[Difference]:
    """The same tax put down to other rates would go to other authorities."""
    theirs = {_rate(line): _amount(line) for line in _tax_lines(answer_object)}
    found: list[Difference] = []
    for line in _tax_lines(payload):
        amount, got = _amount(line), theirs.get(_rate(line), "0.00")
        if amount != got:
            found.append((f"tax at {line['TaxLineDetail']['TaxPercent']} %", amount, got))
    return found


def _number(document: Mapping[str, Any]) -> str:
    """SIP's number, which is never cut: customers pay by it."""
    name = clean(text(document.get("number")))
    if not name:
        raise Refused(
            "number_empty", "An invoice without a number cannot be in QuickBooks. Number it in SIP."
        )
    if len(name) > NUMBER_LENGTH:
        prefix = re.sub(r"\d*$", "", name)
        raise Refused(
            "number_too_long",
            f"Invoice number {name} has {len(name)} characters; QuickBooks takes at most {NUMBER_LENGTH}. "
            f'Shorten the prefix "{prefix}" in SIP, under Settings > Invoice, and send the invoice under a new '
            "number.",
        )
    return name


def _check_figures(document: Mapping[str, Any]) -> None:
    """What SIP stores must be possible, and agree with itself."""
    invoice = f"Invoice {document['number']}"
    subtotal, discount, tax, total = (
        cents(document[key]) for key in ("subtotal", "discount", "tax", "total")
    )
    if total < 0:
        raise Refused(
            "total_negative",
            f"{invoice} comes to {total}. QuickBooks takes no invoice below 0.00; correct it in SIP.",
        )
    if discount < 0:
        raise Refused("discount_negative", f"{invoice} has a discount of {discount}. Correct it in SIP.")
    if subtotal - discount + tax != total:
        raise Refused(
            "total_does_not_add_up",
            f"{invoice} does not add up in SIP: {subtotal} less {discount} discount plus {tax} tax is "
            f"{subtotal - discount + tax}, and its total is {total}. Correct it in SIP.",
        )
    if discount and document.get("discount_account") is None:
        raise Refused(
            "discount_account_missing",
            f"{invoice} has a discount of {discount}, and QuickBooks has no place for it. Switch discounts on "
            "there, under Account and settings > Sales > Sales form content > Discount, and choose an account "
            "for them: syncd map accounts. Then run: syncd retry.",
            of_company=True,
        )
    lines, taxable = len(document["lines"]), sum(bool(line["taxable"]) for line in document["lines"])
    if not lines:
        raise Refused("lines_missing", f"{invoice} has no lines. Give it at least one in SIP.")
    if lines > LINES or taxable > TAXABLE_LINES:
        raise Refused(
            "too_many_lines",
            f"{invoice} has {lines} lines, {taxable} of them taxable; QuickBooks takes at most {LINES}, and "
            f"{TAXABLE_LINES} taxable. Split it in SIP.",
        )


def _check_paid(document: Mapping[str, Any], current: Mapping[str, Any]) -> None:
    """QuickBooks would take payments off an invoice that no longer fits them, without a word."""
    paid = cents(current.get("TotalAmt") or 0) - cents(current.get("Balance") or 0)
    if paid <= 0:
        return
    invoice, total = f"Invoice {document['number']}", cents(document["total"])
    if field("CustomerRef", "value")(current) != document["customer"]:
        raise Refused(
            "paid_by_another",
            f"{invoice} has another customer in SIP now, and {paid} was paid on it in QuickBooks by the one it had: "
            "QuickBooks would take the payment off the invoice. Change the customer of both there by hand, then "
            "run: syncd retry.",
        )
    if total < paid:
        raise Refused(
            "paid_more",
            f"{invoice} comes to {total} in SIP now, and {paid} was paid on it in QuickBooks, where {paid - total} "
            "would be left unapplied. Lower the payment or the invoice there by hand, then run: syncd retry.",
        )


def _lines(document: Mapping[str, Any]) -> tuple[list[_Line], Tax]:
    """The lines as QuickBooks gets them, the discount last, and the tax."""
    amounts, adjusted = _amounts(document)
    sold = list(zip(document["lines"], amounts, strict=True))
    tax = of_invoice(document, sum((amount for line, amount in sold if line["taxable"]), Decimal("0.00")))
    lines = [
        _line(document, line, amount, tax, adjusted=position == adjusted)
        for position, (line, amount) in enumerate(sold)
    ]
    if discount := cents(document["discount"]):
        detail = {"PercentBased": False, "DiscountAccountRef": reference(document["discount_account"])}
        lines.append({"DetailType": DISCOUNT, "Amount": discount, DISCOUNT: detail})
    return lines, tax


def _amounts(document: Mapping[str, Any]) -> tuple[list[Decimal], int | None]:
    """Each line's amount, and which line took the cents by which the rounded ones miss the subtotal."""
    amounts = [cents(number(line["quantity"]) * number(line["unit_price"])) for line in document["lines"]]
    subtotal, come_to = cents(document["subtotal"]), sum(amounts)
    if come_to == subtotal:
        return amounts, None
    # However a line is rounded, it is less than a cent off.
    if abs(subtotal - come_to) > CENT * len(amounts):
        raise Refused(
            "lines_do_not_add_up",
            f"The lines of invoice {document['number']} come to {come_to}, and its subtotal is {subtotal}. "
            "Rounding does not explain that; correct it in SIP.",
        )
    largest = max(range(len(amounts)), key=amounts.__getitem__)
    amounts[largest] += subtotal - come_to
    return amounts, largest


def _line(
    document: Mapping[str, Any], line: Mapping[str, Any], amount: Decimal, tax: Tax, *, adjusted: bool
) -> _Line:
    """QuickBooks multiplies with the digits it is given and rounds half up, so the price is not rounded.

    An adjusted amount is no product any more: QuickBooks would refuse it beside quantity and price.
    """
    quantity, price = plain(line["quantity"]), plain(line["unit_price"])
    item = line.get("item") or document.get("default_item")
    if item is None:
        raise Refused(
            "item_missing",
            f'The line "{short(text(line.get("description")))}" of invoice {document["number"]} has no service item, '
            "and none is chosen for such lines. Choose one: syncd map items.",
        )
    detail: dict[str, Any] = {
        "ItemRef": reference(item),
        "TaxCodeRef": {"value": tax.codes[bool(line["taxable"])]},
    }
    product = ""
    if adjusted:
        product = f" ({quantity:f} x {price:f})"
    else:
        detail |= {"Qty": quantity, "UnitPrice": price}
    words = shortened(clean_lines(text(line.get("description"))), DESCRIPTION_LENGTH - len(product))
    described = {"Description": (words + product).strip()} if words or product else {}
    return {"DetailType": SALES, "Amount": amount, **described, SALES: detail}


def _words(document: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What the customer reads beside the lines, where SIP has it, and a note on what does not fit."""
    words: dict[str, Any] = {}
    notes: list[str] = []
    order = clean(text(document.get("po_number")))
    parts = (
        f"PO number: {order}" if order else "",
        *(clean_lines(text(document.get(key))) for key in ("notes", "terms")),
    )
    if memo := "\n".join(filter(None, parts)):
        words["CustomerMemo"] = reference(shortened(memo, MEMO_LENGTH))
        if len(memo) > MEMO_LENGTH:
            notes.append(
                f"PO number, notes and terms were shortened to the {MEMO_LENGTH} characters of a message."
            )
    if address := ", ".join(filter(None, clean_lines(text(document.get("service_address"))).split("\n"))):
        if len(address) > ADDRESS_LENGTH:
            notes.append(
                f'The service address "{short(address)}" was left out: it is over {ADDRESS_LENGTH} characters.'
            )
        else:
            words["ShipAddr"] = {"Line1": address}
    email = clean(text(document.get("email")))
    if email and not document.get("email_unsubscribed"):
        if reason := email_problem(email):
            notes.append(f'The e-mail "{short(email)}" was left out: {reason}.')
        else:
            words["BillEmail"] = {"Address": email}
    return words, notes


def _onto_lines(
    lines: Sequence[_Line], current: Sequence[Mapping[str, Any]], before: Sequence[_Line], name: str
) -> tuple[list[_Line], list[str]]:
    """Our lines on those that QuickBooks holds, in its order, new ones last; and a note on each that goes and was
    not among the lines sent `before`.

    Lines of words were added by somebody there and stay. One with an amount cannot: the total is SIP's.
    """
    pairs = _pairs(lines, current)
    ours = {_content(line) for line in before}
    result: list[_Line] = []
    notes: list[str] = []
    for index, line in enumerate(current):
        kind = line.get("DetailType")
        if index in pairs:
            result.append(_onto(lines[pairs[index]], line))
        elif kind == WORDS:
            result.append({key: line[key] for key in WORDS_KEEPS if key in line})
        elif kind != "SubTotalLineDetail" and _content(line) not in ours:  # QuickBooks makes subtotals itself
            notes.append(
                f'The line "{short(text(line.get("Description")))}" of {_amount(line)}, which was not from SIP, was '
                f"removed from invoice {name} in QuickBooks."
            )
    placed = set(pairs.values())
    result += [line for position, line in enumerate(lines) if position not in placed]
    return sorted(result, key=lambda line: bool(line["DetailType"] == DISCOUNT)), notes


def _pairs(lines: Sequence[Mapping[str, Any]], current: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """Which of our lines belongs to which that QuickBooks holds: the equal ones first, the others in order."""
    pairs: dict[int, int] = {}
    for likeness in (_content, field("DetailType")):
        placed = set(pairs.values())
        free: dict[str, deque[int]] = defaultdict(deque)
        for position, line in enumerate(lines):
            if position not in placed:
                free[likeness(line)].append(position)
        for index, line in enumerate(current):
            if index not in pairs and free[likeness(line)]:
                pairs[index] = free[likeness(line)].popleft()
    return pairs


def _content(line: Mapping[str, Any]) -> str:
    return "\x1f".join(
        [text(line.get("DetailType")), *(loose(read(line)) for read in _LINE_READINGS.values())]
    )


def _onto(line: _Line, current: Mapping[str, Any]) -> _Line:
    kind = line["DetailType"]
    details = current.get(kind) or {}
    kept = {key: details[key] for key in DETAIL_KEEPS if details.get(key) is not None}
    outer = {key: current[key] for key in LINE_KEEPS if current.get(key)}
    return {**outer, **line, kind: {**kept, **line[kind]}}


def _links(current: Mapping[str, Any]) -> dict[str, Any]:
    """A client may link estimates and time; QuickBooks makes the links of payments itself."""
    kept = [
        link for link in current.get("LinkedTxn") or [] if link.get("TxnType") in {"Estimate", "TimeActivity"}
    ]
    return {"LinkedTxn": kept} if kept else {}


def _deposit(current: Mapping[str, Any]) -> dict[str, Any]:
    """QuickBooks answers with a deposit of 0, and may refuse to be told so."""
    return {"Deposit": current["Deposit"]} if current.get("Deposit") else {}


def _of_type(holder: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    return [line for line in holder.get("Line") or [] if line.get("DetailType") == kind]


def _sum(lines: Iterable[Mapping[str, Any]]) -> Decimal:
    return sum((cents(line.get("Amount") or 0) for line in lines), Decimal("0.00"))


def _tax_lines(holder: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    detail = holder.get("TxnTaxDetail")
    return list(detail.get("TaxLine") or []) if isinstance(detail, Mapping) else []
