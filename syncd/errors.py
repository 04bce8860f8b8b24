"""Errors that a person reads: each is one sentence and a remedy. The command line prints them; nothing else does."""

from __future__ import annotations


class SyncdError(Exception):
    """Something failed, or things are not so that it can be done: no connection. Exit code 1."""

    exit_code = 1

    def __init__(self, sentence: str, remedy: str = "") -> None:
        super().__init__(f"{sentence} {remedy}".strip())
        self.sentence = sentence
        self.remedy = remedy


class WrongUse(SyncdError):
    """The words of the command are off: an unknown company, an unknown toggle, a bad date. Exit code 2."""

    exit_code = 2


class DatabaseProblem(SyncdError):
    """Postgres cannot be reached, or does not hold what this version of syncd needs."""


class NotConfigured(SyncdError):
    """A setting that this command needs is missing or malformed."""

    exit_code = 2
