"""The QuickBooks side of the demo: what a person does there, and what can be seen from outside.

Speaks to the sandbox by its public API and its control interface (docs/sandbox.md), never through syncd.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import httpx

WRITES = ("Customer", "Item", "Invoice", "Payment", "PaymentMethod", "TimeActivity", "batch")


class Write(NamedTuple):
    """A write: when it arrived (wall clock, epoch seconds), of what, and how many records it holds."""

    arrived: float
    entity: str
    records: int


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

    def close(self) -> None:
        """Close the connection; the sandbox runs on."""
        self._http.close()

    def open_company(self, profile: str, name: str, timezone: str) -> Realm:
        """A new company with QuickBooks Payroll, whose owner consents to the connection."""
        asked = {"profile": profile, "name": name, "timezone": timezone, "payroll": True}
        realm_id = self._post("/sandbox/companies", asked)["realm_id"]
        return Realm(realm_id, self._post("/sandbox/tokens", {"realm_id": realm_id}))

    def add_vendor(self, realm: Realm, name: str) -> None:
        """What a bookkeeper does by hand."""
        self._by_hand(realm, "vendor", {"DisplayName": name})

    def add_employee(self, realm: Realm, name: str) -> None:
        """The same; QuickBooks Payroll wants an address."""
        given, _, family = name.partition(" ")
        address = {"City": "San Jose", "CountrySubDivisionCode": "CA", "PostalCode": "95112"}
        body = {"GivenName": given, "FamilyName": family, "PrimaryAddr": address}
        self._by_hand(realm, "employee", body)

    def objects(self, realm: Realm, entity: str) -> list[dict[str, Any]]:
        """Everything of one kind that the company holds, the inactive too. Numbers are exact."""
        found: list[dict[str, Any]] = self._get(f"/sandbox/objects/{realm.realm_id}/{entity}")["objects"]
        return found

    def accounts(self, realm: Realm) -> dict[str, Decimal]:
        """The balance of each account, debits above 0, added up anew from the postings."""
        balances = self._get(f"/sandbox/ledger/{realm.realm_id}")["accounts"]
        return {name: Decimal(balance) for name, balance in balances.items()}

    def look(self) -> list[Write]:
        """The writes that were answered since the last look."""
        found = []
        for entry in self._get(f"/sandbox/requests?since={self._seen}")["requests"]:
            if not entry["status"]:
                break  # still being answered: the next look takes it, and what came after it
            self._seen = entry["seq"]
            if entry["method"] == "POST" and entry["entity"] in WRITES:
                found.append(Write(float(entry["arrived"]), entry["entity"], max(1, entry["items"])))
        return found

    def _by_hand(self, realm: Realm, path: str, body: dict[str, Any]) -> None:
        headers = {"Authorization": f"Bearer {realm.tokens['access_token']}", "Accept": "application/json"}
        self._http.post(f"/v3/company/{realm.realm_id}/{path}", json=body, headers=headers).raise_for_status()

    def _get(self, path: str) -> Any:
        return json.loads(self._http.get(path).raise_for_status().content, parse_float=Decimal)

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return self._http.post(path, json=body).raise_for_status().json()
