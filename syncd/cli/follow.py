"""Following a push until nothing of it moves any more, and what became of its records."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from syncd.cli.output import clean, count, errors, quoted, say, span, tell
from syncd.cli.settings import not_connected
from syncd.db.states import CompanyState, RunOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from syncd.cli.session import Connection, Row

    Show = Callable[[int, str], None]

LOOK_SECONDS = 0.5
# A look reads what is left of the run: of a large one it is taken more rarely.
BUSY = 0.1
SAY_SECONDS = 5.0
# Longer than any pause that only keeps Intuit's limits.
PATIENCE = timedelta(minutes=10)
REASONS = 5  # of one outcome, the most frequent first
INTERRUPTED = 130
WORDS = {
    RunOutcome.SENT: "sent",
    RunOutcome.THERE: "already there",
    RunOutcome.SKIPPED: "skipped",
    RunOutcome.FAILED: "failed",
    RunOutcome.WAITING: "waiting",
    RunOutcome.MOVING: "on the way",
}


def follow(connection: Connection, company: Row, run: Row, one: str, many: str) -> int:
    """Show how far it is, then what became of it. Returns the command's exit code."""
    try:
        with _interrupts() as pressed, _shown(run["records"], one, many) as show:
            kept_by = _until_still(connection, company, run, show, pressed)
    except KeyboardInterrupt:
        say(f"What was pushed goes on without you. See: syncd status {company['company_id']}")
        return INTERRUPTED
    arrived = _report(connection, company, run, one, many)
    if kept_by:
        tell(kept_by)
    return 0 if arrived else 1


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Ctrl-C as an event. As an exception it may come in the middle of an answer of Postgres, and then the connection
    is of no use even to end in order.
    """
    pressed = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: pressed.set())
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _until_still(
    connection: Connection, company: Row, run: Row, show: Show, pressed: threading.Event
) -> str | None:
    """Returns when nothing moves, or else with the sentence that says why it is useless to wait. Raises
    KeyboardInterrupt once that was pressed.
    """
    while True:
        began = time.monotonic()
        now = connection.execute("select * from syncd.run_progress(%s)", (run["run_id"],)).fetchone()
        assert now is not None
        if now["moving"] == 0:
            return None
        if kept_by := _useless(company, now):
            return kept_by
        show(max(0, now["records"] - now["moving"]), _paused(now))
        pause(pressed, max(LOOK_SECONDS, (time.monotonic() - began) / BUSY))


def pause(pressed: threading.Event, seconds: float) -> None:
    """Between two looks. Raises KeyboardInterrupt as soon as that was pressed."""
    if pressed.wait(seconds):
        raise KeyboardInterrupt


def _paused(now: Row) -> str:
    if not now["paused_until"]:
        return ""
    return (
        f"Nothing goes out for {span(now['paused_until'] - datetime.now(UTC))} more: {now['paused_because']}"
    )


def _useless(company: Row, now: Row) -> str | None:
    if not now["daemons"]:
        return "No daemon is running, so nothing is sent. Start one: systemctl start syncd"
    if now["connection"] != CompanyState.CONNECTED:
        return not_connected({**company, "state": now["connection"]})
    if now["paused_until"] and now["paused_until"] - datetime.now(UTC) > PATIENCE:
        return f"{_paused(now)} What was pushed goes out then."
    return None


@contextmanager
def _shown(total: int, one: str, many: str) -> Iterator[Show]:
    """How far it is: a bar on a terminal, a line every few seconds elsewhere."""
    if not errors.is_terminal:
        said_at = time.monotonic()

        def line(done: int, pause: str) -> None:
            nonlocal said_at
            if time.monotonic() - said_at >= SAY_SECONDS:
                said_at = time.monotonic()
                say(f"{done:,} of {count(total, one, many)} done. {pause}".rstrip())

        yield line
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=errors, transient=True) as progress:
        bar = progress.add_task(many, total=total)
        yield lambda done, pause: progress.update(bar, completed=done, description=clean(pause) or many)


def _report(connection: Connection, company: Row, run: Row, one: str, many: str) -> bool:
    """How many fared how, and why. False unless all are known to be in QuickBooks that should be."""
    rows = connection.execute(
        "select * from syncd.run_outcomes(%s) order by records desc, example, reason", (run["run_id"],)
    ).fetchall()
    total = {end: sum(row["records"] for row in rows if row["outcome"] == end) for end in WORDS}
    always = {RunOutcome.SENT, RunOutcome.THERE}
    said = [f"{total[end]:,} {word}" for end, word in WORDS.items() if total[end] or end in always]
    tell(f"{count(sum(total.values()), one, many)}: {', '.join(said)}.")
    others = max(0, run["records"] + run["already"] - sum(total.values()))
    if others:
        tell(f"  {others:,} more went over to a later push.")
    _companions(connection, company, run)
    for end in (RunOutcome.SKIPPED, RunOutcome.FAILED, RunOutcome.WAITING):
        _reasons(company["company_id"], end, [row for row in rows if row["outcome"] == end])
    return not (others or total[RunOutcome.FAILED] or total[RunOutcome.WAITING] or total[RunOutcome.MOVING])


def _companions(connection: Connection, company: Row, run: Row) -> None:
    """What went first because the run's records need it, and what of that did not arrive."""
    rows = connection.execute(
        "select * from syncd.run_companions(%s) order by records desc, example, reason", (run["run_id"],)
    ).fetchall()
    sent: dict[str, int] = {}
    for row in rows:
        if row["outcome"] == RunOutcome.SENT:
            word = _kind(row["entity_type"])
            sent[word] = sent.get(word, 0) + row["records"]
    if sent:
        tell(f"  Before them went {', '.join(count(n, word) for word, n in sent.items())}, which they need.")
    for end in (RunOutcome.SKIPPED, RunOutcome.FAILED, RunOutcome.WAITING):
        _reasons(
            company["company_id"],
            end,
            [
                {
                    **row,
                    "example": f"{_kind(row['entity_type'])} {quoted(row['example'])}",
                    "next_attempt_at": None,
                }
                for row in rows
                if row["outcome"] == end
            ],
        )


def _kind(entity_type: str) -> str:
    """What people call such a record."""
    return "service item" if entity_type == "default_item" else entity_type.replace("_", " ")


def _reasons(company_id: str, end: RunOutcome, rows: list[Row]) -> None:
    for row in rows[:REASONS]:
        who = row["example"] if row["records"] == 1 and row["example"] else f"{row['records']:,}"
        again = ""
        if row["next_attempt_at"]:
            again = f" Tried again in {span(row['next_attempt_at'] - datetime.now(UTC))}."
        tell(f"  {who} {WORDS[end]}: {row['reason']}{again}")
    if left := sum(row["records"] for row in rows[REASONS:]):
        see = {
            RunOutcome.SKIPPED: f"syncd log {company_id} --status skipped",
            RunOutcome.FAILED: f"syncd log {company_id} --status error",
        }.get(end, "view syncd.pending")
        tell(f"  {left:,} more {WORDS[end]}: {see}")
