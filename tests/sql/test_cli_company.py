"""`syncd company` as an admin types it, against a real Postgres and the sandbox."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from syncd.qbo.oauth import Tokens
from syncd.qbo.vault import Vault
from tests.support.cli import Commands
from tests.support.processes import VAULT_KEY, Sandbox, environment, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.database import Database


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    running = Sandbox()
    yield running
    running.stop()


@pytest.fixture
def syncd(
    database: Database, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Commands:
    env = environment(database, sandbox.url, SYNCD_DSN=database.admin_dsn)
    return Commands(monkeypatch, capsys, **{k: v for k, v in env.items() if k.startswith("SYNCD_")})


def tokens(sandbox: Sandbox, profile: str = "us-automated-tax", **company: Any) -> str:
    """A new realm, and what an admin pipes into `company connect`."""
    realm = sandbox.tell("companies", profile=profile, **company)["realm_id"]
    return json.dumps(sandbox.tell("tokens", realm_id=realm))


def test_a_new_company_is_listed_and_everything_of_it_is_off(syncd: Commands) -> None:
    assert (
        'Company 7, "Oak [x] Yard", is known.' in syncd("company", "add", "7", "--name", "Oak [x] Yard").out
    )
    (row,) = syncd("company", "list", "--json").json
    assert (row["company_id"], row["name"], row["region"], row["timezone"], row["state"]) == (
        "7",
        "Oak [x] Yard",
        "us",
        "America/Denver",
        "disconnected",
    )
    assert "Oak [x] Yard" in syncd("company", "list").out
    assert syncd("settings", "show", "7", "--json").json["enable_sync"] is False


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["1", "--name", "Again"], 'Company "1" exists already.'),
        (["2", "--name", " "], "A company needs a name."),
        (["2", "--name", "X", "--timezone", "Mars/Phobos"], 'Time zone "Mars/Phobos" is not known.'),
        ([" ", "--name", "X"], "The ID is empty."),
        (["2", "--name", "\udcff"], "not valid UTF-8"),
        (["2", "--name", "a\0b"], "NUL"),
    ],
)
def test_what_cannot_be_a_company_is_refused_in_a_sentence(
    syncd: Commands, words: list[str], sentence: str
) -> None:
    syncd("company", "add", "1", "--name", "First")
    assert sentence in syncd.refused("company", "add", *words)


def test_connecting_shows_whose_tokens_they_are_and_stores_them_encrypted(
    syncd: Commands, sandbox: Sandbox, database: Database
) -> None:
    syncd("company", "add", "1", "--name", "Yard", "--timezone", "America/Los_Angeles")
    given = tokens(sandbox, payroll=True, name="Yard & Sons")
    said = syncd("company", "connect", "1", "--environment", "sandbox", stdin=given)
    realm = json.loads(given)["realm_id"]
    assert f'Realm {realm} is "Yard & Sons", country US.' in said.out
    assert said.err == ""
    assert database.rows(
        "select state::text, environment::text, realm_id, home_currency, payroll_enabled,"
        " company_info ->> 'CompanyName', preferences ? 'TaxPrefs' from syncd.company"
    ) == [("connected", "sandbox", realm, "USD", True, "Yard & Sons", True)]
    blob = database.value("select tokens from syncd.company")
    stored = Tokens.from_json(Vault([VAULT_KEY]).decrypt(blob))
    assert stored.refresh_token == json.loads(given)["refresh_token"]
    assert stored.refresh_token.encode() not in blob


def test_another_time_zone_than_in_quickbooks_is_remarked(syncd: Commands, sandbox: Sandbox) -> None:
    syncd("company", "add", "1", "--name", "Yard")
    said = syncd("company", "connect", "1", "--environment", "sandbox", stdin=tokens(sandbox))
    assert "syncd company set 1 --timezone America/Los_Angeles" in said.err
    assert (
        "time zone America/Los_Angeles"
        in syncd("company", "set", "1", "--timezone", "America/Los_Angeles").out
    )


@pytest.mark.parametrize(
    ("profile", "region", "fits"),
    [
        ("us-automated-tax", "us", True),
        ("canada", "ca", True),
        ("global", "global", True),
        ("canada", "us", False),
        ("us-automated-tax", "ca", False),
        ("global", "us", False),
        ("us-automated-tax", "global", False),
    ],
)
def test_the_region_must_fit_the_country(
    syncd: Commands, sandbox: Sandbox, database: Database, profile: str, region: str, fits: bool
) -> None:
    syncd("company", "add", "1", "--name", "Yard", "--region", region)
    said = syncd(
        "company",
        "connect",
        "1",
        "--environment",
        "sandbox",
        stdin=tokens(sandbox, profile),
        code=0 if fits else 1,
    )
    assert database.value("select state::text from syncd.company") == (
        "connected" if fits else "disconnected"
    )
    assert ("syncd company set 1 --region" in said.err) is not fits


def test_the_region_of_a_connected_company_stays_that_of_its_country(
    syncd: Commands, sandbox: Sandbox
) -> None:
    syncd("company", "add", "1", "--name", "Yard")
    syncd("company", "connect", "1", "--environment", "sandbox", stdin=tokens(sandbox))
    refusal = syncd.refused("company", "set", "1", "--region", "ca", code=1)
    assert refusal.startswith("syncd: The region is Canada, but the company in QuickBooks is in US.")


def test_a_realm_serves_one_company(syncd: Commands, sandbox: Sandbox) -> None:
    given = tokens(sandbox)
    for company in ("1", "2"):
        syncd("company", "add", company, "--name", f"Company {company}")
    syncd("company", "connect", "1", "--environment", "sandbox", stdin=given)
    said = syncd("company", "connect", "2", "--environment", "sandbox", stdin=given, code=1)
    assert 'is connected to company 1, "Company 1", already' in said.err
    syncd("company", "connect", "1", "--environment", "sandbox", stdin=given)  # its own it may have again


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("", "Standard input is empty"),
        ("secret-token", "Standard input is not JSON."),
        ('["secret-token"]', "not an object"),
        ('{"realm_id": "1", "refresh_token": "secret-token"}', "lack access_token, expires_in"),
        (
            '{"realm_id": 1, "access_token": "secret-token\\u00e9", "refresh_token": "r", "expires_in": 1}',
            "characters that Intuit's never have",
        ),
        (
            '{"realm_id": "../x", "access_token": "secret-token", "refresh_token": "r", "expires_in": 1}',
            "The realm_id is not a number.",
        ),
        (
            '{"realm_id": 1, "access_token": "secret-token", "refresh_token": "r", "expires_in": "soon"}',
            "not a number of seconds",
        ),
        (
            '{"realm_id": 1, "access_token": {"a": "secret-token"}, "refresh_token": "r", "expires_in": 1}',
            '"access_token"',
        ),
    ],
)
def test_malformed_tokens_are_refused_and_never_repeated(syncd: Commands, given: str, sentence: str) -> None:
    syncd("company", "add", "1", "--name", "Yard")
    refusal = syncd.refused("company", "connect", "1", "--environment", "sandbox", stdin=given)
    assert sentence in refusal
    assert "secret-token" not in refusal


def test_tokens_that_quickbooks_refuses_are_not_stored(
    syncd: Commands, sandbox: Sandbox, database: Database
) -> None:
    syncd("company", "add", "1", "--name", "Yard")
    given = {**json.loads(tokens(sandbox)), "access_token": "not-a-token"}
    refusal = syncd.refused(
        "company", "connect", "1", "--environment", "sandbox", stdin=json.dumps(given), code=1
    )
    assert "QuickBooks does not accept these tokens" in refusal
    assert "not-a-token" not in refusal
    assert database.value("select tokens is null from syncd.company")


def test_no_answer_from_quickbooks_is_a_sentence(syncd: Commands, sandbox: Sandbox) -> None:
    syncd("company", "add", "1", "--name", "Yard")
    syncd.environment(SYNCD_QBO_SANDBOX_URL="http://127.0.0.1:9")
    refusal = syncd.refused(
        "company", "connect", "1", "--environment", "sandbox", stdin=tokens(sandbox), code=1
    )
    assert "QuickBooks could not be asked" in refusal


def test_without_a_key_nothing_is_asked(syncd: Commands) -> None:
    syncd("company", "add", "1", "--name", "Yard")
    for key, sentence in (("", "No key for the tokens"), ("short", "Encryption key 1 is malformed")):
        syncd.environment(SYNCD_VAULT_KEYS=key)
        assert sentence in syncd.refused("company", "connect", "1", "--environment", "sandbox", stdin="{}")


def test_keys_are_changed_without_a_reconnect(syncd: Commands, sandbox: Sandbox, database: Database) -> None:
    syncd("company", "add", "1", "--name", "Yard")
    syncd("company", "connect", "1", "--environment", "sandbox", stdin=tokens(sandbox))
    new = syncd("company", "new-key").out.strip()
    syncd.environment(SYNCD_VAULT_KEYS=f"{new},{VAULT_KEY}")
    assert "The tokens of 1 company are" in syncd("company", "rotate-keys").out
    Vault([new]).decrypt(database.value("select tokens from syncd.company"))


def test_tokens_that_no_key_opens_are_named_and_left_alone(syncd: Commands, database: Database) -> None:
    database.add_company()
    said = syncd("company", "rotate-keys", code=1)
    assert "Company 1: None of the configured encryption keys opens the stored tokens" in said.err
    assert database.value("select tokens from syncd.company") == b"\0"


def test_changing_keys_waits_for_a_refresh_and_takes_its_tokens(
    syncd: Commands, sandbox: Sandbox, database: Database
) -> None:
    syncd("company", "add", "1", "--name", "Yard")
    syncd("company", "connect", "1", "--environment", "sandbox", stdin=tokens(sandbox))
    new = Vault.generate_key()
    syncd.environment(SYNCD_VAULT_KEYS=f"{new},{VAULT_KEY}")
    with psycopg.connect(database.dsn) as daemon:
        daemon.execute("update syncd.company set tokens = %s", (Vault([VAULT_KEY]).encrypt(b"fresh"),))

        def finish() -> None:
            with suppress(AssertionError):  # the commit must come, or the command waits for ever
                until(
                    lambda: database.value(
                        "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
                    )
                )
            daemon.commit()

        refresh = threading.Thread(target=finish)
        refresh.start()
        syncd("company", "rotate-keys")
        refresh.join()
    assert Vault([new]).decrypt(database.value("select tokens from syncd.company")) == b"fresh"


def test_the_command_itself_ends_with_the_exit_code(database: Database) -> None:
    env = {"SYNCD_DSN": database.admin_dsn, "PATH": "/usr/bin:/bin"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "syncd", *words], env=env, capture_output=True, text=True
        )

    added = run("company", "add", "1", "--name", "Yard")
    assert (added.returncode, added.stderr) == (0, "")
    again = run("company", "add", "1", "--name", "Yard")
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == 'syncd: Company "1" exists already. See: syncd company list\n'
    listed = run("company", "list").stdout.splitlines()
    assert listed[1] == "1   Yard  US      America/Denver  not connected"


def test_tokens_are_not_read_from_a_terminal(database: Database) -> None:
    env = {"SYNCD_DSN": database.admin_dsn, "SYNCD_VAULT_KEYS": VAULT_KEY, "PATH": "/usr/bin:/bin"}
    database.add_company()
    ours, theirs = pty.openpty()
    words = ["company", "connect", "1", "--environment", "sandbox"]
    done = subprocess.run(
        [sys.executable, "-m", "syncd", *words], env=env, stdin=theirs, capture_output=True, text=True
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 2
    assert "read from standard input" in done.stderr
    assert "syncd company connect … < tokens.json" in done.stderr
