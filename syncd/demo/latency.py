"""How long it took from SIP's COMMIT to QuickBooks' door."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Commit(NamedTuple):
    """When COMMIT was sent, and when its answer was there (wall clock). A daemon may be faster than the answer."""

    asked: float
    confirmed: float


def seconds_between(commit: Commit, arrived: float) -> float:
    """From the commit to the request's arrival at QuickBooks."""
    return max(0.0, arrived - commit.confirmed)


def each_by_itself(commits: Sequence[Commit], arrivals: Sequence[float]) -> list[float | None]:
    """For changes made one at a time, each only once the one before it was in QuickBooks: the seconds from each to the
    first request after it. None where the next change was made first: that one never went out.
    """
    arrivals = sorted(arrivals)
    found: list[float | None] = []
    for commit, limit in zip(commits, [*(c.asked for c in commits[1:]), math.inf], strict=True):
        place = bisect_left(arrivals, commit.asked)
        arrived = arrivals[place] if place < len(arrivals) else math.inf
        found.append(seconds_between(commit, arrived) if arrived < limit else None)
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def milliseconds(seconds: float) -> str:
    """As people read it."""
    return f"{seconds * 1000:,.0f} ms"
