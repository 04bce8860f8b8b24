"""Payment (API reference, Payment; workflow page on linked transactions)."""

from collections.abc import Iterable
from decimal import Decimal

from syncd.sandbox import applied, chart, faults, transactions
from syncd.sandbox.entity import Entity, Write
from syncd.sandbox.ledger import ZERO, Posting
from syncd.sandbox.money import cents, identifier, number, to_home
from syncd.sandbox.schema import Field, words
from syncd.sandbox.store import Company, Stored
from syncd.sandbox.wire import Json

Line = dict[str, Json]
_OTHER_LINKS = ("CreditMemo", "JournalEntry", "Expense", "Check", "CreditCardCredit")


def _rules(write: Write) -> None:
    draft = write.draft
    _refuse_deposited(write)
    customer = transactions.settle_customer(write)
    if "TotalAmt" not in draft:
        raise faults.business("You must set a transaction amount.")
    total = cents(number(draft["TotalAmt"]))
    if total < 0:
        raise faults.business("Transaction amount must be 0 or greater.")
    transactions.settle_date(write)
    transactions.settle_currency(write, customer)
    reference = draft.setdefault(
        "DepositToAccountRef", {"value": chart.of_type(write.company, "UndepositedFunds")}
    )
    chart.require_type(write.company, reference, "DepositToAccountRef", "Bank", "Other Current Asset")
    given = draft.get("Line")
    sent = [line for line in given if isinstance(line, dict)] if isinstance(given, list) else []
    lines = _settle_lines(write, sent, customer)
    unapplied = total - sum((number(line["Amount"]) for line in lines), ZERO)
    if unapplied < 0:
        raise faults.business("The amounts applied are more than the amount of the payment.")
    automatic = write.company.preference("SalesFormsPrefs", "AutoApplyCredit") is True
    if automatic and write.quirks["auto-apply"] == "on":
        unapplied -= _apply_rest(write, lines, customer, unapplied)
    draft |= {"TotalAmt": total, "UnappliedAmt": unapplied, "Line": list(lines), "ProcessPayment": False}


def _refuse_deposited(write: Write) -> None:
    """6540 for a payment in a deposit. A person may take it out (the control interface), a client cannot."""
    links = write.draft.get("LinkedTxn") if write.before and write.before.body.get("LinkedTxn") else None
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("TxnType") == "Deposit":
            raise faults.deposited()


def _settle_lines(write: Write, sent: list[Line], customer: Stored) -> list[Line]:
    """The lines that are kept: those for invoices of the customer or its sub-customers.

    Links to anybody else's invoices are dropped without a word. More than is
    open of an invoice is refused or cut, by quirk.
    """
    lines: list[Line] = []
    used: dict[str, Decimal] = {}
    for line in sent:
        invoice = _invoice(write, line)
        if not _pays_for(write.company, customer, invoice):
            continue
        amount = cents(number(line["Amount"]))
        left = applied.open_balance(write.company, invoice, write.before) - used.get(invoice.id, ZERO)
        if amount > left:
            if write.quirks["over-application"] == "refused":
                raise faults.business("The amount applied is more than the open balance of the transaction.")
            amount = left
        used[invoice.id] = used.get(invoice.id, ZERO) + amount
        if amount:
            lines.append(_line(invoice.id, amount))
    return lines


def _line(invoice: str, amount: Decimal) -> Line:
    return {"Amount": amount, "LinkedTxn": [{"TxnId": invoice, "TxnType": "Invoice"}]}


def _invoice(write: Write, line: Line) -> Stored:
    """The one invoice a line is linked to; faults 2020, 2290, 2170 and 2500."""
    if "Amount" not in line:
        raise faults.required("Line.Amount")
    if number(line["Amount"]) < 0:
        raise faults.validation(
            "2290", "Negative Amount", "A line's amount cannot be negative.", "Line.Amount"
        )
    links = line.get("LinkedTxn")
    link = links[0] if isinstance(links, list) and len(links) == 1 else None
    if not isinstance(link, dict):
        raise faults.required("Line.LinkedTxn")
    kind, key = str(link.get("TxnType", "")), str(link.get("TxnId", ""))
    if kind not in ("Invoice", *_OTHER_LINKS):
        raise faults.validation(
            "2170", "Invalid Enumeration", f"Invalid Enumeration : {kind}", "LinkedTxn.TxnType"
        )
    invoice = write.company.get("Invoice", key) if kind == "Invoice" else None
    if invoice is None:
        raise faults.bad_reference(transactions.SPACE, key)
    return invoice


