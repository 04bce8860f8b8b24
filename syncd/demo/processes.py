"""The demo's processes: the sandbox and the daemon, and single commands of an admin.

Each long-running one has a guard between the demo and itself: this file, run as a script, which holds the other
end of a pipe. When the demo closes its end or dies, however it dies, the guard ends its child; when the guard is
killed, the child goes with it (Linux).
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
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent.parent  # what holds the package: a checkout or site-packages
START_SECONDS = 20.0
END_SECONDS = 8.0
LOOK_SECONDS = 0.1


class ProcessFailed(Exception):
    """A process of the demo died, did not start in time or ended with an error. `log` is what it said last."""

    def __init__(self, sentence: str, log: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.log = log


def syncd_words(words: Sequence[str]) -> list[str]:
    """A syncd command of this very installation, run from ROOT, which Python then looks for modules in first."""
    return [sys.executable, "-m", "syncd", *words]


class Child:
    """A syncd command that runs until `stop`. What it prints goes to `log`."""

    def __init__(self, name: str, words: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        plan = {"words": syncd_words(words), "parent": os.getpid()}
        with log.open("wb") as out:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__, json.dumps(plan)],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
                env=dict(environment),
                cwd=ROOT,
                start_new_session=True,  # Ctrl-C is for the demo, which then ends its children in order
            )

    def check(self) -> None:
        """Raises ProcessFailed if it has died."""
        code = self._guard.poll()
        if code is not None:
            raise ProcessFailed(f"The {self.name} ended by itself, with exit code {code}.", self.tail())

    def wait_for(self, found: Callable[[str], bool]) -> str:
        """The first line of its log of which `found` is true."""
        end = time.monotonic() + START_SECONDS
        while True:
            for line in self.log.read_text(errors="replace").splitlines():
                if found(line):
                    return line
            self.check()
            if time.monotonic() > end:
                raise ProcessFailed(f"The {self.name} did not start in {START_SECONDS:.0f} s.", self.tail())
            time.sleep(0.01)

    def tail(self, lines: int = 15) -> str:
        """The last lines of its log."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""

    def stop(self) -> None:
        """End it and wait until it is gone."""
        assert self._guard.stdin is not None
        with suppress(BrokenPipeError):
            self._guard.stdin.close()
        self._guard.wait()


class Command:
    """One command of an admin, started at once; several can run side by side."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], given: str = "") -> None:
        self._words = words
        self._given = given
        self._process = subprocess.Popen(
            syncd_words(words),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=dict(environment),
            cwd=ROOT,
        )

    def output(self) -> str:
        """What it printed on stdout. Raises ProcessFailed if it failed."""
        with self._process:
            try:
                printed, complaint = self._process.communicate(self._given)
            except BaseException:
                self._process.kill()
                raise
        if self._process.returncode:
            sentence = f"`syncd {' '.join(self._words)}` ended with exit code {self._process.returncode}."
            raise ProcessFailed(sentence, f"{printed}{complaint}".strip())
        return printed

    def kill(self) -> None:
        """End it, if it has not ended."""
        self._process.kill()
        with self._process:
            pass


def run_side_by_side(calls: Sequence[tuple[Sequence[str], str]], environment: Mapping[str, str]) -> None:
    """Run commands, each with its standard input, at the same time; none is left running if one fails."""
    started: list[Command] = []
    try:
        for words, given in calls:
            started.append(Command(words, environment, given))
        for command in started:
            command.output()
    finally:
        for command in started:
            command.kill()


def _guard(words: list[str], parent: int) -> int:
    """Until the child ends by itself or the demo is gone. Standard library only: it runs without site-packages."""
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
    sys.exit(_guard(**json.loads(sys.argv[1])))
