"""What to tell an admin when a name is taken in QuickBooks (code 6240).

Only words: nothing here links two records, and nothing appends a suffix to a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Holder:
    """A QuickBooks record that a look-up found under the name.

    `qbo_type` is "Customer", "Vendor" or "Employee"; `sip_customer` the name of the SIP customer it is
    linked to, if any.
    """

    qbo_type: str
    active: bool
    display_name: str
    sip_customer: str | None = None


def clash_sentence(name: str, holders: Sequence[Holder], *, retry: str = "syncd retry") -> str:
    """Why QuickBooks refused a customer's name, and the remedy.

    `holders` is what the look-up over customers, vendors and employees found; `retry` the command that sends
    the customer again.
    """
    if not holders:
        return (
            f'QuickBooks says that the name "{name}" is taken, but shows no customer, vendor or employee '
            f"of that name. Rename the customer in SIP, then run: {retry}"
        )
    # A second customer in SIP explains the clash best; an active record better than an inactive one.
    ranked = sorted(holders, key=lambda holder: (holder.sip_customer is None, not holder.active))
    first, *others = ranked
    more = "".join(f" There is also {_described(holder)}." for holder in others)
    return f"{_cause(name, first)}{more} {_remedy(first)}, then run: {retry}"


def _cause(name: str, holder: Holder) -> str:
    if holder.sip_customer is not None:
        where = "" if holder.active else ", where it is inactive"
        return (
            f'SIP has two customers that QuickBooks cannot tell apart by name: "{name}" and '
            f'"{holder.sip_customer}". The latter is already in QuickBooks as "{holder.display_name}"{where}.'
        )
    inactive = "" if holder.active else " It is inactive, and an inactive record keeps its name."
    return f"QuickBooks already has {_described(holder)}.{inactive}"


def _remedy(holder: Holder) -> str:
    kind = holder.qbo_type.lower()
    if holder.sip_customer is not None:
        return "Rename one of the two in SIP"
    if not holder.active:
        return f"Reactivate or rename the {kind} in QuickBooks, or rename the customer in SIP"
    return f"Rename the customer in SIP or the {kind} in QuickBooks"


def _described(holder: Holder) -> str:
    kind = holder.qbo_type.lower() if holder.active else f"inactive {holder.qbo_type.lower()}"
    article = "an" if kind[0] in "aeiou" else "a"
    linked = f' (the SIP customer "{holder.sip_customer}")' if holder.sip_customer is not None else ""
    return f'{article} {kind} named "{holder.display_name}"{linked}'


def place_sentence(what: str, holders: Sequence[Mapping[str, Any]], *, retry: str) -> str:
    """Why a record is not sent whose number, name or reference something else has."""
    there = " and ".join(_shown(holder) for holder in holders)
    inactive = (
        " Make it active there" if holders[0].get("Active") is False else " Give one of the two another"
    )
    return (
        f"QuickBooks already has {there}, which is not from this record of SIP, so {what} was not sent."
        f"{inactive}, or remove what should not be there, then run: {retry}"
    )


def _shown(holder: Mapping[str, Any]) -> str:
    """An object by what people know of it."""
    name = holder.get("DocNumber") or holder.get("Name") or holder.get("PaymentRefNum") or holder.get("Id")
    customer = (holder.get("CustomerRef") or {}).get("name")
    parts = [
        f'"{name}"',
        f"of {holder['TxnDate']}" if holder.get("TxnDate") else "",
        f"over {holder['TotalAmt']}" if holder.get("TotalAmt") is not None else "",
        f"for {customer}" if customer else "",
        "(inactive)" if holder.get("Active") is False else "",
    ]
    return " ".join(filter(None, parts))
