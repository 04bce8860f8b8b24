"""Time entries: whose hours, on what day and for whom; recorded, and never billed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from syncd.demo.businesses import OWN_ITEM
from syncd.demo.truth import Held, Wanted, plain
from syncd.demo.truth.customers import sent_name

if TYPE_CHECKING:
    from syncd.demo.truth import Row
    from syncd.demo.truth.books import Books
    from syncd.demo.truth.office import Office

KINDS = {
    "job_time": "Job Time",
    "travel": "Travel",
    "admin_office": "Admin / Office",
    "training": "Training",
    "shop_yard": "Shop / Yard",
    "other": "Other",
}
TAG = re.compile(r"\[sip \d+\]$")


def wanted(office: Office) -> list[Wanted]:
    """SIP's time entries, by the tag that each has in QuickBooks."""
    return [_wanted(office, row) for row in office.tables.entries]


def held(books: Books) -> list[Held]:
    """QuickBooks' time activities, by tag."""
    return [_held(books, row) for row in books.all("TimeActivity")]


def _wanted(office: Office, row: Row) -> Wanted:
    sheet = office.tables.timesheets[row["timesheet_id"]]
    member = office.tables.members[sheet["member_id"]]["name"]
    job = office.tables.jobs[row["job_id"]] if row["job_id"] else None
    what = ", ".join(filter(None, (KINDS[row["entry_type"]], plain(job["name"]) if job else "")))
    words = ": ".join(filter(None, (what, plain(row["notes"]))))
    tag = f"[sip {row['id']}]"
    fields = {
        "date": str(sheet["work_date"]),
        "employee": member,
        "time": f"{row['minutes'] // 60}:{row['minutes'] % 60:02}",
        "customer": sent_name(office.tables.customers[job["customer_id"]]) if job else "",
        "item": OWN_ITEM,
        "billable": "NotBillable",
        "description": f"{words} {tag}",
    }
    return Wanted(str(row["id"]), f"{member}, {sheet['work_date']}", tag, fields, office.not_entry(row))


def _held(books: Books, row: Row) -> Held:
    description = row.get("Description", "")
    tag = TAG.search(description)
    fields = {
        "date": row["TxnDate"],
        "employee": books.name("Employee", row.get("EmployeeRef")),
        "time": f"{row.get('Hours') or 0}:{row.get('Minutes') or 0:02}",
        "customer": books.name("Customer", row.get("CustomerRef")),
        "item": books.name("Item", row.get("ItemRef")),
        "billable": row["BillableStatus"],
        "description": description,
    }
    return Held(tag.group() if tag else description, fields)
