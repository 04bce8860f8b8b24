"""The `syncd` command inside the test's process, which is ten times quicker than a process each."""

from __future__ import annotations

import io
import json
import sys
from typing import Any, NamedTuple

import pytest

from syncd.cli import main


class Said(NamedTuple):
    """What a command printed."""

    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document it must be."""
        return json.loads(self.out)


class Commands:
    """Runs commands as a person would, with the environment given."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **env: str
    ) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.environment(**env)

    def environment(self, **env: str) -> None:
        """Change variables for the commands to come."""
        for name, value in env.items():
            self._monkeypatch.setenv(name, value)

    def __call__(self, *words: str, stdin: str = "", code: int = 0) -> Said:
        """Run `syncd WORDS`; the test fails if the exit code is not `code`."""
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        said = Said(*self._capsys.readouterr())
        assert ended.value.code == code, said
        assert "Traceback" not in said.err
        return said

    def refused(self, *words: str, stdin: str = "", code: int = 2) -> str:
        """Run a command that must fail, with nothing on stdout; returns what it says on stderr."""
        said = self(*words, stdin=stdin, code=code)
        assert not said.out
        assert said.err.count("\n") == 1, "one sentence and its remedy, on one line"
        return said.err.strip()
