"""What a repeated requestid gets: the first answer again, nothing done twice.

A requestid belongs to the realm, whatever entity, operation or body it comes
with (QBO documentation, "Request id": unique for all requests of a company).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from syncd.sandbox.faults import QboFaultError, validation
from syncd.sandbox.wire import Json

MEMORY_SECONDS = {"none": 0.0, "1h": 3600.0, "forever": float("inf")}


@dataclass(frozen=True)
class Answer:
    """A complete answer: HTTP status, JSON text, and what the journal says of it."""

    status: int
    body: str
    code: str = ""
    object_id: str = ""
    item_codes: Mapping[str, str] = field(default_factory=dict)


def check_format(requestid: str, longest: int) -> QboFaultError | None:
    """Fault 2130 unless the id is 1 to `longest` printable ASCII characters without a blank."""
    if 1 <= len(requestid) <= longest and all("!" <= character <= "~" for character in requestid):
        return None
    return validation(
        "2130", "Invalid Request Id Format", f"Invalid Request Id Format : Supplied value:{requestid}"
    )


class ReplayMemory:
    """Answers by realm and key: the requestid, with the bIds of a batch behind it."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], tuple[float, Answer]] = {}
        self._items: dict[tuple[str, str], tuple[float, dict[str, Json]]] = {}
        self.running: set[tuple[str, str]] = set()

    def recall(self, realm: str, key: str, now: float, memory: str) -> Answer | None:
        """The first answer, if it is not older than `memory` (a value of replay-memory)."""
        kept = self._answers.get((realm, key))
        return None if kept is None or now - kept[0] >= MEMORY_SECONDS[memory] else kept[1]

    def keep(self, realm: str, key: str, now: float, answer: Answer) -> None:
        """Remember an answer. Called in the same step that commits the write."""
        self._answers[realm, key] = (now, answer)

    def recall_item(self, realm: str, key: str, now: float, memory: str) -> dict[str, Json] | None:
        """As `recall`, for one item of a batch."""
        kept = self._items.get((realm, key))
        return None if kept is None or now - kept[0] >= MEMORY_SECONDS[memory] else kept[1]

    def keep_item(self, realm: str, key: str, now: float, answer: dict[str, Json]) -> None:
        """As `keep`, for one item of a batch."""
        self._items[realm, key] = (now, answer)
