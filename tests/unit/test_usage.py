"""Wrong words: one sentence and a remedy on stderr, exit code 2, whatever the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from syncd.cli import cli
from tests.support.cli import Commands

if TYPE_CHECKING:
    from collections.abc import Iterator


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command there is."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


@pytest.fixture
def syncd(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(monkeypatch, capsys)


@pytest.mark.parametrize("words", list(commands(cli)), ids=" ".join)
def test_an_option_that_there_is_not_is_one_sentence_with_a_remedy(
    syncd: Commands, words: tuple[str, ...]
) -> None:
    said = syncd.refused(*words, "--nonsense")
    assert said.startswith("syncd: No such option")
    assert said.endswith(f"See: syncd {' '.join(words)} --help")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["log"], "syncd: Missing argument 'COMPANY'. See: syncd log --help"),
        (["nonsense"], "syncd: No such command 'nonsense'. See: syncd --help"),
        (["map", "nonsense"], "syncd: No such command 'nonsense'. See: syncd map --help"),
        (
            ["log", "1", "--status", "odd"],
            "syncd: Invalid value for '--status': 'odd' is not one of 'success', 'error', 'skipped'."
            " See: syncd log --help",
        ),
        (["status", "1", "2"], "syncd: Got unexpected extra argument (2). See: syncd status --help"),
    ],
)
def test_wrong_words_are_one_sentence_with_a_remedy(syncd: Commands, words: list[str], sentence: str) -> None:
    assert syncd.refused(*words) == sentence
