"""Fixtures of every test: one throw-away Postgres per test worker, a fresh database per test."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from syncd.demo.postgres import throwaway_postgres
from tests.support.database import Database, fresh_database, make_template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncd.demo.postgres import Server


@pytest.hookimpl(trylast=True)  # after -m and -k have chosen
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long may take longer than `timeout` of pyproject.toml, and what takes longest begins first.

    Each worker has a part of the list to begin with, so the longest ones are the first of the parts.
    """
    slow = [(marker.kwargs.get("minutes", 0), item) for item in items for marker in item.iter_markers("slow")]
    for _, item in slow:
        item.add_marker(pytest.mark.timeout(900))
    longest = sorted([pair for pair in slow if pair[0]], key=lambda pair: -pair[0])
    parts = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    size = -(-len(items) // parts)
    for _, item in longest:
        items.remove(item)
    for n, (_, item) in enumerate(longest):
        part = min(n, parts - 1)
        items.insert(part * size + n - part, item)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A Postgres of this worker's own."""
    with throwaway_postgres() as running:
        yield running


@pytest.fixture(scope="session")
def template(server: Server) -> Server:
    """The same, with the template database made."""
    make_template(server)
    return server


@pytest.fixture
def database(template: Server) -> Iterator[Database]:
    """SIP's tables, empty, and syncd, installed."""
    yield from fresh_database(template)
