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
    batch_per_minute counts batches of a realm and app in 60 s,
    batch_per_minute_realm those of all apps. With `speed` n these minutes and
    seconds pass n times as fast, so that a benchmark sees many of them.
    """

    per_minute: int = 500
    per_second: int = 10
    concurrent: int = 10
    batch_per_minute: int = 40
    batch_per_minute_realm: int = 120
    speed: int = 1

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
        if values.get("speed") == 0:
            raise ValueError("Limit 'speed' must be at least 1.")
        return replace(self, **values)


@dataclass(frozen=True)
class Weight:
    """What a request counts: how many requests of the minute, and whether it is a batch."""

    requests: int = 1
    batch: bool = False


class _Window:
    """The times of what was admitted in the last so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._times: deque[float] = deque()

    def wait(self, now: float, limit: int, speed: int, more: int = 1) -> float:
        """Seconds until `more` fit under the limit, 0.0 if they do now."""
        length = self._seconds / speed
        while self._times and self._times[0] <= now - length:
            self._times.popleft()
        excess = len(self._times) + more - limit
        if not limit or excess <= 0 or not self._times:
            return 0.0
        return max(self._times[min(excess, len(self._times)) - 1] + length - now, 0.001)

    def add(self, now: float, count: int = 1) -> None:
        """Count what was admitted."""
        self._times.extend([now] * count)


@dataclass
class _Realm:
    minute: _Window = field(default_factory=lambda: _Window(60))
    batches: _Window = field(default_factory=lambda: _Window(60))


@dataclass
class _Usage:
    second: _Window = field(default_factory=lambda: _Window(1))
    batches: _Window = field(default_factory=lambda: _Window(60))
    running: int = 0


class Throttle:
    """Counts the requests of every realm and app."""

    def __init__(self) -> None:
        self._realms: defaultdict[str, _Realm] = defaultdict(_Realm)
        self._apps: defaultdict[tuple[str, str], _Usage] = defaultdict(_Usage)

    def admit(self, realm: str, app: str, now: float, limits: Limits, weight: Weight) -> float:
        """0.0 if the request may run (call `leave` after it), else the seconds to wait."""
        whole, usage = self._realms[realm], self._apps[realm, app]
        wait = max(
            whole.minute.wait(now, limits.per_minute, limits.speed, weight.requests),
            usage.second.wait(now, limits.per_second, limits.speed),
        )
        if weight.batch:
            wait = max(
                wait,
                whole.batches.wait(now, limits.batch_per_minute_realm, limits.speed),
                usage.batches.wait(now, limits.batch_per_minute, limits.speed),
            )
        if not wait and limits.concurrent and usage.running >= limits.concurrent:
            wait = 1.0
        if wait:
            return wait
        whole.minute.add(now, weight.requests)
        usage.second.add(now)
        if weight.batch:
            whole.batches.add(now)
            usage.batches.add(now)
        usage.running += 1
        return 0.0

    def leave(self, realm: str, app: str) -> None:
        """An admitted request has been answered."""
        self._apps[realm, app].running -= 1
