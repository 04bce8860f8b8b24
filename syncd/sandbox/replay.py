"""What a repeated requestid gets: the first answer again, nothing done twice.

A requestid belongs to the realm, whatever entity, operation or body it comes
with (QBO documentation, "Request id": unique for all requests of a company).
"""

from collections import OrderedDict
from dataclasses import dataclass

from syncd.sandbox.faults import QboFaultError, validation

MEMORY_SECONDS = {"none": 0.0, "1h": 3600.0, "forever": float("inf")}


@dataclass(frozen=True)
class Answer:
    """A complete answer: HTTP status, JSON text, and what the journal says of it."""

    status: int
    body: str
    code: str = ""
    object_id: str = ""


def check_format(requestid: str) -> QboFaultError | None:
    """Fault 2130 unless the id is 1 to 50 printable ASCII characters without a blank."""
    if 1 <= len(requestid) <= 50 and all("!" <= character <= "~" for character in requestid):
        return None
    return validation(
        "2130", "Invalid Request Id Format", f"Invalid Request Id Format : Supplied value:{requestid}"
    )


class ReplayMemory:
    """Answers by realm and requestid."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[str, str], tuple[float, Answer]] = OrderedDict()
        self.running: set[tuple[str, str]] = set()

    def recall(self, realm: str, requestid: str, now: float, memory: str) -> Answer | None:
        """The first answer, if it is not older than `memory` (a value of replay-memory)."""
        kept = self._answers.get((realm, requestid))
        if kept is None or now - kept[0] >= MEMORY_SECONDS[memory]:
            return None
        return kept[1]

    def keep(self, realm: str, requestid: str, now: float, answer: Answer) -> None:
        """Remember an answer. Called in the same step that commits the write."""
        self._answers[realm, requestid] = (now, answer)
