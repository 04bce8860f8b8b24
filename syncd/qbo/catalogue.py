"""Every fault code of QuickBooks Online that syncd knows: class, cause, remedy.

Codes and meanings follow Intuit's error code reference and the texts seen in the field. `cause` completes
'QuickBooks refused customer "Ann Lee": ...'; `remedy` is a sentence of its own for the admin.
"""

from __future__ import annotations

from dataclasses import dataclass

from syncd.db.states import FaultClass


@dataclass(frozen=True, slots=True)
class Entry:
    """One code's meaning.

    `retry`: may the same content pass later. `refusal`: the code means that nothing was done, whatever the
    HTTP status. `quote`: QuickBooks' own words are needed to know what is wrong. `holds`: nothing is wrong with
    the record, so it is kept without using an attempt until somebody has acted in QuickBooks.
    """

    fault_class: FaultClass
    cause: str
    remedy: str
    retry: bool
    refusal: bool = True
    quote: bool = False
    holds: bool = False


def _record(cause: str, remedy: str, *, quote: bool = False) -> Entry:
    """A refusal that the same call can only meet again."""
    return Entry(FaultClass.RECORD, cause, remedy, retry=False, quote=quote)


def _held(cause: str, remedy: str, *, quote: bool = False) -> Entry:
    """A refusal for the sake of another record of QuickBooks, until somebody puts that right."""
    return Entry(FaultClass.RECORD, cause, remedy, retry=False, quote=quote, holds=True)


def _later(fault_class: FaultClass, cause: str, remedy: str, *, quote: bool = False) -> Entry:
    """A refusal that passes by itself or once someone acted, without a change of the record."""
    return Entry(fault_class, cause, remedy, retry=True, quote=quote)


_FIX_AND_RETRY = "Correct it in SIP; the change is sent by itself."
_REPORT = "This is a fault of syncd: report it with the call's intuit_tid."
_RECONNECT = "Reconnect the company to QuickBooks: syncd company connect. Nothing waiting is lost."
_ITSELF = "Nothing to do; syncd tries again by itself."
_HOURLY = "syncd looks again every hour."
_REDATE = (
    "Move the closing date in QuickBooks (Settings, Advanced, Accounting), then run: syncd retry. Or change the "
    "record's date in SIP, and it is sent by itself."
)
_TIME = "Correct the time entry in SIP; the change is sent by itself."

