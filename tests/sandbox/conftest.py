"""One sandbox process for all tests of a worker, a company of its own for each test."""

from collections.abc import Iterator

import pytest

from .server import Company, Sandbox


@pytest.fixture(scope="session")
def process() -> Iterator[Sandbox]:
    """The worker's sandbox."""
    sandbox = Sandbox()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def sandbox(process: Sandbox) -> Iterator[Sandbox]:
    """The sandbox as a fresh one: default quirks and limits, no ordered faults, a clock at normal speed."""
    quirks = process.control("/sandbox/quirks")["quirks"]
    limits = process.control("/sandbox/limits")
    yield process
    process.http.delete("/sandbox/faults")
    process.control("/sandbox/quirks", quirks)
    process.control("/sandbox/limits", limits)
    process.control("/sandbox/clock", {"rate": 1})


@pytest.fixture
def company(sandbox: Sandbox) -> Company:
    """A US company with automated sales tax."""
    return sandbox.company()
