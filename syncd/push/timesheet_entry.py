"""An entry of an approved SIP timesheet becomes a QuickBooks TimeActivity.

The document: {"date", "minutes": int, "worker": id, "worker_type": "Employee" or "Vendor", "customer": id or null,
"item": id of a service item, "entry_type", "job" and "notes": str or null, "tag": "[sip 8812]", "payroll": whether
QuickBooks Payroll is on, null if QuickBooks does not say, "member": SIP's id of who worked}. The last two are not sent.
Limits follow Intuit's API reference of TimeActivity.

The hours are recorded and not billed: SIP invoices them itself. The tag ends the description, for nothing else of an
activity is its own; QuickBooks finds activities by date, and the tag tells which.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from syncd.push import (
    Body,
    Difference,
    Refused,
    as_it_is,
    clean,
    clean_lines,
    compared,
    field,
    no_look,
    no_variances,
    overlay,
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

qbo_type = "TimeActivity"
path = "timeactivity"
reads_first = True
adopts = False
variances = no_variances
informed = as_it_is
look_ahead = no_look

DESCRIPTION_LENGTH = 4000
HOURS = 8760

KEEPS = (
    "ClassRef",
    "CostRate",
    "CustomerRef",
    "DepartmentRef",
    "HourlyRate",
    "PayrollItemRef",
    "ProjectRef",
    "Taxable",
    "TransactionLocationType",
)
"""What an update sends back as it is. Not the times of day: QuickBooks refuses them beside hours and minutes."""


def build(
    document: Mapping[str, Any],
    *,
    sent: Mapping[str, Any] | None,
    qbo_id: str | None,
    sync_token: str | None,
    current: Mapping[str, Any] | None = None,
) -> Body:
    """The body of a create (`qbo_id` None) or of a full write over `current`.

    Raises Refused("payroll_off", "no_time", "too_much_time", "billed").
    """
    if document.get("payroll") is False:
        raise Refused(
            "payroll_off",
            "QuickBooks takes time entries only with QuickBooks Payroll, and that is not on. Get it there, under "
            "Payroll, then run: syncd retry.",
            of_company=True,
        )
    hours, minutes = _time(document)
    description, notes = _description(document)
    worker = document["worker_type"]
    payload: dict[str, Any] = {
        "TxnDate": document["date"],
        "NameOf": worker,
        f"{worker}Ref": reference(document["worker"]),
        "ItemRef": reference(document["item"]),
        "Hours": hours,
        "Minutes": minutes,
        "BillableStatus": "NotBillable",
        "Description": description,
    }
    if document.get("customer") is not None:
        payload["CustomerRef"] = reference(document["customer"])
    if qbo_id is not None:
        if current is not None and current.get("BillableStatus") == "HasBeenBilled":
            raise Refused(
                "billed",
                f"The time entry of {document['date']} is on an invoice in QuickBooks already. Change the hours "
                "there, or take them off that invoice, then run: syncd retry.",
            )
        cleared = {"CustomerRef"} if sent and sent.get("customer") is not None else set()
        payload = overlay(payload, current, qbo_id=qbo_id, sync_token=sync_token, keeps=KEEPS, clears=cleared)
    return Body(payload, name_sent=description, notes=notes)


def own_queries(payload: Mapping[str, Any]) -> list[str]:
    """The activities of the day, the latest first: nothing else that tells them apart can be asked for."""
    day = literal(payload["TxnDate"])
    # QuickBooks' query language has no parameters; `literal` escapes
    return [f"SELECT * FROM TimeActivity WHERE TxnDate = {day} ORDERBY Id DESC MAXRESULTS 1000"]  # noqa: S608 (each value went through `literal`)


def holds_place(payload: Mapping[str, Any], candidate: Mapping[str, Any]) -> bool:
    """Whether an activity bears the tag."""
    return _tag(candidate) == _tag(payload) != ""


def is_own(payload: Mapping[str, Any], candidate: Mapping[str, Any]) -> bool:
    """Whether tag, date, worker and time of a TimeActivity that a look-up found are those of this payload."""
    return holds_place(payload, candidate) and all(
        _READINGS[label](payload) == _READINGS[label](candidate) for label in _IDENTITY
    )


def differences(payload: Mapping[str, Any], answer_object: Mapping[str, Any]) -> list[Difference]:
    """Where QuickBooks' TimeActivity says something else than what was sent.

    QuickBooks takes a worker who is no employee without a word, as "Other"; and it may choose another item.
    """
    return compared(_READINGS, payload, answer_object)


def _duration(holder: Mapping[str, Any]) -> str:
    return f"{holder.get('Hours') or 0}:{holder.get('Minutes') or 0:02}"


_READINGS = {
    "date": field("TxnDate"),
    "kind of worker": field("NameOf"),
    "employee": field("EmployeeRef", "value"),
    "vendor": field("VendorRef", "value"),
    "time": _duration,
    "item": field("ItemRef", "value"),
    "customer": field("CustomerRef", "value"),
    "billable": field("BillableStatus"),
    "description": field("Description"),
}
_IDENTITY = ("date", "employee", "vendor", "time")


def _time(document: Mapping[str, Any]) -> tuple[int, int]:
    hours, minutes = divmod(int(document["minutes"]), 60)
    if document["minutes"] <= 0:
        raise Refused("no_time", f"The time entry of {document['date']} has no time. Enter it in SIP.")
    if hours * 60 + minutes > HOURS * 60:
        raise Refused(
            "too_much_time",
            f"The time entry of {document['date']} has {hours} hours; QuickBooks takes at most {HOURS}. "
            "Correct it in SIP.",
        )
    return hours, minutes


def _description(document: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Type and job, the notes, the tag: "Job Time, Kitchen: brought the pipe [sip 8812]"."""
    what = ", ".join(filter(None, (clean(text(document.get(key))) for key in ("entry_type", "job"))))
    words = ": ".join(filter(None, (what, clean_lines(text(document.get("notes"))))))
    tag = document["tag"]
    fitting = shortened(words, DESCRIPTION_LENGTH - len(tag) - 1)
    notes = (
        () if fitting == words else (f"The notes were shortened to {DESCRIPTION_LENGTH} characters in all.",)
    )
    return f"{fitting} {tag}".strip(), notes


_TAG = re.compile(r"\[sip [^\[\]]+\]$")


def _tag(holder: Mapping[str, Any]) -> str:
    found = _TAG.search(text(holder.get("Description")).rstrip())
    return found.group() if found else ""
