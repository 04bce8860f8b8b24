"""Changes of all kinds, by several writers, while an admin moves the switches; and what QuickBooks must hold then."""

from __future__ import annotations

import base64
import random
import threading
import time
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import psycopg

from tests.support.sip import Sip

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.company import Company
    from tests.support.database import Database

TOGGLES = {
    "customer": "auto_customers",
    "service_item": "auto_service_items",
    "invoice": "auto_invoices",
    "payment": "auto_payments",
    "timesheet_entry": "auto_timesheets",
}
AROUND = 0.5  # seconds before a change began and after it was committed


@dataclass
class Record:
    """One record as its writer left it: when each change was made, with the value it gave, and what it needs."""

    kind: str
    id: str
    name: str
    changes: list[tuple[float, float, str]] = field(default_factory=list)
    needs: list[Record] = field(default_factory=list)
    wanted_by: list[Record] = field(default_factory=list)


class Switches:
    """What the settings of one company were, and when each change of them began and was committed."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.now = dict.fromkeys(["enable_sync", *TOGGLES.values()], True)
        self.history: list[tuple[float, float, dict[str, bool]]] = [(0.0, 0.0, dict(self.now))]

    def move(self, database: Session, column: str, *, on: bool) -> None:
        """Change one."""
        self.now[column] = on
        began = time.monotonic()
        database.execute(
            f"update syncd.sync_settings set {column} = %s where company_id = %s",  # noqa: S608 - of this file
            (on, self.company.id),
        )
        self.history.append((began, time.monotonic(), dict(self.now)))

    def was_on(self, kind: str, since: float, until: float) -> bool | None:
        """Whether that type was on during all of this time; None if for a part of it."""
        ends = [began_and_done[1] for began_and_done in self.history[1:]] + [float("inf")]
        states = {
            settings["enable_sync"] and settings[TOGGLES[kind]]
            for (began, _, settings), end in zip(self.history, ends, strict=True)
            if began <= until and end >= since
        }
        return states.pop() if len(states) == 1 else None


class Session:
    """One connection of SIP's app; it has what `Sip` needs of a database."""

    def __init__(self, dsn: str) -> None:
        self.connection = psycopg.connect(dsn, autocommit=True)

    def execute(self, query: str, parameters: Any = None) -> None:
        """Run SQL."""
        self.connection.execute(query.encode(), parameters)

    def value(self, query: str, parameters: Any = None) -> Any:
        """The first column of the first row."""
        row = self.connection.execute(query.encode(), parameters).fetchone()
        return row[0] if row else None


