"""What came of one record of a call, as a Result: the sentences that people read, and the class that decides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from syncd.db.queue import Result, parse
from syncd.db.states import FaultClass
from syncd.push import module_for

OF_A_REFERENCE = {"6300"}  # besides what holds a record
SETTLE = "Correct it in SIP, which sends it again; or see to it in QuickBooks, then run: syncd settle."

if TYPE_CHECKING:
    from syncd.daemon.call import Delivery
    from syncd.qbo.faults import Fault


def taken(delivery: Delivery, answer: dict[str, Any]) -> Result:
    """A good answer, if it says what it made."""
    module = module_for(delivery.entity_type)
    got = answer.get(module.qbo_type)
    if not isinstance(got, dict) or not got.get("Id") or got.get("SyncToken") is None:
        return unknown(delivery, f"QuickBooks accepted {delivery.what} but did not say what it made of it.")
    return arrived(delivery, got)


def arrived(delivery: Delivery, found: dict[str, Any]) -> Result:
    """It is in QBO: a success if all is there as it was sent, else a variance that says what is not."""
    module = module_for(delivery.entity_type)
    amiss = list(module.variances(parse(delivery.document), found))
    if differing := module.differences(delivery.payload, found):
        values = "; ".join(
            f'{field}: sent "{sent}", QuickBooks has "{has}"' for field, sent, has in differing
        )
        amiss.insert(0, f"QuickBooks took {delivery.what} but changed it: {values}.")
    return Result(
        delivery.bid,
        outcome="variance" if amiss else "success",
        qbo_id=str(found["Id"]),
        sync_token=str(found.get("SyncToken")),
        note=" ".join(delivery.notes) or None,
        error=f"{' '.join(amiss)} {SETTLE}" if amiss else None,
    )


def of_fault(delivery: Delivery, fault: Fault, what: str | None = None) -> Result:
    """QBO's fault, in a sentence about `what` (the record, unless something else failed)."""
    return Result(
        delivery.bid,
        outcome="fault",
        fault=fault.fault_class,
        code=fault.code or None,
        may_help=fault.retry,
        held=fault.holds,
        told_to_wait=fault.retry_after,
        error=fault.sentence(what or delivery.what) + _referring(delivery, fault),
    )


def _referring(delivery: Delivery, fault: Fault) -> str:
    """Of what QuickBooks refuses for something that it names: who or what that is, since QuickBooks does not say."""
    refers = parse(delivery.document).get("refers")
    return f" It names {refers}" if refers and (fault.holds or fault.code in OF_A_REFERENCE) else ""


def split(delivery: Delivery, fault: Fault) -> Result:
    """QBO refused a batch as a whole, as if it were one record: which one it means shows when each goes alone."""
    return Result(
        delivery.bid,
        outcome="split",
        fault=FaultClass.RECORD,
        may_help=True,
        code=fault.code or None,
        error=fault.sentence("a batch"),
    )


def transient(delivery: Delivery, error: str) -> Result:
    """Surely not done; it is tried again."""
    return Result(delivery.bid, outcome="fault", fault=FaultClass.TRANSIENT, may_help=True, error=error)


def unknown(delivery: Delivery, error: str) -> Result:
    """Done or not, nobody knows; it is settled before anything else of the record."""
    return Result(delivery.bid, outcome="unknown", fault=FaultClass.TRANSIENT, may_help=True, error=error)


def absent(delivery: Delivery, fault: FaultClass) -> Result:
    """Never confirmed, and QBO does not have it; `fault` says whether that uses an attempt."""
    return Result(
        delivery.bid,
        outcome="absent",
        fault=fault,
        may_help=True,
        error=f"QuickBooks never confirmed {delivery.what}, and does not have it. It is sent anew.",
    )


def early(delivery: Delivery, refused: Result) -> Result:
    """Refused when it was sent again, and not in QBO; but an earlier request for it may still be at work there."""
    return replace(
        refused,
        outcome="early",
        error=f"{refused.error} An earlier request for {delivery.what} may still be under way in QuickBooks: syncd"
        " asks again when that must have ended, and sends nothing else of it before.",
    )


def unreadable(delivery: Delivery) -> Result:
    """Our own code failed on the answer: that must not stop the company."""
    return Result(
        delivery.bid,
        outcome="unknown",
        fault=FaultClass.RECORD,
        may_help=True,
        error=f"QuickBooks answered {delivery.what} with something that syncd cannot read; its log says why."
        " It asks again.",
    )
