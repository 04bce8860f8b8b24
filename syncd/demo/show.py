"""What a person sees while the demo runs: lines that stay, and below them, on a terminal, counters that move.

Where nobody watches (a pipe, a file) everything is plain lines.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from syncd.demo import interrupt

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 80
PLAIN_SECONDS = 2.0


class Counters(NamedTuple):
    """Where SIP's customers are."""

    in_sip: int
    on_their_way: int
    in_quickbooks: int
    held: int

    def __str__(self) -> str:
        return (
            f"in SIP {self.in_sip}   on their way {self.on_their_way}   "
            f"in QuickBooks {self.in_quickbooks}   held {self.held}"
        )


class Show:
    """Writes to stdout, 80 columns wide at most."""

    def __init__(self) -> None:
        # Names in many scripts must not end the demo on a terminal that cannot show them.
        if reconfigure := getattr(sys.stdout, "reconfigure", None):
            reconfigure(errors="replace")
        self._console = Console(highlight=False, markup=False)
        self._console.width = min(WIDTH, self._console.width) if self._console.is_terminal else WIDTH
        self._live: Live | None = None
        self._began = time.monotonic()
        self._told = (0.0, "")

    def as_terminal(self) -> dict[str, str]:
        """The environment in which a command prints into a pipe as it would print on this terminal, or on a plain
        one if this is none.
        """
        plain = {} if self._console.is_terminal else {"TERM": "dumb"}
        return {"TTY_COMPATIBLE": "1", "COLUMNS": str(self._console.width), **plain}

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """A step of the set-up, with its time once it is done."""
        interrupt.check()
        began = time.monotonic()
        if self._console.is_terminal:
            with self._console.status(Text(text)):
                yield
        else:
            yield
        interrupt.check()
        self._row(f"{time.monotonic() - began:5.1f} s", Text(text, "dim"))

    @contextmanager
    def counting(self) -> Iterator[None]:
        """While it lasts, `count` shows the counters below the lines."""
        self._began = time.monotonic()
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            self._live = live if self._console.is_terminal else None
            try:
                yield
            finally:
                self._live = None

    def count(self, counters: Counters) -> None:
        """Show the counters; in plain lines only now and then."""
        now = time.monotonic()
        if self._live:
            self._live.update(_moving(counters), refresh=True)
        elif str(counters) != self._told[1] and now - self._told[0] > PLAIN_SECONDS:
            self._told = now, str(counters)
            self._row("", Text(str(counters)))

    def tell(self, text: str) -> None:
        """What happens now, with the seconds since the play began."""
        self._row(f"{time.monotonic() - self._began:5.1f} s", Text(text))

    def heading(self, text: str) -> None:
        """Above a part of the report."""
        interrupt.check()
        self._console.print()
        self._console.print(Text(text, "bold"))

    def line(self, text: str = "", style: str = "") -> None:
        """A line of the report, wrapped at the width."""
        self._console.print(Text(text, style))

    def item(self, text: str, style: str = "") -> None:
        """An entry of a list in the report."""
        self._hanging(Text("  - "), Text(text, style))

    def table(self, columns: list[str], rows: list[list[str]]) -> None:
        """Figures; all columns but the first are numbers."""
        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=True, header_style="")
        for number, column in enumerate(columns):
            table.add_column(column, justify="right" if number else "left", no_wrap=bool(number))
        for row in rows:
            table.add_row(*row)
        self._console.print(table)

    def verbatim(self, text: str) -> None:
        """Lines exactly as a command or a process printed them."""
        self._console.file.write(text if text.endswith("\n") else text + "\n")
        self._console.file.flush()

    def _row(self, left: str, text: Text) -> None:
        self._hanging(Text(f"{left:7}  ", "cyan"), text)

    def _hanging(self, left: Text, text: Text) -> None:
        """Wrapped beside what stands to the left."""
        indent = left.cell_len
        for number, line in enumerate(text.wrap(self._console, self._console.width - indent)):
            line.rstrip()
            self._console.print(Text.assemble(" " * indent if number else left, line))


def _moving(counters: Counters) -> Group:
    bar = ProgressBar(total=max(1, counters.in_sip), completed=counters.in_quickbooks, width=WIDTH - 12)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=7)
    grid.add_row("", bar)
    grid.add_row("", Text(str(counters), "bold"))
    return Group(Text(), grid)