def _pays_for(company: Company, customer: Stored, invoice: Stored) -> bool:
    """Whether the invoice is the customer's, or a sub-customer's in the same currency."""
    owner = company.objects["Customer"][identifier(invoice.body["CustomerRef"])]
    if owner.body["CurrencyRef"] != customer.body["CurrencyRef"]:
        return False
    while owner.id != customer.id:
        if "ParentRef" not in owner.body:
            return False
        owner = company.objects["Customer"][identifier(owner.body["ParentRef"])]
    return True


def _apply_rest(write: Write, lines: list[Line], customer: Stored, rest: Decimal) -> Decimal:
    """With AutoApplyCredit QuickBooks pays the oldest open invoices by itself; how much went there."""
    used = applied.parts(lines)
    left = rest
    mine = write.company.find("Invoice", "CustomerRef", customer.id)
    for invoice in sorted(mine, key=lambda one: (str(one.body["TxnDate"]), int(one.id))):
        still_open = applied.open_balance(write.company, invoice, write.before) - used.get(invoice.id, ZERO)
        amount = min(left, still_open)
        if amount > 0:
            lines.append(_line(invoice.id, amount))
            left -= amount
    return rest - left


def _void(write: Write) -> None:
    _refuse_delete(write)
    note = transactions.voided_note(write)
    write.draft |= {"PrivateNote": note, "TotalAmt": ZERO, "UnappliedAmt": ZERO, "Line": []}


def _refuse_delete(write: Write) -> None:
    _refuse_deposited(write)
    transactions.refuse_closed(write)


def _postings(company: Company, stored: Stored) -> Iterable[Posting]:
    """The account of the deposit against what each invoice's customer owed, each at its own rate."""
    body = stored.body
    exchange = transactions.exchange_rate(stored)
    receivable = chart.receivable(company, identifier(body["CurrencyRef"]))
    unapplied = number(body["UnappliedAmt"])
    legs = [
        Posting(identifier(body["DepositToAccountRef"]), to_home(number(body["TotalAmt"]), exchange)),
        Posting(receivable, -to_home(unapplied, exchange), identifier(body["CustomerRef"]), -unapplied),
    ]
    for key, amount in applied.links(stored).items():
        invoice = company.objects["Invoice"][key]
        home = to_home(amount, transactions.exchange_rate(invoice))
        legs.append(Posting(receivable, -home, identifier(invoice.body["CustomerRef"]), -amount))
    if identifier(body["CurrencyRef"]) != company.profile.currency:
        rest = sum((leg.amount for leg in legs), ZERO)
        legs.append(Posting(chart.of_type(company, "ExchangeGainOrLoss"), -rest))
    return legs


def _open_item(stored: Stored) -> tuple[str, Decimal]:
    return identifier(stored.body["CustomerRef"]), -number(stored.body["UnappliedAmt"])


ENTITY = Entity(
    name="Payment",
    space=transactions.SPACE,
    rules=_rules,
    effects=applied.payment_changed,
    deletable=True,
    refuse_delete=_refuse_delete,
    void=_void,
    void_by="include",
    postings=_postings,
    open_item=_open_item,
    fields=(
        *transactions.FIELDS,
        Field(
            "Line",
            "list",
            parts=(
                Field("Id", read_only=True),
                Field("LineNum", read_only=True),
                Field("Description", read_only=True),
                Field("LineEx", read_only=True),
                Field("Amount", "number"),
                Field("LinkedTxn", "list", parts=transactions.LINKED_TXN),
            ),
        ),
        Field("UnappliedAmt", "number", read_only=True),
        Field("PaymentMethodRef", "ref", target="PaymentMethod", query="filter"),
        Field("PaymentRefNum", limit=21, query="sort", indexed=True),
        Field("DepositToAccountRef", "ref", target="Account"),
        Field("ProcessPayment", "bool", read_only=True),
        Field("LinkedTxn", "list", read_only=True, parts=transactions.LINKED_TXN),
    ),
    accepted=(transactions.ACCEPTED - {"LinkedTxn"})
    | words(
        "ARAccountRef CheckPayment CreditCardPayment DocNumber PaymentEx PaymentType RemitToRef DepartmentRef ClassRef"
    ),
)
