"""The daemon and the sandbox as the processes they are, and reading what they did."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from syncd.qbo.vault import Vault
from tests.support.nursery import Forked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.database import Database

VAULT_KEY = Vault.generate_key()
PATIENCE = 60.0

# Calls that a test holds, or lets hang, end when it says so.
PATIENT = {"SYNCD_HTTP_TIMEOUT_SECONDS": "120", "SYNCD_SHUTDOWN_SECONDS": "120"}

witnesses: list[Callable[[], str]] = []
"""Whoever can tell what stands in the way: the worlds that there are."""


def until(holds: Callable[[], Any], *, seconds: float = PATIENCE, what: str = "") -> Any:
    """Wait until something holds and return it; the test fails with `what`, and all that is known, if it never does."""
    end = time.monotonic() + seconds
    while not (result := holds()):
        if time.monotonic() > end:
            never = f"after {seconds:g} s still not so: {what or holds.__name__}"
            raise AssertionError("\n".join([never, *(tell() for tell in witnesses)]))
        time.sleep(0.02)
    return result


class Sandbox:
    """A `syncd sandbox` process and its control interface."""

    def __init__(self, *options: str, checkout: Path | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "syncd", "sandbox", *options],
            stdout=subprocess.PIPE,
            text=True,
            cwd=checkout,
        )
        assert self.process.stdout is not None
        self.url: str = json.loads(self.process.stdout.readline())["url"]
        self.http = httpx.Client(base_url=self.url, timeout=60)

    def ask(self, path: str) -> Any:
        """GET below /sandbox/."""
        return self.http.get(f"/sandbox/{path}").raise_for_status().json()

    def tell(self, path: str, **body: Any) -> Any:
        """POST below /sandbox/."""
        return self.http.post(f"/sandbox/{path}", json=body).raise_for_status().json()

    def release(self, ordered: int) -> None:
        """Take one ordered fault back: what it held goes on."""
        self.http.delete(f"/sandbox/faults/{ordered}").raise_for_status()

    def objects(self, realm: str, kind: str = "Customer") -> list[dict[str, Any]]:
        """Everything the realm holds of one kind, inactive ones too."""
        found: list[dict[str, Any]] = self.ask(f"objects/{realm}/{kind}")["objects"]
        return found

    def post(self, realm: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What somebody does in QuickBooks: a POST to its API below the company; the whole answer."""
        token = self.tell("tokens", realm_id=realm)["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        answer = self.http.post(f"/v3/company/{realm}/{path}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def writes(self, realm: str) -> list[dict[str, Any]]:
        """The writes that the realm got, in order, from the journal."""
        return [
            r
            for r in self.ask(f"requests?realm={realm}")["requests"]
            if r["method"] == "POST" and r["entity"] not in ("", "token") and not r["path"].endswith("/query")
        ]

    def stop(self) -> None:
        """End the process."""
        self.http.close()
        self.process.terminate()
        self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()


def environment(database: Database, sandbox_url: str, **more: str) -> dict[str, str]:
    """What the daemon and the commands are told. No lease ends and no answer is given up because a machine is busy."""
    return {
        **os.environ,
        "SYNCD_DSN": database.daemon_dsn,
        "SYNCD_VAULT_KEYS": VAULT_KEY,
        "SYNCD_QBO_CLIENT_ID": "sandbox",
        "SYNCD_QBO_CLIENT_SECRET": "sandbox",
        "SYNCD_QBO_SANDBOX_URL": sandbox_url,
        "SYNCD_QBO_TOKEN_URL": f"{sandbox_url}/oauth2/v1/tokens/bearer",
        "SYNCD_QBO_REVOKE_URL": f"{sandbox_url}/v2/oauth2/tokens/revoke",
        "SYNCD_LEASE_SECONDS": "30",
        "SYNCD_HTTP_TIMEOUT_SECONDS": "30",
        **more,
    }


class Daemon:
    """A `syncd run` process; its log goes to a file. Forked, or started from nothing where a `checkout` is named."""

    def __init__(self, env: Mapping[str, str], log: Path, checkout: Path | None = None) -> None:
        self._env = dict(env)
        self._checkout = checkout
        self.log = log
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes] | Forked:
        with self.log.open("ab") as out, Path(os.devnull).open("rb") as nothing:
            if not self._checkout:
                return Forked(["run"], self._env, [nothing.fileno(), out.fileno(), out.fileno()])
            return subprocess.Popen(
                [sys.executable, "-m", "syncd", "run"],
                env=self._env,
                cwd=self._checkout,
                stdin=nothing,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log's events of that name."""
        found = []
        for line in self.log.read_text().splitlines():
            if f'"{name}"' not in line:
                continue
            with suppress(ValueError):
                event = json.loads(line)
                if event.get("event") == name:
                    found.append(event)
        return found

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def start(self) -> None:
        """Start it again, as systemd does."""
        self.process = self._start()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it as systemd does; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Its exit code, once it ends."""
        return self.process.wait(90)
