"""A crowd of companies, writers of SIP that remember what they committed, and the proof that just that arrived.

Every change has a number of its own. It is written into the record's phone, and so is found again in what was sent; a
number that was rolled back must be nowhere.
"""

from __future__ import annotations

import json
import random
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import IsolationLevel

from syncd.qbo.oauth import parse_tokens
from syncd.qbo.vault import Vault
from tests.support.processes import VAULT_KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.database import Database
    from tests.support.processes import Sandbox

NUMBER = re.compile(r"N(\d+)N")
LEVELS = (IsolationLevel.READ_COMMITTED, IsolationLevel.REPEATABLE_READ)


def connect_crowd(database: Database, sandbox: Sandbox, companies: int) -> dict[str, str]:
    """That many companies, each connected to a realm of its own with customers on. Company -> realm."""
    vault = Vault([VAULT_KEY])
    realms: dict[str, str] = {}
    with database.connection.transaction():
        for number in range(1, companies + 1):
            realm: str = sandbox.tell("companies", profile="us-automated-tax")["realm_id"]
            tokens = parse_tokens(sandbox.tell("tokens", realm_id=realm), datetime.now(UTC))
            company = database.add_company(str(number), realm=realm)
            realms[company] = realm
            database.execute(
                "update syncd.company set tokens = %s, access_expires_at = %s where company_id = %s",
                (vault.encrypt(tokens.to_json()), tokens.access_expires_at, company),
            )
    database.execute("analyze")
    return realms


@dataclass
class Ledger:
    """What writers did: number -> the records it was committed to, and when; and the numbers rolled back."""

    committed: dict[int, tuple[str, ...]] = field(default_factory=dict)
    when: dict[int, float] = field(default_factory=dict)
    undone: set[int] = field(default_factory=set)
    failed: int = 0

    def versions(self) -> Counter[str]:
        """How many versions of each record SIP ever had."""
        return Counter(record for records in self.committed.values() for record in records)


class Writer:
    """One connection of SIP. Its numbers are its own: `first`, and then every `step`-th."""

    def __init__(self, dsn: str, companies: int, seed: int, first: int, step: int) -> None:
        self.ledger = Ledger()
        self._dsn = dsn
        self._companies = companies
        self._dice = random.Random(f"{seed} {first}")
        self._number = first
        self._step = step
        self._records: list[str] = []

    def storm(self, transactions: int, pace: float, bursts: Sequence[int]) -> None:
        """So many transactions in bursts of these sizes, about `pace` a second; now and then one is rolled back."""
        with psycopg.connect(self._dsn, autocommit=True) as sip:
            # A pause like the others goes before the first burst: started together, all connections would begin theirs
            # in one moment, which those of an application do not.
            time.sleep(self._dice.uniform(0, max(bursts) / pace))
            began = time.monotonic()
            done = 0
            while done < transactions:
                burst = min(self._dice.choice(bursts), transactions - done)
                for _ in range(burst):
                    self._transaction(sip)
                done += burst
                ahead = began + done / pace - time.monotonic()
                time.sleep(max(0.0, ahead * self._dice.uniform(0.5, 1.5)))

    def edit(self, sip: psycopg.Connection[Any]) -> None:
        """One plain transaction of one record, made or changed."""
        self._attempt(sip, [self._insert if self._dice.random() < 0.4 else self._update], undone=False)

    def _transaction(self, sip: psycopg.Connection[Any]) -> None:
        kinds = self._dice.choices(
            (self._insert, self._update, self._bulk), (4, 5, 1), k=self._dice.choice((1, 1, 2))
        )
        self._attempt(sip, kinds, undone=self._dice.random() < 0.08)

    def _attempt(self, sip: psycopg.Connection[Any], kinds: Sequence[Any], *, undone: bool) -> None:
        written: list[tuple[int, tuple[str, ...]]] = []
        sip.isolation_level = self._dice.choice(LEVELS)
        used = self._number
        try:
            with sip.transaction(force_rollback=undone):
                for kind in kinds:
                    if self._dice.random() < 0.25:
                        with sip.transaction(force_rollback=(astray := self._dice.random() < 0.5)):
                            change = kind(sip)
                        written += [] if astray else [change]
                    else:
                        written.append(kind(sip))
                    if self._dice.random() < 0.1:
                        time.sleep(self._dice.uniform(0, 0.03))
        except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
            self.ledger.failed += 1
            undone = True
        now = time.time()
        kept = [] if undone else [change for change in written if change[1]]
        self.ledger.committed.update(kept)
        self.ledger.when.update({number: now for number, _ in kept})
        self.ledger.undone.update(
            set(range(used + self._step, self._number + 1, self._step)) - dict(kept).keys()
        )
        self._records += [records[0] for number, records in kept if len(records) == 1][-1:]

    def _next(self) -> int:
        self._number += self._step
        return self._number

    def _insert(self, sip: psycopg.Connection[Any]) -> tuple[int, tuple[str, ...]]:
        number = self._next()
        row = sip.execute(
            "insert into sip.customers (organization_id, name, phone) values (%s, %s, %s) returning id::text",
            (self._dice.randint(1, self._companies), f"Customer {number}", f"N{number}N"),
        ).fetchone()
        assert row is not None
        return number, (row[0],)

    def _update(self, sip: psycopg.Connection[Any]) -> tuple[int, tuple[str, ...]]:
        if not self._records:
            return self._insert(sip)
        number = self._next()
        record = self._dice.choice(self._records[-200:])
        rows = sip.execute(
            "update sip.customers set phone = %s, city = %s where id = %s returning id::text",
            (f"N{number}N", self._dice.choice(("Boise", "Reno", None)), record),
        ).fetchall()
        return number, tuple(id_ for (id_,) in rows)

    def _bulk(self, sip: psycopg.Connection[Any]) -> tuple[int, tuple[str, ...]]:
        """All customers of some company."""
        number = self._next()
        rows = sip.execute(
            "update sip.customers set phone = %s where organization_id = %s returning id::text",
            (f"N{number}N", self._dice.randint(1, self._companies)),
        ).fetchall()
        return number, tuple(sorted({id_ for (id_,) in rows}))


