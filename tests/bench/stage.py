"""What rows run on: a Postgres as it comes, the sandbox and daemons as processes, companies, and writers of SIP."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.demo.postgres import throwaway_postgres
from syncd.qbo.oauth import parse_tokens
from syncd.qbo.vault import Vault
from tests.bench.machine import cpu_seconds
from tests.support.database import Database, fresh_database, make_template
from tests.support.processes import VAULT_KEY, Daemon, Sandbox, environment, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syncd.demo.postgres import Server

# What Postgres ships with, where the throw-away server of the tests is smaller.
AS_IT_COMES = {"shared_buffers": "128MB", "max_wal_size": "1GB", "max_connections": "200"}

TELL_SECONDS = 20.0
CHECKOUT = Path(__file__).resolve().parents[2]

FILL = """
    insert into sip.customers (organization_id, name, email, phone, street, city, state, zip)
    select o.id, format('Customer %%s of %%s', before.last + n, o.id), format('c%%s@example.com', n), '555-0100',
           '1 Main Street', 'Springfield', 'CO', '80000'
    from sip.organizations o cross join generate_series(1, %s) n
    cross join (select coalesce(max(id), 0) as last from sip.customers) before
    where o.id = any(%s)
    order by n, o.id
"""
IN_FLIGHT = """
    select (select count(*) from syncd.outbox)
           + (select count(*) from syncd.job where due_at is null or due_at < 'infinity')
"""
# Cheap, because it is asked all the time while others are measured.
AT_REST = """
    select not exists (select from syncd.outbox)
           and not exists (select from syncd.job where due_at is null)
           and not exists (select from syncd.job where due_at < 'infinity')
"""


@contextmanager
def postgres() -> Iterator[Server]:
    """A durable server on a disk, with the template database made."""
    if "SYNCD_PG_TMP" not in os.environ:
        # Memory has no fsync. /var/tmp is on a disk wherever the standard of file systems is kept.
        disk = Path("/var/tmp")  # noqa: S108 - a directory of its own is made in it
        os.environ["SYNCD_PG_TMP"] = str(disk) if os.access(disk, os.W_OK) else tempfile.gettempdir()
    with throwaway_postgres(AS_IT_COMES, durable=True) as server:
        make_template(server)
        yield server


class Stage:
    """What a row is given. Everything taken from it is gone when the row ends."""

    def __init__(self, server: Server, row: str, *, scale: float, peers: bool) -> None:
        self.server = server
        self.peers = peers
        self._row = row
        self._scale = scale
        self._stack = ExitStack()
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="syncd-bench-")))

    def say(self, text: str) -> None:
        """A line of progress."""
        sys.stderr.write(f"bench: {self._row}: {text}\n")
        sys.stderr.flush()

    def close(self) -> None:
        """End and remove everything."""
        self._stack.close()

    def size(self, full: int, least: int = 1) -> int:
        """A number of rows, jobs or rounds at the scale of this run."""
        return max(least, round(full * self._scale))

    def seconds(self, full: float) -> float:
        """A duration at the scale of this run, whole seconds because pgbench knows no others."""
        return max(1.0, float(round(full * min(1.0, self._scale))))

    def own_server(self, settings: Mapping[str, str]) -> None:
        """From here on this row has a server of its own, as it comes but for these settings."""
        self.server = self._stack.enter_context(throwaway_postgres({**AS_IT_COMES, **settings}, durable=True))
        make_template(self.server)

    def world(self, *sandbox_options: str) -> World:
        """A database of its own and a sandbox."""
        database = self._stack.enter_context(contextmanager(fresh_database)(self.server))
        sandbox = Sandbox(*sandbox_options)
        self._stack.callback(sandbox.stop)
        world = World(self, database, sandbox)
        self._stack.callback(world.stop_daemons)
        return world

    def database(self) -> Database:
        """A database with SIP's tables and syncd installed, for rows without HTTP."""
        return self._stack.enter_context(contextmanager(fresh_database)(self.server))