CATALOGUE: dict[str, Entry] = {
    # Access
    "100": _later(FaultClass.AUTH, "the access token was not accepted", _ITSELF),
    "110": _later(FaultClass.AUTH, "the access token was not accepted", _ITSELF),
    "120": Entry(
        FaultClass.AUTH,
        "the user who connected syncd no longer has access to this QuickBooks company",
        f"Give that user admin rights again in QuickBooks, or as another admin: {_RECONNECT}",
        retry=False,
    ),
    "3100": Entry(
        FaultClass.AUTH,
        "the app is not connected to this QuickBooks company, or may not use its accounting data",
        _RECONNECT,
        retry=False,
    ),
    "3200": _later(FaultClass.AUTH, "the access token has expired or is wrong", _ITSELF),
    # Throttle
    "3001": _later(FaultClass.THROTTLE, "too many calls were made in a short time", _ITSELF),
    # The company as a whole
    "130": _later(FaultClass.COMPANY, "the company is being moved to another Intuit data centre", _HOURLY),
    "140": _later(
        FaultClass.COMPANY, "the company is locked by Intuit", f"Open QuickBooks to see why. {_HOURLY}"
    ),
    "150": _later(FaultClass.COMPANY, "the company is under maintenance", _HOURLY),
    "6190": _later(
        FaultClass.COMPANY,
        "the QuickBooks subscription has ended or has a billing problem",
        f"Renew it in QuickBooks (Settings, Subscriptions and billing). {_HOURLY}",
    ),
    "10200": _later(
        FaultClass.COMPANY,
        "the company's data was reset",
        f"Check the company in QuickBooks before anything else is sent. {_HOURLY}",
    ),
    # The request
    "500": _record("the operation is not supported", _REPORT, quote=True),
    # Intuit does not say when. A refusal it is not: the first of the two may be done, or be at work.
    "600": Entry(
        FaultClass.TRANSIENT,
        "a request of the same id is already known to QuickBooks",
        "Nothing to do; syncd asks again, or looks whether the record is in QuickBooks.",
        retry=True,
        refusal=False,
    ),
    "1040": _record("too many records were sent in one batch", _REPORT),
    "2010": _record("the request holds a property that QuickBooks does not know", _REPORT, quote=True),
    "2020": _record("a required value is missing", _FIX_AND_RETRY, quote=True),
    "2030": _record("an id or value is invalid", _FIX_AND_RETRY, quote=True),
    "2040": _record("a text holds characters that QuickBooks does not take", _FIX_AND_RETRY, quote=True),
    "2050": _record("a text is too long or too short", _FIX_AND_RETRY, quote=True),
    "2170": _record("a value is not one of those QuickBooks knows", _REPORT, quote=True),
    "2200": _record("the web address is malformed", _FIX_AND_RETRY),
    "2210": _record("the e-mail address is malformed", _FIX_AND_RETRY),
    "2600": _record("two values contradict each other", _FIX_AND_RETRY, quote=True),
    **dict.fromkeys(
        ("2060", "2070", "2080", "2090", "2100", "2110", "2120", "2140", "2150", "2160"),
        _record(
            "a date, number or amount has a form that QuickBooks does not take", _FIX_AND_RETRY, quote=True
        ),
    ),
    "2130": _record("the request's id has a form that QuickBooks does not take", _REPORT),
    "4000": _record("the query could not be read", _REPORT, quote=True),
    "4001": _record("the query asks for something that cannot be queried", _REPORT, quote=True),
    "4002": Entry(
        FaultClass.RECORD,
        "QuickBooks failed while it processed the request",
        "If an e-mail address is named, correct it in SIP; otherwise syncd tries again by itself.",
        retry=True,
        refusal=False,
        quote=True,
    ),
    "10100": _record("the query found more than QuickBooks returns at once", _REPORT),
    # Amounts, lines, tax
    "2250": _record("lines are missing", _FIX_AND_RETRY, quote=True),
    "2260": _record("a line has no posting type", _REPORT, quote=True),
    "2270": _record("a line does not say whether tax applies", _REPORT, quote=True),
    "2280": _record("a tax amount is missing or wrong", _FIX_AND_RETRY, quote=True),
    "2290": _record("an amount is negative", _FIX_AND_RETRY, quote=True),
    "2300": _record("debits and credits are not equal", _REPORT, quote=True),
    "6070": _record("amount is not quantity times price on a line", _FIX_AND_RETRY, quote=True),
    "6090": _record("the discount is not described completely", _FIX_AND_RETRY),
    "6100": _record(
        "a line has a tax code that a company in the United States cannot use",
        "Correct the tax mapping: syncd map tax. Then run: syncd retry.",
    ),
    "6160": _record(
        "the company's tax set-up does not allow the tax code sent",
        "Correct the tax mapping: syncd map tax. Then run: syncd retry.",
    ),
    "6170": _record(
        "tax details were sent although tax does not apply",
        "Correct the tax mapping: syncd map tax. Then run: syncd retry.",
    ),
    "6440": _record(
        "a line has neither a product or service nor an account",
        "Give the line an item in SIP; the change is sent by itself.",
    ),
    "6430": _record(
        "an account of the wrong type is mapped",
        "Choose another account: syncd map accounts. Then run: syncd retry.",
        quote=True,
    ),
    # Other records
    "610": _held(
        "it, or a record it refers to, was deleted or made inactive in QuickBooks",
        "Reactivate it in QuickBooks, or see syncd explain, then run: syncd retry.",
        quote=True,
    ),
    "620": _record(
        "the transactions cannot be linked, perhaps because one is linked already",
        "Open the invoice and its payments in QuickBooks, remove the wrong link, then run: syncd retry.",
        quote=True,
    ),
    "800": _record(
        "other records in QuickBooks depend on it",
        "Remove what depends on it in QuickBooks, then run: syncd retry.",
        quote=True,
    ),
    "2500": _held(
        "it refers to something that is not in QuickBooks or is inactive there",
        "Reactivate it in QuickBooks or correct the mapping, then run: syncd retry.",
        quote=True,
    ),
    "6150": _record("its parent record is not in QuickBooks", "See syncd explain, then run: syncd retry."),
    "6180": _record("it is nested too deeply", "Move it up in QuickBooks, then run: syncd retry."),
    "6230": _record("it is nested too deeply", "Move it up in QuickBooks, then run: syncd retry."),
    "6220": _record(
        "it still has a balance and cannot be made inactive",
        "Settle the balance in QuickBooks, then run: syncd retry.",
    ),
    "6250": _held(
        "its customer does not exist or is inactive in QuickBooks",
        "Reactivate the customer in QuickBooks, then run: syncd retry.",
    ),
    "6280": _record(
        "the customer has expenses that are not yet billed",
        "Bill or remove them in QuickBooks, then run: syncd retry.",
    ),
    "6450": _record("it is settled and cannot be voided", "Refund it instead of voiding it."),
    "6480": _record(
        "it is matched with the bank feed and cannot be deleted",
        "Undo the match in QuickBooks (Transactions, Bank transactions), then run: syncd retry.",
    ),
    "6540": _record(
        "it was deposited and cannot be changed",
        "Remove it from its deposit in QuickBooks first, then run: syncd retry.",
    ),
    "5010": _later(
        FaultClass.STALE,
        "it was changed in QuickBooks since syncd last saw it",
        "Nothing to do; syncd compares both and either sends again or shows both values.",
    ),
    # Names and numbers
    "6080": _record("it has no name", "Give it a name in SIP; the change is sent by itself."),
    "6140": _record(
        "its number is already used in QuickBooks",
        "Change the number in SIP or in QuickBooks, then run: syncd retry.",
        quote=True,
    ),
    "6240": _record(
        "its name is already used in QuickBooks by a customer, vendor or employee, active or not",
        "Rename one of the two, then run: syncd retry.",
    ),
    "6420": _record(
        "an e-mail address is required for delivery by e-mail",
        "Give the customer an e-mail address in SIP; the change is sent by itself.",
    ),
    # Time
    "6290": _record("the time entry names both an employee and a vendor", _TIME),
    "6300": _record(
        "the time entry's worker is not the kind of person it says",
        "Correct the mapping: syncd map employees. Then run: syncd retry.",
    ),
    "6310": _record("the time entry is billable but names no customer", _TIME),
    "6320": _record("the time entry's billable status is not allowed", _TIME),
    "6330": _record("the time entry's hourly rate is missing or not allowed", _TIME),
    "6340": _record("the time entry has no time", _TIME),
    "6350": _record("the time entry's time is not valid", _TIME),
    "6360": _record("the time entry's start is missing or not valid", _TIME),
    "6370": _record("the time entry's end is missing or not valid", _TIME),
    "6380": _record("the time entry's hours or minutes are out of range", _TIME),
    "6390": _record("the time entry has both a duration and a start with an end", _TIME),
    # Closed books
    "6200": _later(FaultClass.PERIOD, "the books are closed for its date", _REDATE),
    "6210": _later(FaultClass.PERIOD, "the books are closed for its date", _REDATE),
    # The plan
    "5020": _record(
        "the user who connected syncd may not do this",
        "Connect as a QuickBooks admin: syncd company connect. Then run: syncd retry.",
        quote=True,
    ),
    "5030": _record(
        "the company's QuickBooks plan does not include this feature",
        "Upgrade the plan or switch this kind of record off in syncd's settings.",
        quote=True,
    ),
    # Codes of many causes
    "6000": _later(
        FaultClass.RECORD,
        "a business rule of QuickBooks forbids it",
        "Do what QuickBooks asks for, then run: syncd retry.",
        quote=True,
    ),
    "10000": Entry(
        FaultClass.TRANSIENT,
        "QuickBooks failed inside",
        f"{_ITSELF} If it lasts, give Intuit's support the call's intuit_tid.",
        retry=True,
        refusal=False,
        quote=True,
    ),
}

