"""A SIP service item becomes a QuickBooks Item of type Service.

The document: {"name": str, "description": str or null, "price": number or null, "taxable": bool or null,
"income_account": id, "expense_account": id}. "taxable" is null where QuickBooks has no such field, outside the United
States; only there is "expense_account" a part of the document, for there QuickBooks asks for it. Limits follow Intuit's
API reference of Item.

The accounts are where QuickBooks books the item at first. A bookkeeper may choose others there, so an update leaves
them alone unless the mapping itself changed. The same holds for the type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncd.push import (
    DELETED,
    Body,
    Difference,
    Refused,
    as_it_is,
    clean_lines,
    compared,
    field,
    loose,
    name_as_sent,
    no_look,
    no_variances,
    overlay,
    plain,
    reference,
    shortened,
    text,
)
from syncd.qbo.query import literal

if TYPE_CHECKING:
    from collections.abc import Mapping

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

qbo_type = "Item"
path = "item"
reads_first = True
adopts = False
variances = no_variances
informed = as_it_is
look_ahead = no_look

NAME_LENGTH = 100
DESCRIPTION_LENGTH = 4000

KEEPS = (
    "AbatementRate",
    "Active",
    "AssetAccountRef",
    "ClassRef",
    "DeferredRevenue",
    "Description",
    "ExpenseAccountRef",
    "IncomeAccountRef",
    "InvStartDate",
    "ItemCategoryType",
    "ManPartNum",
    "ParentRef",
    "PrefVendorRef",
    "PurchaseCost",
    "PurchaseDesc",
    "PurchaseTaxCodeRef",
    "PurchaseTaxIncluded",
    "QtyOnHand",
    "ReorderPoint",
    "ReverseChargeRate",
    "SalesTaxCodeRef",
    "SalesTaxIncluded",
    "ServiceType",
    "Sku",
    "SubItem",
    "TaxClassificationRef",
    "Taxable",
    "TrackQtyOnHand",
    "Type",
    "UnitPrice",
)
"""What an update sends back as it is: everything that Intuit's reference lets a client write."""


def build(
    document: Mapping[str, Any],
    *,
    sent: Mapping[str, Any] | None,
    qbo_id: str | None,
    sync_token: str | None,
    current: Mapping[str, Any] | None = None,
) -> Body:
    """The body of a create (`qbo_id` None) or of a full write over `current`.

    Raises Refused("name_empty", "name_too_long", "income_account_missing", "expense_account_missing", "inactive").
    """
    name = name_as_sent(document.get("name"), "service item", NAME_LENGTH)
    payload, notes = {"Name": name, **_details(document)}, _notes(document)
    accounts = _accounts(document, name)
    if qbo_id is None:
        return Body(payload | {"Type": "Service"} | accounts, name, notes)
    if current is not None and current.get("Active") is False:
        raise Refused(
            "inactive",
            f'Service item "{name}" is inactive in QuickBooks. Make it active there, then run: syncd retry.',
            held=True,
        )
    cleared = _details(sent).keys() - payload.keys() if sent else set()
    if sent:
        chosen = {_ACCOUNTS[key][0] for key in _ACCOUNTS if sent.get(key) != document.get(key)}
        payload |= {place: account for place, account in accounts.items() if place in chosen}
    payload = overlay(payload, current, qbo_id=qbo_id, sync_token=sync_token, keeps=KEEPS, clears=cleared)
    return Body(payload, name, notes)


def own_queries(payload: Mapping[str, Any]) -> list[str]:
    """Items of this name, active or not: an inactive one carries a suffix."""
    name = payload["Name"]
    names = f"{literal(name)}, {literal(name + DELETED)}"
    return [  # QuickBooks' query language has no parameters; `literal` escapes
        f"SELECT * FROM Item WHERE Name IN ({names}) AND Active IN (true, false) ORDERBY Id"  # noqa: S608 (each value went through `literal`)
    ]


def holds_place(payload: Mapping[str, Any], candidate: Mapping[str, Any]) -> bool:
    """Whether an item has the name; QuickBooks does not tell names apart by case."""
    return loose(_name(candidate)) == loose(payload["Name"])


def is_own(payload: Mapping[str, Any], candidate: Mapping[str, Any]) -> bool:
    """Whether an Item that a look-up found holds every field this payload sent, the name to the letter."""
    once = (field("Type"), *(field(name, "value") for name, _ in _ACCOUNTS.values() if name in payload))
    return (
        _name(candidate) == payload["Name"]
        and not candidate.get("SubItem")
        and all(read(candidate) == read(payload) for read in once)
        and not differences(payload, candidate)
    )


def differences(payload: Mapping[str, Any], answer_object: Mapping[str, Any]) -> list[Difference]:
    """Where QuickBooks' Item says something else than what was sent.

    Accounts and type are not compared: they are QuickBooks' own after the create. So is the suffix of an inactive one.
    """
    return compared(_READINGS, payload, answer_object)


def _name(candidate: Mapping[str, Any]) -> str:
    """The name under which it was made."""
    name = text(candidate.get("Name"))
    return name.removesuffix(DELETED) if candidate.get("Active") is False else name


def _price(holder: Mapping[str, Any]) -> str:
    return format(plain(holder.get("UnitPrice") or 0), "f")


_READINGS = {
    "name": _name,
    "description": field("Description"),
    "price": _price,
    "taxable": field("Taxable"),
}


def _details(document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that SIP may leave empty. An empty one is neither sent nor cleared if it never was sent."""
    details: dict[str, Any] = {}
    if description := clean_lines(text(document.get("description"))):
        details["Description"] = shortened(description, DESCRIPTION_LENGTH)
    if document.get("price") is not None:
        details["UnitPrice"] = plain(document["price"])
    if document.get("taxable") is not None:
        details["Taxable"] = document["taxable"]
    return details


def _notes(document: Mapping[str, Any]) -> tuple[str, ...]:
    if len(clean_lines(text(document.get("description")))) <= DESCRIPTION_LENGTH:
        return ()
    return (f"The description was shortened: QuickBooks takes at most {DESCRIPTION_LENGTH} characters.",)


_ACCOUNTS = {
    "income_account": ("IncomeAccountRef", "an income account"),
    "expense_account": ("ExpenseAccountRef", "an account for what it costs"),
}


def _accounts(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Those that QuickBooks asks for in the company's country."""
    accounts: dict[str, Any] = {}
    for key, (place, what) in _ACCOUNTS.items():
        if document.get(key) is not None:
            accounts[place] = reference(document[key])
        elif key in document:
            raise Refused(
                f"{key}_missing",
                f'Service item "{name}" needs {what}, and none is chosen. Choose one: syncd map accounts.',
            )
    return accounts
