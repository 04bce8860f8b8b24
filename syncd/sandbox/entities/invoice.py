"""Invoice (API reference, Invoice; workflow pages on sales tax and linked transactions)."""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from syncd.sandbox import applied, billed, chart, faults, lines, tax, transactions
from syncd.sandbox.entity import Change, Entity, Write
from syncd.sandbox.ledger import ZERO, Posting
from syncd.sandbox.money import identifier, number, to_home
from syncd.sandbox.quirks import Quirks
from syncd.sandbox.schema import Field, words
from syncd.sandbox.store import Company, Stored
from syncd.sandbox.wire import Json


def _rules(write: Write) -> None:
    draft = write.draft
    customer = transactions.settle_customer(write)
    transactions.settle_date(write)
    transactions.settle_currency(write, customer)
    sale = lines.settle_lines(write)
    draft["Line"] = sale.lines
    _copy_addresses(write, customer)
    total = sale.subtotal - sale.discount + tax.settle_tax(write, sale, customer)
    if total < 0:
        raise faults.business("Transaction amount must be 0 or greater.")
    draft["TotalAmt"] = total
    _settle_deposit(write, total)
    draft["Balance"] = total - number(draft.get("Deposit"))
    transactions.settle_number(write)
    _settle_due_date(write, customer)
    _settle_email(write)
    billed.settle_links(write)


def _copy_addresses(write: Write, customer: Stored) -> None:
    for name in ("BillAddr", "ShipAddr"):
        address = customer.body.get(name)
        if name not in write.draft and isinstance(address, dict):
            write.draft[name] = {key: value for key, value in address.items() if key != "Id"}


def _settle_deposit(write: Write, total: Decimal) -> None:
    """Money taken with the invoice itself, where the company allows it."""
    amount = number(write.draft.get("Deposit"))
    if not amount:
        write.draft.pop("Deposit", None)
        return
    if write.company.preference("SalesFormsPrefs", "AllowDeposit") is not True:
        raise faults.business("Deposits on sales forms are switched off in this company.")
    if not 0 <= amount <= total:
        raise faults.business("The deposit must not be more than the total.")
    reference = write.draft.setdefault(
        "DepositToAccountRef", {"value": chart.of_type(write.company, "UndepositedFunds")}
    )
    chart.require_type(write.company, reference, "DepositToAccountRef", "Bank", "Other Current Asset")


def _settle_due_date(write: Write, customer: Stored) -> None:
    """DueDate, or what the terms of the invoice, the customer or the company make of TxnDate."""
    draft = write.draft
    if "DueDate" in draft:
        return
    default = write.company.preference("SalesFormsPrefs", "DefaultTerms")
    term = write.company.get(
        "Term", identifier(draft.get("SalesTermRef") or customer.body.get("SalesTermRef") or default)
    )
    start = transactions.parse_date(draft["TxnDate"])
    draft["DueDate"] = (_due(start, term) if term else start).isoformat()


def _due(start: date, term: Stored) -> date:
    if "DueDays" in term.body:
        return start + timedelta(days=int(number(term.body["DueDays"])))
    day = int(number(term.body["DayOfMonthDue"]))
    year, month = divmod(start.year * 12 + start.month - 1 + (start.day > day), 12)
    return date(year, month + 1, min(day, monthrange(year, month + 1)[1]))


def _settle_email(write: Write) -> None:
    if write.text("EmailStatus") == "NeedToSend" and "BillEmail" not in write.draft:
        raise faults.validation(
            "6420",
            "Email Address Required",
            "An email address is required to send this transaction.",
            "BillEmail",
        )


def _void(write: Write) -> None:
    transactions.refuse_closed(write)
    draft = write.draft
    draft["PrivateNote"] = transactions.voided_note(write)
    draft["Line"] = lines.zeroed(draft["Line"])
    draft["TotalAmt"] = draft["Balance"] = ZERO
    draft["LinkedTxn"] = []
    draft.pop("Deposit", None)
    if "TxnTaxDetail" in draft:
        draft["TxnTaxDetail"] = {"TotalTax": ZERO}


def _effects(change: Change) -> None:
    billed.invoice_changed(change)
    applied.invoice_changed(change)


