"""How commands print: tables for people, `--json` for programs, progress on stderr.

Names and messages come from users and from QuickBooks: they may hold square brackets, which rich reads as markup,
and control characters, which a terminal obeys. So everything is printed as `Text`, made by `clean`.
"""

from __future__ import annotations

import io
import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

console = Console(soft_wrap=True, highlight=False, emoji=False)
errors = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")

# To a pipe a row is one line, however long: grep and awk count on that.
ENDLESS = 10_000
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return str(value)


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """One JSON document on stdout; times in ISO 8601, money as strings."""
    click.echo(json.dumps(value, default=_plain, ensure_ascii=False, indent=indent))


def print_table(
    rows: Iterable[Mapping[str, Any]],
    columns: Sequence[str],
    *,
    empty: str,
    style: Callable[[str, Any], str | None] = lambda _column, _value: None,
    numbers: Sequence[str] = (),
) -> None:
    """A table with the columns named, or the sentence `empty` where there is nothing to list. Columns in `numbers`
    stand to the right.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if column in numbers else "left")
    for row in rows:
        table.add_row(*(_cell(row.get(column), style(column, row.get(column))) for column in columns))
    if not table.row_count:
        console.print(Text(empty))
    elif console.is_terminal:
        console.print(table)
    else:
        plain = Console(file=io.StringIO(), width=ENDLESS, color_system=None)
        with plain.capture() as captured:
            plain.print(table)
        click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _cell(value: Any, colour: str | None) -> Text:
    return Text("" if value is None else clean(short(value)), style=colour or "")


def tell(sentence: str) -> None:
    """A sentence of the answer, on stdout."""
    console.print(Text(clean(sentence)))


def say(text: str) -> None:
    """A line of progress, or a remark beside the answer, on stderr."""
    errors.print(Text(clean(text)))


def short(value: Any) -> str:
    """Times to the second, in this machine's time zone; everything else as it is."""
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def span(time: timedelta) -> str:
    """A length of time as people say it: "3 s", "4 min", "2 h", "5 d"; never negative."""
    seconds = max(0, round(time.total_seconds()))
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), _UNITS[-1])
    return f"{seconds // size} {unit}"


def count(number: int, one: str, many: str = "") -> str:
    """ "1 record", "2 records"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def clean(text: str) -> str:
    """Without what a terminal would obey or could not print."""
    return "".join(c if c.isprintable() else " " for c in text)


def quoted(text: str) -> str:
    """A name or a word that somebody typed, inside a sentence."""
    return f'"{clean(text)}"'