# The two codes whose text decides.
NAME_LOCK = _later(
    FaultClass.TRANSIENT, "another name was being added or changed at the same moment", _ITSELF
)
CLOSED_PERIOD = CATALOGUE["6200"]

# Where the code is unknown or missing.
_UNCODED = {
    FaultClass.AUTH: _later(FaultClass.AUTH, "the access token was not accepted", _ITSELF),
    FaultClass.THROTTLE: _later(FaultClass.THROTTLE, "too many calls were made in a short time", _ITSELF),
    FaultClass.TRANSIENT: Entry(
        FaultClass.TRANSIENT,
        "no proper answer came",
        f"{_ITSELF} If it lasts, see Intuit's status page and any proxy in between.",
        retry=True,
        refusal=False,
        quote=True,
    ),
    FaultClass.RECORD: _later(
        FaultClass.RECORD,
        "for a reason syncd does not know",
        "Do what QuickBooks asks for, then run: syncd retry.",
        quote=True,
    ),
}
_TOO_LARGE = _record("the request is larger than QuickBooks takes", "Split the record in SIP.")


def uncoded_class(http_status: int, kind: str, *, by_quickbooks: bool) -> FaultClass:
    """The class of a fault of unknown or no code.

    `kind` is the Fault's type, `by_quickbooks` whether there was a Fault at all.
    """
    if http_status == 401 or kind.lower().startswith("authenticat"):
        return FaultClass.AUTH
    if http_status == 429:
        return FaultClass.THROTTLE
    if http_status == 413:
        return FaultClass.RECORD
    if by_quickbooks and http_status < 500 and http_status != 408 and kind != "SystemFault":
        return FaultClass.RECORD
    return FaultClass.TRANSIENT


def uncoded(fault_class: FaultClass, http_status: int) -> Entry:
    """What to say of a fault of unknown or no code."""
    if http_status == 413 and fault_class is FaultClass.RECORD:
        return _TOO_LARGE
    return _UNCODED[fault_class]
