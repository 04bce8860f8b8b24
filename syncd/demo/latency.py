"""How long each change took from SIP's COMMIT to QuickBooks' door.

A change has arrived with the first request for its record that holds what it set, or with that of a later change of
the same record: a request that was under way when the change was made carries older values and does not count.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Key = tuple[str, str]
"""Company and customer."""


class Change(NamedTuple):
    """A committed change of one customer: when COMMIT returned (wall clock), and the fields it set.

    `quiet`: nothing of its company was queued or under way before it.
    """

    key: Key
    committed: float
    fields: Mapping[str, str | None]
    quiet: bool


class Arrival(NamedTuple):
    """A request for a customer: when it arrived, and the document it was made of."""

    key: Key
    arrived: float
    document: Mapping[str, Any]


class Latency(NamedTuple):
    """A change and its seconds to QuickBooks; None if it never came there."""

    change: Change
    seconds: float | None


def latencies(changes: Sequence[Change], arrivals: Iterable[Arrival]) -> list[Latency]:
    """One for each change, whatever became of it."""
    of_record: dict[Key, list[Arrival]] = defaultdict(list)
    for arrival in sorted(arrivals, key=lambda a: a.arrived):
        of_record[arrival.key].append(arrival)
    found: list[Latency] = []
    carried_by_later: dict[Key, float] = {}
    for change in sorted(changes, key=lambda c: c.committed, reverse=True):
        own = next((a.arrived for a in of_record[change.key] if _holds(a.document, change.fields)), math.inf)
        arrived = min(own, carried_by_later.get(change.key, math.inf))
        carried_by_later[change.key] = arrived
        found.append(Latency(change, arrived - change.committed if arrived < math.inf else None))
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _holds(document: Mapping[str, Any], fields: Mapping[str, str | None]) -> bool:
    return all((document.get(field) or "") == (value or "").strip() for field, value in fields.items())
