"""Work by hand without a daemon: records of the time before sync, and a worker that does a round when told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.database import Database
    from tests.support.engine import Engine


def before_sync(database: Database, *names: str) -> list[str]:
    """Customers of company 1 that SIP had before anything was noted; their ids."""
    database.execute("alter table sip.customers disable trigger user")
    ids = [database.add_customer(name) for name in names]
    database.execute("alter table sip.customers enable trigger user")
    return ids


def work(engine: Engine, faults: dict[str, dict[str, Any]] | None = None) -> None:
    """Sends everything that is due; what has a fault under its name is refused with it."""
    for company, epoch in engine.lease().items():
        while (jobs := engine.decide(epoch, company)) or engine.again_in == 0:
            for job in jobs:
                call = engine.intend(epoch, job, company=company)
                assert call is not None
                qbo_id = f"{job['entity_type']}-{job['entity_id']}"
                result = {"outcome": "success", "qbo_id": qbo_id, "sync_token": "0"}
                if fault := (faults or {}).get(job["entity_name"]):
                    result = {"outcome": "fault", **fault}
                engine.record(epoch, call, company, **result)
        engine.release(epoch, company)
