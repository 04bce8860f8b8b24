"""The QuickBooks side of the demo: what a person does there, and what can be seen from outside.

Speaks to the sandbox by its public API and its control interface (docs/sandbox.md), never through syncd.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx

WRITES = ("Customer", "batch")


class Write(NamedTuple):
    """A write of customers, one or a batch: when it arrived (wall clock, epoch seconds) and how it was answered."""

    arrived: float
    request_id: str
    status: int


@dataclass(frozen=True, slots=True)
class Realm:
    """A company in QuickBooks with the tokens that its owner gave."""

    realm_id: str
    tokens: dict[str, Any]


class QuickBooks:
    """A running sandbox."""

    def __init__(self, url: str) -> None:
        self.url = url
        # No proxy of the caller's environment belongs between two processes of one machine.
        self._http = httpx.Client(base_url=url, timeout=10, trust_env=False)
        self._seen = 0
        self.writes: list[Write] = []

    def close(self) -> None:
        """Close the connection; the sandbox runs on."""
        self._http.close()

    def open_company(self, profile: str, name: str) -> Realm:
        """A new company, whose owner consents to the connection."""
        realm_id = self._post("/sandbox/companies", {"profile": profile, "name": name})["realm_id"]
        return Realm(realm_id, self._post("/sandbox/tokens", {"realm_id": realm_id}))

    def add_vendor(self, realm: Realm, name: str) -> None:
        """What a bookkeeper does by hand, through the public API."""
        self._http.post(
            f"/v3/company/{realm.realm_id}/vendor",
            json={"DisplayName": name},
            headers={"Authorization": f"Bearer {realm.tokens['access_token']}", "Accept": "application/json"},
        ).raise_for_status()

    def customers(self, realm: Realm) -> list[dict[str, Any]]:
        """Every customer of the company, the inactive ones too."""
        found: list[dict[str, Any]] = self._get(f"/sandbox/objects/{realm.realm_id}/Customer")["objects"]
        return found

    def look(self) -> None:
        """Take over what arrived since the last look."""
        for entry in self._get(f"/sandbox/requests?since={self._seen}")["requests"]:
            if not entry["status"]:
                break  # still being answered: the next look takes it, and what came after it
            self._seen = entry["seq"]
            if entry["method"] == "POST" and entry["entity"] in WRITES:
                self.writes.append(Write(entry["arrived"], entry["requestid"], entry["status"]))

    def _get(self, path: str) -> Any:
        return self._http.get(path).raise_for_status().json()

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return self._http.post(path, json=body).raise_for_status().json()
