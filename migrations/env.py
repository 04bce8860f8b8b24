"""Alembic's entry: versions the tables of schema `syncd`. Called by `syncd db upgrade` and by the `alembic` command.

Functions, views and triggers are not here: they live in `sql/` and are replaced whole at each upgrade.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from alembic import context
from sqlalchemy import Table, create_engine, event
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.pool import NullPool

from syncd.db.tables import SCHEMA, PgSnapshot, Xid8, metadata

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

# else the reflection warns that it does not know the types
ischema_names["xid8"] = Xid8
ischema_names["pg_snapshot"] = PgSnapshot


@event.listens_for(Table, "column_reflect")
def _ignore_comments(_inspector: Any, _table: Table, column_info: dict[str, Any]) -> None:
    """Comments are documentation and live in sql/comments.sql, so they are no drift of the tables."""
    column_info.pop("comment", None)


def _include(name: str | None, kind: str, parents: Any) -> bool:
    """Only our schema; the log's monthly partitions are made by a function, not declared."""
    if kind == "schema":
        return name == SCHEMA
    if kind == "table":
        return not (name or "").startswith("sync_log_")
    del parents
    return True


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table_schema=SCHEMA,
        include_schemas=True,
        include_name=_include,
        compare_server_default=False,
    )
    with context.begin_transaction():
        context.run_migrations()


def _main() -> None:
    given: Connection | None = context.config.attributes.get("connection")
    if given is not None:
        _run(given)
        return
    engine = create_engine(
        "postgresql+psycopg://", connect_args={"conninfo": os.environ["SYNCD_DSN"]}, poolclass=NullPool
    )
    with engine.connect() as connection:
        _run(connection)
        connection.commit()


_main()
