"""The demo from beginning to end: stage, scenario, rest, report. Returns whether all is as it must be."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import psycopg

from syncd.demo import interrupt, report
from syncd.demo.scenario import Scenario, prepare
from syncd.demo.show import Counters, Show
from syncd.demo.stage import staged

if TYPE_CHECKING:
    from syncd.demo.latency import Change
    from syncd.demo.processes import ProcessFailed
    from syncd.demo.stage import Stage

TICK_SECONDS = 0.1
REST_SECONDS = 30.0

COUNT = """
    select
        (select count(*) from sip.customers),
        (select count(*) from syncd.outbox) + (select count(*) from syncd.pending),
        (select count(*) from syncd.link where qbo_id is not null),
        (select count(*) from syncd.errors)
"""


class NotAtRest(Exception):
    """Work was still under way when the patience ended; the text says which."""


class Watcher:
    """Keeps the counters moving, and an eye on the processes."""

    def __init__(self, stage: Stage, show: Show, connection: psycopg.Connection) -> None:
        self._stage = stage
        self._show = show
        self._connection = connection
        self.tell = show.tell

    def look(self) -> Counters:
        """Count, show. Raises ProcessFailed if a process has died, KeyboardInterrupt after Ctrl-C."""
        interrupt.check()
        self._stage.check()
        self._stage.quickbooks.look()
        counters = Counters(*(self._connection.execute(COUNT).fetchone() or (0, 0, 0, 0)))
        self._show.count(counters)
        return counters

    def resting(self) -> bool:
        """Whether nothing is on its way."""
        return self.look().on_their_way == 0

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(TICK_SECONDS, left))
            self.look()

    def rest(self) -> None:
        """Wait until nothing is on its way. Raises NotAtRest."""
        end = time.monotonic() + REST_SECONDS
        while not self.resting():
            if time.monotonic() > end:
                raise NotAtRest(self._still())
            time.sleep(TICK_SECONDS)

    def _still(self) -> str:
        rows = self._connection.execute(
            "select company_id, entity_id, state, coalesce(reason, 'no reason given') from syncd.pending limit 5"
        ).fetchall()
        each = "".join(
            f"\n  company {company}, customer {key}: {state}; {why}" for company, key, state, why in rows
        )
        return f"Not everything was at rest after {REST_SECONDS:.0f} s:{each}"


def play(show: Show) -> bool:
    """Run the demo. True if QuickBooks equals SIP and exactly the planted clashes are held."""
    from syncd.demo.processes import ProcessFailed

    stage = None
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
    changes: list[Change] = []
    prepare(stage.quickbooks, stage.companies)
    with ExitStack() as stack:
        connection = stack.enter_context(closing(psycopg.connect(stage.dsn, autocommit=True)))
        show.heading("Service Invoice Pro at work")
        watcher = Watcher(stage, show, connection)
        with show.counting():
            scenario = Scenario(stage.sip_dsn, stage.companies, changes, watcher, stack)
            scenario.play()
            watcher.rest()
            show.tell(f"All at rest: {watcher.look()}.")
        return report.report(stage, show, connection, changes, scenario)


def _tails(stage: Stage, show: Show) -> None:
    for child in stage.children:
        show.heading(f"The end of the {child.name}'s log")
        show.verbatim(child.tail() or "(empty)")


def _failed(failure: ProcessFailed, show: Show) -> None:
    show.heading(failure.sentence)
    show.verbatim(failure.log or "(it said nothing)")
