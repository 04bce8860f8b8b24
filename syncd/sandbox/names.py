"""What customers, vendors and employees share: one name space and one id space.

Rules of the API reference's Customer, Vendor and Employee pages and of faults
6080, 6240 and 610.
"""

from decimal import Decimal

from syncd.sandbox import chart, faults
from syncd.sandbox.entity import Change, Write
from syncd.sandbox.ledger import ZERO, Posting
from syncd.sandbox.money import rate, to_home
from syncd.sandbox.profiles import CURRENCIES
from syncd.sandbox.quirks import Quirks
from syncd.sandbox.schema import Field, words
from syncd.sandbox.store import Company, Stored
from syncd.sandbox.wire import Json

SPACE = "Names"
LISTS = ("Customer", "Vendor", "Employee")
SUFFIX = " (deleted)"
PARTS = ("Title", "GivenName", "MiddleName", "FamilyName", "Suffix")

BASE_ATTRIBUTES = words("AttachableRef CustomField IntuitId OtherContactInfo UserId V4IDPseudonym status")


def name_fields(check_name_limit: int) -> tuple[Field, ...]:
    """The attributes all three lists have, with the API reference's lengths."""
    return (
        Field("Title", "name", 16),
        Field("GivenName", "name", 100, query="sort"),
        Field("MiddleName", "name", 100, query="sort"),
        Field("FamilyName", "name", 100, query="sort"),
        Field("Suffix", "name", 16, query="sort"),
        Field("DisplayName", "name", 500, keep=True, query="sort", indexed=True),
        Field("PrintOnCheckName", "name", check_name_limit, keep=True, query="sort"),
        Field("Active", "bool", default=True, query="sort"),
    )


def settle_name(write: Write, parts: tuple[str, ...] = PARTS) -> None:
    """Complete DisplayName and PrintOnCheckName, and refuse a name that is taken.

    Faults: 6080 without any name, 2050 if the parts make too long a one, 6240
    for a name in use, 610 for a change of an inactive object.
    """
    _settle_active(write)
    draft, before = write.draft, write.before
    built = " ".join(write.text(part) for part in PARTS if write.text(part))
    if not any(write.text(part) for part in parts) and not write.text("DisplayName"):
        raise faults.validation(
            "6080",
            "No Name Provided",
            "Title, GivenName, MiddleName, FamilyName, DisplayName, Suffix - one of these must be non-empty",
        )
    draft.setdefault("DisplayName", built)
    draft.setdefault("PrintOnCheckName", draft["DisplayName"])
    name = write.text("DisplayName")
    if before is None or name != before.body["DisplayName"] or draft["Active"] != before.body["Active"]:
        _refuse_taken(write, name)


def _settle_active(write: Write) -> None:
    before, draft = write.before, write.draft
    if before is None or before.body["Active"]:
        return
    if not draft["Active"]:
        if write.quirks["inactive-update"] == "refused":
            raise faults.not_found()
        shown = f"{before.body['DisplayName']}{SUFFIX}"
        if draft.get("DisplayName") == shown and write.quirks["inactive-suffix"] == "on":
            draft["DisplayName"] = before.body["DisplayName"]


def _refuse_taken(write: Write, name: str) -> None:
    """6240 for a name in use; making something inactive asks for no name."""
    if write.before is not None and not write.draft["Active"]:
        return
    suffix_shown = write.quirks["inactive-suffix"] == "on"
    for entity in LISTS:
        for other in write.company.find(entity, "DisplayName", name):
            same = write.before is not None and other.id == write.before.id
            if not same and (other.body["Active"] or write.quirks["inactive-name"] == "taken"):
                raise faults.duplicate_name()
        bare = name.casefold().removesuffix(SUFFIX)
        if suffix_shown and bare != name.casefold():
            hidden = write.company.find(entity, "DisplayName", bare)
            if any(not other.body["Active"] for other in hidden):
                raise faults.duplicate_name()


def settle_currency(write: Write) -> None:
    """CurrencyRef: the home currency by default, and for ever once set.

    Faults: 2500 for what is no currency code, 6000 for a foreign one without
    multicurrency and for a change.
    """
    company, before = write.company, write.before
    given = write.given.get("CurrencyRef")
    code = str(given["value"]) if isinstance(given, dict) else ""
    if before is not None:
        present = before.body["CurrencyRef"]
        if code and isinstance(present, dict) and code != present["value"]:
            raise faults.business("You can't change the currency of a name once it is set.")
        write.draft["CurrencyRef"] = present
        return
    code = code or company.profile.currency
    if code not in CURRENCIES:
        raise faults.bad_reference("CurrencyRef", code)
    if code != company.profile.currency and not company.multicurrency:
        raise faults.business("Multicurrency is not enabled for this company.")
    write.draft["CurrencyRef"] = {"value": code, "name": CURRENCIES[code]}


def settle_balance(write: Write) -> None:
    """Balance is written at creation (an opening balance) and by transactions only.

    Fault 6220 when something with a balance is made inactive.
    """
    balance = write.draft.setdefault("Balance", ZERO)
    if write.before is not None and not write.draft["Active"] and balance:
        raise faults.validation(
            "6220",
            "Delete List Has Balance Error",
            "The entity you are trying to delete has an open balance. : "
            f"This {write.entity.name.lower()} cannot be deleted because it has a non-zero balance",
        )


def post_opening(change: Change) -> None:
    """An opening balance goes against Opening Balance Equity; no transaction is made for it."""
    stored, company = change.after, change.company
    if change.before is not None or stored is None or not stored.body["Balance"]:
        return
    balance, currency = stored.body["Balance"], stored.body["CurrencyRef"]
    if not isinstance(balance, int | Decimal) or not isinstance(currency, dict):
        return
    own = Decimal(balance)
    home = to_home(own, rate(company, str(currency["value"])))
    if stored.entity == "Vendor":
        account, home = chart.payable(company, str(currency["value"])), -home
    else:
        account = chart.receivable(company, str(currency["value"]))
    equity = chart.of_type(company, "OpeningBalanceEquity")
    key = (stored.entity, stored.id)
    company.ledger.post(key, [Posting(account, home, stored.id, own), Posting(equity, -home)])
    company.ledger.keep_open(key, stored.id, own)


def show_name(_company: Company, stored: Stored, shown: dict[str, Json], quirks: Quirks) -> None:
    """An inactive name is shown with ` (deleted)` behind it."""
    if not stored.body["Active"] and quirks["inactive-suffix"] == "on":
        for attribute in ("DisplayName", "FullyQualifiedName"):
            if attribute in shown:
                shown[attribute] = f"{shown[attribute]}{SUFFIX}"


def mask(value: str, visible: int) -> str:
    """A tax or social security number as answers give it: the last characters only."""
    return "X" * max(len(value) - visible, 0) + value[-visible:]


def keep_masked(write: Write, attribute: str, visible: int) -> None:
    """A client that sends back the masked number it read does not change it."""
    before = write.before.body.get(attribute) if write.before else None
    if isinstance(before, str) and write.draft.get(attribute) == mask(before, visible):
        write.draft[attribute] = before
