"""Changes of all kinds in random order by eight writers, while the switches are moved."""

from __future__ import annotations

import random
import re
import threading
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.support.company import Company
from tests.support.mixed import TOGGLES, Session, Switches, Writer, expected, values
from tests.support.processes import until

if TYPE_CHECKING:
    from tests.flow.conftest import World
    from tests.support.mixed import Record

WRITERS = 8
NO_LIMITS = dict.fromkeys(
    ("per_minute", "per_second", "concurrent", "batch_per_minute", "batch_per_minute_realm"), 0
)
KINDS = {
    "customer": ("Customer", "DisplayName"),
    "service_item": ("Item", "Name"),
    "invoice": ("Invoice", "DocNumber"),
    "payment": ("Payment", "PaymentRefNum"),
    "timesheet_entry": ("TimeActivity", "Description"),
}


def admin(world: World, switches: list[Switches], over: threading.Event) -> None:
    """Moves a switch now and then; at the end all are on, so that nothing that is owed waits."""
    dice = random.Random(1)
    session = Session(world.database.dsn)
    while not over.wait(dice.uniform(0.2, 1.0)):
        of = dice.choice(switches)
        column = dice.choice(["enable_sync", *TOGGLES.values()])
        of.move(session, column, on=not of.now[column])
    for of in switches:
        for column, on in of.now.items():
            if not on:
                of.move(session, column, on=True)
    session.connection.close()


def there(company: Company, kind: str) -> Counter[str]:
    """What QuickBooks has of a kind, by what each is known by."""
    qbo_type, key = KINDS[kind]
    found = [str(one.get(key)) for one in company.objects(qbo_type)]
    if kind == "timesheet_entry":
        found = [match.group() for text in found if (match := re.search(r"\[sip \d+\]$", text))]
    return Counter(found)


def compare(company: Company, records: list[Record], drafts: list[str], switches: Switches) -> Counter[str]:
    """Everything of one company; how many records had to be there, must not, or might."""
    verdicts: Counter[str] = Counter()
    phones = {c["DisplayName"]: c["PrimaryPhone"]["FreeFormNumber"] for c in company.objects("Customer")}
    for kind in KINDS:
        found = there(company, kind)
        assert not [name for name, times in found.items() if times > 1], f"{kind} twice"
        for record in (record for record in records if record.kind == kind):
            must = expected(record, switches)
            verdicts[{True: "must", False: "must not", None: "may"}[must]] += 1
            if must is not None:
                assert (record.name in found) is must, f"{kind} {record.name} of company {company.id}"
            if kind == "customer" and record.name in found:
                assert phones[record.name] in values(record, switches), record.name
    assert not set(drafts) & set(there(company, "invoice"))
    accounts = company.world.sandbox.ask(f"ledger/{company.realm}")["accounts"]
    assert sum(Decimal(str(balance)) for balance in accounts.values()) == 0
    return verdicts


def mixed(world: World, companies: int, changes: int) -> Counter[str]:
    """So many changes, and the comparison at rest."""
    profiles = ["us-automated-tax", "canada", "us-manual-tax"]
    of = [Company(world, profile=profiles[n % len(profiles)], limits=NO_LIMITS) for n in range(companies)]
    world.database.execute("update syncd.qbo_limit set override = amount * 1000 where name <> 'batch_size'")
    world.database.execute("update syncd.sync_settings set timesheet_start_date = '2000-01-01'")
    members = {
        (company.id, writer): world.employ(f"Worker {writer}", company=company.id)
        for company in of
        for writer in range(WRITERS)
    }
    world.daemon()
    switches = [Switches(company) for company in of]
    over = threading.Event()
    mover = threading.Thread(target=admin, args=(world, switches, over))
    writers = [Writer(world.database, of, members, number, changes // WRITERS) for number in range(WRITERS)]
    for thread in (mover, *writers):
        thread.start()
    for writer in writers:
        writer.join()
    over.set()
    mover.join()
    for writer in writers:
        if writer.error is not None:
            raise writer.error
    until(world.at_rest, seconds=240, what="all is at rest")
    assert world.database.rows("select * from syncd.errors") == []
    assert world.database.rows("select * from syncd.pending") == []
    total: Counter[str] = Counter()
    for company, moved in zip(of, switches, strict=True):
        records = [record for writer in writers for record in writer.records[company.id]]
        drafts = [number for writer in writers for number in writer.drafts[company.id]]
        total += compare(company, records, drafts, moved)
    return total


def test_some_hundred_changes_of_all_kinds(world: World) -> None:
    assert mixed(world, companies=3, changes=400)["must"] > 50


@pytest.mark.slow
def test_ten_thousand_changes_of_all_kinds(world: World) -> None:
    verdicts = mixed(world, companies=12, changes=10_000)
    assert verdicts["must"] > 1000
    assert verdicts["must not"] > 50
