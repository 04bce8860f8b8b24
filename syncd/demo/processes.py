"""The demo's processes: the sandbox and the daemon, and single commands of an admin.

Each long-running one has a guard (guard.py) between the demo and itself, and so ends with the demo however that ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.demo import interrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

GUARD = Path(__file__).with_name("guard.py")
ROOT = Path(__file__).resolve().parent.parent.parent  # what holds the package: a checkout or site-packages
START_SECONDS = 20.0
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
                [sys.executable, "-I", "-S", str(GUARD), json.dumps(plan)],
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
            interrupt.check()
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
            start_new_session=True,  # as above
        )

    def output(self) -> str:
        """What it printed on stdout. Raises ProcessFailed if it failed."""
        printed, complaint = self._communicate()
        if self._process.returncode:
            sentence = f"`syncd {' '.join(self._words)}` ended with exit code {self._process.returncode}."
            raise ProcessFailed(sentence, f"{printed}{complaint}".strip())
        return printed

    def _communicate(self) -> tuple[str, str]:
        given: str | None = self._given
        while True:
            interrupt.check()
            try:
                return self._process.communicate(given, timeout=LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                given = None  # has been passed on

    def kill(self) -> None:
        """End it, if it has not ended."""
        self._process.kill()
        with self._process:
            pass


def run_side_by_side(calls: Sequence[tuple[Sequence[str], str]], environment: Mapping[str, str]) -> list[str]:
    """Run commands, each with its standard input, at the same time; what each printed on stdout. None is left
    running if one fails.
    """
    started: list[Command] = []
    try:
        for words, given in calls:
            started.append(Command(words, environment, given))
        return [command.output() for command in started]
    finally:
        for command in started:
            command.kill()
