"""The sandbox's own clock, and times in the two forms QBO writes them."""

import time
from datetime import datetime
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")


class Clock:
    """Wall-clock time that tests may move forward and speed up.

    Tokens, replay memory, throttles and MetaData all read this clock, so that
    "an hour later" takes no hour to test.
    """

    def __init__(self) -> None:
        self._origin = time.time()
        self._base = self._origin
        self._rate = 1.0

    def now(self) -> float:
        """Seconds since the epoch, as the sandbox sees them."""
        return self._base + (time.time() - self._origin) * self._rate

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds` (never backward: QBO's time does not run back)."""
        if seconds < 0:
            raise ValueError("The clock only moves forward.")
        self._base += seconds

    def run_at(self, rate: float) -> None:
        """From now on let `rate` sandbox seconds pass in each real one."""
        if rate <= 0:
            raise ValueError("The clock's rate must be above 0.")
        self._base, self._origin, self._rate = self.now(), time.time(), rate


def envelope_time(epoch: float) -> str:
    """The `time` of an answer: milliseconds, numeric offset of US Pacific."""
    return datetime.fromtimestamp(epoch, PACIFIC).isoformat(timespec="milliseconds")


def metadata_time(epoch: float) -> str:
    """A MetaData time: whole seconds, numeric offset of US Pacific."""
    return datetime.fromtimestamp(int(epoch), PACIFIC).isoformat(timespec="seconds")


def parse_time(text: str) -> float | None:
    """Epoch seconds of an ISO 8601 date or time, or None if it is neither.

    Without an offset the value is taken in US Pacific, the offset of MetaData
    times (unverified: QBO documents it as "local"); a bare date is its first
    instant.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=PACIFIC)
    return moment.timestamp()
