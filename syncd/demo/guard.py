"""The process between the demo and one of its children, run as a script.

It holds the other end of a pipe. When the demo closes its end or dies, however it dies, the guard ends its child; when
the guard is killed, the child goes with it (Linux). Standard library only: it runs without site-packages.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time

LOOK_SECONDS = 0.1
END_SECONDS = 8.0


def guard(words: list[str], parent: int) -> int:
    """Run the child until it ends by itself or the demo is gone; its exit code."""
    asked = False

    def ask(*_: object) -> None:
        nonlocal asked
        asked = True

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, ask)
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent)
    # The parent's id as well as the pipe: a fork of the demo may hold the pipe open after its death.
    while child.poll() is None and not asked and os.getppid() == parent:
        if select.select([0], [], [], LOOK_SECONDS)[0]:
            break
    if child.poll() is None:
        child.terminate()
    end = time.monotonic() + END_SECONDS
    while child.poll() is None:
        # Without a demo there is no Postgres any more, and nothing that could be brought to an orderly end.
        if time.monotonic() > end or os.getppid() != parent:
            child.kill()
        time.sleep(0.01)
    code = child.wait()
    return code if code >= 0 else 128 - code  # as shells say it


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(guard(**json.loads(sys.argv[1])))
