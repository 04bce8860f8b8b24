"""Fixtures of every test: one throw-away Postgres per test worker, a fresh database per test."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from syncd.demo.postgres import throwaway_postgres
from tests.support.database import Begin, Database, Prepare, fresh_database, make_template, prepared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncd.demo.postgres import Server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long may take longer than `timeout` of pyproject.toml."""
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(900))


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


@pytest.fixture
def begun(template: Server) -> Iterator[Begin]:
    """Makes a fresh database on which what is given was run: once for all tests that begin so."""
    with ExitStack() as stack:

        def begin(prepare: Prepare) -> Database:
            fresh = contextmanager(fresh_database)(template, prepared(template, prepare))
            return stack.enter_context(fresh)

        yield begin
