"""How commands print: tables for people, `--json` for programs, progress on stderr."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

console = Console(soft_wrap=True, highlight=False)
errors = Console(stderr=True, soft_wrap=True, highlight=False)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return str(value)


def print_json(value: Any) -> None:
    """One JSON document on stdout; times in ISO 8601, money as strings."""
    click.echo(json.dumps(value, default=_plain, ensure_ascii=False, indent=2))


def print_table(
    rows: Iterable[Mapping[str, Any]],
    columns: Sequence[str],
    *,
    empty: str,
    style: Callable[[str, Any], str | None] = lambda _column, _value: None,
) -> None:
    """A table with the columns named, or the sentence `empty` where there is nothing to list."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        cells = []
        for column in columns:
            value = row.get(column)
            text = "" if value is None else short(value)
            colour = style(column, value)
            cells.append(f"[{colour}]{escape(text)}[/{colour}]" if colour else escape(text))
        table.add_row(*cells)
    if table.row_count:
        console.print(table)
    else:
        console.print(empty)


def short(value: Any) -> str:
    """Times to the second, in this machine's time zone; everything else as it is."""
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def escape(text: str) -> str:
    """Text of users may hold square brackets, which rich reads as markup, and control characters."""
    return "".join(c if c.isprintable() else " " for c in text).replace("[", "\\[")


def say(text: str) -> None:
    """A line of progress."""
    errors.print(escape(text))
