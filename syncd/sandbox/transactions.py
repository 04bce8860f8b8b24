"""What sales transactions have in common: customer, date, currency, closed books, numbers."""

import re
from datetime import date
from decimal import Decimal

from syncd.sandbox import faults
from syncd.sandbox.entity import Write
from syncd.sandbox.money import identifier, number, rate
from syncd.sandbox.profiles import CURRENCIES
from syncd.sandbox.schema import Field, words
from syncd.sandbox.store import Stored
from syncd.sandbox.wire import Json

SPACE = "Transactions"

LINKED_TXN = (
    Field("TxnId"),
    Field("TxnType"),
    Field("TxnLineId"),
)
FIELDS = (
    Field("CustomerRef", "ref", target="Customer", query="filter", indexed=True),
    Field("TxnDate", "date", query="sort", indexed=True),
    Field("PrivateNote", limit=4000),
    Field("CurrencyRef", "ref", keep=True),
    Field("ExchangeRate", "number"),
    Field("TotalAmt", "number", query="sort"),
)
ACCEPTED = words(
    "AttachableRef CustomField IntuitId LinkedTxn RecurDataRef RecurringInfo TaxExemptionRef "
    "TaxFormNum TaxFormType TransactionLocationType TxnApprovalInfo TxnSource TxnStatus UnitPriceIncludesTax "
    "V4IDPseudonym status"
)


def settle_customer(write: Write) -> Stored:
    """The customer, who must be given (2020)."""
    reference = write.draft.get("CustomerRef")
    if reference is None:
        raise faults.required("CustomerRef")
    return write.company.objects["Customer"][identifier(reference)]


def settle_date(write: Write) -> None:
    """TxnDate is today where the company is, unless it is given; closed books are refused."""
    write.draft.setdefault("TxnDate", write.company.today(write.now).isoformat())
    refuse_closed(write)


def refuse_closed(write: Write) -> None:
    """Fault 6210 for a transaction that is, or was, dated in closed books."""
    closed = write.company.preference("AccountingInfoPrefs", "BookCloseDate")
    if not isinstance(closed, str):
        return
    dates = [write.text("TxnDate"), str(write.before.body["TxnDate"]) if write.before else ""]
    if any(date_ and date_ <= closed for date_ in dates):
        raise faults.books_closed(write.quirks["closed-books"], write.entity.name)


def settle_currency(write: Write, customer: Stored) -> Decimal:
    """CurrencyRef and ExchangeRate; the rate. The currency is the customer's (6000 otherwise)."""
    company, draft = write.company, write.draft
    home, own = company.profile.currency, identifier(customer.body["CurrencyRef"])
    given = identifier(draft.get("CurrencyRef"))
    if not given and company.multicurrency and write.quirks["missing-currency"] == "refused":
        raise faults.required("CurrencyRef")
    code = given or own
    if code not in CURRENCIES:
        raise faults.bad_reference("CurrencyRef", code)
    if code != home and not company.multicurrency:
        raise faults.business("Multicurrency is not enabled for this company.")
    if code != own:
        raise faults.business("The currency of the transaction must be the currency of the customer.")
    draft["CurrencyRef"] = {"value": code, "name": CURRENCIES[code]}
    exchange = number(draft.get("ExchangeRate")) if code != home else Decimal(0)
    exchange = exchange or rate(company, code)
    draft.pop("ExchangeRate", None)
    if company.multicurrency:
        draft["ExchangeRate"] = exchange
    return exchange


def exchange_rate(stored: Stored) -> Decimal:
    """The rate of a stored transaction."""
    return number(stored.body.get("ExchangeRate")) or Decimal(1)


def settle_number(write: Write) -> None:
    """DocNumber: the next one, unless the company numbers by hand; 6140 for one in use.

    A number that comes although QuickBooks numbers is stored, whoever has it already.
    """
    draft, before, company = write.draft, write.before, write.company
    by_hand = company.preference("SalesFormsPrefs", "CustomTxnNumbers") is True
    text = write.text("DocNumber")
    if not text and not by_hand:
        kept = before.body.get("DocNumber") if before else None
        draft["DocNumber"] = kept or _next_number(write)
    if not text or not by_hand or write.quirks["doc-number-warning"] == "off":
        return
    for other in company.find(write.entity.name, "DocNumber", text):
        if before is None or other.id != before.id:
            raise faults.duplicate_number(text, write.entity.name, other.id)


def _next_number(write: Write) -> str:
    """One more than the last number given out or taken."""
    newest = next(reversed(write.company.objects[write.entity.name].values()), None)
    last = str(newest.body.get("DocNumber", "1000")) if newest else "1000"
    match = re.fullmatch(r"(.*?)(\d{1,18})", last, re.ASCII)
    if match is None:
        return "1001"
    return f"{match[1]}{int(match[2]) + 1:0{len(match[2])}}"[-21:]


def voided_note(write: Write) -> str:
    """PrivateNote of a voided transaction."""
    note = write.text("PrivateNote")
    return f"Voided - {note}"[:4000] if note else "Voided"


def parse_date(text: Json) -> date:
    """A stored date."""
    return date.fromisoformat(str(text))
