"""The end of the demo: the log as an admin sees it, latencies, what is for a person and why, and the comparison."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg

from syncd.demo.latency import milliseconds, percentile
from syncd.demo.processes import run_side_by_side
from syncd.demo.verdict import compared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncd.demo.compare import Tally
    from syncd.demo.day import Day, Key, Notes
    from syncd.demo.show import Show
    from syncd.demo.stage import Stage

LOG_ROWS = "10"
ALL_ROWS = "100000"
MOST_WRONG = 25
KINDS = {
    "customer": "Customers",
    "service item": "Service items",
    "invoice": "Invoices",
    "payment": "Payments",
    "timesheet entry": "Timesheet entries",
}


def report(stage: Stage, show: Show, day: Day) -> bool:
    """Print everything, the verdict last. True if all is as it must be."""
    notes = day.notes
    _show_latencies(show, notes)
    log = _show_log(stage, show)
    wrong = [*notes.wrong, *_show_explained(show, notes, log)]
    with closing(psycopg.connect(stage.sip_dsn, autocommit=True)) as sip:
        tallies, ledger = compared(sip, stage, notes.plants)
    _show_badges(stage, show)
    return _verdict(show, tallies, [*ledger, *wrong])


def _show_latencies(show: Show, notes: Notes) -> None:
    show.heading("From SIP's COMMIT to the request's arrival at QuickBooks")
    steps = [step.seconds for step in notes.steps if step.seconds is not None]
    rows = [
        [name, str(len(values)), *(milliseconds(percentile(values, share)) for share in (0.5, 0.99))]
        for name, values in (
            ("single edits, nothing queued before", notes.calm),
            ("the steps of the day, until the last call of each", steps),
        )
        if values
    ]
    show.table(["", "number", "p50", "p99"], rows)
    calls, records = (sum(getattr(step, name) for step in notes.steps) for name in ("calls", "records"))
    show.line(f"{records} writes of records in {calls} calls: what is due together goes together.")


def _show_log(stage: Stage, show: Show) -> list[dict[str, Any]]:
    """The log of the first business as an admin sees it; of both, as programs get it."""
    first = stage.businesses[0].company_id
    words = ["log", first, "--limit", LOG_ROWS]
    everything = [["log", b.company_id, "--limit", ALL_ROWS, "--json"] for b in stage.businesses]
    calls = [(command, "") for command in (words, *everything)]
    printed, *logs = run_side_by_side(calls, {**stage.admin, **show.as_terminal()})
    show.heading(f"$ syncd {' '.join(words)}")
    show.verbatim(printed)
    return [row for log in logs for row in json.loads(log)]


def _show_explained(show: Show, notes: Notes, log: Sequence[dict[str, Any]]) -> list[str]:
    """What syncd says of each record on which QuickBooks does not follow SIP. Returns what it says wrongly."""
    show.heading("For a person: what syncd's log says of it")
    newest: dict[Key, dict[str, Any]] = {}
    for row in log:  # newest first
        newest.setdefault((row["entity_type"], row["entity_id"]), row)
    said: Counter[str] = Counter()
    wrong = []
    for key, plant in notes.plants.items():
        row = newest.get(key, {})
        if plant.words in (row.get("error") or ""):
            said[f"{row['label']}, {row['status'].capitalize()}: {row['error']}"] += 1
        else:
            wrong.append(f'The log does not explain "{plant.why}" ({key[0]} {key[1]}).')
    for sentence, times in said.items():
        show.item(f"{sentence} ({times} records)" if times > 1 else sentence)
    wrong += [
        f'{row["label"]} "{row["entity_name"]}" failed, which it should not: {row["error"]}'
        for key, row in newest.items()
        if row["status"] != "success" and key not in notes.plants
    ]
    return wrong


def _show_badges(stage: Stage, show: Show) -> None:
    show.heading("Badges beside the entries of approved timesheets in SIP")
    with closing(psycopg.connect(stage.reader_dsn, autocommit=True)) as reader:
        badges = reader.execute("select badge, count(*) from syncd.entry_badges group by 1 order by 2 desc")
        show.line(", ".join(f"{count} {badge}" for badge, count in badges))


def _verdict(show: Show, tallies: Sequence[Tally], wrong: Sequence[str]) -> bool:
    show.heading("Every record of SIP compared with QuickBooks, field by field")
    columns = ["", "in SIP", "due", "in QuickBooks", "held back", "different"]
    rows = [_row(KINDS[tally.kind], tally) for tally in tallies]
    total = sum(tallies[1:], tallies[0])
    show.table(columns, [*rows, _row("All", total)])
    show.line()
    show.line("Held back on purpose:")
    for tally in tallies:
        for why, times in tally.held_back.items():
            show.item(f"{times} {KINDS[tally.kind].lower() if times > 1 else tally.kind}: {why}")
    found = [*wrong, *(sentence for tally in tallies for sentence in tally.differences)]
    if found:
        show.heading("What is wrong")
    for sentence in found[:MOST_WRONG]:
        show.item(sentence, "red")
    if more := len(found[MOST_WRONG:]):
        show.item(f"and {more} more", "red")
    good = not found and total.equal == total.due
    show.line()
    if good:
        show.line("No difference, nothing twice, nothing that SIP has not; both ledgers balance.")
    count = f"{total.equal} of {total.due} records, {total.held_back.total()} held back on purpose"
    show.line(f"in sync: {count}" if good else f"NOT in sync: {count}", "bold green" if good else "bold red")
    return good


def _row(name: str, tally: Tally) -> list[str]:
    figures = (tally.in_sip, tally.due, tally.equal, tally.held_back.total(), len(tally.differences))
    return [name, *map(str, figures)]
