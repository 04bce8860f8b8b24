"""The life of schema `syncd`: upgrade and uninstall. `syncd db check` is in `check.py`.

Upgrade runs as a role that may create roles, is a member of `syncd_owner` and owns SIP's tables: a superuser, most
often. It grants nothing on SIP's tables: the views of `sql/source` belong to whoever upgrades and read with that
role's rights. The only locks that SIP can meet are those of CREATE TRIGGER, taken one table at a time, with a
time-out, and only where a trigger is missing.

Alembic and SQLAlchemy are imported only to migrate: the daemon asks for the newest revision too, and would else take
twice as long to start and 78 MB instead of 55.
"""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

import psycopg
from psycopg import errors, sql
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from syncd.db import files
from syncd.db.connect import connect
from syncd.errors import DatabaseProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from alembic.config import Config as AlembicConfig
    from tenacity import RetryCallState

ROLES = ("syncd_owner", "syncd_daemon", "syncd_admin", "syncd_reader")
OLDEST_POSTGRES = 15
LOCK_TIMEOUT = "1200ms"  # why this long: sql/engine/signal.sql
ATTEMPTS = 60  # to lock one of SIP's tables: some four minutes
SAY_EVERY = 5  # of them
_UPGRADE_LOCK = 0x73796E6364  # "syncd": two upgrades at once take turns


def alembic_config() -> AlembicConfig:
    """Alembic with our migrations, whatever the working directory."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files.folder("migrations")).replace("%", "%%"))
    return config


def newest_revision() -> str:
    """The revision that this version of syncd needs."""
    texts = [
        path.read_text(encoding="utf-8") for path in (files.folder("migrations") / "versions").glob("*.py")
    ]
    named = re.compile(r'^(down_)?revision = "(\w+)"', re.MULTILINE)
    found = [(bool(down), str(name)) for text in texts for down, name in named.findall(text)]
    [head] = {name for down, name in found if not down} - {name for down, name in found if down}
    return head


def upgrade(dsn: str, source_dir: Path | None, say: Callable[[str], None]) -> None:
    """Bring the schema to this version. Repeating it changes nothing; dying half way leaves the old or the new."""
    with connect(dsn) as connection, _one_at_a_time(connection):
        _check_server(connection)
        say("roles")
        _create_roles(connection)
        _refuse_newer(connection)
        say("tables")
        _migrate(dsn)
        say("functions and views")
        replace_code(connection, files.sql_files(source_dir))
        for binding, table in connection.execute(
            "select binding_id, source_table from syncd.binding order by binding_id"
        ).fetchall():
            say(f"triggers on {table}")
            _install(connection, binding, table, say)
        say("log partitions")
        connection.execute("select syncd.make_log_partitions()")
        with connection.transaction():
            connection.execute("delete from syncd.installed_object")
            connection.execute("insert into syncd.installed_object select * from syncd.live_objects()")


def uninstall(dsn: str, say: Callable[[str], None]) -> None:
    """Remove everything of ours. SIP's schema is left as it was before the first upgrade."""
    with connect(dsn) as connection, _one_at_a_time(connection):
        if connection.execute("select to_regnamespace('syncd')").fetchone() == (None,):
            raise DatabaseProblem("There is no schema syncd in this database.")
        alive = connection.execute(
            "select host, pid from syncd.worker where alive_until > clock_timestamp() limit 1"
        ).fetchone()
        if alive:
            raise DatabaseProblem(
                f"A daemon still runs on host {alive[0]} (process {alive[1]}).",
                "Stop it first: systemctl stop syncd.",
            )
        _remove_triggers(connection, say)
        say("schema syncd")
        connection.execute("drop schema syncd cascade")
        say("roles")
        for role in ROLES:
            _drop_role(connection, role, say)


@contextmanager
def _one_at_a_time(connection: psycopg.Connection) -> Iterator[None]:
    connection.execute("select pg_advisory_lock(%s)", (_UPGRADE_LOCK,))
    try:
        yield
    finally:
        if not connection.broken:
            connection.execute("select pg_advisory_unlock(%s)", (_UPGRADE_LOCK,))


