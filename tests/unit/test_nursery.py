"""A forked `syncd` is a process like one that is started from nothing: output, exit code, environment, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.nursery import Forked, run


@pytest.mark.parametrize(
    "words", [["--version"], ["--help"], ["no-such-thing"], ["status"], ["company", "new-key", "--no"]]
)
def test_it_says_and_returns_what_a_started_one_does(words: list[str]) -> None:
    env = {**os.environ, "SYNCD_DSN": "host=/nowhere", "COLUMNS": "80"}
    forked = run(words, env, "")
    started = subprocess.run(
        [sys.executable, "-m", "syncd", *words], env=env, capture_output=True, text=True, check=False
    )
    assert (forked.returncode, forked.stdout, forked.stderr) == (
        started.returncode,
        started.stdout,
        started.stderr,
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_runs_until_a_signal_ends_it_with_the_code_that_a_started_one_has(number: int) -> None:
    def forked(output: int) -> Forked:
        with Path(os.devnull).open() as nothing:
            return Forked(["sandbox"], os.environ, [nothing.fileno(), output, 2])

    def started(output: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "syncd", "sandbox"], stdout=output)

    codes = []
    for way in (forked, started):
        reading, writing = os.pipe()
        process = way(writing)
        os.close(writing)
        with os.fdopen(reading) as output:
            assert "url" in output.readline(), "it serves"
            assert process.poll() is None
            process.send_signal(number)
            codes.append(process.wait(60))
            assert process.poll() == codes[-1]
            assert not output.read(), "nobody else holds its files"
        process.kill()
    assert codes[0] == codes[1]
