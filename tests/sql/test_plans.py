"""Every hot statement looks rows up by key, whatever the statistics say: a queue is empty when it is analysed.

Counted are the rows of syncd's and SIP's tables that a call reads, by scans of tables and of indexes. What grows with
the queue would read thousands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from syncd.db.pool import SESSION
from tests.support.engine import ITEM, Engine, asked, recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.database import Database

COMPANIES = 2_000
PUT_OFF = 2_000  # customers of company 1 that are tried again in an hour
CUSTOMERS = 20_000  # of company 1, each with a job, a link and a settled call
READ = """
    select relname, seq_tup_read + coalesce(idx_tup_fetch, 0)
    from pg_stat_xact_user_tables where schemaname in ('syncd', 'sip')
"""
FILL = f"""
    insert into sip.organizations (id, name) select g, 'Company ' || g from generate_series(2, {COMPANIES}) g;
    insert into syncd.company (company_id, name, region, timezone)
    select g::text, 'Company ' || g, 'us', 'America/Denver' from generate_series(2, {COMPANIES}) g;
    alter table sip.customers disable trigger user;
    insert into sip.customers (organization_id, name) select 1, 'Customer ' || g from generate_series(1, {CUSTOMERS}) g;
    alter table sip.customers enable trigger user;
    insert into syncd.job (company_id, entity_type, entity_id, names)
    select '1', 'customer', id::text, true from sip.customers where name like 'Customer %' order by id;
    update syncd.job set due_at = now() + interval '1 hour'
    where ticket in (select ticket from syncd.job order by ticket desc limit {PUT_OFF});
    insert into syncd.link (company_id, entity_type, sip_id, environment, realm_id, qbo_type, qbo_id, generation)
    select '1', 'customer', id::text, 'sandbox', '9130', 'Customer', id::text, 1 from sip.customers
    on conflict do nothing;
    insert into syncd.call (company_id, environment, realm_id, kind, path, request_id, body, outcome, worker_id, epoch)
    select '1', 'sandbox', '9130', 'single', 'customer', 'r' || id, '', 'settled', gen_random_uuid(), 1
    from sip.customers;
    insert into syncd.call_item (call_id, bid, company_id, entity_type, entity_id, entity_name, operation, generation,
                                 version, fingerprint, document)
    select call_id, '1', '1', 'customer', substr(request_id, 2), '', 'create', 1, 1, '', '{{}}' from syncd.call
    on conflict do nothing;
    insert into syncd.outbox (company_id, entity_type, entity_id)
    select '1', 'customer', id::text from sip.customers order by id;
    update syncd.lane set due_at = now() where company_id = '1';
"""  # noqa: S608 - of this file
OF_A_ROUND = 300  # rows of one table: a round of 30 records reads each a few times


class Session:
    """A connection as the daemon has it, with one worker's lease of company 1."""

    def __init__(self, database: Database, connection: psycopg.Connection) -> None:
        self.connection = connection
        self.connection.execute(SESSION.encode())
        self.worker = Engine(database, "1 hour").worker
        self.read: dict[tuple[str, str], int] = {}

    def call(self, function: str, *words: Any) -> list[dict[str, Any]]:
        """The rows returned; how many were read for them is added up in `read`."""
        query = f"select * from syncd.{function}({', '.join(['%s'] * len(words))})"  # noqa: S608 - of this file
        with (
            self.connection.transaction(),
            self.connection.cursor(row_factory=psycopg.rows.dict_row) as cursor,
        ):
            # Counted are also transactions before this one, as long as Postgres has not flushed them.
            before: dict[str, int] = dict(self.connection.execute(READ).fetchall())
            rows = cursor.execute(query.encode(), words, prepare=True).fetchall()
            after: dict[str, int] = dict(self.connection.execute(READ).fetchall())
        for table, read in after.items():
            self.read[function, table] = read - before.get(table, 0)
        return rows

    def round(self) -> int:
        """Everything from the lease to the release, with each step's reads; how many records it settled."""
        self.call("absorb", 30, None, self.worker)
        [lane] = self.call("lease", self.worker, 1)
        held = (lane["company_id"], self.worker, lane["epoch"])
        jobs = [
            job
            for job in self.call("decide", self.worker, Jsonb([asked("1", lane["epoch"])]))
            if job["entity_id"]
        ]
        items = [
            {key: job[key] for key in ITEM} | {"document": "{}", "bid": str(number), "notes": []}
            for number, job in enumerate(jobs, 1)
        ]
        request = f"{held} {jobs[0]['entity_id']}"
        intent = {
            "company_id": "1",
            "epoch": lane["epoch"],
            "kind": "batch",
            "environment": "sandbox",
            "realm_id": "9130",
            "request_id": request,
            "path": "batch",
            "items": items,
        }
        [call] = self.call("intend", self.worker, Jsonb([intent]), [b""])
        results = {
            item["bid"]: {"outcome": "success", "qbo_id": f"n{item['entity_id']}", "sync_token": "0"}
            for item in items
        }
        answered = recorded("1", lane["epoch"], call["call_id"], results)
        settled = self.call("record", self.worker, Jsonb([answered]))
        self.call("reopen", *held)
        leave = {"company_id": "1", "epoch": lane["epoch"], "leaving": True, "floors": [0, 0, 0, 0]}
        self.call("release", self.worker, Jsonb([leave]))
        self.call("sleep_for", 15.0)
        self.call("lanes_wait")
        return len(settled)


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """What was planned while everything was empty stays planned."""
    database.add_company()
    database.execute("analyze")
    with psycopg.connect(database.daemon_dsn, autocommit=True) as connection:
        session = Session(database, connection)
        for number in range(8):  # Postgres turns to a generic plan after five
            database.add_customer(f"First {number}")
            assert session.round() == 1
        yield session


@pytest.mark.parametrize("statistics", ["of an empty queue", "of a full queue"])
def test_no_step_reads_more_than_its_own_records(
    database: Database, session: Session, statistics: str
) -> None:
    database.execute(FILL)
    if statistics == "of a full queue":
        database.execute("analyze")
    for _ in range(8):
        assert session.round() == 30, session.read
        too_many = {step: read for step, read in session.read.items() if read > OF_A_ROUND}
        assert not too_many, "".join(f"\n{step} {read}" for step, read in too_many.items())
