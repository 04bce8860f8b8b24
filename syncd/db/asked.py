"""What lanes ask of the functions of sql/engine that answer several at once, in the form in which those take it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncd.db.queue import Hold, Intent, Received, Result


@dataclass(frozen=True, slots=True)
class Ask:
    """One lane's question what is to be pushed."""

    hold: Hold
    most: tuple[int, int]
    floors: Sequence[int]
    share: tuple[str, str]

    def as_asked(self) -> dict[str, Any]:
        """As syncd.decide takes it."""
        return {
            "company_id": self.hold.company_id,
            "epoch": self.hold.epoch,
            "most": self.most,
            "floors": self.floors,
            "share": self.share,
        }


@dataclass(frozen=True, slots=True)
class Commit:
    """One lane's call that is to be committed."""

    hold: Hold
    intents: Sequence[Intent]
    kind: str
    request_id: str
    path: str
    body: bytes

    def as_asked(self) -> dict[str, Any]:
        """As syncd.intend takes it, but for its bytes."""
        first = self.intents[0].job
        return {
            "company_id": self.hold.company_id,
            "epoch": self.hold.epoch,
            "kind": self.kind,
            "environment": first.environment,
            "realm_id": first.realm_id,
            "request_id": self.request_id,
            "path": self.path,
            "items": [
                {
                    "bid": intent.bid,
                    "entity_type": intent.job.entity_type,
                    "entity_id": intent.job.entity_id,
                    "entity_name": intent.job.entity_name,
                    "version": intent.job.version,
                    "generation": intent.job.generation,
                    "operation": intent.job.operation,
                    "qbo_type": intent.job.qbo_type,
                    "fingerprint": intent.job.fingerprint,
                    "turn": intent.job.turn,
                    "turn_after": intent.job.turn_after,
                    "document": intent.job.document,
                    "notes": list(intent.notes),
                }
                for intent in self.intents
            ],
        }


@dataclass(frozen=True, slots=True)
class Leave:
    """One lane that is given back if nothing of it is due, or if its daemon is `leaving`."""

    hold: Hold
    leaving: bool
    floors: Sequence[int]

    def as_asked(self) -> dict[str, Any]:
        """As syncd.release takes it."""
        return {
            "company_id": self.hold.company_id,
            "epoch": self.hold.epoch,
            "leaving": self.leaving,
            "floors": self.floors,
        }


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of one lane's call."""

    hold: Hold
    call_id: int
    received: Received
    results: Sequence[Result]

    def as_asked(self) -> dict[str, Any]:
        """As syncd.record takes it."""
        return {
            "company_id": self.hold.company_id,
            "epoch": self.hold.epoch,
            "call_id": self.call_id,
            "answer": asdict(self.received),
            "results": [asdict(result) for result in self.results],
        }


def company_of(asked: Ask | Commit | Answered | Leave) -> str:
    """No two of one lane go together: what the first does, the second must see. The worker of all is that of the first:
    a lane that was leased under another name of this process seems lost to it, and is asked for alone.
    """
    return asked.hold.company_id