def _check_server(connection: psycopg.Connection) -> None:
    if connection.info.server_version < OLDEST_POSTGRES * 10000:
        version = connection.info.parameter_status("server_version")
        raise DatabaseProblem(f"This is Postgres {version}.", f"syncd needs {OLDEST_POSTGRES} or newer.")
    if connection.execute("select pg_is_in_recovery()").fetchone() == (True,):
        raise DatabaseProblem(
            "This server is a standby and cannot be written.", "Name the primary in SYNCD_DSN."
        )


def _create_roles(connection: psycopg.Connection) -> None:
    have = {
        name for (name,) in connection.execute("select rolname from pg_roles where rolname like 'syncd%'")
    }
    try:
        for role in ROLES:
            if role not in have:
                connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
        if not _is_member(connection):
            connection.execute("grant syncd_owner to current_user")
        connection.execute("create schema if not exists syncd authorization syncd_owner")
    except errors.InsufficientPrivilege as error:
        raise DatabaseProblem(
            f"This role may not prepare the database ({error.diag.message_primary}).",
            "Run the upgrade as a superuser, or let one create the roles "
            f"{', '.join(ROLES)} and grant syncd_owner to yours.",
        ) from None


def _is_member(connection: psycopg.Connection) -> bool:
    # 'member' is too little where PostgreSQL 16 and later grant membership without SET
    kind = "set" if connection.info.server_version >= 160000 else "member"
    row = connection.execute("select pg_has_role(current_user, 'syncd_owner', %s)", (kind,)).fetchone()
    return row == (True,)


def _refuse_newer(connection: psycopg.Connection) -> None:
    if connection.execute("select to_regclass('syncd.alembic_version')").fetchone() == (None,):
        return
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()}
    for (revision,) in connection.execute("select version_num from syncd.alembic_version").fetchall():
        if revision not in known:
            raise DatabaseProblem(
                f"This database is newer (revision {revision}) than this syncd.", "Install the newer syncd."
            )


def _migrate(dsn: str) -> None:
    from alembic import command
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    def owner() -> psycopg.Connection:
        connection = connect(dsn)
        connection.execute("set role syncd_owner")
        connection.execute("set lock_timeout = '5s'")
        connection.autocommit = False
        return connection

    engine = create_engine("postgresql+psycopg://", creator=owner, poolclass=NullPool)
    with engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def replace_code(connection: psycopg.Connection, sources: list[files.SqlFile]) -> None:
    """Replace every function and view in one transaction: a daemon sees the old ones or the new ones, never half.

    Trigger functions stay and are replaced in place, since triggers hang on them.
    """
    with connection.transaction():
        connection.execute("set local role syncd_owner")
        # Functions of sql/engine name syncd.documents, which is generated from the entities after them.
        connection.execute("set local check_function_bodies = off")
        _drop_code(connection)
        for part in files.PARTS:
            # SIP's tables are read with the rights of whoever upgrades, all else with ours.
            connection.execute("reset role" if part == "source" else "set local role syncd_owner")
            for file in sources:
                if file.part == part:
                    _apply(connection, file)
            if part == "source":
                _grant_sources(connection)
            if part == "entity":
                connection.execute("select syncd.assemble()")
        connection.execute("delete from syncd.sql_file")
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into syncd.sql_file (path, sha256) values (%s, %s)",
                [(f.path, f.digest) for f in sources],
            )


def _apply(connection: psycopg.Connection, file: files.SqlFile) -> None:
    try:
        connection.execute(file.text.encode())
    except psycopg.Error as error:
        remedy = f"Correct sql/{file.path}."
        if file.part == "source":
            remedy = (
                "The files of sql/source must fit SIP's tables: see CONTRIBUTING.md and SYNCD_SOURCE_DIR."
            )
        raise DatabaseProblem(
            f"sql/{file.path} does not apply: {error.diag.message_primary}.", remedy
        ) from error


def _drop_code(connection: psycopg.Connection) -> None:
    views = connection.execute(
        "select string_agg(format('%I.%I', schemaname, viewname), ', ') from pg_views where schemaname = 'syncd'"
    ).fetchone()
    functions = connection.execute(
        "select string_agg(oid::regprocedure::text, ', ') from pg_proc "
        "where pronamespace = 'syncd'::regnamespace and prorettype <> 'trigger'::regtype"
    ).fetchone()
    try:
        if views and views[0]:
            connection.execute("drop view " + views[0])
        if functions and functions[0]:
            connection.execute("drop function " + functions[0])
    except errors.DependentObjectsStillExist as error:
        raise DatabaseProblem(
            f"Something of yours is built on syncd's views or functions: {error.diag.message_detail}.",
            "Drop it, upgrade, and create it again.",
        ) from None


