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


def test_connecting_tells_what_is_mapped_and_what_is_left_to_choose(
    syncd: Commands, sandbox: Sandbox, database: Database
) -> None:
    syncd("company", "add", "1", "--name", "Yard", "--timezone", "America/Los_Angeles")
    given = tokens(sandbox)
    said = syncd("company", "connect", "1", "--environment", "sandbox", stdin=given).out
    assert 'Payments go to account "Undeposited Funds" (id 4) until they are paid out.' in said
    assert (
        "Accounts still to be chosen (Income, for service items; Discounts given, for invoices with a discount):"
        " syncd map accounts suggest 1" in said
    )
    assert "syncd map employees suggest 1" in said
    assert "syncd map tax" not in said
    assert database.rows("select slot::text, qbo_id, qbo_name, updated_by from syncd.account_map") == [
        ("undeposited_funds", "4", "Undeposited Funds", "syncd company connect")
    ]
    assert database.rows("select distinct updated_by, count(*) over () from syncd.payment_method_map") == [
        ("syncd company connect", 7)
    ]
    syncd("map", "accounts", "set", "1", "undeposited-funds", "Savings")
    syncd("map", "accounts", "set", "1", "income", "Services")
    syncd("map", "payment-methods", "set", "1", "card", "Visa/MC")
    again = syncd("company", "connect", "1", "--environment", "sandbox", stdin=given).out
    assert "Payments go to" not in again, "what somebody chose stays"
    assert "still to be chosen (Discounts given, for invoices with a discount)" in again
    assert syncd("map", "payment-methods", "list", "1", "--json").json[0]["qbo_name"] == "Visa/MC"


def test_of_two_accounts_that_could_hold_payments_none_is_chosen(
    syncd: Commands, sandbox: Sandbox, database: Database
) -> None:
    syncd("company", "add", "1", "--name", "Yard")
    given = json.loads(tokens(sandbox))
    made = sandbox.http.post(
        f"/v3/company/{given['realm_id']}/account?minorversion=75",
        json={"Name": "Payments to deposit", "AccountSubType": "UndepositedFunds"},
        headers={"Authorization": f"Bearer {given['access_token']}", "Accept": "application/json"},
    )
    assert made.status_code == 200
    said = syncd("company", "connect", "1", "--environment", "sandbox", stdin=json.dumps(given)).out
    assert "Undeposited Funds, for payments, payouts)" in said
    assert database.value("select count(*) from syncd.account_map") == 0


def test_connecting_succeeds_though_the_accounts_cannot_be_read(
    syncd: Commands, sandbox: Sandbox, database: Database
) -> None:
    syncd("company", "add", "1", "--name", "Yard")
    given = tokens(sandbox)
    fault = {"kind": "fault", "realm_id": json.loads(given)["realm_id"], "path": "/query", "code": "4001"}
    sandbox.http.post("/sandbox/faults", json=fault).raise_for_status()
    said = syncd("company", "connect", "1", "--environment", "sandbox", stdin=given)
    assert "is connected to it" in said.out
    assert "Note: the accounts could not be read." in said.err
    assert "Undeposited Funds, for payments, payouts)" in said.out
    assert database.value("select state::text from syncd.company") == "connected"


@pytest.mark.parametrize(
    ("profile", "region", "remark", "codes"),
    [
        ("us-automated-tax", "us", False, False),
        ("us-manual-tax", "us", False, False),
        ("us-no-tax", "us", True, False),
        ("canada", "ca", False, True),
    ],
)
def test_connecting_remarks_on_sales_tax(
    syncd: Commands, sandbox: Sandbox, profile: str, region: str, remark: bool, codes: bool
) -> None:
    syncd("company", "add", "1", "--name", "Yard", "--region", region)
    said = syncd("company", "connect", "1", "--environment", "sandbox", stdin=tokens(sandbox, profile))
    assert ("sales tax is switched off in QuickBooks" in said.err) is remark
    assert ("Costs, for service items; " in said.out) is codes
    assert ("Tax codes still to be chosen: syncd map tax suggest 1" in said.out) is codes


