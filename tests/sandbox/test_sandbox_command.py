"""`syncd sandbox` as an operator starts and stops it."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from .server import ROOT, START, Sandbox


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", START, *options],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        cwd=ROOT,
    )


def test_it_starts_with_what_was_asked_for_and_ends_at_once(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    sandbox = Sandbox(
        "--company", "canada", "--company", "us-no-tax", "--client-id", "me", "--client-secret-file", str(secret),
        "--quirk", "names-lock=off", "--limit", "per_second=3",
    )  # fmt: skip
    companies = sandbox.control("/sandbox/companies")["companies"]
    assert [company["profile"] for company in companies] == ["canada", "us-no-tax"]
    assert sandbox.control("/sandbox/quirks")["quirks"]["names-lock"] == "off"
    assert sandbox.control("/sandbox/limits")["per_second"] == 3
    assert sandbox.control("/sandbox/health")["status"] == "ok"
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    known = httpx.post(f"{sandbox.url}/oauth2/v1/tokens/bearer", data=form, auth=("me", "s3cret"))
    assert known.json()["error"] == "invalid_grant"
    started = time.monotonic()
    assert sandbox.stop() == 0
    assert time.monotonic() - started < 4, "a client that keeps its connection does not keep the process"


def test_latency_is_added_to_calls(tmp_path: Path) -> None:
    sandbox = Sandbox("--latency", "0.2")
    company = sandbox.company()
    before = time.monotonic()
    assert company.get("preferences").status_code == 200
    assert time.monotonic() - before >= 0.2
    assert sandbox.stop() == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--quirk", "weather=fine"], "There is no quirk 'weather'"),
        (["--quirk", "names-lock=maybe"], "choose one of on, names, off"),
        (["--quirk", "names-lock"], "name=value"),
        (["--company", "mars"], "us-automated-tax"),
        (["--limit", "per_minute=many"], "name=number"),
        (["--client-secret-file", "/nonexistent"], "does not exist"),
    ],
)
def test_wrong_use_is_explained_with_exit_code_2(options: list[str], words: str) -> None:
    ended = run(*options)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_taken_port_is_one_sentence() -> None:
    sandbox = Sandbox()
    ended = run("--port", sandbox.url.rpartition(":")[2])
    sandbox.stop()
    assert ended.returncode == 1
    assert "choose another --host or --port" in ended.stderr


def test_a_client_that_dies_while_it_sends_is_noted_and_no_error(capfd: pytest.CaptureFixture[str]) -> None:
    sandbox = Sandbox()
    company = sandbox.company()
    address = (httpx.URL(sandbox.url).host, httpx.URL(sandbox.url).port)
    head = f"POST /v3/company/{company.realm}/customer HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    with socket.create_connection(address) as client:
        client.sendall(head.encode() + b'{"Display')
    deadline = time.monotonic() + 10
    while not (noted := sandbox.control("/sandbox/requests")["requests"]) or not noted[-1]["outcome"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)  # a request's end is in the journal and nowhere else
    assert (noted[-1]["outcome"], noted[-1]["code"], noted[-1]["status"]) == ("refused", "hung-up", 0)
    assert sandbox.stop() == 0
    assert capfd.readouterr().err == ""


def test_help_names_every_option_and_quirk() -> None:
    text = run("--help").stdout
    for word in ("--company", "--quirk", "--latency", "us-automated-tax", "failed-replay"):
        assert word in text
