"""Writers of SIP that make changes of all kinds in random order and remember them, and an admin who turns switches.

Every change has a number, which stands in a field that QuickBooks is told: so it is seen there which change of a record
arrived. A writer changes only records that it made, so the order of a record's changes is known.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
from psycopg import sql

from tests.support.arithmetic import Line
from tests.support.sip import Sip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from tests.support.database import Database

TOGGLES = {
    "customer": "auto_customers",
    "service_item": "auto_service_items",
    "invoice": "auto_invoices",
    "payment": "auto_payments",
    "timesheet_entry": "auto_timesheets",
}
NUMBER = re.compile(r"#(\d+)#")


class Record(NamedTuple):
    """A record of SIP."""

    kind: str
    id: str


@dataclass(frozen=True)
class Change:
    """One committed change of a record; `number` is None where it was withdrawn (deleted, made inactive, rejected).

    It was committed between `before` and `after`.
    """

    record: Record
    number: int | None
    before: float
    after: float


@dataclass(frozen=True)
class Place:
    """What a company begins with: its tax rate, members whom QuickBooks knows, and one whom it does not."""

    rate: str
    members: tuple[str, ...]
    stranger: str


@dataclass
class Memory:
    """What was done."""

    changes: dict[Record, list[Change]] = field(default_factory=lambda: defaultdict(list))
    company: dict[Record, str] = field(default_factory=dict)
    needs: dict[Record, tuple[Record, ...]] = field(default_factory=dict)
    drafts: dict[Record, Change] = field(default_factory=dict)
    """How records were made that QuickBooks was not to know of then."""
    nobody: set[Record] = field(default_factory=set)
    """Time entries of a member whom QuickBooks does not know."""
    unseen: set[int] = field(default_factory=set)
    """Numbers that were rolled back, or overwritten before anybody was to know."""


class Hand:
    """A connection of one's own, to write SIP through."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    def execute(self, query: str, parameters: Any = None) -> None:
        """Run SQL."""
        self.connection.execute(query.encode(), parameters)

    def value(self, query: str, parameters: Any = None) -> Any:
        """The first column of the first row, None if there is no row."""
        row = self.connection.execute(query.encode(), parameters).fetchone()
        return row[0] if row else None


@dataclass
class Mine:
    """What one writer has made in one company, by what can become of it."""

    customers: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    jobs: list[tuple[str, str]] = field(default_factory=list)
    drafts: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    paid: list[str] = field(default_factory=list)
    promised: list[str] = field(default_factory=list)
    sheets: list[tuple[str, list[str]]] = field(default_factory=list)
    entries: list[str] = field(default_factory=list)


