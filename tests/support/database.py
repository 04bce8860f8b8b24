"""A fresh database for a test, made from a template in milliseconds, with SIP's schema and syncd installed."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from syncd.db import files, schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncd.demo.postgres import Server

TEMPLATE = "syncd_template"
LOGINS = {"daemon": "syncd_daemon", "admin": "syncd_admin", "reader": "syncd_reader"}
ORIGINS = 4  # kept at a time: each is 12 MB of memory
_numbers = itertools.count(1)


class Database:
    """A database, with connection strings for the roles that people and the daemon have."""

    def __init__(self, server: Server, name: str) -> None:
        self.name = name
        self.dsn = server.dsn(name)
        self.daemon_dsn, self.admin_dsn, self.reader_dsn = (
            make_conninfo(self.dsn, user=f"test_{role}") for role in LOGINS
        )
        self.connection = psycopg.connect(self.dsn, autocommit=True)

    def execute(self, query: str, parameters: Any = None) -> None:
        """Run SQL as the superuser, in autocommit."""
        self.connection.execute(query.encode(), parameters)

    def rows(self, query: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """All rows."""
        return self.connection.execute(query.encode(), parameters).fetchall()

    def value(self, query: str, parameters: Any = None) -> Any:
        """The first column of the first row, None if there is no row."""
        row = self.connection.execute(query.encode(), parameters).fetchone()
        return row[0] if row else None

    def add_company(self, company_id: str = "1", *, realm: str = "9130", on: bool = True) -> str:
        """An organization of SIP that is a connected company, with Enable Sync and customers on or off."""
        self.execute(
            "insert into sip.organizations (id, name) values (%s, %s)", (company_id, f"Company {company_id}")
        )
        self.execute(
            "insert into syncd.company (company_id, name, region, timezone) values (%s, %s, 'us', 'America/Denver')",
            (company_id, f"Company {company_id}"),
        )
        self.execute(
            "select syncd.connect_company(%s, 'sandbox', %s, '\\x00', now() + interval '1 hour',"
            " now() + interval '100 days', '{}', '{}', 'USD', false)",
            (company_id, realm),
        )
        if on:
            self.switch(company_id, enable_sync=True, auto_customers=True)
        return company_id

    def switch(self, company_id: str, **settings: bool) -> None:
        """Change settings, as an admin does by SQL."""
        for column, value in settings.items():
            statement = sql.SQL("update syncd.sync_settings set {} = %s where company_id = %s")
            self.connection.execute(statement.format(sql.Identifier(column)), (value, company_id))

    def add_customer(self, name: str, company_id: str = "1", **columns: Any) -> str:
        """A customer in SIP; returns its id."""
        fields = {"organization_id": int(company_id), "name": name, **columns}
        statement = sql.SQL("insert into sip.customers ({}) values ({}) returning id::text").format(
            sql.SQL(", ").join(map(sql.Identifier, fields)),
            sql.SQL(", ").join(sql.Placeholder() * len(fields)),
        )
        row = self.connection.execute(statement, list(fields.values())).fetchone()
        assert row is not None
        return str(row[0])


Prepare = Callable[[Database], object]
Begin = Callable[[Prepare], Database]
_origins: dict[Prepare, str] = {}  # on the one server of this worker that has the template


def make_template(server: Server) -> None:
    """Install everything once; each test copies it."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(f"create database {TEMPLATE}")
        for login in LOGINS:
            connection.execute(f"create role test_{login} login")
    with psycopg.connect(server.dsn(TEMPLATE), autocommit=True) as connection:
        for name in ("schema", "sample"):
            connection.execute((files.folder("sql") / "sip" / f"{name}.sql").read_bytes())
    schema.upgrade(server.dsn(TEMPLATE), None, lambda _text: None)
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        for login, role in LOGINS.items():
            connection.execute(f"grant {role} to test_{login}")


def fresh_database(server: Server, origin: str = TEMPLATE) -> Iterator[Database]:
    """A copy of the template, dropped at the end whoever is still connected, even if the server was restarted."""
    database = _copy(server, origin)
    try:
        yield database
    finally:
        database.connection.close()
        _drop(server, database.name)


def prepared(server: Server, prepare: Prepare) -> str:
    """A database for others to be copies of, on which `prepare` was run: once, for tests that begin alike.

    What `prepare` does in every test would cost more than the copy, since each session makes its plans anew.
    """
    if prepare not in _origins:
        if len(_origins) >= ORIGINS:
            _drop(server, _origins.pop(next(iter(_origins))))
        database = _copy(server, TEMPLATE)
        prepare(database)
        database.connection.close()
        _origins[prepare] = database.name
    return _origins[prepare]


def _copy(server: Server, origin: str) -> Database:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(f"create database {name} template {origin} strategy file_copy")
    return Database(server, name)


def _drop(server: Server, name: str) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")