def _postings(company: Company, stored: Stored) -> Iterable[Posting]:
    """Receivable and deposit against income, discount and tax; rates leave cents to exchange gains."""
    body = stored.body
    exchange = transactions.exchange_rate(stored)
    currency, customer = identifier(body["CurrencyRef"]), identifier(body["CustomerRef"])
    total, deposit = number(body["TotalAmt"]), number(body.get("Deposit"))
    owed = total - deposit
    account, discount = lines.discount_of(body["Line"])
    legs = [
        Posting(chart.receivable(company, currency), to_home(owed, exchange), customer, owed),
        Posting(account, to_home(discount, exchange)),
        Posting(identifier(body.get("DepositToAccountRef")), to_home(deposit, exchange)),
    ]
    for line, amount in lines.sold(body["Line"]):
        detail = line["SalesItemLineDetail"]
        item = company.objects["Item"][identifier(detail["ItemRef"] if isinstance(detail, dict) else None)]
        legs.append(Posting(identifier(item.body["IncomeAccountRef"]), -to_home(amount, exchange)))
    detail = body.get("TxnTaxDetail")
    owed_tax = number(detail["TotalTax"]) if isinstance(detail, dict) else ZERO
    legs.append(Posting(chart.of_type(company, "SalesTaxPayable"), -to_home(owed_tax, exchange)))
    if exchange != 1:
        rest = sum((leg.amount for leg in legs), ZERO)
        legs.append(Posting(chart.of_type(company, "ExchangeGainOrLoss"), -rest))
    return legs


def _open_item(stored: Stored) -> tuple[str, Decimal]:
    return identifier(stored.body["CustomerRef"]), number(stored.body["Balance"])


def _show(company: Company, stored: Stored, shown: dict[str, Json], _quirks: Quirks) -> None:
    if company.multicurrency:
        exchange = transactions.exchange_rate(stored)
        shown["HomeTotalAmt"] = to_home(number(stored.body["TotalAmt"]), exchange)
        shown["HomeBalance"] = to_home(number(stored.body["Balance"]), exchange)


ENTITY = Entity(
    name="Invoice",
    space=transactions.SPACE,
    rules=_rules,
    effects=_effects,
    show=_show,
    deletable=True,
    refuse_delete=transactions.refuse_closed,
    void=_void,
    postings=_postings,
    open_item=_open_item,
    fields=(
        *transactions.FIELDS,
        lines.FIELD,
        *tax.FIELDS,
        Field("DocNumber", limit=21, query="sort", indexed=True),
        Field("DueDate", "date", query="sort"),
        Field("Balance", "number", read_only=True, query="sort"),
        Field("SalesTermRef", "ref", target="Term", query="filter"),
        Field("CustomerMemo", "group", parts=(Field("value", limit=1000),)),
        Field("BillEmail", "email", 100),
        Field("BillEmailCc", "email", 200),
        Field("BillEmailBcc", "email", 200),
        Field("BillAddr", "address"),
        Field("ShipAddr", "address"),
        Field("ShipFromAddr", "address"),
        Field("ShipMethodRef", "ref"),
        Field("ShipDate", "date"),
        Field("TrackingNum", limit=31),
        Field("ClassRef", "ref", target="Class"),
        Field("DepartmentRef", "ref", target="Department"),
        Field("Deposit", "number"),
        Field("DepositToAccountRef", "ref", target="Account"),
        Field("EmailStatus", "enum", choices=("NotSet", "NeedToSend", "EmailSent"), default="NotSet"),
        Field("PrintStatus", "enum", choices=("NotSet", "NeedToPrint", "PrintComplete"), default="NotSet"),
        Field("AllowOnlineCreditCardPayment", "bool", default=False),
        Field("AllowOnlineACHPayment", "bool", default=False),
        Field("AllowIPNPayment", "bool", default=False),
        Field("AllowOnlinePayment", "bool", default=False),
        Field("LinkedTxn", "list", parts=transactions.LINKED_TXN),
    ),
    accepted=transactions.ACCEPTED
    | words(
        "AllowOnlinePayPalPayment AutoDocNumber CheckPayment CreditCardPayment DeliveryInfo "
        "DiscountAmt DiscountRate DomesticTransaction EInvoiceStatus FreeFormAddress HomeBalance HomeTotalAmt "
        "InvoiceEx InvoiceLink InvoiceStatus PaymentMethodRef PaymentRefNum PaymentType ProjectRef RemitToRef "
        "SalesRepRef ShippingTxn TemplateRef CostEnvelope GovtTxnRefIdentifier FinanceCharge ARAccountRef PONumber FOB"
    ),
)