def connected(syncd: Commands, sandbox: Sandbox) -> dict[str, Any]:
    """Company 1, connected; the tokens."""
    syncd("company", "add", "1", "--name", "Yard")
    given: dict[str, Any] = json.loads(tokens(sandbox))
    syncd("company", "connect", "1", "--environment", "sandbox", stdin=json.dumps(given))
    return given


def lets_in(sandbox: Sandbox, given: dict[str, Any]) -> bool:
    answer = sandbox.http.get(
        f"/v3/company/{given['realm_id']}/preferences",
        headers={"Authorization": f"Bearer {given['access_token']}"},
    )
    return answer.status_code == 200


def test_disconnecting_gives_the_tokens_back(syncd: Commands, sandbox: Sandbox, database: Database) -> None:
    given = connected(syncd, sandbox)
    database.execute(
        "insert into syncd.job (company_id, entity_type, entity_id)"
        " values ('1', 'customer', '7'), ('1', 'customer', '8')"
    )
    assert lets_in(sandbox, given)
    said = syncd("company", "disconnect", "1", "--yes")
    assert 'Company 1, "Yard", is disconnected. Nothing of it is sent any more.' in said.out
    assert "2 records wait, and what changes from now on too, until it is connected again." in said.out
    assert "Intuit has been told" in said.out
    assert said.err == ""
    assert not lets_in(sandbox, given)
    assert database.value("select tokens from syncd.company") is None
    assert syncd("company", "list", "--json").json[0]["state"] == "disconnected"
    assert "there is nothing to do" in syncd("company", "disconnect", "1").out


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("", 2)])
def test_disconnecting_asks_first(
    syncd: Commands, sandbox: Sandbox, database: Database, answer: str, code: int
) -> None:
    given = connected(syncd, sandbox)
    said = syncd("company", "disconnect", "1", stdin=answer, code=code)
    assert f"Disconnect Yard (company 1) from QuickBooks realm {given['realm_id']}?" in said.err
    if not answer:
        refusal = "syncd: It was not confirmed, so nothing was changed. To do without: --yes."
        assert refusal in said.err.splitlines()
    assert database.value("select state::text from syncd.company") == (
        "disconnected" if code == 0 else "connected"
    )
    assert lets_in(sandbox, given) is (code != 0)


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        ({"SYNCD_QBO_REVOKE_URL": "http://127.0.0.1:9/revoke"}, "could not be reached"),
        ({"SYNCD_QBO_CLIENT_SECRET": "wrong"}, "Intuit answered 401"),
        ({"SYNCD_QBO_CLIENT_ID": ""}, "The Intuit app is not named."),
        ({"SYNCD_VAULT_KEYS": ""}, "No key for the tokens at rest is given."),
    ],
)
def test_a_company_is_disconnected_though_intuit_cannot_be_told(
    syncd: Commands, sandbox: Sandbox, database: Database, trouble: dict[str, str], sentence: str
) -> None:
    connected(syncd, sandbox)
    syncd.environment(**trouble)
    said = syncd("company", "disconnect", "1", "--yes")
    assert "is disconnected" in said.out
    assert said.err.startswith("Intuit was not told: ")
    assert sentence.rstrip(".") in said.err
    assert "remove it in QuickBooks" in said.err
    assert database.value("select tokens from syncd.company") is None


def test_what_is_mapped_comes_back_with_the_same_company_and_method_names_do_not(
    syncd: Commands, sandbox: Sandbox
) -> None:
    given = connected(syncd, sandbox)
    syncd("map", "accounts", "set", "1", "income", "Services")
    syncd("map", "payment-methods", "set", "1", "card", "Visa/MC")
    syncd("company", "disconnect", "1", "--yes")
    fresh = json.dumps(sandbox.tell("tokens", realm_id=given["realm_id"]))
    syncd("company", "connect", "1", "--environment", "sandbox", stdin=fresh)
    assert syncd("map", "accounts", "list", "1", "--json").json[0]["qbo_name"] == "Services"
    assert syncd("map", "payment-methods", "list", "1", "--json").json[0]["qbo_name"] == "Credit Card"
    syncd("company", "connect", "1", "--environment", "sandbox", stdin=tokens(sandbox))
    assert syncd("map", "accounts", "list", "1", "--json").json[0]["qbo_name"] is None


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
