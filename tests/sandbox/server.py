"""A sandbox process, and one company of it, for tests."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
START = "from syncd.cli.sandbox import command; command()"


class Sandbox:
    """A running `syncd sandbox` and its control interface."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, *options], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert self.process.stdout is not None
        self.url: str = json.loads(self.process.stdout.readline())["url"]
        self.http = httpx.Client(base_url=self.url, timeout=60)

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """POST to the control interface, or GET without a body."""
        answer = self.http.get(path) if body is None else self.http.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def company(self, profile: str = "us-automated-tax", **settings: Any) -> "Company":
        """A new company without request limits, unless `settings` name some."""
        settings.setdefault("limits", {"per_minute": 0, "per_second": 0, "concurrent": 0})
        made = self.control("/sandbox/companies", {"profile": profile, **settings})
        token = self.control("/sandbox/tokens", {"realm_id": made["realm_id"]})
        return Company(self, made["realm_id"], token["access_token"], token["refresh_token"])

    def inject(self, kind: str, **order: Any) -> None:
        """Order a fault."""
        self.control("/sandbox/faults", {"kind": kind, **order})

    def stop(self) -> int:
        """End the process as an operator would; its exit code."""
        self.http.close()
        self.process.terminate()
        code = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@dataclass
class Company:
    """A company and an access token for it."""

    sandbox: Sandbox
    realm: str
    access: str
    refresh: str

    @property
    def headers(self) -> dict[str, str]:
        """What a JSON client sends."""
        return {"Authorization": f"Bearer {self.access}", "Accept": "application/json"}

    @property
    def base(self) -> str:
        """The company's URL."""
        return f"{self.sandbox.url}/v3/company/{self.realm}"

    def post(self, path: str, body: Any, **params: str) -> httpx.Response:
        """POST JSON; `params` go into the query."""
        return self.sandbox.http.post(f"{self.base}/{path}", json=body, params=params, headers=self.headers)

    def get(self, path: str, **params: str) -> httpx.Response:
        """GET."""
        return self.sandbox.http.get(f"{self.base}/{path}", params=params, headers=self.headers)

    def save(self, entity: str, **body: Any) -> dict[str, Any]:
        """Create or update; the object. Fails the test on a fault."""
        answer = self.post(entity.lower(), body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()[entity]
        return found

    def refused(self, entity: str, **body: Any) -> dict[str, Any]:
        """The first error of a write that must be refused with HTTP 400."""
        answer = self.post(entity.lower(), body)
        assert answer.status_code == 400, answer.text
        error: dict[str, Any] = answer.json()["Fault"]["Error"][0]
        return error

    def query(self, statement: str) -> dict[str, Any]:
        """The QueryResponse of a statement."""
        answer = self.get("query", query=statement)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["QueryResponse"]
        return found

    def objects(self, entity: str) -> list[dict[str, Any]]:
        """Everything stored, the inactive too."""
        path = f"/sandbox/objects/{self.realm}/{entity}"
        found: list[dict[str, Any]] = self.sandbox.control(path)["objects"]
        return found

    def journal(self) -> list[dict[str, Any]]:
        """What the sandbox noted of this company's calls."""
        found: list[dict[str, Any]] = self.sandbox.control(f"/sandbox/requests?realm={self.realm}")[
            "requests"
        ]
        return found