class Writer:
    """One connection of SIP."""

    def __init__(self, dsn: str, places: Mapping[str, Place], seed: int, first: int, step: int) -> None:
        self.memory = Memory()
        self._dsn = dsn
        self._places = places
        self._dice = random.Random(f"{seed} {first}")
        self._number = first
        self._first = first
        self._step = step
        self._day = date(2027, 1, 1) + timedelta(days=1000 * first)
        self._mine: dict[str, Mine] = defaultdict(Mine)
        self._count = 0
        self._drafted: list[Record] = []

    def write(self, changes: int, pace: float) -> None:
        """So many changes of records, about `pace` a second."""
        self._go_on(pace, lambda: self._count < changes)

    def write_until(self, pace: float, over: threading.Event) -> None:
        """Changes of records, about `pace` a second."""
        self._go_on(pace, lambda: not over.is_set())

    def _go_on(self, pace: float, more: Callable[[], bool]) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            hand = Hand(connection)
            began = time.monotonic()
            while more():
                self._transaction(hand)
                ahead = began + self._count / pace - time.monotonic()
                time.sleep(max(0.0, ahead * self._dice.uniform(0.5, 1.5)))

    def _transaction(self, hand: Hand) -> None:
        company = self._dice.choice(list(self._places))
        sip, mine = Sip(hand, company), self._mine[company]
        done: list[tuple[Record, int | None]] = []
        self._drafted = []
        used, undone = self._number, self._dice.random() < 0.04
        kept = {name: list(value) for name, value in vars(mine).items()}
        needed = dict(self.memory.needs)
        with hand.connection.transaction(force_rollback=undone):
            for act in self._dice.choices(*zip(*ACTS, strict=True), k=self._dice.choice((1, 1, 1, 2, 3))):
                done += act(self, sip, mine)
            before = time.time()
        after = time.time()
        if undone:
            vars(mine).update(kept)
            self.memory.needs = needed
            self.memory.unseen.update(range(used + self._step, self._number + 1, self._step))
            return
        for record, number in done:
            self.memory.company[record] = company
            self.memory.changes[record].append(Change(record, number, before, after))
        self.memory.drafts |= {record: Change(record, None, before, after) for record in self._drafted}
        self._count += len(done)

    def next(self) -> int:
        """A number of its own."""
        self._number += self._step
        return self._number

    def some(self, among: Sequence[Any], most: int = 1) -> list[Any]:
        """One to `most` of the latest of these, none if there are none."""
        latest = list(among[-40:])
        return self._dice.sample(latest, min(len(latest), self._dice.randint(1, most)))

    # What can be done. Each returns the records that QuickBooks may be told of, with the number of the change.

    def add_customer(self, sip: Sip, mine: Mine) -> Done:
        number = self.next()
        id_ = sip.customer(f"Customer {number}", phone=mark(number))
        mine.customers.append(id_)
        if self._dice.random() < 0.3:
            mine.jobs.append((sip.job(id_, f"Job {number}"), id_))
        return [(Record("customer", id_), number)]

    def edit_customers(self, sip: Sip, mine: Mine) -> Done:
        """One, or several in one statement."""
        ids = self.some(mine.customers, self._dice.choice((1, 1, 1, 8)))
        number = self.next()
        columns: dict[str, Any] = {"phone": mark(number), "city": self._dice.choice(("Boise", "Reno", None))}
        if len(ids) == 1 and self._dice.random() < 0.3:
            columns["name"] = f"Customer {number}"
        update(sip, "customers", ids, **columns)
        return [(Record("customer", id_), number) for id_ in ids]

    def withdraw_customer(self, sip: Sip, mine: Mine) -> Done:
        """SIP's soft delete, of one that may have invoices."""
        ids = self.some(mine.customers)
        for id_ in ids:
            mine.customers.remove(id_)
            sip.update("customers", id_, deleted_at="2026-01-01")
        return [(Record("customer", id_), None) for id_ in ids]

    def add_item(self, sip: Sip, mine: Mine) -> Done:
        number = self.next()
        id_ = sip.service_item(f"Item {number}", "12.50", description=mark(number))
        mine.items.append(id_)
        return [(Record("service_item", id_), number)]

    def edit_item(self, sip: Sip, mine: Mine) -> Done:
        number = self.next()
        ids = self.some(mine.items)
        update(sip, "service_items", ids, description=mark(number), price=Decimal(number % 500) / 4)
        return [(Record("service_item", id_), number) for id_ in ids]

    def turn_item(self, sip: Sip, mine: Mine) -> Done:
        """Inactive; and active again, with another description, some transactions later or at once."""
        done: Done = []
        for id_ in self.some(mine.items):
            sip.update("service_items", id_, active=False)
            done.append((Record("service_item", id_), None))
            if self._dice.random() < 0.5:
                number = self.next()
                sip.update("service_items", id_, active=True, description=mark(number))
                done.append((Record("service_item", id_), number))
            else:
                mine.items.remove(id_)
        return done

    def add_invoice(self, sip: Sip, mine: Mine, status: str = "sent") -> Done:
        """Some lines, of items and of free text; more than the discount, since nobody pays what is nothing."""
        customers = self.some(mine.customers)
        if not customers:
            return []
        number = self.next()
        items = [*self.some(mine.items, 2), None]
        lines = [
            Line(
                Decimal(self._dice.randint(1, 40)) / 4,
                Decimal(self._dice.randint(2_100, 20_000)) / 100,
                item=item,
            )
            for item in self._dice.choices(items, k=self._dice.randint(1, 3))
        ]
        discount, value = self._dice.choice((("none", 0), ("percent", 10), ("fixed", 5)))
        id_ = sip.invoice(
            customers[0], *lines, number=f"I-{number}", status=status, rate=self._places[sip.company].rate,
            discount=discount, value=value, notes=mark(number),
            issue_date="2026-06-01", due_date="2026-07-01",
        )  # fmt: skip
        record = Record("invoice", id_)
        self.memory.needs[record] = (
            Record("customer", customers[0]),
            *(Record("service_item", item) for item in {line.item for line in lines} if item is not None),
        )
        if status == "draft":
            self.memory.unseen.add(number)
            mine.drafts.append(id_)
            self._drafted.append(record)
            return []
        mine.open.append(id_)
        return [(record, number)]

    def add_draft(self, sip: Sip, mine: Mine) -> Done:
        return self.add_invoice(sip, mine, "draft")

    def send_drafts(self, sip: Sip, mine: Mine) -> Done:
        """One, or several marked as sent together."""
        ids = self.some(mine.drafts, self._dice.choice((1, 6)))
        number = self.next()
        update(sip, "invoices", ids, status="sent", notes=mark(number))
        for id_ in ids:
            mine.drafts.remove(id_)
        mine.open += ids
        return [(Record("invoice", id_), number) for id_ in ids]

    def edit_invoice(self, sip: Sip, mine: Mine) -> Done:
        ids = self.some([*mine.open[-20:], *mine.paid[-20:]])
        number = self.next()
        update(sip, "invoices", ids, notes=mark(number), po_number=f"PO {number}")
        return [(Record("invoice", id_), number) for id_ in ids]

    def pay(self, sip: Sip, mine: Mine, status: str = "collected") -> Done:
        done: Done = []
        for id_ in self.some(mine.open):
            number = self.next()
            method = self._dice.choice(("card", "ach", "apple_pay", "cash", "check", "zelle", "other"))
            payment = sip.payment(
                id_, method=method, status=status, paid_on="2026-06-15" if status == "collected" else None,
                note=mark(number),
            )  # fmt: skip
            record = Record("payment", payment)
            self.memory.needs[record] = (
                Record("invoice", id_),
                *self.memory.needs[Record("invoice", id_)][:1],
            )
            mine.open.remove(id_)
            if status == "collected":
                mine.paid.append(id_)
                done.append((record, number))
            else:
                self.memory.unseen.add(number)
                mine.promised.append(payment)
                self._drafted.append(record)
        return done

    def promise(self, sip: Sip, mine: Mine) -> Done:
        """A transfer that is on its way."""
        return self.pay(sip, mine, "pending")

    def collect(self, sip: Sip, mine: Mine) -> Done:
        """What was on its way is there."""
        ids = self.some(mine.promised)
        number = self.next()
        update(sip, "payments", ids, status="collected", paid_on="2026-06-20", note=mark(number))
        for id_ in ids:
            mine.promised.remove(id_)
        return [(Record("payment", id_), number) for id_ in ids]

    def fill_sheet(self, sip: Sip, mine: Mine) -> Done:
        """A timesheet nobody has approved yet."""
        place = self._places[sip.company]
        known = self._dice.random() < 0.85
        self._day += timedelta(days=1)
        jobs = [*self.some(mine.jobs, 2), None]
        chosen = self._dice.choices(jobs, k=self._dice.randint(1, 3))
        numbers = [self.next() for _ in chosen]
        ids = sip.timesheet(
            self._dice.choice(place.members) if known else place.stranger,
            *(
                {"minutes": self._dice.randint(1, 600), "job_id": job and job[0], "notes": mark(number)}
                for job, number in zip(chosen, numbers, strict=True)
            ),
            status="draft",
            day=self._day,
        )
        for id_, job in zip(ids, chosen, strict=True):
            record = Record("timesheet_entry", id_)
            self.memory.needs[record] = (Record("customer", job[1]),) if job else ()
            self._drafted.append(record)
            if not known:
                self.memory.nobody.add(record)
        self.memory.unseen.update(numbers)
        mine.sheets.append((sip.timesheet_of(ids[0]), ids))
        return []

    def approve(self, sip: Sip, mine: Mine) -> Done:
        """One timesheet, or several together."""
        sheets = self.some(mine.sheets, self._dice.choice((1, 4)))
        number = self.next()
        entries = [entry for _, ids in sheets for entry in ids]
        update(sip, "timesheet_entries", entries, notes=mark(number))
        update(sip, "timesheets", [sheet for sheet, _ in sheets], status="approved")
        for sheet in sheets:
            mine.sheets.remove(sheet)
        mine.entries += entries
        return [(Record("timesheet_entry", entry), number) for entry in entries]

    def edit_entry(self, sip: Sip, mine: Mine) -> Done:
        ids = self.some(mine.entries)
        number = self.next()
        update(sip, "timesheet_entries", ids, notes=mark(number), minutes=1 + number % 500)
        return [(Record("timesheet_entry", id_), number) for id_ in ids]

    def delete_entry(self, sip: Sip, mine: Mine) -> Done:
        ids = self.some(mine.entries)
        for id_ in ids:
            sip.delete("timesheet_entries", id_)
            mine.entries.remove(id_)
        return [(Record("timesheet_entry", id_), None) for id_ in ids]


