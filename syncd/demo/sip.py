"""SIP as its users and programmers know it: sessions that change customers in transactions, by ordinary SQL.

Nothing here knows of syncd. Each commit is noted with the moment it returned, for the latencies.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from syncd.demo.latency import Change, Key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg.abc import Params

FIELDS = ("name", "email", "phone", "street", "city", "state", "zip")


class Session:
    """A connection of SIP with at most one open transaction."""

    def __init__(self, dsn: str, changes: list[Change]) -> None:
        self._connection = psycopg.connect(dsn, application_name="sip")
        self._changes = changes
        self._open: list[tuple[Key, Mapping[str, str | None]]] = []

    def close(self) -> None:
        """End the session; what was not committed is lost."""
        self._connection.close()

    def add(self, company_id: str, **fields: str | None) -> Key:
        """A new customer."""
        row = {"organization_id": company_id, **fields}
        statement = sql.SQL("insert into sip.customers ({}) values ({}) returning id::text").format(
            sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(sql.Placeholder() * len(row))
        )
        (customer_id,) = self._connection.execute(statement, list(row.values())).fetchone() or ("",)
        self._open.append(((company_id, customer_id), fields))
        return company_id, customer_id

    def edit(self, key: Key, **fields: str | None) -> None:
        """Change a customer. Fields that QuickBooks is not told of may be among them."""
        settings = [sql.SQL("{} = %s").format(sql.Identifier(field)) for field in fields]
        statement = sql.SQL("update sip.customers set {}, updated_at = now() where id = %s").format(
            sql.SQL(", ").join(settings)
        )
        self._connection.execute(statement, [*fields.values(), int(key[1])])
        told = {field: value for field, value in fields.items() if field in FIELDS}
        if told:
            self._open.append((key, told))

    def bulk(self, statement: str, parameters: Params = (), *, sets: tuple[str, ...]) -> list[Key]:
        """A statement over many customers that returns organization_id, id and the fields it `sets`, as text."""
        keys = []
        for company_id, customer_id, *values in self._connection.execute(statement.encode(), parameters):
            keys.append((company_id, customer_id))
            self._open.append((keys[-1], dict(zip(sets, values, strict=True))))
        return keys

    def ask(self, statement: str, parameters: Params = ()) -> list[tuple[Any, ...]]:
        """Any other statement; its rows, if it has some."""
        cursor = self._connection.execute(statement.encode(), parameters)
        return cursor.fetchall() if cursor.description else []

    def savepoint(self) -> int:
        """Mark a point to go back to."""
        self._connection.execute("savepoint demo")
        return len(self._open)

    def back_to(self, savepoint: int) -> None:
        """Undo what came after it."""
        self._connection.execute("rollback to savepoint demo")
        del self._open[savepoint:]

    def commit(self, *, quiet: bool = False) -> float:
        """Commit; the moment at which Postgres had confirmed it."""
        self._connection.commit()
        moment = time.time()
        self._changes += [Change(key, moment, fields, quiet) for key, fields in self._open]
        self._open.clear()
        return moment

    def rollback(self) -> None:
        """Undo everything since the last commit."""
        self._connection.rollback()
        self._open.clear()
