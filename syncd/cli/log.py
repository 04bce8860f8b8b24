"""`syncd log`: what was synced, what was not, and why. Six columns under SIP's names, in SIP's colours."""

from __future__ import annotations

import re
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import click
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from syncd.cli.output import clean, console, json_option, print_json, quoted, say, short
from syncd.cli.session import Connection, Row, need_company, need_entity, session
from syncd.db.states import LogStatus
from syncd.errors import WrongUse

# As SIP's screen has it: 25 at a time, 200 in all.
PAGE = 25
MOST = 200
COLOURS = {"success": "green", "error": "red", "skipped": "bright_black"}
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
POLL_SECONDS = 1.0
# Log ids are handed out before their transaction commits; a daemon's lasts 30 s at most.
SETTLED = timedelta(seconds=40)
# SIP's columns in SIP's order. Below a row, in a narrow terminal, there is more room for what went wrong.
WIDTHS = {"Entity Type": 15, "Entity Name": 30, "Direction": 9, "Status": 7, "Timestamp": 19}
BESIDE = 140


@dataclass(frozen=True, slots=True)
class Filters:
    """Which rows are wanted."""

    company_id: str
    status: str | None
    entity: str | None
    since: datetime | None
    search: str | None

    def page(self, connection: Connection, most: int | None, below: Row | None = None) -> list[Row]:
        """Rows, newest first, after the row `below`; None as `most` means all of them."""
        return connection.execute(
            "select e.label, l.* from syncd.log_page(%s, %s, %s, %s, %s, %s, %s, %s) l"
            " join syncd.entity e using (entity_type) order by l.occurred_at desc, l.log_id desc",
            (
                self.company_id,
                self.status,
                self.entity,
                self.since,
                self.search,
                below["occurred_at"] if below else None,
                below["log_id"] if below else None,
                most,
            ),
        ).fetchall()


@click.command()
@click.argument("company_id", metavar="COMPANY")
@click.option("--status", type=click.Choice([s.value for s in LogStatus]), help="Only these.")
@click.option("--entity", metavar="TYPE", help="Only this type of record, e.g. customer.")
@click.option("--since", metavar="DATE|2h", help="Only newer ones: a date, or so many s, m, h, d or w ago.")
@click.option(
    "--search", metavar="TEXT", help="Only those with this text in their name, id, message or code."
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="So many at once, without asking.")
@click.option("--all-columns", is_flag=True, help="Everything that is known of each row.")
@click.option("--follow", is_flag=True, help="Print new rows as they come, until Ctrl-C.")
@json_option
def command(
    company_id: str,
    status: str | None,
    entity: str | None,
    since: str | None,
    search: str | None,
    limit: int | None,
    all_columns: bool,
    follow: bool,
    as_json: bool,
) -> None:
    """The sync log of a company, newest first: 25 rows at a time, 200 at most, more with --limit.

    A note on a success stands below its row on a terminal, and with --all-columns and --json.
    """
    moment = _moment(since) if since is not None else None
    with session() as connection:
        need_company(connection, company_id)
        name = need_entity(connection, entity).name if entity is not None else None
        filters = Filters(company_id, status, name, moment, search)
        printer = Printer(as_json=as_json, all_columns=all_columns)
        if follow:
            _follow(connection, filters, printer, limit or PAGE)
        elif limit is not None:
            printer.print(filters.page(connection, limit))
        else:
            _pages(connection, filters, printer)


class Printer:
    """Rows as lines, as records of all columns, or as JSON."""

    def __init__(self, *, as_json: bool, all_columns: bool) -> None:
        self.as_json = as_json
        self._all_columns = all_columns
        self._began = False

    def print(self, rows: list[Row]) -> None:
        """A page of rows; the column names stand above the first."""
        if self.as_json:
            print_json(rows)
            return
        if not rows and not self._began:
            console.print(Text("The log holds nothing of that."))
        self.stream(rows)

    def stream(self, rows: list[Row]) -> None:
        """Rows of an endless log: JSON in lines."""
        for row in rows:
            if self.as_json:
                print_json(row, indent=None)
            elif self._all_columns:
                _print_record(row)
            else:
                if not self._began:
                    _print_row({name: Text(name) for name in (*WIDTHS, "Error")}, style="bold")
                _print_row(_cells(row))
                if row["note"] and not row["error"] and console.is_terminal:
                    # What was left out of a success is no error; to a pipe a row is one line.
                    console.print(
                        Padding(Text(clean(row["note"]), style="dim"), (0, 0, 0, 4)), soft_wrap=False
                    )
            self._began = True


