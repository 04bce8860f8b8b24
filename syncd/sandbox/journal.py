"""What arrived, in order: for tests that ask what a client really sent."""

from collections import deque
from dataclasses import asdict, dataclass, field
from itertools import dropwhile

from syncd.sandbox.wire import Json

KEEP = 200_000


@dataclass(slots=True)
class Entry:
    """One request. `arrived` is wall-clock epoch seconds, not the sandbox's clock.

    `outcome` is `executed` (carried out, a fault included), `replayed` (answered
    from memory), `refused` (not looked at: authentication, throttle, locks, an
    injected answer) or "" while it runs. `items` is how many a batch has, and
    `item_codes` the faults inside its answer, by bId.
    """

    seq: int
    arrived: float
    method: str
    path: str
    realm: str = ""
    entity: str = ""
    requestid: str = ""
    items: int = 0
    item_codes: dict[str, str] = field(default_factory=dict)
    status: int = 0
    code: str = ""
    outcome: str = ""
    object_id: str = ""


class Journal:
    """The newest requests."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEEP)
        self._seq = 0

    def open(self, arrived: float, method: str, path: str) -> Entry:
        """Note a request at its arrival; its answer is filled in later."""
        self._seq += 1
        entry = Entry(self._seq, arrived, method, path)
        self._entries.append(entry)
        return entry

    def since(self, seq: int, realm: str = "") -> list[dict[str, Json]]:
        """The entries after a sequence number, oldest first: all of them, or those of one realm."""
        newer = dropwhile(lambda entry: entry.seq <= seq, self._entries)
        return [asdict(entry) for entry in newer if realm in ("", entry.realm)]

    def clear(self) -> None:
        """Forget the entries; sequence numbers go on."""
        self._entries.clear()
