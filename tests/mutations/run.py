"""Breaks a copy of this checkout in one way at a time and runs the tests that must notice.

    ./dev mutate            every mutation
    ./dev mutate NAME...    those whose name begins so
    ./dev mutate --list     their names, and what each takes away

A mutation is a table in one of the files `tests/mutations/*.toml`:

    [second-look-left-out]
    takes_away = "the look at the grant"
    file = "syncd/daemon/doorbell.py"
    old = "..."             # stands there once
    new = "..."
    tests = ["tests/flow/test_bell.py::test_..."]   # each must fail

The tests are first run without any mutation. The exit code is 1 if a mutation survives a test of its own.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "dist", "build"
)
TOO_LONG = 300.0


@dataclass(frozen=True)
class Mutation:
    """One way to break the code."""

    name: str
    takes_away: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def is_stale(self) -> bool:
        """The code has changed under it."""
        return (ROOT / self.file).read_text().count(self.old) != 1

    def apply(self, checkout: Path) -> None:
        """Break that checkout."""
        file = checkout / self.file
        file.write_text(file.read_text().replace(self.old, self.new))


def mutations() -> list[Mutation]:
    """All of them, by name."""
    found = [
        Mutation(name=name, **{**table, "tests": tuple(table["tests"])})
        for file in sorted(Path(__file__).parent.glob("*.toml"))
        for name, table in tomllib.loads(file.read_text()).items()
    ]
    return sorted(found, key=lambda mutation: mutation.name)


def fails(checkout: Path, *tests: str) -> str:
    """How these tests end in that checkout: "failed", "passed", or that they could not be run."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-x", "--tb=short", "-p", "no:cacheprovider", *tests],
        cwd=checkout,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=TOO_LONG)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return "failed"
    if process.returncode == 0:
        return "passed" if " passed" in output or " xpassed" in output else "skipped"
    if process.returncode == 1:
        return "failed"
    return f"could not be run:\n{output}"


def main(words: list[str]) -> int:
    """Try them; see above."""
    chosen = [m for m in mutations() if not words or any(m.name.startswith(word) for word in words)]
    if words == ["--list"]:
        for mutation in mutations():
            say(f"{mutation.name:36} {mutation.takes_away}")
        return 0
    if not chosen:
        say(f"no mutation begins with {' or '.join(words)}; ./dev mutate --list shows them")
        return 2
    if stale := [mutation.name for mutation in chosen if mutation.is_stale()]:
        say(f"the text to replace is not there, or more than once: {', '.join(stale)}")
        return 1
    with tempfile.TemporaryDirectory(prefix="syncd-mutations-") as folder:
        whole = Path(folder) / "whole"
        shutil.copytree(ROOT, whole, ignore=NOT_COPIED)
        unbroken = fails(whole, *sorted({test for mutation in chosen for test in mutation.tests}))
        if unbroken != "passed":
            say(f"the tests do not pass without a mutation: {unbroken}")
            return 1
        noticed = [_try(mutation, Path(folder)) for mutation in chosen]
        return 0 if all(noticed) else 1


def _try(mutation: Mutation, folder: Path) -> bool:
    """True if every test that must notice did."""
    broken = folder / mutation.name
    shutil.copytree(folder / "whole", broken)
    mutation.apply(broken)
    noticed = True
    for test in mutation.tests:
        began = time.monotonic()
        ended = fails(broken, test)
        verdict = {"failed": "killed", "passed": "SURVIVED"}.get(ended, ended)
        say(f"{verdict:8} {mutation.name:36} {time.monotonic() - began:5.1f} s  {test}")
        noticed = noticed and ended in ("failed", "skipped")
    shutil.rmtree(broken)
    return noticed


def say(line: str) -> None:
    """To whoever waits for it."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
