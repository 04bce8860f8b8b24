"""SIP as its users and programmers know it: sessions that write its tables in transactions, by ordinary SQL.

Nothing here knows of syncd.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from syncd.demo.latency import Commit

if TYPE_CHECKING:
    from psycopg.abc import Params


class Session:
    """A connection of SIP with at most one open transaction. `commits` gets the moment of each commit."""

    def __init__(self, dsn: str, commits: list[Commit]) -> None:
        self._connection = psycopg.connect(dsn, application_name="sip")
        self._commits = commits

    def close(self) -> None:
        """End the session; what was not committed is lost."""
        self._connection.close()

    def add(self, table: str, **columns: Any) -> str:
        """A new row; its id."""
        statement = sql.SQL("insert into sip.{} ({}) values ({}) returning id::text").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(sql.Placeholder() * len(columns)),
        )
        (key,) = self._connection.execute(statement, list(columns.values())).fetchone() or ("",)
        return str(key)

    def edit(self, table: str, key: str, **columns: Any) -> None:
        """Change a row; like every app of its kind, SIP notes when."""
        settings = [sql.SQL("{} = %s").format(sql.Identifier(column)) for column in columns]
        statement = sql.SQL("update sip.{} set {}, updated_at = now() where id = %s").format(
            sql.Identifier(table), sql.SQL(", ").join(settings)
        )
        self._connection.execute(statement, [*columns.values(), int(key)])

    def ask(self, statement: str, parameters: Params = ()) -> list[tuple[Any, ...]]:
        """Any other statement; its rows, if it has some."""
        cursor = self._connection.execute(statement.encode(), parameters)
        return cursor.fetchall() if cursor.description else []

    def one(self, statement: str, parameters: Params = ()) -> str:
        """The only value that a question has, as text."""
        [[value]] = self.ask(statement, parameters)
        return str(value)

    def commit(self) -> None:
        """Commit, and note when."""
        asked = time.time()
        self._connection.commit()
        self._commits.append(Commit(asked, time.time()))

    def rollback(self) -> None:
        """Undo everything since the last commit."""
        self._connection.rollback()
