"""Items, customers and invoices in SIP, what an admin chose for them, and what QuickBooks has of them already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql
from psycopg.types.json import Jsonb

from syncd.db.queue import parse
from tests.support.sip import Sip

if TYPE_CHECKING:
    from tests.support.database import Database

Line = tuple[Any, ...]
"""Description, quantity, unit price, taxable, and the id of a service item if it has one."""

AUTOMATED: dict[str, Any] = {"TaxPrefs": {"UsingSalesTax": True, "PartnerTaxEnabled": True}}


class Billing:
    """Company 1 and its books, one row at a time."""

    def __init__(self, database: Database, company: str = "1") -> None:
        self.database = database
        self.company = company
        self.sip = Sip(database, company)

    def customer(self, name: str = "Ann Lee", qbo_id: str | None = "58", **columns: Any) -> str:
        """A customer that QuickBooks has, unless `qbo_id` is None."""
        id_ = self.database.add_customer(name, self.company, **columns)
        return self._known("customer", id_, "Customer", qbo_id)

    def item(self, name: str = "Drain cleaning", qbo_id: str | None = "21", **columns: Any) -> str:
        """A service item that QuickBooks has, unless `qbo_id` is None."""
        id_ = self.sip.insert("service_items", organization_id=self.company, name=name, **columns)
        return self._known("service_item", id_, "Item", qbo_id)

    def invoice(self, customer: str, *lines: Line, **columns: Any) -> str:
        """An invoice with its lines in one transaction; sent, over 100.00, unless `columns` say otherwise."""
        fields: dict[str, Any] = {
            "organization_id": self.company,
            "customer_id": customer,
            "number": "INV-00042",
            "issue_date": "2026-08-14",
            "due_date": "2026-09-13",
            "subtotal": 100,
            "status": "sent",
            **columns,
        }
        fields.setdefault("total", fields["subtotal"] - fields.get("discount", 0) + fields.get("tax", 0))
        with self.database.connection.transaction():
            id_ = self.sip.insert("invoices", **fields)
            self.lines(id_, *lines)
        return id_

    def lines(self, invoice: str, *lines: Line) -> None:
        """More lines, in this order."""
        for position, line in enumerate(lines, 1):
            names = ("description", "quantity", "unit_price", "taxable", "service_item_id")
            self.sip.insert(
                "invoice_lines", invoice_id=invoice, position=position, **dict(zip(names, line, strict=False))
            )

    def link(self, entity: str, id_: str, qbo_type: str, qbo_id: str) -> None:
        """QuickBooks has this record as it is now: as its judgement says it would be sent."""
        self.database.execute(
            "insert into syncd.link (company_id, entity_type, sip_id, environment, realm_id, qbo_type, qbo_id,"
            " sync_token, fingerprint, document, state)"
            " select c.company_id, %s, %s, c.environment, c.realm_id, %s, %s, '0', j.fingerprint, j.document, 'synced'"
            " from syncd.company c left join syncd.judge(array[c.company_id], array[%s], array[%s]) j on true"
            " where c.company_id = %s",
            (entity, id_, qbo_type, qbo_id, entity, id_, self.company),
        )

    def sent(self, invoice: str) -> str:
        """QuickBooks has this invoice as it is now."""
        self.link("invoice", invoice, "Invoice", f"Q{invoice}")
        return invoice

    def choose(self, map_: str, slot: str, qbo_id: str, **columns: Any) -> None:
        """A row of account_map, item_map or tax_map, of the realm that is connected."""
        fields = {"slot": slot, "qbo_id": qbo_id, "qbo_name": f"Name of {qbo_id}", **columns}
        self.database.connection.execute(
            sql.SQL(
                "insert into {} (company_id, environment, realm_id, {}) select company_id, environment, realm_id, {}"
                " from syncd.company where company_id = {} on conflict (company_id, environment, realm_id, slot)"
                " do update set qbo_id = excluded.qbo_id"
            ).format(
                sql.Identifier("syncd", map_),
                sql.SQL(", ").join(map(sql.Identifier, fields)),
                sql.SQL(", ").join(sql.Placeholder() * len(fields)),
                sql.Placeholder(),
            ),
            [*fields.values(), self.company],
        )

    def rate(self, percent: str, code: str) -> None:
        """The tax code of a rate, which consists of one."""
        self.choose("tax_map", percent, code, rates=f'[{{"rate_ref": "R{code}", "percent": {percent}}}]')

    def prefer(self, region: str = "us", currency: str = "USD", **preferences: Any) -> None:
        """What QuickBooks said of the company."""
        self.database.execute(
            "update syncd.company set region = %s, home_currency = %s, preferences = %s where company_id = %s",
            (region, currency, Jsonb(preferences), self.company),
        )

    def connect(self, realm: str) -> None:
        """Connect the company to this realm."""
        self.database.execute(
            "select syncd.connect_company(%s, 'sandbox', %s, '\\x00', now() + interval '1 hour',"
            " now() + interval '100 days', '{}', %s, 'USD', false)",
            (self.company, realm, Jsonb(AUTOMATED)),
        )

    def row(self, entity: str, id_: str) -> dict[str, Any]:
        """The row of syncd.documents, its document as a push module gets it."""
        [(due, name, skip, missing, unready, document)] = self.database.rows(
            "select due, entity_name, skip, to_json(missing), unready, document::text"
            " from syncd.documents(array[%s], array[%s])",
            (entity, id_),
        )
        return {
            "due": due,
            "name": name,
            "skip": skip,
            "missing": [(m["entity_type"], m["entity_id"]) for m in missing],
            "unready": unready,
            "document": parse(document),
        }

    def document(self, id_: str, entity: str = "invoice") -> dict[str, Any]:
        """What QuickBooks would be told of a record that it does not have."""
        document: dict[str, Any] = self.row(entity, id_)["document"]
        return document

    def verdict(self, id_: str, entity: str = "invoice") -> str:
        """What would come of it now."""
        said: str = self.database.value(
            "select verdict from syncd.judge(array[%s], array[%s], array[%s])", (self.company, entity, id_)
        )
        return said

    def _known(self, entity: str, id_: str, qbo_type: str, qbo_id: str | None) -> str:
        if qbo_id is not None:
            self.link(entity, id_, qbo_type, qbo_id)
        return id_
