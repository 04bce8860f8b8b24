"""Reading and writing the mapping tables. What must hold of a row, and becomes due by it: sql/engine/mapping.sql."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from psycopg import sql
from psycopg.types.json import set_json_loads

from syncd.cli.output import count, say, tell
from syncd.cli.session import person
from syncd.db.states import CompanyState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from syncd.cli.session import Connection, Row


def rows(connection: Connection, table: str, company: Row) -> list[Row]:
    """The mappings of a company that are in force: of the realm it is, or was last, connected to."""
    place = _place(table, company)
    set_json_loads(_loads, connection)
    return connection.execute(
        sql.SQL("select * from {} where {}").format(sql.Identifier("syncd", table), _equal(place)), place
    ).fetchall()


def owed(connection: Connection, table: str, company: Row, slot: str | None = None) -> int:
    """How many records are refused for want of a mapping, or wait for what is to stand in for it."""
    row = connection.execute(
        "select syncd.owed_to_mapping(%s, %s, %s) as owed", (company["company_id"], table, slot)
    ).fetchone()
    assert row is not None
    return int(row["owed"])


def put(
    connection: Connection,
    table: str,
    company: Row,
    keys: Mapping[str, Any],
    values: Mapping[str, Any],
    by: str | None = None,
) -> None:
    """Set a mapping, in the name of whoever types if it is in no other."""
    given = {**_place(table, company), **keys, **values}
    statement = sql.SQL(
        "insert into {} ({}) values ({}) on conflict on constraint {} do update set {}"
    ).format(
        sql.Identifier("syncd", table),
        sql.SQL(", ").join(map(sql.Identifier, given)),
        sql.SQL(", ").join(map(sql.Placeholder, given)),
        sql.Identifier(f"{table}_pkey"),
        sql.SQL(", ").join(
            sql.SQL("{} = excluded.{}").format(sql.Identifier(column), sql.Identifier(column))
            for column in values
        ),
    )
    with connection.transaction():
        connection.execute("select set_config('syncd.actor', %s, true)", (by or person(),))
        connection.execute(statement, given)


def remove(connection: Connection, table: str, company: Row, keys: Mapping[str, Any]) -> bool:
    """Take a mapping away; whether there was one."""
    given = {**_place(table, company), **keys}
    statement = sql.SQL("delete from {} where {}").format(sql.Identifier("syncd", table), _equal(given))
    return connection.execute(statement, given).rowcount > 0


def tell_owed(connection: Connection, waiting: int) -> None:
    """What a mapping just set makes due."""
    if not waiting:
        return
    tell(f"{count(waiting, 'record')} that lacked it {'is' if waiting == 1 else 'are'} tried again.")
    if connection.execute("select from syncd.daemons limit 1").fetchone() is None:
        say("No daemon is running, so nothing is sent. Start one: systemctl start syncd")


def tell_realm(company: Row) -> None:
    """What a list is of while the company is not connected."""
    if company["state"] == CompanyState.DISCONNECTED and company["realm_id"] is not None:
        tell(
            f"The company is not connected; this is kept for realm {company['realm_id']}, should it be again."
        )


def _loads(text: str | bytes) -> Any:
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def _place(table: str, company: Row) -> Row:
    """Names are the company's own; ids are of one realm."""
    columns = ["company_id"] if table == "payment_method_map" else ["company_id", "environment", "realm_id"]
    return {column: company[column] for column in columns}


def _equal(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(sql.Identifier(column), sql.Placeholder(column)) for column in columns
    )