Done = list[tuple[Record, int | None]]
ACTS: list[tuple[Callable[[Writer, Sip, Mine], Done], float]] = [
    (Writer.add_customer, 1.2),
    (Writer.edit_customers, 1.0),
    (Writer.withdraw_customer, 0.1),
    (Writer.add_item, 0.6),
    (Writer.edit_item, 1.0),
    (Writer.turn_item, 0.15),
    (Writer.add_invoice, 1.0),
    (Writer.add_draft, 0.8),
    (Writer.send_drafts, 0.5),
    (Writer.edit_invoice, 1.2),
    (Writer.pay, 1.0),
    (Writer.promise, 0.3),
    (Writer.collect, 0.3),
    (Writer.fill_sheet, 1.0),
    (Writer.approve, 0.5),
    (Writer.edit_entry, 1.2),
    (Writer.delete_entry, 0.1),
]


def mark(number: int) -> str:
    """How a number stands in a field. By NUMBER it is found again, since nothing else has such signs."""
    return f"#{number}#"


def update(sip: Sip, table: str, ids: Sequence[str], **columns: Any) -> None:
    """Change several rows in one statement."""
    if not ids:
        return
    changes = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in columns)
    statement = sql.SQL("update sip.{} set {} where id = any(%s::bigint[])").format(
        sql.Identifier(table), changes
    )
    sip.database.connection.execute(statement, [*columns.values(), list(ids)])


