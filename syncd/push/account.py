"""An account that an admin has made for a slot of the mapping becomes a QuickBooks Account.

The document: {"name": str, "type": AccountType, "sub_type": AccountSubType, "slot"}. Limits follow Intuit's API
reference of Account.

It is made once and never updated: from then on it is QuickBooks' own. One of that name that QuickBooks has already is
never taken, since a name says nothing of what an account is for; the admin chooses it, or another name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncd.push import (
    DELETED,
    Body,
    Difference,
    Refused,
    as_it_is,
    clean,
    compared,
    field,
    loose,
    no_look,
    no_variances,
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
    "name_problem",
    "own_queries",
    "path",
    "qbo_type",
    "reads_first",
    "variances",
]

qbo_type = "Account"
path = "account"
reads_first = False
adopts = False
variances = no_variances
informed = as_it_is
look_ahead = no_look  # QuickBooks itself refuses a second one of the name

NAME_LENGTH = 100


def name_problem(name: str) -> str | None:
    """Why QuickBooks would not take a name for an account, after "The name"; None if it would."""
    if not name:
        return "is empty"
    if len(name) > NAME_LENGTH:
        return f"has {len(name)} characters; QuickBooks takes at most {NAME_LENGTH}"
    if '"' in name or ":" in name:
        return "has a colon or a quotation mark, which QuickBooks does not take"
    return None


def build(
    document: Mapping[str, Any],
    *,
    sent: Mapping[str, Any] | None,  # noqa: ARG001 (an account is never updated)
    qbo_id: str | None,
    sync_token: str | None,  # noqa: ARG001
    current: Mapping[str, Any] | None = None,  # noqa: ARG001
) -> Body:
    """The body of a create. There is no update (`qbo_id` given). Raises Refused("name")."""
    if qbo_id is not None:
        raise ValueError("an account is never updated")
    name = clean(text(document["name"]))
    if problem := name_problem(name):
        raise Refused(
            "name",
            f"The name of an account {problem}. Choose another: syncd map accounts set ... --create NAME",
        )
    payload = {"Name": name, "AccountType": document["type"], "AccountSubType": document["sub_type"]}
    return Body(payload, name_sent=name)


def own_queries(payload: Mapping[str, Any]) -> list[str]:
    """Accounts of this name, active or not: an inactive one may carry a suffix."""
    names = f"{literal(payload['Name'])}, {literal(payload['Name'] + DELETED)}"
    return [  # QuickBooks' query language has no parameters; `literal` escapes
        f"SELECT * FROM Account WHERE Name IN ({names}) AND Active IN (true, false) ORDERBY Id"  # noqa: S608 (each value went through `literal`)
    ]


def holds_place(payload: Mapping[str, Any], candidate: Mapping[str, Any]) -> bool:
    """Whether an account has the name; QuickBooks does not tell names apart by case."""
    return loose(text(candidate.get("Name")).removesuffix(DELETED)) == loose(payload["Name"])


def is_own(payload: Mapping[str, Any], candidate: Mapping[str, Any]) -> bool:
    """Whether an Account that a look-up found is what this payload would have made."""
    return candidate.get("Active") is not False and not differences(payload, candidate)


def differences(payload: Mapping[str, Any], answer_object: Mapping[str, Any]) -> list[Difference]:
    """Where QuickBooks' Account says something else than what was sent."""
    return compared(_READINGS, payload, answer_object)


_READINGS = {
    "name": field("Name"),
    "type": field("AccountType"),
    "kind": field("AccountSubType"),
}
