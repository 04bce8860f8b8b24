"""Ctrl-C: noted at once, obeyed wherever the demo waits.

An exception out of the signal handler would do in most places, but not inside a weak reference's callback, where
Python prints and forgets it, nor between the start of a process and the note that it has been started. A second
Ctrl-C does it nevertheless: what runs then ends by itself.
"""

from __future__ import annotations

import signal
import threading

_asked = threading.Event()


def listen() -> None:
    """From now on Ctrl-C is ours."""
    signal.signal(signal.SIGINT, _note)


def check() -> None:
    """Raises KeyboardInterrupt if it was pressed."""
    if _asked.is_set():
        raise KeyboardInterrupt


def _note(*_: object) -> None:
    if _asked.is_set():
        raise KeyboardInterrupt
    _asked.set()
