"""Looking at signals, at what `syncd db check` finds, and at what is left in SIP's schema."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import psycopg

from syncd.db import check, schema

if TYPE_CHECKING:
    from syncd.demo.postgres import Server
    from tests.support.database import Database


def signals(database: Database) -> list[tuple[str | None, str, str]]:
    """(company, entity type, entity id) of each, in order."""
    return [
        (company, entity, id_)
        for company, entity, id_ in database.rows(
            "select company_id, entity_type, id from syncd.outbox"
            " cross join unnest(coalesce(entity_ids, array[entity_id])) r (id) order by id::bigint, company_id"
        )
    ]


def keys(database: Database) -> list[int]:
    """The ids signaled, in order; one that was signaled twice is there twice."""
    return [int(id_) for _company, _entity, id_ in signals(database)]


def binding(database: Database, table: str) -> int:
    """The number of a table's binding, which is part of the names of what is made for it."""
    number: int = database.value("select binding_id from syncd.binding where source_table = %s", (table,))
    return number


def upgrade(dsn: str) -> list[str]:
    """Upgrade; what it said."""
    said: list[str] = []
    schema.upgrade(dsn, None, said.append)
    return said


def findings(dsn: str) -> list[str]:
    """The sentences of `syncd db check`."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        return [finding.sentence for finding in check.findings(connection, None)]


def dump_sip(server: Server, dsn: str) -> str:
    """Schema `sip` as pg_dump prints it, without the lines that are random by design."""
    done = subprocess.run(
        [server.bin / "pg_dump", "--dbname", dsn, "--schema", "sip"],
        capture_output=True,
        text=True,
        check=True,
    )
    return re.sub(r"(?m)^\\(un)?restrict .*$", "", done.stdout)