class World:
    """SIP's database, the sandbox, and any number of daemons."""

    def __init__(self, stage: Stage, database: Database, sandbox: Sandbox) -> None:
        self.database = database
        self.sandbox = sandbox
        self._stage = stage
        self._started = 0
        self.daemons: list[Daemon] = []

    def connect(self, companies: int) -> list[str]:
        """That many more companies, each connected to a realm of its own, with customers on. Their ids."""
        vault = Vault([VAULT_KEY])
        first = 1 + self.database.value("select count(*) from sip.organizations")
        ids = [str(number) for number in range(first, first + companies)]
        with self.database.connection.transaction(), self.database.connection.cursor() as cursor:
            for company in ids:
                realm = self.sandbox.tell("companies", profile="us-automated-tax")["realm_id"]
                tokens = parse_tokens(self.sandbox.tell("tokens", realm_id=realm), datetime.now(UTC))
                add_company(cursor, company, realm, vault.encrypt(tokens.to_json()), tokens.access_expires_at)
        return ids

    def fill(self, each: int, companies: Sequence[str] = ()) -> None:
        """So many customers more for each of these companies, or of all, as SIP inserts them."""
        wanted = list(companies) or [row[0] for row in self.database.rows("select id from sip.organizations")]
        self.database.execute(FILL, (each, [int(company) for company in wanted]))

    def daemon(self, **settings: str) -> Daemon:
        """A running daemon that has done all it does at its start."""
        self._started += 1
        log = self._stage.folder / f"daemon-{self._started}.log"
        # Not a forked one: its memory, and its time from the start, are measured.
        running = Daemon(
            environment(self.database, self.sandbox.url, **{**DAEMON, **settings}), log, CHECKOUT
        )
        self.daemons.append(running)
        until(lambda: running.events("the bell is open"), what="the bell is open")
        return running

    def stop_daemons(self) -> None:
        """End them in order."""
        while self.daemons:
            self.daemons.pop().stop()

    def in_flight(self) -> int:
        """Signals and jobs that are on their way; counts them all."""
        return int(self.database.value(IN_FLIGHT))

    def at_rest(self) -> bool:
        """Whether nothing is on its way."""
        return bool(self.database.value(AT_REST))

    def rest(self, seconds: float = 3600) -> None:
        """Wait until nothing is on its way, saying now and then how much is."""
        end, told = time.monotonic() + seconds, time.monotonic()
        while not self.at_rest():
            if time.monotonic() > end:
                raise TimeoutError(
                    f"{self.in_flight()} records were still on their way after {seconds:.0f} s"
                )
            if time.monotonic() > told + TELL_SECONDS:
                told = time.monotonic()
                self._stage.say(f"{self.in_flight():,} records on their way")
            time.sleep(0.1)

    def processor(self) -> dict[str, float]:
        """Processor seconds used so far by each part of the system."""
        return {
            "daemons": sum(cpu_seconds(d.process.pid) for d in self.daemons),
            "sandbox": cpu_seconds(self.sandbox.process.pid),
            "Postgres": cpu_seconds(self._stage.server.pid),
        }


# As in production, but for the patience with a machine that is busy with the benchmark itself.
DAEMON = {"SYNCD_LEASE_SECONDS": "15", "SYNCD_HTTP_TIMEOUT_SECONDS": "60"}


def add_company(cursor: Any, company: str, realm: str, tokens: bytes, expires: datetime) -> None:
    """A connected company of SIP with customers switched on."""
    cursor.execute(
        "insert into sip.organizations (id, name) values (%s, %s)", (company, f"Company {company}")
    )
    cursor.execute(
        "insert into syncd.company (company_id, name, region, timezone) values (%s, %s, 'us', 'America/Denver')",
        (company, f"Company {company}"),
    )
    cursor.execute(
        "select syncd.connect_company(%s, 'sandbox', %s, %s, %s, now() + interval '100 days', '{}', '{}', 'USD',"
        " false)",
        (company, realm, tokens, expires),
    )
    cursor.execute(
        "update syncd.sync_settings set enable_sync = true, auto_customers = true where company_id = %s",
        (company,),
    )


def pgbench(
    server: Server, database: Database, script: str, *, clients: int, seconds: float, **variables: int
) -> float:
    """Transactions per second of a script run by many clients, each on a connection of its own."""
    words: list[str | Path] = [server.bin / "pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "2"]
    words += ["-T", f"{seconds:.0f}", "-f", "/dev/stdin", "-h", server.host, "-p", str(server.port)]
    words += ["-U", server.user]
    words += [word for name, value in variables.items() for word in ("-D", f"{name}={value}")]
    ran = subprocess.run([*words, database.name], input=script, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RuntimeError(f"pgbench failed: {ran.stderr.strip()}")
    for line in ran.stdout.splitlines():
        if line.startswith("tps = "):
            return float(line.split()[2])
    raise RuntimeError(f"pgbench said no rate: {ran.stdout}")
