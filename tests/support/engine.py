"""Driving the engine's SQL functions one step at a time, as the daemon does, without HTTP."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from tests.support.database import Database


class Engine:
    """One worker's view of one database."""

    def __init__(self, database: Database, lease: str = "1 minute") -> None:
        self.database = database
        self.worker = uuid.uuid4()
        database.execute("select syncd.heartbeat(%s, %s)", (self.worker, lease))

    def absorb(self) -> int:
        """Absorb all signals; how many there were."""
        total = 0
        while taken := self.database.value("select signals from syncd.absorb(100)"):
            total += taken
        return total

    def lease(self, slots: int = 10) -> dict[str, int]:
        """Company -> epoch of the lanes leased."""
        return dict(self.database.rows("select * from syncd.lease(%s, %s)", (self.worker, slots)))

    def decide(self, epoch: int, company: str = "1", most: int = 30) -> list[dict[str, Any]]:
        """The pushes."""
        cursor = self.database.connection.execute(
            "select * from syncd.decide(%s, %s, %s, %s)", (company, self.worker, epoch, most)
        )
        names = [column.name for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def intend(self, epoch: int, job: dict[str, Any], company: str = "1") -> int | None:
        """Commit a call for a job that was decided."""
        call: int | None = self.database.value(
            "select syncd.intend(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '{}')",
            (
                company, self.worker, epoch, job["entity_type"], job["entity_id"], job["entity_name"], job["version"],
                job["generation"], job["operation"], job["qbo_type"], str(uuid.uuid4()), "customer", b"{}",
                job["fingerprint"], Jsonb(job["document"]),
            ),
        )  # fmt: skip
        return call

    def record(self, epoch: int, call: int, company: str = "1", **result: Any) -> str:
        """Settle a call; the state of its record."""
        return str(
            self.database.value(
                "select syncd.record(%s, %s, %s, %s, %s)", (company, self.worker, epoch, call, Jsonb(result))
            )
        )

    def reopen(self, epoch: int, company: str = "1") -> int | None:
        """The open call to be sent again."""
        call: int | None = self.database.value(
            "select call_id from syncd.reopen(%s, %s, %s)", (company, self.worker, epoch)
        )
        return call

    def release(self, epoch: int, company: str = "1") -> bool:
        """Give the lane back."""
        return bool(
            self.database.value("select syncd.release(%s, %s, %s, false)", (company, self.worker, epoch))
        )

    def push(self, epoch: int, job: dict[str, Any], qbo_id: str, version: str = "0") -> str:
        """A call that succeeds; `version` is the SyncToken of the answer."""
        call = self.intend(epoch, job)
        assert call is not None
        return self.record(epoch, call, outcome="success", qbo_id=qbo_id, sync_token=version)

    def job(self, id_: str) -> dict[str, Any] | None:
        """The job of a customer of company 1, without its times."""
        rows = self.database.rows(
            "select to_jsonb(j) from syncd.job j where company_id = '1' and entity_id = %s", (id_,)
        )
        return rows[0][0] if rows else None