def _grant_sources(connection: psycopg.Connection) -> None:
    for (view,) in connection.execute(
        "select viewname from pg_views where schemaname = 'syncd' and viewname like 'source\\_%'"
    ).fetchall():
        connection.execute(
            sql.SQL("grant select on {} to syncd_owner with grant option").format(
                sql.Identifier("syncd", view)
            )
        )


def _install(connection: psycopg.Connection, binding: int, table: str, say: Callable[[str], None]) -> None:
    def functions() -> None:
        connection.execute("select syncd.install_functions(%s)", (binding,))

    def triggers(relation: int) -> None:
        connection.execute("select syncd.install_triggers(%s, %s)", (binding, relation))

    try:
        _patiently(connection, table, functions, say)
        for relation, name in connection.execute(
            "select * from syncd.tables_to_change(%s)", (binding,)
        ).fetchall():
            _patiently(connection, name, partial(triggers, relation), say)
    except psycopg.Error as error:
        raise DatabaseProblem(
            f"The triggers on {table} cannot be made: {error.diag.message_primary}.",
            error.diag.message_hint or "Correct its file in sql/source.",
        ) from error


def _remove_triggers(connection: psycopg.Connection, say: Callable[[str], None]) -> None:
    """Remove all of ours from SIP's tables, by catalog: neither an older schema nor a damaged one keeps them there."""

    def drop(table: str, names: list[str]) -> None:
        connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'".encode())
        for name in names:
            connection.execute(
                sql.SQL("drop trigger if exists {} on {}").format(sql.Identifier(name), sql.SQL(table))
            )

    for table, names in connection.execute(
        "select t.tgrelid::regclass::text, array_agg(t.tgname::text) from pg_trigger t"
        " join pg_proc p on p.oid = t.tgfoid join pg_class c on c.oid = t.tgrelid"
        " where p.pronamespace = 'syncd'::regnamespace and c.relnamespace <> p.pronamespace"
        " and not t.tgisinternal and t.tgparentid = 0 group by t.tgrelid order by t.tgrelid"
    ).fetchall():
        say(f"triggers on {table}")
        _patiently(connection, table, partial(drop, table, names), say)


def _patiently(
    connection: psycopg.Connection, table: str, work: Callable[[], None], say: Callable[[str], None]
) -> None:
    """Do something that locks one of SIP's tables, again and again while SIP holds it.

    One table is one transaction: SIP never waits for us on one table while we wait for SIP on another.
    """

    def again(state: RetryCallState) -> None:
        if state.attempt_number % SAY_EVERY == 1:
            say(f"waiting for a quiet moment on {table}{_holder(connection, table)}")

    try:
        for attempt in Retrying(
            retry=retry_if_exception_type((errors.LockNotAvailable, errors.DeadlockDetected)),
            wait=wait_random_exponential(multiplier=0.2, max=5),
            stop=stop_after_attempt(ATTEMPTS),
            before_sleep=again,
            reraise=True,
        ):
            with attempt, connection.transaction():
                work()
    except (errors.LockNotAvailable, errors.DeadlockDetected):
        raise DatabaseProblem(
            f"Table {table} was never free for a moment{_holder(connection, table)}.",
            "Try again at a quieter time; what was done stays done.",
        ) from None


def _holder(connection: psycopg.Connection, table: str) -> str:
    with suppress(errors.UndefinedFunction):  # in an older schema
        row = connection.execute("select syncd.who_holds(syncd.table_named(%s))", (table,)).fetchone()
        return f": {row[0]}" if row and row[0] else ""
    return ""


def _drop_role(connection: psycopg.Connection, role: str, say: Callable[[str], None]) -> None:
    name = sql.Identifier(role)
    if connection.execute("select from pg_roles where rolname = %s", (role,)).fetchone() is None:
        return
    connection.execute(sql.SQL("drop owned by {}").format(name))
    try:
        connection.execute(sql.SQL("drop role {}").format(name))
    except errors.DependentObjectsStillExist:
        say(f"role {role} stays: another database of this server uses it")