def _cells(row: Row) -> dict[str, Text]:
    colour = COLOURS[row["status"]]
    return {
        "Entity Type": Text(clean(row["label"])),
        "Entity Name": Text(clean(row["entity_name"])),
        "Direction": Text(row["direction"].capitalize()),
        "Status": Text(row["status"].capitalize(), style=colour),
        "Timestamp": Text(short(row["occurred_at"])),
        "Error": Text(clean(row["error"] or ""), style=colour),
    }


def _print_row(cells: dict[str, Text], style: str = "") -> None:
    narrow = console.is_terminal and console.width < BESIDE
    line = Text(style=style)
    for name, width in WIDTHS.items():
        cell = cells[name].copy()
        if name == "Entity Name" and console.is_terminal:
            room = max(8, console.width - sum(WIDTHS.values()) + width - 8) if narrow else width
            cell.truncate(room, overflow="ellipsis")
            width = room
        cell.pad_right(max(0, width - cell.cell_len))
        line.append_text(cell).append("  ")
    if narrow:
        line.rstrip()
        console.print(line)
        if cells["Error"] and not style:
            console.print(Padding(cells["Error"], (0, 0, 0, 4)), soft_wrap=False)
        return
    if not console.is_terminal:
        line.append_text(cells["Error"]).rstrip()
        console.print(line)
        return
    grid = Table.grid()
    grid.add_column(no_wrap=True)
    grid.add_row(line, cells["Error"], style=style)
    console.print(grid)


def _print_record(row: Row) -> None:
    """All columns of a row that hold something, one a line."""
    console.print(Text(f"{row['label']} {clean(row['entity_name'])}", style="bold"))
    for column, value in row.items():
        if value is not None and column not in ("label", "company_id"):
            line = Text(f"  {column:15} ")
            line.append(clean(short(value)), style=COLOURS.get(value, "") if column == "status" else "")
            console.print(line)
    console.print()


def _pages(connection: Connection, filters: Filters, printer: Printer) -> None:
    """A page; on a terminal, more when asked for."""
    asks = sys.stdin.isatty() and sys.stdout.isatty() and not printer.as_json
    below: Row | None = None
    shown = 0
    while True:
        rows = filters.page(connection, PAGE + 1, below)
        printer.print(rows[:PAGE])
        shown += len(rows[:PAGE])
        if len(rows) <= PAGE:
            return
        if not asks or shown >= MOST:
            say(f"There is more than these {shown} rows. For more: --limit N; for fewer: --since, --search.")
            return
        try:
            if input("more? [Enter/q] ").strip().lower().startswith(("q", "n")):
                return
        except EOFError:
            return
        below = rows[PAGE - 1]


def _follow(connection: Connection, filters: Filters, printer: Printer, first: int) -> None:
    """Oldest first, as they come. Each look goes back a little: a row can become visible after a younger one."""
    try:
        # Asked for before the page: a row that becomes visible in between is in the page, and one after it is new.
        seen = {row["log_id"] for row in _recent(connection, filters)}
        page = filters.page(connection, first)
        seen |= {row["log_id"] for row in page}
        printer.stream(page[::-1])
        while True:
            sys.stdout.flush()
            time.sleep(POLL_SECONDS)
            rows = _recent(connection, filters)
            printer.stream([row for row in rows[::-1] if row["log_id"] not in seen])
            seen = {row["log_id"] for row in rows}
    except KeyboardInterrupt:
        return


def _recent(connection: Connection, filters: Filters) -> list[Row]:
    now = connection.execute("select clock_timestamp() as now").fetchone()
    assert now is not None
    since = now["now"] - SETTLED
    return replace(filters, since=max(since, filters.since or since)).page(connection, None)


def _moment(text: str) -> datetime:
    try:
        if found := re.fullmatch(r"(\d{1,6})\s*([smhdw])", text.strip().lower()):
            return datetime.now(UTC) - timedelta(**{UNITS[found[2]]: int(found[1])})
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise WrongUse(
            f"{quoted(text)} is not a time.",
            "Write a date as 2026-08-01, or how long ago: 90s, 15m, 2h, 3d, 1w.",
        ) from None
