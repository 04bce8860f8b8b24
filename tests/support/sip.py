"""SIP as its users work it: one organization, written to with the statements that the app would send."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from psycopg import sql

from tests.support.arithmetic import Line, figures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from psycopg import Connection

Number = Decimal | int | str


class Session(Protocol):
    """What SIP is written through: a test's database, or a connection of one's own."""

    @property
    def connection(self) -> Connection[Any]:
        """In autocommit."""

    def execute(self, query: str, parameters: Any = None) -> None:
        """Run SQL."""

    def value(self, query: str, parameters: Any = None) -> Any:
        """The first column of the first row, None if there is no row."""


class Sip:
    """One organization."""

    def __init__(self, database: Session, company: str) -> None:
        self.database = database
        self.company = company

    def insert(self, table: str, **columns: Any) -> str:
        """A row; its id."""
        statement = sql.SQL("insert into sip.{} ({}) values ({}) returning id::text").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(sql.Placeholder() * len(columns)),
        )
        row = self.database.connection.execute(statement, list(columns.values())).fetchone()
        assert row is not None
        return str(row[0])

    def insert_all(self, table: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Rows with the same columns, in one statement; their ids in the same order."""
        columns = list(rows[0])
        line = sql.SQL("({})").format(sql.SQL(", ").join(sql.Placeholder() * len(columns)))
        values = [row[column] for row in rows for column in columns]
        statement = sql.SQL("insert into sip.{} ({}) values {} returning id::text").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join([line] * len(rows)),
        )
        found = self.database.connection.execute(statement, values).fetchall()
        return [str(id_) for (id_,) in found]

    def update(self, table: str, id_: str, **columns: Any) -> None:
        """Change a row."""
        changes = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in columns)
        statement = sql.SQL("update sip.{} set {} where id = %s").format(sql.Identifier(table), changes)
        self.database.connection.execute(statement, [*columns.values(), id_])

    def delete(self, table: str, id_: str) -> None:
        """Delete a row, with what SIP deletes along with it."""
        statement = sql.SQL("delete from sip.{} where id = %s").format(sql.Identifier(table))
        self.database.connection.execute(statement, [id_])

    def customer(self, name: str = "Ann Lee", **columns: Any) -> str:
        """A customer; its id."""
        return self.insert("customers", organization_id=self.company, name=name, **columns)

    def job(self, customer: str, name: str = "Kitchen", **columns: Any) -> str:
        """A job; its id."""
        return self.insert("jobs", organization_id=self.company, customer_id=customer, name=name, **columns)

    def service_item(self, name: str = "Repair", price: Number = "80.00", **columns: Any) -> str:
        """A service item; its id."""
        return self.insert("service_items", organization_id=self.company, name=name, price=price, **columns)

    def member(self, name: str = "Sam Ortega", **columns: Any) -> str:
        """A member of the team; its id."""
        email = columns.pop("email", f"{name.replace(' ', '.').lower()}@example.com")
        return self.insert("members", organization_id=self.company, name=name, email=email, **columns)

    def invoice(
        self,
        customer: str,
        *lines: Line | tuple[Number, Number] | tuple[Number, Number, bool],
        number: str | None = None,
        status: str = "sent",
        rate: Number = 0,
        discount: str = "none",
        value: Number = 0,
        by_line: bool = True,
        **columns: Any,
    ) -> str:
        """An invoice with its lines, in one transaction; its id.

        A line is (quantity, price, taxable). `rate` is the tax's, `discount` "percent" or "fixed" with its `value`.
        The stored amounts are SIP's arithmetic; `columns` may say otherwise. Without lines there is one of 100.00.
        """
        written = [_line(line) for line in lines or [("1", "100.00")]]
        rate, value = Decimal(rate), Decimal(value)
        sums = figures(written, rate, discount=discount, value=value, by_line=by_line)
        with self.database.connection.transaction():
            id_ = self.insert(
                "invoices",
                **{
                    "organization_id": self.company,
                    "customer_id": customer,
                    "number": number or self._next_number(),
                    "due_date": columns.get("issue_date", self._today()),
                    "tax_rate": rate,
                    "discount_type": discount,
                    "discount_value": value,
                    "subtotal": sums.subtotal,
                    "discount": sums.discount,
                    "tax": sums.tax,
                    "total": sums.total,
                    "status": status,
                    **columns,
                },
            )
            if columns.get("mode", "line_items") == "line_items":
                for position, line in enumerate(written, start=1):
                    self.line(id_, line, position=position)
        return id_

    def line(self, invoice: str, line: Line, *, position: int = 1) -> str:
        """A line of an invoice that is there; its id."""
        return self.insert(
            "invoice_lines",
            invoice_id=invoice,
            position=position,
            service_item_id=line.item,
            description=line.description,
            quantity=line.quantity,
            unit_price=line.price,
            taxable=line.taxable,
        )

    def payment(self, invoice: str, amount: Number | None = None, **columns: Any) -> str:
        """A payment, collected today in cash, of the whole invoice unless `columns` and `amount` say otherwise.

        Its id. With it the invoice is marked paid, in one transaction.
        """
        given = {"method": "cash", "status": "collected", **columns}
        if given["status"] in ("collected", "refunded"):
            given.setdefault("paid_on", self._today())
        with self.database.connection.transaction():
            if amount is None:
                amount = self.database.value("select total from sip.invoices where id = %s", (invoice,))
            id_ = self.insert(
                "payments", organization_id=self.company, invoice_id=invoice, amount=amount, **given
            )
            if given["status"] == "collected":
                self.update("invoices", invoice, status="paid")
        return id_

    def timesheet(
        self,
        member: str,
        *entries: int | dict[str, Any],
        status: str = "approved",
        day: date | str | None = None,
    ) -> list[str]:
        """A member's timesheet of a day, today if none is given; the ids of its entries.

        An entry is its minutes, or its columns. It is written as a draft, then brought to its status.
        """
        with self.database.connection.transaction():
            sheet = self.insert(
                "timesheets", organization_id=self.company, member_id=member, work_date=day or self._today()
            )
            ids = [self.entry(sheet, entry) for entry in entries or (60,)]
        if status != "draft":
            self.update("timesheets", sheet, status=status)
        return ids

    def entry(self, timesheet: str, entry: int | dict[str, Any]) -> str:
        """An entry of a timesheet that is there; its id."""
        columns = {"minutes": entry} if isinstance(entry, int) else entry
        return self.insert(
            "timesheet_entries", **{"timesheet_id": timesheet, "entry_type": "job_time", **columns}
        )

    def timesheet_of(self, entry: str) -> str:
        """The timesheet of an entry."""
        return str(
            self.database.value("select timesheet_id from sip.timesheet_entries where id = %s", (entry,))
        )

    def _next_number(self) -> str:
        return str(
            self.database.value(
                "update sip.organizations set next_sequence = next_sequence + 1 where id = %s"
                " returning invoice_prefix || lpad((next_sequence - 1)::text, 5, '0')",
                (self.company,),
            )
        )

    def _today(self) -> Any:
        """Where the company is."""
        return self.database.value("select syncd.company_today(%s)", (self.company,))


def _line(line: Line | Sequence[Any]) -> Line:
    if isinstance(line, Line):
        return line
    quantity, price, *taxable = line
    return Line(Decimal(quantity), Decimal(price), *taxable)
