"""SIP's tables as they are in the evening, and which of their records QuickBooks must not have, and why.

The rules are the published ones. What was last written before syncd was switched on is never sent by itself, unless
something that is due needs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from psycopg.rows import dict_row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    import psycopg

    from syncd.demo.businesses import Business
    from syncd.demo.truth import Row

OLD = "from before syncd was switched on, and not touched since"


@dataclass(frozen=True, slots=True)
class Tables:
    """What SIP has of one organization, row by row; by id but for the parts of an invoice or a timesheet."""

    members: Mapping[int, Row]
    customers: Mapping[int, Row]
    jobs: Mapping[int, Row]
    service_items: Mapping[int, Row]
    invoices: Mapping[int, Row]
    payments: Mapping[int, Row]
    timesheets: Mapping[int, Row]
    lines: Sequence[Row]
    entries: Sequence[Row]


def read(sip: psycopg.Connection, company_id: str) -> Tables:
    """All of it, as it is now."""

    def rows(statement: str) -> list[Row]:
        with sip.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(statement.encode(), (company_id,)).fetchall()

    def by_id(table: str) -> dict[int, Row]:
        return {row["id"]: row for row in rows(f"select * from sip.{table} where organization_id = %s")}  # noqa: S608 - our own words

    return Tables(
        members=by_id("members"),
        customers=by_id("customers"),
        jobs=by_id("jobs"),
        service_items=by_id("service_items"),
        invoices=by_id("invoices"),
        payments=by_id("payments"),
        timesheets=by_id("timesheets"),
        lines=rows(
            "select l.* from sip.invoice_lines l join sip.invoices i on i.id = l.invoice_id"
            " where i.organization_id = %s order by l.position, l.id"
        ),
        entries=rows(
            "select e.* from sip.timesheet_entries e join sip.timesheets t on t.id = e.timesheet_id"
            " where t.organization_id = %s order by e.id"
        ),
    )


class Office:
    """One organization."""

    def __init__(
        self, tables: Tables, business: Business, began: datetime, withdrawn: AbstractSet[int]
    ) -> None:
        """`withdrawn`: payments that were collected and synced, and then were not collected any more."""
        self.tables = tables
        self.business = business
        self._began = began
        self._withdrawn = withdrawn
        self._needed_customers = self._customers_of_what_is_due()
        self._needed_items = {
            line["service_item_id"] for line in tables.lines if not self.not_invoice(line["invoice_id"])
        }

    def not_customer(self, key: int) -> str:
        """Why a customer must not be in QuickBooks; "" if it must. So for each type."""
        row = self.tables.customers[key]
        if key in self._needed_customers:
            return ""
        return "deleted" if row["deleted_at"] else self._old(row)

    def not_item(self, key: int) -> str:
        row = self.tables.service_items[key]
        if key in self._needed_items:
            return ""
        return self._old(row) if row["active"] else "inactive"

    def not_invoice(self, key: int) -> str:
        row = self.tables.invoices[key]
        return "a draft" if row["status"] == "draft" else self._old(row)

    def not_payment(self, key: int) -> str:
        row = self.tables.payments[key]
        if row["status"] != "collected":
            return "not collected"
        return self._old(row) or ("" if row["amount"] else "of 0.00: nothing was collected")

    def not_entry(self, row: Row) -> str:
        sheet = self.tables.timesheets[row["timesheet_id"]]
        member = self.tables.members[sheet["member_id"]]["name"]
        if sheet["status"] != "approved":
            return "the timesheet is not approved"
        if sheet["work_date"] < self.business.start_date:
            return "the timesheet is from before the Sync start date"
        if member not in self.business.kind.employees:
            return f"Employee Not Mapped: {member} is nobody in QuickBooks"
        return self._old(sheet) or ("" if row["minutes"] else "no time")

    def collected(self) -> dict[int, Decimal]:
        """What QuickBooks has as payments of each invoice."""
        sums: dict[int, Decimal] = {}
        for key, row in self.tables.payments.items():
            if key in self._withdrawn or not self.not_payment(key):
                sums[row["invoice_id"]] = sums.get(row["invoice_id"], Decimal(0)) + row["amount"]
        return sums

    def lines_of(self, invoice: int) -> list[Row]:
        """The lines of an invoice, in order."""
        return [line for line in self.tables.lines if line["invoice_id"] == invoice]

    def _old(self, row: Row) -> str:
        return OLD if row["updated_at"] < self._began else ""

    def _customers_of_what_is_due(self) -> set[int]:
        invoiced = {
            row["customer_id"] for key, row in self.tables.invoices.items() if not self.not_invoice(key)
        }
        worked_for = {
            self.tables.jobs[row["job_id"]]["customer_id"]
            for row in self.tables.entries
            if row["job_id"] and not self.not_entry(row)
        }
        return invoiced | worked_for
