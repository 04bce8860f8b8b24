"""SIP, syncd and QBO as three processes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from syncd.qbo.oauth import parse_tokens
from syncd.qbo.vault import Vault
from tests.support import nursery
from tests.support.cli import Commands
from tests.support.company import Company
from tests.support.database import fresh_database
from tests.support.diagnosis import diagnosis
from tests.support.mapped import add_tax, employ, make_ready
from tests.support.processes import VAULT_KEY, Daemon, Sandbox, environment, until, witnesses
from tests.support.sip import Sip

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from syncd.demo.postgres import Server
    from tests.support.database import Database


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """One sandbox for this worker; each test has realms of its own."""
    running = Sandbox()
    yield running
    running.stop()


class World:
    """One database with its companies, the sandbox, and any number of daemons."""

    def __init__(self, database: Database, sandbox: Sandbox, folder: Path) -> None:
        self.database = database
        self.sandbox = sandbox
        self._folder = folder
        self.daemons: list[Daemon] = []
        witnesses.append(self._diagnosis)

    def connect(self, company: str = "1", *, on: bool = True, ready: bool = False, **profile: Any) -> str:
        """A company of SIP, connected to a realm of its own. Returns the realm.

        `ready`: region and facts are the realm's, which has Payroll unless `profile` says otherwise; everything is
        mapped, and all switches are on. Else only customers are on.

        Without the commands, which have tests of their own: a process costs a hundred times this.
        """
        if ready:
            profile = {"payroll": True, **profile}
        made = self.sandbox.tell("companies", **{"profile": "us-automated-tax", **profile})
        realm: str = made["realm_id"]
        tokens = parse_tokens(self.sandbox.tell("tokens", realm_id=realm), datetime.now(UTC))
        self.database.execute(
            "insert into sip.organizations (id, name) values (%s, 'Company') on conflict do nothing",
            (company,),
        )
        self.database.execute(
            "insert into syncd.company (company_id, name, region, timezone) values (%s, %s, 'us', 'America/Denver')",
            (company, f"Company {company}"),
        )
        self.database.execute(
            "select syncd.connect_company(%s, 'sandbox', %s, %s, %s, %s, '{}', '{}', 'USD', false)",
            (
                company,
                realm,
                Vault([VAULT_KEY]).encrypt(tokens.to_json()),
                tokens.access_expires_at,
                tokens.refresh_expires_at,
            ),
        )
        if ready:
            make_ready(self.database, self.sandbox, company, realm)
        elif on:
            self.database.switch(company, enable_sync=True, auto_customers=True)
        return realm

    def sip(self, company: str = "1") -> Sip:
        """The organization of SIP that this company is."""
        return Sip(self.database, company)

    def add_tax(self, *percents: str, company: str = "1") -> None:
        """A tax code of these rates in QuickBooks, mapped to what they come to: 12 from "5" and "7"."""
        add_tax(self.database, self.sandbox, company, self._realm(company), *percents)

    def employ(self, name: str = "Sam Ortega", *, company: str = "1") -> str:
        """A member of SIP's team who is an employee in QuickBooks, mapped; the member's id."""
        member = self.sip(company).member(name)
        employ(self.database, self.sandbox, company, self._realm(company), member, name)
        return member

    def _realm(self, company: str) -> str:
        return str(
            self.database.value("select realm_id from syncd.company where company_id = %s", (company,))
        )

    def reconnect(self, company: str, realm: str) -> None:
        """Connect the company to this realm with new tokens."""
        tokens = json.dumps(self.sandbox.tell("tokens", realm_id=realm))
        self.syncd("company", "connect", company, "--environment", "sandbox", given=tokens)

    def syncd(self, *words: str, given: str = "", exit_code: int = 0) -> str:
        """Run a command as an admin; its output."""
        env = environment(self.database, self.sandbox.url, SYNCD_DSN=self.database.admin_dsn)
        done = nursery.run(words, env, given)
        assert done.returncode == exit_code, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def daemon(self, more: Mapping[str, str] | None = None) -> Daemon:
        """A running daemon."""
        log = self._folder / f"daemon-{len(self.daemons)}.log"
        running = Daemon(environment(self.database, self.sandbox.url, **(more or {})), log)
        self.daemons.append(running)
        until(lambda: running.events("ready"), what="the daemon is ready")
        return running

    def at_rest(self) -> bool:
        """Nothing is on its way."""
        return not self.database.value(
            "select exists (select from syncd.outbox) or exists (select from syncd.pending where state <> 'waiting')"
        )

    def names(self, realm: str) -> list[str]:
        """The customers that QBO holds, by name."""
        return sorted(c["DisplayName"] for c in self.sandbox.objects(realm))

    def _diagnosis(self) -> str:
        return diagnosis(self.database, self.daemons)

    def end(self) -> None:
        if self._diagnosis in witnesses:
            witnesses.remove(self._diagnosis)
        for daemon in self.daemons:
            if daemon.process.poll() is None:
                daemon.kill()


@pytest.fixture
def world(database: Database, sandbox: Sandbox, tmp_path: Path) -> Iterator[World]:
    """A world without companies; what was started in it ends with the test."""
    made = World(database, sandbox, tmp_path)
    yield made
    made.end()


@pytest.fixture(scope="module")
def running(template: Server, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world whose daemon runs. Tests share it, each with companies of its own."""
    for database in fresh_database(template):
        made = World(database, sandbox, tmp_path_factory.mktemp("flow"))
        made.daemon()
        yield made
        made.end()


@pytest.fixture
def company(running: World) -> Company:
    """A connected company in the United States with everything mapped and switched on."""
    return Company(running)


@pytest.fixture
def syncd(running: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    """The commands, as an admin types them."""
    told = environment(running.database, running.sandbox.url, SYNCD_DSN=running.database.admin_dsn)
    return Commands(monkeypatch, capsys, **{k: v for k, v in told.items() if k.startswith("SYNCD_")})