def merged(writers: Sequence[Writer]) -> Memory:
    """What all of them did. No record is of two."""
    whole = Memory()
    for memory in (writer.memory for writer in writers):
        whole.changes |= memory.changes
        whole.company |= memory.company
        whole.needs |= memory.needs
        whole.drafts |= memory.drafts
        whole.nobody |= memory.nobody
        whole.unseen |= memory.unseen
    seen = {change.number for changes in whole.changes.values() for change in changes}
    whole.unseen -= {number for number in seen if number is not None}
    return whole


@contextmanager
def alongside(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """In a thread meanwhile; the event tells it to end."""
    over = threading.Event()
    thread = threading.Thread(target=work, args=(over,))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@dataclass(frozen=True)
class Flip:
    """Settings that came into force between `before` and `after`."""

    before: float
    after: float
    settings: Mapping[str, bool]


class Admin:
    """Turns switches of all companies. It alone does, so it knows what was on when."""

    def __init__(self, database: Database, companies: Sequence[str], seed: int) -> None:
        self._dsn = database.admin_dsn
        self._dice = random.Random(seed)
        self._companies = list(companies)
        on = {"enable_sync": True, **dict.fromkeys(TOGGLES.values(), True)}
        self.flips = {company: [Flip(0.0, 0.0, on)] for company in companies}

    def at_work(self, pace: float) -> AbstractContextManager[None]:
        """So many turns a second meanwhile; at the end everything is on."""
        return alongside(lambda over: self._turn_switches(pace, over))

    def _turn_switches(self, pace: float, over: threading.Event) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            while not over.wait(self._dice.expovariate(pace)):
                setting = self._dice.choice(["enable_sync", *TOGGLES.values()])
                on = self._dice.random() < (0.8 if setting == "enable_sync" else 0.6)
                self._turn(connection, self._dice.choice(self._companies), **{setting: on})
            for company in self._companies:
                self._turn(connection, company, **self.flips[company][0].settings)

    def _turn(self, connection: psycopg.Connection[Any], company: str, **settings: bool) -> None:
        changes = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in settings)
        statement = sql.SQL("update syncd.sync_settings set {} where company_id = %s").format(changes)
        before = time.time()
        connection.execute(statement, [*settings.values(), company])
        known = self.flips[company]
        known.append(Flip(before, time.time(), {**known[-1].settings, **settings}))
