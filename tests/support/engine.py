"""Driving the engine's SQL functions one step at a time, as the daemon does, without HTTP."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from tests.support.database import Database


ITEM = (
    "entity_type", "entity_id", "entity_name", "version", "generation", "operation", "qbo_type", "fingerprint",
    "turn", "turn_after",
)  # fmt: skip


def asked(
    company: str, epoch: int, most: int = 30, floors: list[int] | None = None, share: str = "after"
) -> dict[str, Any]:
    """One lane in a question to syncd.decide."""
    return {
        "company_id": company,
        "epoch": epoch,
        "most": [most, most],
        "floors": floors or [0, 0, 0, 0],
        "share": [share, share],
    }


def recorded(
    company: str, epoch: int, call: int, results: dict[str, dict[str, Any]], **answer: Any
) -> dict[str, Any]:
    """One call in a question to syncd.record."""
    return {
        "company_id": company,
        "epoch": epoch,
        "call_id": call,
        "answer": answer,
        "results": [{"bid": bid, **result} for bid, result in results.items()],
    }


class Unheard(psycopg.DatabaseError):
    """A lane has no row in the answer to a question of several lanes: what hold_lane raises for one."""

    sqlstate = "SY001"

    def __init__(self, company: str) -> None:
        super().__init__(f"the lane of company {company} belongs to another daemon now")


class Engine:
    """One worker's view of one database."""

    def __init__(self, database: Database, lease: str = "1 minute") -> None:
        self.database = database
        self.worker = uuid.uuid4()
        self.again_in: float | None = None
        self.floors: list[int] = []
        database.execute("select syncd.heartbeat(%s, %s)", (self.worker, lease))

    def absorb(self) -> int:
        """Absorb all signals; how many there were."""
        total = 0
        while taken := self.database.value("select signals from syncd.absorb(100)"):
            total += taken
        return total

    def lease(self, slots: int = 10) -> dict[str, int]:
        """Company -> epoch of the lanes leased."""
        return dict(
            self.database.rows("select company_id, epoch from syncd.lease(%s, %s)", (self.worker, slots))
        )

    def decide(
        self,
        epoch: int,
        company: str = "1",
        most: int = 30,
        floors: list[int] | None = None,
        share: str = "after",
    ) -> list[dict[str, Any]]:
        """The pushes; `again_in` and `floors` keep what else was said."""
        cursor = self.database.connection.execute(
            "select * from syncd.decide(%s, %s)",
            (self.worker, Jsonb([asked(company, epoch, most, floors, share)])),
        )
        names = [column.name for column in cursor.description or []]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        if not rows:
            raise Unheard(company)
        self.again_in, self.floors = rows[0]["again_in"], rows[0]["next_floors"]
        return [row for row in rows if row["entity_id"] is not None]

    def intend(self, epoch: int, *jobs: dict[str, Any], company: str = "1") -> int | None:
        """Commit a call for jobs that were decided; None if one of them changed since."""
        items = [
            {
                **{key: job[key] for key in ITEM},
                "document": json.dumps(job["document"]),
                "bid": str(number),
                "notes": [],
            }
            for number, job in enumerate(jobs, 1)
        ]
        call = {
            "company_id": company,
            "epoch": epoch,
            "kind": "single" if len(jobs) == 1 else "batch",
            "environment": jobs[0]["environment"],
            "realm_id": jobs[0]["realm_id"],
            "request_id": str(uuid.uuid4()),
            "path": "customer",
            "items": items,
        }
        rows = self.database.rows(
            "select call_id from syncd.intend(%s, %s, %s)", (self.worker, Jsonb([call]), [b"{}"])
        )
        if not rows:
            raise Unheard(company)
        committed: int | None = rows[0][0]
        return committed

    def record(self, epoch: int, call: int, company: str = "1", **result: Any) -> str | None:
        """Settle a single call; the state of its record, None if it was settled before."""
        answer = {
            key: result.pop(key) for key in ("http_status", "intuit_tid", "duration_ms") if key in result
        }
        settled = self.record_all(epoch, call, {"1": result}, company, **answer)
        return next(iter(settled.values()), None)

    def record_all(
        self, epoch: int, call: int, results: dict[str, dict[str, Any]], company: str = "1", **answer: Any
    ) -> dict[str, str]:
        """Settle records of a call by their place in it; record -> state."""
        rows = self.database.rows(
            "select entity_id, state::text from syncd.record(%s, %s)",
            (self.worker, Jsonb([recorded(company, epoch, call, results, **answer)])),
        )
        if not rows:
            raise Unheard(company)
        return {entity: state for entity, state in rows if entity is not None}

    def reopen(self, epoch: int, company: str = "1") -> int | None:
        """The open call to be sent again."""
        call: int | None = self.database.value(
            "select call_id from syncd.reopen(%s, %s, %s)", (company, self.worker, epoch)
        )
        return call

    def release(self, epoch: int, company: str = "1") -> bool:
        """Give the lane back; False if more is due."""
        lane = {"company_id": company, "epoch": epoch, "leaving": False, "floors": [0, 0, 0, 0]}
        rows = self.database.rows("select released from syncd.release(%s, %s)", (self.worker, Jsonb([lane])))
        if not rows:
            raise Unheard(company)
        return bool(rows[0][0])

    def push(self, epoch: int, job: dict[str, Any], qbo_id: str, version: str = "0") -> str | None:
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
