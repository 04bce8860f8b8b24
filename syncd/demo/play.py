"""The demo from beginning to end: stage, day, rest, report. Returns whether all is as it must be."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import psycopg

from syncd.demo import afternoon, evening, interrupt, midday, morning, report
from syncd.demo.day import Day
from syncd.demo.processes import ProcessFailed, run_side_by_side
from syncd.demo.show import Counters
from syncd.demo.stage import staged

if TYPE_CHECKING:
    from syncd.demo.show import Show
    from syncd.demo.stage import Stage

TICK_SECONDS = 0.02
REST_SECONDS = 30.0
PARTS = {
    "The morning: customers and the price list": morning.play,
    "Midday: invoices": midday.play,
    "The afternoon: payments and timesheets": afternoon.play,
    "The evening: what only a person can decide": evening.play,
}

COUNT = """
    select (select outbox from syncd.health) + (select count(*) from syncd.pending), (select count(*) from syncd.errors)
"""


class NotAtRest(Exception):
    """Work was still under way when the patience ended; the text says which."""


class Watcher:
    """Keeps the counters moving, and an eye on the processes. Sees what a DBA sees who may only read."""

    def __init__(self, stage: Stage, show: Show, connection: psycopg.Connection) -> None:
        self._stage = stage
        self._show = show
        self._connection = connection
        self._calls = 0
        self.now = show.now

    def tell(self, text: str, calls: int, outcome: str) -> None:
        """Say what was done and what came of it."""
        self._calls += calls
        self._show.tell(text, calls, outcome)

    def admin(self, *words: str) -> None:
        """Run a command of syncd as an admin does."""
        run_side_by_side([(words, "")], self._stage.admin)

    def look(self) -> Counters:
        """Count, show. Raises ProcessFailed if a process has died, KeyboardInterrupt after Ctrl-C."""
        interrupt.check()
        self._stage.check()
        moving, for_a_person = self._connection.execute(COUNT).fetchone() or (0, 0)
        counters = Counters(moving, self._calls, for_a_person)
        self._show.count(counters)
        return counters

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(TICK_SECONDS, left))
            self.look()

    def rest(self) -> None:
        """Wait until nothing is on its way. Raises NotAtRest."""
        end = time.monotonic() + REST_SECONDS
        while self.look().on_their_way:
            if time.monotonic() > end:
                raise NotAtRest(self._still())
            time.sleep(TICK_SECONDS)

    def _still(self) -> str:
        rows = self._connection.execute(
            "select company_id, entity_type, entity_id, state, coalesce(reason, 'no reason given')"
            " from syncd.pending limit 5"
        ).fetchall()
        each = "".join(
            f"\n  company {company}, {kind} {key}: {state}; {why}" for company, kind, key, state, why in rows
        )
        return f"Not everything was at rest after {REST_SECONDS:.0f} s:{each}"


def play(show: Show) -> bool:
    """Run the demo. True if QuickBooks equals SIP in all but what was planted to differ."""
    try:
        with staged(show) as stage:
            try:
                return _perform(stage, show)
            except NotAtRest as failure:
                show.heading(str(failure))
                _tails(stage, show)
    except ProcessFailed as failure:
        _failed(failure, show)
    return False


def _perform(stage: Stage, show: Show) -> bool:
    with ExitStack() as stack:
        reader = stack.enter_context(closing(psycopg.connect(stage.reader_dsn, autocommit=True)))
        watcher = Watcher(stage, show, reader)
        day = Day(stage.sip_dsn, stage.businesses, stage.quickbooks, watcher, stack)
        with show.counting():
            show.columns()
            for title, part in PARTS.items():
                show.heading(title)
                part(day)
            watcher.rest()
        return report.report(stage, show, day)


def _tails(stage: Stage, show: Show) -> None:
    for child in stage.children:
        show.heading(f"The end of the {child.name}'s log")
        show.verbatim(child.tail() or "(empty)")


def _failed(failure: ProcessFailed, show: Show) -> None:
    show.heading(failure.sentence)
    show.verbatim(failure.log or "(it said nothing)")
