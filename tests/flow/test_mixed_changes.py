"""Changes of all kinds in random order by several writers, while an admin turns the switches of all companies."""

from __future__ import annotations

import threading
import time
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.support.company import Company
from tests.support.crowd import report
from tests.support.mixed import Admin, Place, Record, Writer, merged
from tests.support.owed import Judge, Stood, Watch, found_in
from tests.support.processes import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.flow.conftest import World
    from tests.support.mixed import Memory
    from tests.support.owed import Found, Write

WRITERS = 8
PROFILES = {"us-automated-tax": "8.5", "us-manual-tax": "8.25", "canada": "12", "global": "20"}
NO_LIMITS = dict.fromkeys(
    ("per_minute", "per_second", "concurrent", "batch_per_minute", "batch_per_minute_realm"), 0
)


def open_companies(world: World, count: int) -> dict[str, Company]:
    """So many companies of all regions, each with two members whom QuickBooks knows. Id -> company."""
    # The budget has tests of its own; here it would only make everybody wait.
    world.database.execute(
        "update syncd.qbo_limit set override = 1000 where name in ('requests_per_second', 'batches_per_minute')"
    )
    profiles = list(PROFILES)
    made = [Company(world, profile=profiles[n % len(profiles)], limits=NO_LIMITS) for n in range(count)]
    return {company.id: company for company in made}


def place(world: World, company: Company, profile: str) -> Place:
    """What writers need to know of a company."""
    members = tuple(world.employ(name, company=company.id) for name in ("Sam Ortega", "Bo Lindqvist"))
    return Place(PROFILES[profile], members, company.sip.member("New Here"))


