"""A name under which SIP's payments are booked becomes a QuickBooks PaymentMethod.

The document: {"name": str}, one of the names that SIP's methods of payment are mapped to, such as "Credit Card".
Limits follow Intuit's API reference of PaymentMethod.

The name is all there is to a method, so one that QuickBooks has already is taken as it is, whatever its type. It is
never updated: a company that wants another name chooses it in the mapping, and gets another method.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncd.push import (
    DELETED,
    Body,
    Difference,
    as_it_is,
    clean,
    compared,
    field,
    loose,
    no_variances,
    text,
)
from syncd.qbo.query import literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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

qbo_type = "PaymentMethod"
path = "paymentmethod"
reads_first = False
adopts = True
variances = no_variances
informed = as_it_is

TYPE = "NON_CREDIT_CARD"
"""Cash and checks are of this type, and payments by those can be linked in a deposit, as those of a payout have to be.
The other, CREDIT_CARD, is for cards that QuickBooks itself charges: SIP charges cards through Stripe.
"""


def build(
    document: Mapping[str, Any],
    *,
    sent: Mapping[str, Any] | None,  # noqa: ARG001 (a method is never updated)
    qbo_id: str | None,
    sync_token: str | None,  # noqa: ARG001
    current: Mapping[str, Any] | None = None,  # noqa: ARG001
) -> Body:
    """The body of a create. There is no update (`qbo_id` given). The mapping refuses names that are too long."""
    if qbo_id is not None:
        raise ValueError("a payment method is never updated")
    name = _sent_name(document)
    return Body({"Name": name, "Type": TYPE}, name_sent=name)


def look_ahead(documents: Sequence[Mapping[str, Any]]) -> str | None:
    """Whether QuickBooks has methods of these names already, as it mostly has: every company has "Cash"."""
    return _query(map(_sent_name, documents))


def own_queries(payload: Mapping[str, Any]) -> list[str]:
    """Methods of this name, active or not: an inactive one may carry a suffix."""
    return [_query([payload["Name"], payload["Name"] + DELETED])]


def holds_place(payload: Mapping[str, Any], candidate: Mapping[str, Any]) -> bool:
    """Whether a method has the name; QuickBooks does not tell names apart by case."""
    return loose(text(candidate.get("Name"))) == loose(payload["Name"])


def is_own(payload: Mapping[str, Any], candidate: Mapping[str, Any]) -> bool:
    """Whether a PaymentMethod that a look-up found can be used as this one. A payment cannot have an inactive one."""
    return holds_place(payload, candidate) and candidate.get("Active") is not False


def differences(payload: Mapping[str, Any], answer_object: Mapping[str, Any]) -> list[Difference]:
    """Where QuickBooks' PaymentMethod says something else than what was sent."""
    return compared({"name": field("Name")}, payload, answer_object)


def _sent_name(document: Mapping[str, Any]) -> str:
    return clean(text(document["name"]))


def _query(names: Iterable[str]) -> str:
    listed = ", ".join(literal(name) for name in names)
    # QuickBooks' query language has no parameters; `literal` escapes
    return f"SELECT * FROM PaymentMethod WHERE Name IN ({listed}) AND Active IN (true, false) ORDERBY Id"  # noqa: S608 (each value went through `literal`)
