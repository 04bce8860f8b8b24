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
from rich.table import Table
from rich.text import Text

from syncd.demo import interrupt

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 80
LEFT, CALLS, OUTCOME = 8, 5, 13


class Counters(NamedTuple):
    """Where things stand."""

    on_their_way: int
    calls: int
    for_a_person: int

    def __str__(self) -> str:
        return (
            f"on their way {self.on_their_way}   calls to QuickBooks {self.calls}   "
            f"for a person {self.for_a_person}"
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
        self._doing = ""
        self._shown: tuple[str, Counters] | None = None

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

    def now(self, text: str) -> None:
        """What is being done; on a terminal it stands above the counters until it is told."""
        self._doing = text

    def count(self, counters: Counters) -> None:
        """Show the counters, where somebody watches."""
        if self._live and (self._doing, counters) != self._shown:
            self._shown = self._doing, counters
            self._live.update(_moving(self._doing, counters), refresh=True)

    def columns(self) -> None:
        """What stands above the steps of the day."""
        self._step("", "", "calls", "to QuickBooks", style="dim")

    def tell(self, text: str, calls: int, outcome: str) -> None:
        """A step, with the seconds since the play began, its calls and what came of it."""
        self._doing = ""
        self._step(f"{time.monotonic() - self._began:4.1f} s", text, str(calls), outcome)

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

    def _step(self, left: str, text: str, calls: str, outcome: str, style: str = "") -> None:
        """One line, or more where the text is long; the figures stand on the first."""
        room = self._console.width - LEFT - CALLS - OUTCOME - 2
        right = f" {calls:>{CALLS}} {outcome:>{OUTCOME}}"
        for number, line in enumerate(Text(text).wrap(self._console, room) or [Text()]):
            line.rstrip()
            start = Text(" " * LEFT if number else f"{left:{LEFT}}", "cyan")
            line.pad_right(room - line.cell_len)
            end = Text() if number else Text(right, _colour(outcome))
            whole = Text.assemble(start, line, end, style=style)
            whole.rstrip()
            self._console.print(whole)

    def _hanging(self, left: Text, text: Text) -> None:
        """Wrapped beside what stands to the left."""
        indent = left.cell_len
        for number, line in enumerate(text.wrap(self._console, self._console.width - indent)):
            line.rstrip()
            self._console.print(Text.assemble(" " * indent if number else left, line))


def _colour(outcome: str) -> str:
    return {"for a person": "yellow", "nothing sent": "dim"}.get(outcome, "green")


def _moving(doing: str, counters: Counters) -> Group:
    return Group(
        Text(" " * LEFT + doing, "dim", no_wrap=True, overflow="ellipsis"),
        Text(" " * LEFT + str(counters), "bold"),
    )
