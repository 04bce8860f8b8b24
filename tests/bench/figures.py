"""What a row of the benchmarks says: figures with their goals, and how they are printed."""

from __future__ import annotations

import statistics
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tests.bench.stage import Stage

WIDTH = 110


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound, and on which side of it is good."""

    bound: float
    at_least: bool

    def holds(self, value: float) -> bool:
        """Whether the goal is met."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.bound:g}"


def at_least(bound: float) -> Goal:
    """The more the better."""
    return Goal(bound, at_least=True)


def at_most(bound: float) -> Goal:
    """The less the better."""
    return Goal(bound, at_least=False)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. `unit` is "x" for a ratio; `detail` says what it was made of."""

    name: str
    value: float
    unit: str = "x"
    goal: Goal | None = None
    detail: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the goal is met; None without one."""
        return self.goal.holds(self.value) if self.goal else None

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "goal": str(self.goal) if self.goal else None,
            "holds": self.holds,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table in docs/speed.md: its name on the command line, what it measures, and how."""

    name: str
    title: str
    run: Callable[[Stage], Iterable[Figure]]


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def spread(values: Sequence[float], form: str = ",.0f", unit: str = "/s") -> str:
    """The median with the lowest and the highest, as text."""
    low, high = min(values), max(values)
    return f"{median(values):{form}}{unit} ({low:{form}} to {high:{form}})"


def lines(figures: Iterable[Figure]) -> Iterable[str]:
    """Figures for people."""
    for figure in figures:
        verdict = {True: "holds", False: "MISSED", None: ""}[figure.holds]
        value = f"{figure.value:,.3g}" if abs(figure.value) < 1000 else f"{figure.value:,.0f}"
        goal = f"goal {figure.goal}" if figure.goal else ""
        yield f"  {figure.name:56} {value:>9} {figure.unit:<4} {goal:<14} {verdict}".rstrip()
        yield from textwrap.wrap(
            figure.detail, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6, break_on_hyphens=False
        )
