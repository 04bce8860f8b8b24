"""Members, their timesheets, and who they are in QuickBooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.billing import Billing

if TYPE_CHECKING:
    from tests.support.database import Database
    from tests.support.engine import Engine

START = "2026-08-01"
DAY = "2026-08-03"


def timekeeping(database: Database) -> None:
    """Company 1, connected, with timesheets alone switched on since `START`, and an item for time chosen."""
    database.add_company(on=False)
    database.execute("update syncd.company set payroll_enabled = true")
    database.switch("1", enable_sync=True, auto_timesheets=True)
    labour = Labour(database)
    labour.start(START)
    labour.books.choose("item_map", "time", "12")


class Labour:
    """Members and timesheets of company 1, on a database on which `timekeeping` was run."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.books = Billing(database)
        self.sip = self.books.sip

    def start(self, day: str | None) -> None:
        """Move the start date. None is only possible while timesheets are off."""
        self.database.execute("update syncd.sync_settings set timesheet_start_date = %s", (day,))

    def member(self, name: str = "Ann Lee", qbo_id: str | None = "55", kind: str = "Employee") -> str:
        """A member, mapped unless `qbo_id` is None; its id."""
        member = self.sip.member(name)
        if qbo_id is not None:
            self.employ(member, qbo_id, kind)
        return member

    def employ(self, member: str, qbo_id: str, kind: str = "Employee") -> None:
        """Map a member."""
        self.database.execute(
            "insert into syncd.employee_map (company_id, environment, realm_id, member_id, qbo_type, qbo_id, qbo_name)"
            " select company_id, environment, realm_id, %s, %s, %s, 'Somebody' from syncd.company"
            " on conflict on constraint employee_map_pkey do update"
            " set qbo_type = excluded.qbo_type, qbo_id = excluded.qbo_id",
            (member, kind, qbo_id),
        )

    def entry(
        self, member: str | None = None, *, day: str = DAY, status: str = "approved", **columns: Any
    ) -> str:
        """The one entry of a timesheet, of 90 minutes unless `columns` say otherwise; its id."""
        columns = {"minutes": 90, **columns}
        [id_] = self.sip.timesheet(member or self.member(), columns, status=status, day=day)
        return id_

    def row(self, id_: str) -> dict[str, Any]:
        """The row of syncd.documents."""
        return self.books.row("timesheet_entry", id_)

    def verdict(self, id_: str) -> str:
        """What would come of the entry now."""
        return self.books.verdict(id_, "timesheet_entry")

    def jobs(self) -> dict[str, str]:
        """Entry -> state, of those in the queue."""
        return dict(
            self.database.rows(
                "select entity_id, state::text from syncd.job where entity_type = 'timesheet_entry'"
            )
        )

    def log(self) -> list[tuple[str, str, str]]:
        """Name, status and sentence of all that was left out or went wrong."""
        return [
            (str(name), str(status), str(error))
            for name, status, error in self.database.rows(
                "select entity_name, status::text, error from syncd.sync_log where error is not null order by log_id"
            )
        ]


def due(engine: Engine) -> list[str]:
    """The entries that a daemon would push now."""
    engine.absorb()
    lanes = engine.lease()
    if not lanes:
        return []
    jobs = engine.decide(lanes["1"])
    engine.release(lanes["1"])
    return sorted(job["entity_id"] for job in jobs if job["entity_type"] == "timesheet_entry")


def push(engine: Engine) -> list[str]:
    """Push whatever is due, one by one; the operations, by entry."""
    engine.absorb()
    lanes = engine.lease()
    if not lanes:
        return []
    done = []
    for job in engine.decide(lanes["1"]):
        settled = engine.push(lanes["1"], job, job["qbo_id"] or f"T{job['entity_id']}")
        assert settled == "synced"
        done.append(job["operation"])
    engine.release(lanes["1"])
    return done
