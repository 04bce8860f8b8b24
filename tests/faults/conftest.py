"""A world in which things go wrong on order, and in which time can pass quickly."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from syncd.qbo.oauth import Tokens
from syncd.qbo.vault import Vault
from tests.flow.conftest import World, sandbox, world
from tests.support.processes import VAULT_KEY, Sandbox, until
from tests.support.proxy import Proxy
from tests.support.truth import qbo_equals_sip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.processes import Daemon

__all__ = ["sandbox", "world"]


class Town:
    """A world, companies connected by SQL (the command takes a second each), and orders for trouble."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.database = world.database
        self.sandbox: Sandbox = world.sandbox
        self.realms: dict[str, str] = {}

    def connect(self, company: str = "1", *, on: bool = True, expired: bool = False) -> str:
        """A company connected to a realm of its own, which is returned. `expired`: its access token has ended."""
        realm: str = self.sandbox.tell("companies", profile="us-automated-tax")["realm_id"]
        if company not in self.realms:
            self.database.execute(
                "insert into sip.organizations (id, name) values (%s, %s)", (company, f"Company {company}")
            )
            self.database.execute(
                "insert into syncd.company (company_id, name, region, timezone)"
                " values (%s, %s, 'us', 'America/Denver')",
                (company, f"Company {company}"),
            )
        self.reconnect(company, realm, expired=expired)
        if on:
            self.database.switch(company, enable_sync=True, auto_customers=True)
        return realm

    def reconnect(self, company: str, realm: str, *, expired: bool = False) -> None:
        """Connect with new tokens, as the command does after trying them."""
        self.realms[company] = realm
        given = self.sandbox.tell("tokens", realm_id=realm)
        now = datetime.now(UTC)
        tokens = Tokens(
            given["access_token"],
            given["refresh_token"],
            now + timedelta(hours=-1 if expired else 1),
            now + timedelta(days=100),
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

    def order(self, realm: str, kind: str, **more: Any) -> int:
        """A fault for the realm's writes of customers; its id."""
        ordered: int = self.sandbox.tell(
            "faults", kind=kind, realm_id=realm, method="POST", entity="Customer", **more
        )["id"]
        return ordered

    def release(self, ordered: int) -> None:
        """Take one order back: what it held goes on."""
        self.sandbox.release(ordered)

    def no_more_faults(self) -> None:
        """Take back every order."""
        self.sandbox.http.delete("/sandbox/faults").raise_for_status()

    def hurry(self) -> None:
        """Time passes: what was to happen later is due now. Company by company, since it locks as others do."""
        later = self.database.rows(
            "select company_id from syncd.lane where not_before > now() and not_before < 'infinity' union"
            " select company_id from syncd.job where due_at > now() and due_at < 'infinity'"
        )
        for (company,) in later:
            # Before their jobs are due; also one that was answered in part when its daemon died.
            self.database.execute(
                "update syncd.call set sent_at = sent_at - interval '150 seconds'"
                " where company_id = %s and outcome in ('sent', 'answered', 'unknown')",
                (company,),
            )
            self.database.execute(
                "update syncd.lane set not_before = now() where company_id = %s"
                " and not_before > now() and not_before < 'infinity'",
                (company,),
            )
            self.database.execute(
                "update syncd.job set due_at = now() where company_id = %s"
                " and due_at > now() and due_at < 'infinity'",
                (company,),
            )
            self.database.execute(
                "update syncd.lane set due_at = now() where company_id = %s and due_at > now()"
                " and exists (select from syncd.job j where j.company_id = lane.company_id and j.due_at <= now())",
                (company,),
            )
        if later:
            self.wake()

    def calm(self, longest: float) -> None:
        """Take back every order, and settle. `longest`: how many seconds the orders made QuickBooks take."""
        self.no_more_faults()
        # In the quick time of settling, what QuickBooks is at work on would count as ended, and it does not tell.
        time.sleep(5 * longest)
        self.settle()

    def wake(self) -> None:
        """Whoever sleeps until something is due looks at the clock."""
        self.database.execute("select pg_notify('syncd_lanes', '')")

    def kill(self, daemon: Daemon) -> None:
        """kill -9, and then its lease ends."""
        daemon.kill()
        self.lease_ends(daemon)

    def lease_ends(self, daemon: Daemon) -> None:
        """Of a daemon that has ended without giving it back."""
        self.database.execute(
            "update syncd.worker set alive_until = clock_timestamp()"
            " where pid = %s and alive_until > clock_timestamp()",
            (daemon.process.pid,),
        )
        self.wake()

    def settle(self, *, seconds: float = 90.0) -> None:
        """Wait, in quick time, until nothing is on its way: so long at most without that something arrives."""

        def at_rest() -> bool:
            if self.world.at_rest():
                return True
            self.hurry()
            time.sleep(0.05)  # leave the processor to the daemon
            return False

        def arrived() -> int:
            return int(self.database.value("select count(*) from syncd.sync_log where status = 'success'"))

        def rests_or_moves(before: int) -> bool:
            return at_rest() or arrived() > before

        while not self.world.at_rest():
            until(partial(rests_or_moves, arrived()), seconds=seconds, what="all is at rest")

    def check(self, **more: Any) -> None:
        """QuickBooks equals SIP in every company."""
        qbo_equals_sip(self.database, self.sandbox, self.realms, **more)

    def jobs(self) -> list[tuple[Any, ...]]:
        """(company, id, state, reason) of every job."""
        return self.database.rows(
            "select company_id, entity_id, state::text, reason from syncd.job order by company_id, entity_id"
        )

    def states(self, company: str = "1") -> list[str]:
        """The states of a company's jobs."""
        return [state for owner, _, state, _ in self.jobs() if owner == company]

    def errors(self, company: str = "1") -> list[str]:
        """What the log says went wrong, oldest first."""
        return [
            error
            for (error,) in self.database.rows(
                "select error from syncd.sync_log where company_id = %s and error is not null order by log_id",
                (company,),
            )
        ]

    def wait(self, holds: Callable[[], Any], what: str = "") -> Any:
        """`until` with patience for a slow machine."""
        return until(holds, seconds=90.0, what=what)

    def in_qbo(self, realm: str, path: str, **body: Any) -> dict[str, Any]:
        """A record that somebody makes or changes in QuickBooks."""
        token = self.sandbox.tell("tokens", realm_id=realm)["access_token"]
        answer = httpx.post(
            f"{self.sandbox.url}/v3/company/{realm}/{path}",
            json=body,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
        )
        made: dict[str, Any] = next(
            v for v in answer.raise_for_status().json().values() if isinstance(v, dict)
        )
        return made


@pytest.fixture
def town(world: World) -> Iterator[Town]:
    """A town without companies. Orders and quirks of the shared sandbox are taken back at the end."""
    quirks = world.sandbox.ask("quirks")["quirks"]
    made = Town(world)
    yield made
    world.end()
    made.no_more_faults()
    world.sandbox.tell("quirks", **quirks)


@pytest.fixture
def proxy(world: World) -> Iterator[Proxy]:
    """A proxy in front of the sandbox."""
    running = Proxy(world.sandbox.url)
    yield running
    world.end()
    running.stop()