def mix(
    world: World, *, companies: int, changes: int, pace: float, seed: int
) -> tuple[dict[str, Company], Memory, Judge]:
    """Write and switch, then wait until all is at rest with everything on."""
    opened = open_companies(world, companies)
    profiles = list(PROFILES)
    places = {
        id_: place(world, company, profiles[n % len(profiles)])
        for n, (id_, company) in enumerate(opened.items())
    }
    world.database.execute("analyze")
    world.daemon()
    writers = [Writer(world.database.dsn, places, seed, number, WRITERS) for number in range(WRITERS)]
    threads = [
        threading.Thread(target=writer.write, args=(-(-changes // WRITERS), pace / WRITERS))
        for writer in writers
    ]
    admin = Admin(world.database, list(opened), seed)
    watch = Watch(world.database)
    began = time.monotonic()
    with watch.at_work(), admin.at_work(pace=companies):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    written = time.monotonic() - began
    until(lambda: at_rest(world), seconds=300, what="all is at rest")
    report(f"written in {written:.1f} s, at rest {time.monotonic() - began - written:.1f} s later")
    memory = merged(writers)
    return opened, memory, Judge(memory, admin.flips, watch)


def at_rest(world: World) -> bool:
    """Nothing is on its way, and nothing waits."""
    return not world.database.value(
        "select exists (select from syncd.outbox) or exists (select from syncd.pending)"
    )


def check(world: World, opened: dict[str, Company], memory: Memory, judge: Judge) -> None:
    found = {
        id_: found_in(world.database, world.sandbox, id_, company.realm) for id_, company in opened.items()
    }
    writes = {record: written for one in found.values() for record, written in one.writes.items()}
    must, without = tell(memory, judge, writes)
    assert min(must, without) > len(memory.changes) / 10, "these changes put little to the test"
    wrongs = [wrong for record in memory.changes for wrong in judge.wrongs(record, writes.get(record, []))]
    assert not wrongs, f"{len(wrongs)} wrongs, the first ones:\n" + "\n".join(wrongs[:10])
    report(f"{len(judge.late)} records became due before the verdict that they were not")
    assert len(judge.late) < len(memory.changes) / 20
    assert writes.keys() <= memory.changes.keys()
    for id_, company in opened.items():
        nothing_twice(company, found[id_])
        the_books_balance(world, company)
    people_are_told(world, memory, judge, writes)


def nothing_twice(company: Company, found: Found) -> None:
    """Each record that was sent is there once, as it was sent last, and nothing else is."""
    wanted = Counter((record.kind, written[-1].number) for record, written in found.writes.items())
    assert {key: len(objects) for key, objects in found.objects.items()} == wanted
    assert sorted(found.others.get("Item", [])) in (
        ["Hours", "Services"],
        ["Hours", "SIP Services", "Services"],
    )
    assert not set(found.others) - {"Item", "PaymentMethod"}
    methods = [name.lower() for name in found.others["PaymentMethod"]]
    assert len(methods) == len(set(methods))
    ids = Counter(
        request["requestid"]
        for request in company.world.sandbox.writes(company.realm)
        if request["outcome"] == "executed" and request["requestid"]
    )
    assert max(ids.values()) == 1, "a request was carried out twice"


def the_books_balance(world: World, company: Company) -> None:
    """Every account added up anew; the invoices are SIP's, and each is open by what was not paid."""
    ledger = world.sandbox.ask(f"ledger/{company.realm}")["accounts"]
    assert sum(money(balance) for balance in ledger.values()) == 0
    totals = dict(
        world.database.rows(
            "select number, total from sip.invoices where organization_id = %s", (company.id,)
        )
    )
    invoices = company.objects("Invoice")
    assert [(i["DocNumber"], money(i["TotalAmt"])) for i in invoices] == [
        (i["DocNumber"], totals[i["DocNumber"]]) for i in invoices
    ]
    payments = company.objects("Payment")
    assert not [p for p in payments if money(p.get("UnappliedAmt", 0))]
    paid = {line["LinkedTxn"][0]["TxnId"]: money(p["TotalAmt"]) for p in payments for line in p["Line"]}
    assert len(paid) == len(payments)
    assert {i["Id"]: money(i["Balance"]) for i in invoices} == {
        i["Id"]: money(i["TotalAmt"]) - paid.get(i["Id"], 0) for i in invoices
    }
    assert money(ledger["Accounts Receivable (A/R)"]) == sum(money(i["Balance"]) for i in invoices)


def people_are_told(
    world: World, memory: Memory, judge: Judge, writes: Mapping[Record, Sequence[Write]]
) -> None:
    """Of what was withdrawn after it had been sent, and of members who are not mapped; of nothing else."""
    withdrawn = {
        record for record, changes in memory.changes.items() if any(c.number is None for c in changes)
    }
    # A payment moves the SyncToken of its invoice. An edit that was under way to it is refused, then, and sent again.
    log = world.database.rows(
        "select l.entity_type, l.entity_id, l.status::text, l.error from syncd.sync_log l where l.status <> 'success'"
        " and not (l.entity_type = 'invoice' and l.error_class = 'stale' and exists ("
        " select from syncd.sync_log s where s.company_id = l.company_id and s.entity_type = 'invoice'"
        " and s.entity_id = l.entity_id and s.status = 'success' and s.log_id > l.log_id))"
    )
    others = [
        row
        for row in log
        if Record(row[0], row[1]) not in (withdrawn if row[2] == "error" else memory.nobody)
    ]
    assert not others, f"{len(others)} rows of the log, the first: {others[0]}"
    listed = {
        Record(kind, id_)
        for kind, id_ in world.database.rows("select entity_type, entity_id from syncd.errors")
    }
    ended = {record for record in withdrawn if memory.changes[record][-1].number is None}
    assert listed <= ended & writes.keys()
    surely = {record for record in ended & writes.keys() if judge.must_tell(record, writes[record])}
    assert surely <= listed, f"withdrawn without a word: {surely - listed}"


def tell(memory: Memory, judge: Judge, writes: Mapping[Record, Sequence[Write]]) -> tuple[int, int]:
    """How many records QuickBooks must have, and how many must have something that QuickBooks must not have."""
    stood = Counter(judge.stood(change).value for changes in memory.changes.values() for change in changes)
    kinds = Counter(record.kind for record, changes in memory.changes.items() for _ in changes)
    must = sum(judge.must_have(record) is not None for record in memory.changes)
    without = sum(
        judge.stood(changes[-1]) is Stood.OFF
        and (record not in writes or writes[record][-1].number != changes[-1].number)
        for record, changes in memory.changes.items()
    )
    report(
        f"{sum(stood.values())} changes: {dict(stood)}, {dict(kinds)}; {sum(map(len, writes.values()))} writes",
        f"of {len(memory.changes)} records {must} must be there, {without} are not there as SIP has them",
    )
    return must, without


def money(value: object) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))


@pytest.fixture
def clear_journal(world: World) -> Iterator[World]:
    """A sandbox whose journal has room."""
    world.sandbox.http.delete("/sandbox/requests").raise_for_status()
    world.sandbox.http.timeout = 60
    yield world
    world.sandbox.http.timeout = 10


def test_some_mixed_changes(world: World) -> None:
    check(world, *mix(world, companies=4, changes=400, pace=100, seed=1))


@pytest.mark.slow
def test_ten_thousand_mixed_changes(clear_journal: World) -> None:
    check(clear_journal, *mix(clear_journal, companies=12, changes=10_000, pace=200, seed=20261123))
