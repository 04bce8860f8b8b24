"""`syncd db check`: does the database hold exactly what this version of syncd put there? Read only.

The daemon asks the same at its start and refuses to run on a schema that is missing, older or newer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from psycopg.rows import tuple_row

from syncd.db import files
from syncd.db.schema import ROLES, newest_revision

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    import psycopg


UPGRADE = "Run: syncd db upgrade"


class Finding(NamedTuple):
    """One thing that is missing or differs. `fatal`: the daemon must not run like this."""

    sentence: str
    remedy: str
    fatal: bool


def findings(connection: psycopg.Connection, source_dir: Path | None) -> list[Finding]:
    """Everything found, the worst first; an empty list is a sound schema."""
    found = _version(connection)
    if found:
        return found
    found = [
        *_roles(connection),
        *_code(connection, source_dir),
        *_objects(connection),
        *_watched(connection),
        *_log(connection),
    ]
    return sorted(found, key=lambda finding: not finding.fatal)


def _rows(connection: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(query.encode()).fetchall()


def _version(connection: psycopg.Connection) -> list[Finding]:
    if _rows(connection, "select to_regclass('syncd.alembic_version')") == [(None,)]:
        return [Finding("Schema syncd is not installed in this database.", UPGRADE, fatal=True)]
    have = [revision for (revision,) in _rows(connection, "select version_num from syncd.alembic_version")]
    want = newest_revision()
    if have != [want]:
        sentence = f"The tables are at revision {', '.join(have) or 'none'}; this syncd needs {want}."
        return [Finding(sentence, f"{UPGRADE} (or install the syncd that made them).", fatal=True)]
    if _rows(connection, "select to_regprocedure('syncd.live_objects()')") == [(None,)]:
        return [Finding("The functions and views have not been installed.", UPGRADE, fatal=True)]
    return []


def _roles(connection: psycopg.Connection) -> list[Finding]:
    have = {name for (name,) in _rows(connection, "select rolname from pg_roles where rolname like 'syncd%'")}
    return [Finding(f"Role {role} is missing.", UPGRADE, fatal=False) for role in ROLES if role not in have]


def _code(connection: psycopg.Connection, source_dir: Path | None) -> list[Finding]:
    have = dict(_rows(connection, "select path, sha256 from syncd.sql_file"))
    want = {file.path: file.digest for file in files.sql_files(source_dir)}
    return [
        Finding(f"sql/{path} {what}.", UPGRADE, fatal=True)
        for path in sorted(have.keys() | want.keys())
        if (
            what := "has not been applied"
            if path not in have
            else "is no longer part of syncd, but still applied"
            if path not in want
            else "differs from what was applied"
            if have[path] != want[path]
            else ""
        )
    ]


def _objects(connection: psycopg.Connection) -> list[Finding]:
    """Compare what is live with what the last upgrade left; after a move to another Postgres only by name."""
    live = {(k, n): (d, v) for k, n, d, v in _rows(connection, "select * from syncd.live_objects()")}
    kept = {(k, n): (d, v) for k, n, d, v in _rows(connection, "select * from syncd.installed_object")}
    found = []
    for kind, name in sorted(live.keys() | kept.keys()):
        is_now, was = live.get((kind, name)), kept.get((kind, name))
        if is_now is None:
            found.append(Finding(f"{kind.capitalize()} {name} is missing.", UPGRADE, fatal=True))
        elif was is None:
            found.append(Finding(f"{kind.capitalize()} {name} was not made by syncd.", UPGRADE, fatal=False))
        elif is_now != was and is_now[1] == was[1]:
            found.append(Finding(f"{kind.capitalize()} {name} was changed by hand.", UPGRADE, fatal=False))
    return found


def _watched(connection: psycopg.Connection) -> list[Finding]:
    """Look at SIP's tables and the triggers on them."""
    if _rows(connection, "select to_regprocedure('syncd.watch_problems()')") == [(None,)]:
        return []  # an older schema, which has been said
    return [Finding(*row) for row in _rows(connection, "select * from syncd.watch_problems()")]


def _log(connection: psycopg.Connection) -> list[Finding]:
    query = "select to_regclass('syncd.sync_log_' || to_char(now() at time zone 'UTC', 'YYYY_MM'))"
    if _rows(connection, query) == [(None,)]:
        # not fatal: the daemon makes it
        return [Finding("The log has no partition for this month.", UPGRADE, fatal=False)]
    return []
