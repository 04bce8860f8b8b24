"""The request limits of Intuit's page "Limits and throttles". They refuse.

A refused request uses nothing up, so a client that waits as long as told gets
through.
"""

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace


@dataclass(frozen=True)
class Limits:
    """How much is allowed; 0 switches a limit off.

    per_minute counts requests of a realm in 60 s, per_second those of a realm
    and app in 1 s, concurrent those of a realm and app that are being answered.
    """

    per_minute: int = 500
    per_second: int = 10
    concurrent: int = 10

    def changed(self, changes: Mapping[str, object]) -> "Limits":
        """These limits with some changed; ValueError says what is wrong."""
        known = [entry.name for entry in fields(self)]
        values: dict[str, int] = {}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"There is no limit {name!r}; choose one of {', '.join(known)}.")
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise ValueError(f"Limit {name!r} must be a whole number, 0 for none, not {value!r}.")
            values[name] = value
        return replace(self, **values)


@dataclass
class _Usage:
    seconds: deque[float] = field(default_factory=deque)
    running: int = 0


class Throttle:
    """Counts the requests of every realm and app."""

    def __init__(self) -> None:
        self._minutes: defaultdict[str, deque[float]] = defaultdict(deque)
        self._apps: defaultdict[tuple[str, str], _Usage] = defaultdict(_Usage)

    def admit(self, realm: str, app: str, now: float, limits: Limits) -> float:
        """0.0 if the request may run (call `leave` after it), else the seconds to wait."""
        minute, usage = self._minutes[realm], self._apps[realm, app]
        _drop(minute, now - 60)
        _drop(usage.seconds, now - 1)
        if limits.per_minute and len(minute) >= limits.per_minute:
            return max(minute[0] + 60 - now, 0.001)
        if limits.per_second and len(usage.seconds) >= limits.per_second:
            return max(usage.seconds[0] + 1 - now, 0.001)
        if limits.concurrent and usage.running >= limits.concurrent:
            return 1.0
        minute.append(now)
        usage.seconds.append(now)
        usage.running += 1
        return 0.0

    def leave(self, realm: str, app: str) -> None:
        """An admitted request has been answered."""
        self._apps[realm, app].running -= 1


def _drop(times: deque[float], before: float) -> None:
    while times and times[0] <= before:
        times.popleft()
