"""One sandbox process for all tests of a worker, a company of its own for each test."""

from collections.abc import Iterator
from typing import Any

import pytest
from intuitlib.client import AuthClient
from quickbooks import QuickBooks

from .server import Company, Sandbox

REDIRECT = "https://app.example/callback"


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


def auth_client(sandbox: Sandbox, **tokens: str) -> Any:
    """intuit-oauth with its discovery pointed at the sandbox."""
    url = f"{sandbox.url}/.well-known/openid_sandbox_configuration/"
    return AuthClient("sandbox", "sandbox", REDIRECT, environment=url, **tokens)


@pytest.fixture
def qb(company: Company, monkeypatch: pytest.MonkeyPatch) -> Any:
    """python-quickbooks, connected to the test's company."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setattr(QuickBooks, "api_url_v3", f"{company.sandbox.url}/v3")
    client = auth_client(company.sandbox, access_token=company.access, refresh_token=company.refresh)
    return QuickBooks(
        auth_client=client, refresh_token=company.refresh, company_id=company.realm, minorversion=75
    )
