"""What to tell an admin when a name is taken in QuickBooks (code 6240).

Only words: nothing here links two records, and nothing appends a suffix to a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Holder:
    """A QuickBooks object that a look-up found under the name.

    `qbo_type` is QuickBooks' word: "Customer", "Vendor", "Item". `sip_name` is the name of the SIP record that it is
    linked to, if any.
    """

    qbo_type: str
    active: bool
    name: str
    sip_name: str | None = None

    @property
    def kind(self) -> str:
        """What people call such an object: "payment method"."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.qbo_type).lower()


def holder_of(qbo_type: str, found: Mapping[str, Any], sip_name: str | None) -> Holder:
    """An object as QuickBooks answers it."""
    name = found.get("DisplayName") or found.get("Name")
    return Holder(qbo_type, found.get("Active") is not False, str(name), sip_name)


@dataclass(frozen=True, slots=True)
class _Words:
    """`record`: what SIP calls it. `sought`: what may have its name. `rename`: how it gets another.

    `of_sip`: it is a record of SIP, and not something that syncd itself makes for others.
    """

    record: str
    sought: str
    rename: str
    of_sip: bool = True


_ANY = _Words("record", "record", "rename it in SIP")
_WORDS = {
    "customer": _Words("customer", "customer, vendor or employee", "rename the customer in SIP"),
    "service_item": _Words("service item", "item", "rename the service item in SIP"),
    "default_item": _Words(
        "service item", "item", "choose an item to be used instead: syncd map items", of_sip=False
    ),
    "account": _Words(
        "account", "account", "choose it, or another name: syncd map accounts set", of_sip=False
    ),
    "payment_method": _Words(
        "payment method",
        "payment method",
        "choose another name: syncd map payment-methods",
        of_sip=False,
    ),
}


def clash_sentence(
    entity_type: str, name: str, holders: Sequence[Holder], *, retry: str = "syncd retry"
) -> str:
    """Why QuickBooks refused the name of a record of this type, and the remedy.

    `holders` is what the look-up found; `retry` the command that sends the record again.
    """
    words = _WORDS.get(entity_type, _ANY)
    if not holders:
        return (
            f'QuickBooks says that the name "{name}" is taken, but shows no {words.sought} of that name. '
            f"{_sentence(words.rename)}, then run: {retry}"
        )
    # A second record of SIP explains the clash best; an active object better than an inactive one.
    ranked = sorted(holders, key=lambda holder: (holder.sip_name is None, not holder.active))
    first, *others = ranked
    more = "".join(f" There is also {_described(other, words)}." for other in others)
    return f"{_cause(name, first, words)}{more} {_sentence(_remedy(first, words))}, then run: {retry}"


def _cause(name: str, holder: Holder, words: _Words) -> str:
    if holder.sip_name is not None and words.of_sip:
        where = "" if holder.active else ", where it is inactive"
        return (
            f'SIP has two {words.record}s that QuickBooks cannot tell apart by name: "{name}" and '
            f'"{holder.sip_name}". The latter is already in QuickBooks as "{holder.name}"{where}.'
        )
    inactive = "" if holder.active else " It is inactive, and an inactive record keeps its name."
    return f"QuickBooks already has {_described(holder, words)}.{inactive}"


def _remedy(holder: Holder, words: _Words) -> str:
    if holder.sip_name is not None and words.of_sip:
        return "rename one of the two in SIP"
    if not holder.active:
        return f"reactivate or rename the {holder.kind} in QuickBooks, or {words.rename}"
    if words.of_sip:
        return f"rename the {words.record} in SIP or the {holder.kind} in QuickBooks"
    return f"{words.rename}, or rename the {holder.kind} in QuickBooks"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _described(holder: Holder, words: _Words) -> str:
    kind = holder.kind if holder.active else f"inactive {holder.kind}"
    article = "an" if kind[0] in "aeiou" else "a"
    linked = f' (the SIP {words.record} "{holder.sip_name}")' if holder.sip_name is not None else ""
    return f'{article} {kind} named "{holder.name}"{linked}'


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
