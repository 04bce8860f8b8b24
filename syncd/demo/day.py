"""One day of work in SIP, step by step: each is told, done, waited for and measured at QuickBooks' door.

What happens is in morning.py, midday.py, afternoon.py and evening.py; here is what they have at hand.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from syncd.demo.latency import Commit, each_by_itself, milliseconds, percentile, seconds_between
from syncd.demo.sip import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import ExitStack

    from syncd.demo.businesses import Business
    from syncd.demo.quickbooks import QuickBooks, Write

# syncd keeps to ten calls a second of one company, two at once: a quarter of a second later it has both again.
PACE_SECONDS = 0.3

Key = tuple[str, str]
"""Type of record and SIP's id of it."""


class Ends(Enum):
    """What must come of a step."""

    ARRIVES = "in QuickBooks"
    NOTHING = "nothing sent"
    PERSON = "for a person"


class Plant(NamedTuple):
    """A record on which QuickBooks must not follow SIP: why, and words with which syncd's log must explain it."""

    why: str
    words: str
    stays: bool = False
    """It is in QuickBooks, from before, and stays there."""


class Happened(NamedTuple):
    """A step that is over: its calls to QuickBooks, and the seconds from its last commit to its last call."""

    text: str
    ends: Ends
    calls: int
    records: int
    seconds: float | None


class Watch(Protocol):
    """What a day may ask of its surroundings."""

    def now(self, text: str) -> None:
        """Say what is being done."""

    def tell(self, text: str, calls: int, outcome: str) -> None:
        """Say what was done and what came of it."""

    def pause(self, seconds: float) -> None:
        """Let time pass."""

    def rest(self) -> None:
        """Wait until nothing is on its way."""

    def admin(self, *words: str) -> None:
        """Run a command of syncd as an admin does."""


@dataclass
class Notes:
    """What happened, for the report."""

    steps: list[Happened]
    plants: dict[Key, Plant]
    wrong: list[str]
    calm: list[float]


class Day:
    """SIP's sessions and the two businesses; `kept` holds ids that a later scene needs, `coffee` a session that is left
    open.
    """

    def __init__(
        self,
        dsn: str,
        businesses: Sequence[Business],
        quickbooks: QuickBooks,
        watch: Watch,
        stack: ExitStack,
    ) -> None:
        self._dsn = dsn
        self._stack = stack
        self._quickbooks = quickbooks
        self._commits: list[Commit] = []
        self.us, self.ca = businesses
        self.watch = watch
        self.app = self.coffee = self.session()
        self.kept: dict[str, str] = {}
        self.notes = Notes([], {}, [], [])

    def session(self) -> Session:
        """One more session of SIP."""
        return self._stack.enter_context(closing(Session(self._dsn, self._commits)))

    def id_of(self, table: str, business: Business, name: str) -> str:
        """The id of what has this name."""
        return self.app.one(
            f"select id from sip.{table} where organization_id = %s and name = %s",  # noqa: S608 - our own words
            (business.company_id, name),
        )

    @contextmanager
    def step(
        self, text: str, ends: Ends = Ends.ARRIVES, order: Sequence[str] = (), *, timed: bool = True
    ) -> Iterator[None]:
        """What is done inside, until all that comes of it has come to rest. `order`: QuickBooks' types, which must
        have arrived in it. Not `timed`: what sets it off is no commit of SIP's.
        """
        self._begin(text)
        self.watch.pause(PACE_SECONDS)
        yield
        self.watch.rest()
        writes = self._quickbooks.look()
        seconds = None
        if writes and timed:
            seconds = seconds_between(self._commits[-1], max(write.arrived for write in writes))
        self._check(text, ends, order, writes)
        self._note(Happened(text, ends, len(writes), sum(write.records for write in writes), seconds))

    def calm(self, text: str, edits: Sequence[Callable[[], None]], pause: Callable[[], None]) -> None:
        """Single edits, each only once the one before it has come to rest."""
        self._begin(text)
        for edit in edits:
            # Waited for before the edit and not after it: looking would compete with what is measured.
            self.watch.rest()
            edit()
            self.app.commit()
            pause()
        self.watch.rest()
        writes = self._quickbooks.look()
        measured = each_by_itself(self._commits, [write.arrived for write in writes])
        self.notes.calm = [seconds for seconds in measured if seconds is not None]
        if lost := len(measured) - len(self.notes.calm):
            self.notes.wrong.append(f"{lost} of the {len(measured)} single edits never went to QuickBooks.")
        typical = f"p50 {milliseconds(percentile(self.notes.calm, 0.5))}" if self.notes.calm else "lost"
        self.watch.tell(text, len(writes), typical)

    def _begin(self, text: str) -> None:
        self.watch.rest()
        self._quickbooks.look()
        self._commits.clear()
        self.watch.now(text)

    def _check(self, text: str, ends: Ends, order: Sequence[str], writes: Sequence[Write]) -> None:
        if ends is Ends.ARRIVES and not writes:
            self.notes.wrong.append(f'Nothing went to QuickBooks at: "{text}"')
        if ends is Ends.NOTHING and writes:
            self.notes.wrong.append(f'QuickBooks was written to ({len(writes)} calls) at: "{text}"')
        if order and (came := [write.entity for write in writes if write.entity in order]) != list(order):
            self.notes.wrong.append(f'{", ".join(came) or "Nothing"} arrived, in this order, at: "{text}"')

    def _note(self, step: Happened) -> None:
        self.notes.steps.append(step)
        outcome = step.ends.value
        if step.ends is Ends.ARRIVES and step.seconds is not None:
            outcome = milliseconds(step.seconds)
        self.watch.tell(step.text, step.calls, outcome)