class Writer(threading.Thread):
    """Makes changes in random companies. What it made is in `records`, by company; drafts are not among them."""

    def __init__(
        self,
        database: Database,
        companies: list[Company],
        members: dict[tuple[str, int], str],
        number: int,
        count: int,
    ) -> None:
        super().__init__()
        self._session = Session(database.dsn)
        self._companies = companies
        self._members = members
        self._number = number
        self._count = count
        self._dice = random.Random(number)
        self._made = 0
        self.records: dict[str, list[Record]] = {company.id: [] for company in companies}
        self.drafts: dict[str, list[str]] = {company.id: [] for company in companies}
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            for _ in range(self._count):
                self._one(self._dice.choice(self._companies))
        except BaseException as error:
            self.error = error
        finally:
            self._session.connection.close()

    def _one(self, company: Company) -> None:
        sip = Sip(self._session, company.id)  # type: ignore[arg-type] # a session has what it needs
        do: Callable[[Company, Sip], list[tuple[Record, str]]] = self._dice.choices(
            [
                self._customer,
                self._new_customer,
                self._item,
                self._invoice,
                self._payment,
                self._time,
                self._draft,
            ],
            weights=[25, 15, 15, 20, 10, 10, 5],
        )[0]
        since = time.monotonic()
        done: list[tuple[Record, str]] = []
        undone = self._dice.random() < 0.1
        with self._session.connection.transaction():
            done = do(company, sip)
            if undone:
                raise psycopg.Rollback
        if undone:
            return
        until = time.monotonic()
        for record, value in done:
            if not record.changes:
                self.records[company.id].append(record)
                for needed in record.needs:
                    needed.wanted_by.append(record)
            record.changes.append((since, until, value))

    def _called(self, what: str) -> str:
        self._made += 1
        return f"{what} {self._number}-{self._made}"

    def _own(self, company: Company, kind: str) -> Record | None:
        of_kind = [record for record in self.records[company.id] if record.kind == kind]
        return self._dice.choice(of_kind) if of_kind else None

    def _phone(self) -> str:
        return f"555{self._dice.randrange(10**7):07}"

    def _new_customer(self, _company: Company, sip: Sip) -> list[tuple[Record, str]]:
        name, phone = self._called("Customer"), self._phone()
        return [(Record("customer", sip.customer(name, phone=phone), name), phone)]

    def _customer(self, company: Company, sip: Sip) -> list[tuple[Record, str]]:
        record = self._own(company, "customer")
        if record is None:
            return self._new_customer(company, sip)
        phone = self._phone()
        sip.update("customers", record.id, phone=phone)
        return [(record, phone)]

    def _item(self, company: Company, sip: Sip) -> list[tuple[Record, str]]:
        record = self._own(company, "service_item")
        price = f"{self._dice.randrange(100, 10000)}.50"
        if record is None or self._dice.random() < 0.4:
            name = self._called("Item")
            return [(Record("service_item", sip.service_item(name, price), name), price)]
        sip.update("service_items", record.id, price=price)
        return [(record, price)]

    def _invoice(self, company: Company, sip: Sip) -> list[tuple[Record, str]]:
        customer = self._own(company, "customer")
        if customer is None:
            return self._new_customer(company, sip)
        number = self._called("N")
        lines = [(self._dice.randrange(1, 9), f"{self._dice.randrange(1, 300)}.25") for _ in range(2)]
        if self._dice.random() < 0.5:
            id_ = sip.invoice(customer.id, *lines, number=number)
        else:
            id_ = sip.invoice(customer.id, *lines, number=number, status="draft")
            sip.update("invoices", id_, status="sent")
        return [(Record("invoice", id_, number, needs=[customer]), "")]

    def _draft(self, company: Company, sip: Sip) -> list[tuple[Record, str]]:
        customer = self._own(company, "customer")
        if customer is not None:
            number = self._called("D")
            sip.invoice(customer.id, (1, "10.00"), number=number, status="draft")
            self.drafts[company.id].append(number)
        return []

    def _payment(self, company: Company, sip: Sip) -> list[tuple[Record, str]]:
        open_ = [
            record
            for record in self.records[company.id]
            if record.kind == "invoice" and not any(w.kind == "payment" for w in record.wanted_by)
        ]
        if not open_:
            return self._new_customer(company, sip)
        invoice = self._dice.choice(open_)
        id_ = sip.payment(invoice.id, method=self._dice.choice(["cash", "check", "card", "zelle"]))
        return [(Record("payment", id_, reference(company.id, id_), needs=[invoice]), "")]

    def _time(self, company: Company, sip: Sip) -> list[tuple[Record, str]]:
        self._made += 1
        member = self._members[company.id, self._number]
        day = self._session.value("select syncd.company_today(%s) - %s", (company.id, self._made))
        ids = sip.timesheet(member, 30, {"minutes": 90, "entry_type": "travel"}, day=day)
        return [(Record("timesheet_entry", id_, f"[sip {id_}]"), "") for id_ in ids]


def reference(company: str, payment: str) -> str:
    """What a payment is found by in QuickBooks (rules.md 1), computed here once more."""
    digest = sha256(f"{company}/{payment}".encode()).digest()
    return "SIP-" + base64.b32encode(digest[:10]).decode()


def expected(record: Record, switches: Switches) -> bool | None:
    """Whether QuickBooks must hold it; None if it may."""
    own = {switches.was_on(record.kind, since - AROUND, until + AROUND) for since, until, _ in record.changes}
    others = {expected(other, switches) for other in record.wanted_by}
    if True in own | others:
        return True
    return None if None in own | others else False


def values(record: Record, switches: Switches) -> set[str]:
    """The values that it may have there: of the last change that was surely owed, and of all after it."""
    owed = [
        place
        for place, (since, until, _) in enumerate(record.changes)
        if switches.was_on(record.kind, since - AROUND, until + AROUND)
    ]
    return {value for _, _, value in record.changes[owed[-1] if owed else 0 :]}
