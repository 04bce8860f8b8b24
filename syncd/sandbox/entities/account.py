"""Account (API reference, Account); its balance is the ledger's."""

from syncd.sandbox import chart, faults, lists
from syncd.sandbox.entity import Entity, Write
from syncd.sandbox.profiles import CURRENCIES
from syncd.sandbox.quirks import Quirks
from syncd.sandbox.schema import Field, words
from syncd.sandbox.store import Company, Stored
from syncd.sandbox.wire import Json

_ALONE = ("UndepositedFunds", "OpeningBalanceEquity", "RetainedEarnings")


def _rules(write: Write) -> None:
    if any(character in write.text("Name") for character in '":'):
        raise faults.bad_string("Name", write.text("Name"))
    _settle_type(write)
    lists.settle_parent(write, "SubAccount")
    _refuse_wrong_parent(write)
    lists.settle_name(write)
    write.draft["FullyQualifiedName"] = write.draft["Name"]
    write.draft.setdefault("CurrencyRef", {"value": write.company.profile.currency})
    currency = write.draft["CurrencyRef"]
    if isinstance(currency, dict):
        if currency["value"] not in CURRENCIES:
            raise faults.bad_reference("CurrencyRef", str(currency["value"]))
        if currency["value"] != write.company.profile.currency and not write.company.multicurrency:
            raise faults.business("Multicurrency is not enabled for this company.")


def _settle_type(write: Write) -> None:
    """A type, or a sub-type that says which (6010)."""
    draft = write.draft
    kind, sub_type = write.text("AccountType"), write.text("AccountSubType")
    known = chart.SUB_TYPES.get(sub_type)
    if not kind and known is None:
        raise faults.validation(
            "6010",
            "Account Type or Subtype Missing",
            "AccountType or AccountSubType must be given.",
            "AccountType",
        )
    if kind and known and kind != known:
        raise faults.validation(
            "2170", "Invalid Enumeration", f"Invalid Enumeration : {sub_type}", "AccountSubType"
        )
    old = write.before.body["AccountSubType"] if write.before else None
    if old in chart.SYSTEM and sub_type != old:
        raise faults.business("The type of this account cannot be changed.")
    draft["AccountType"] = kind = kind or str(known)
    draft.setdefault("AccountSubType", next(name for name, of in chart.SUB_TYPES.items() if of == kind))
    draft["Classification"] = chart.CLASSIFICATIONS[kind]


def _refuse_wrong_parent(write: Write) -> None:
    parent = write.draft.get("ParentRef")
    if not isinstance(parent, dict):
        return
    above = write.company.objects["Account"][str(parent["value"])].body
    if above["AccountType"] != write.draft["AccountType"]:
        raise faults.business("A subaccount must have the type of its parent account.")
    if above["AccountSubType"] in _ALONE or write.draft["AccountSubType"] in _ALONE:
        raise faults.business("This account cannot have or be a subaccount.")


def _show(company: Company, stored: Stored, shown: dict[str, Json], quirks: Quirks) -> None:
    balance = company.ledger.accounts[stored.id]
    if stored.body["Classification"] in chart.CREDIT:
        balance = -balance
    shown["CurrentBalance"] = balance if stored.body["Active"] else 0
    shown["CurrentBalanceWithSubAccounts"] = shown["CurrentBalance"]
    lists.show_name(company, stored, shown, quirks)


ENTITY = Entity(
    name="Account",
    space="Accounts",
    name_list=True,
    rules=_rules,
    show=_show,
    seeds=chart.seeds,
    fields=(
        Field("Name", "name", 100, keep=True, query="sort", indexed=True),
        Field("FullyQualifiedName", read_only=True, query="sort"),
        Field("Active", "bool", default=True, query="sort"),
        Field("SubAccount", "bool", default=False, query="sort"),
        Field("ParentRef", "ref", target="Account", query="filter"),
        Field("Description", limit=100, query="sort"),
        Field("AcctNum", limit=20, query="sort"),
        Field("AccountType", "enum", choices=tuple(chart.CLASSIFICATIONS), keep=True, query="sort"),
        Field("AccountSubType", keep=True, query="sort", indexed=True),
        Field("Classification", read_only=True, query="sort"),
        Field("CurrencyRef", "ref", keep=True),
        Field("CurrentBalance", "number", read_only=True, query="sort"),
        Field("CurrentBalanceWithSubAccounts", "number", read_only=True),
        Field("TaxCodeRef", "ref", target="TaxCode"),
    ),
    accepted=words(
        "AccountAlias AttachableRef BankNum CustomField FIName IntuitId JournalCodeRef Level LocationType "
        "OnlineBankingEnabled OpeningBalance OpeningBalanceDate TaxAccount TxnLocationType status"
    ),
)