def merged(writers: Sequence[Writer]) -> Ledger:
    """What all of them did."""
    whole = Ledger()
    for writer in writers:
        whole.committed |= writer.ledger.committed
        whole.when |= writer.ledger.when
        whole.undone |= writer.ledger.undone
        whole.failed += writer.ledger.failed
    return whole


@dataclass(frozen=True)
class Sent:
    """One request that QuickBooks carried out, with the records in it: (record, number) each."""

    call_id: int
    arrived: float
    changes: tuple[tuple[str, int], ...]


def carried_out(database: Database, journal: Sequence[dict[str, Any]]) -> list[Sent]:
    """The writes that were executed, with what they changed. No request id was executed twice."""
    done = [r for r in journal if r["outcome"] == "executed" and r["requestid"] and r["status"] in (0, 200)]
    ids = Counter(r["requestid"] for r in done)
    assert not [id_ for id_, count in ids.items() if count > 1], "a request was carried out twice"
    bodies = {
        request: (call, body, dict(items))
        for request, call, body, items in database.rows(
            "select c.request_id, c.call_id, c.body, (select jsonb_object_agg(i.bid, i.entity_id)"
            " from syncd.call_item i where i.call_id = c.call_id) from syncd.call c"
        )
    }
    return [
        Sent(call, r["arrived"], _changes(json.loads(bytes(body)), items, r["item_codes"]))
        for r in done
        for call, body, items in (bodies[r["requestid"]],)
    ]


def _changes(
    body: dict[str, Any], items: dict[str, str], refused: dict[str, str]
) -> tuple[tuple[str, int], ...]:
    parts = {item["bId"]: item for item in body.get("BatchItemRequest", [])} or {next(iter(items)): body}
    changes = []
    for bid, part in parts.items():
        if bid in refused:
            continue
        [number] = NUMBER.findall(json.dumps(part))
        changes.append((items[bid], int(number)))
    return tuple(changes)


def just_that_arrived(
    database: Database, sandbox: Sandbox, realms: dict[str, str], ledger: Ledger, sent: Sequence[Sent]
) -> None:
    """QuickBooks equals SIP in all companies; nothing was sent twice, and nothing that SIP never committed."""
    truth: dict[str, dict[str, tuple[str, str]]] = {}
    ids: dict[tuple[str, str], str] = {}
    for id_, company, name, phone, city in database.rows(
        "select id::text, organization_id::text, name, phone, city from sip.customers"
    ):
        truth.setdefault(company, {})[name] = (phone, city or "")
        ids[company, name] = id_
    versions = ledger.versions()
    for company, realm in realms.items():
        objects = sandbox.objects(realm) if company in truth else []
        found = {
            o["DisplayName"]: (o["PrimaryPhone"]["FreeFormNumber"], o.get("BillAddr", {}).get("City", ""))
            for o in objects
        }
        assert found == truth.get(company, {}), f"company {company}"
        assert len(objects) == len(found), f"company {company}: one customer is there twice"
        for o in objects:
            writes, most = int(o["SyncToken"]) + 1, versions[ids[company, o["DisplayName"]]]
            assert writes <= most, f"{o['DisplayName']} was written {writes} times for {most} versions"
    changes = Counter(change for one in sent for change in one.changes)
    assert not [change for change, count in changes.items() if count > 1], "one version was written twice"
    strangers = {number for _, number in changes if number not in ledger.committed}
    assert not strangers, f"never committed in SIP: {strangers}"
    assert not {number for _, number in changes} & ledger.undone


def quantiles(values: Sequence[float]) -> str:
    """p50, p99 and the longest, in milliseconds."""
    if not values:
        return "none"
    ranked = sorted(values)
    p50, p99 = (ranked[int((len(ranked) - 1) * part)] * 1000 for part in (0.5, 0.99))
    return f"p50 {p50:.0f}  p99 {p99:.0f}  max {ranked[-1] * 1000:.0f} ms (n={len(ranked)})"


def report(*lines: str) -> None:
    """Figures, for whoever runs pytest with -s."""
    sys.stderr.write("\n" + "\n".join(lines) + "\n")
