"""A command that asks QuickBooks renews a connection that has run out, and gets into nobody's way."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from syncd.qbo.oauth import Tokens
from syncd.qbo.vault import Vault
from tests.support.cli import Commands
from tests.support.processes import VAULT_KEY, Sandbox, environment, until
from tests.support.realm import Realm

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
    monkeypatch.delenv("SUDO_USER", raising=False)
    env = environment(database, sandbox.url, SYNCD_DSN=database.admin_dsn)
    return Commands(monkeypatch, capsys, **{k: v for k, v in env.items() if k.startswith("SYNCD_")})


@pytest.fixture
def us(database: Database, sandbox: Sandbox) -> Realm:
    return Realm(database, sandbox, "us-manual-tax", "8.25")


def order(sandbox: Sandbox, kind: str, **more: Any) -> None:
    """A fault of the token endpoint."""
    sandbox.http.post("/sandbox/faults", json={"kind": kind, **more}).raise_for_status()


def stored(database: Database) -> Tokens:
    return Tokens.from_json(
        Vault([VAULT_KEY]).decrypt(database.value("select tokens from syncd.company where company_id = '1'"))
    )


def age(database: Database) -> Tokens:
    """The stored access token has run out."""
    was = stored(database)
    old = Tokens(
        was.access_token, was.refresh_token, datetime.now(UTC) - timedelta(seconds=1), was.refresh_expires_at
    )
    database.connection.execute(
        "update syncd.company set tokens = %s where company_id = '1'",
        (Vault([VAULT_KEY]).encrypt(old.to_json()),),
    )
    return old


def lane(database: Database) -> tuple[Any, ...]:
    """Whether somebody has it, until when it is paused, and who is alive."""
    return database.rows(
        "select owner is not null, not_before > now(), (select count(*) from syncd.worker) from syncd.lane"
    )[0]


@pytest.mark.parametrize("told", ["by the clock", "by QuickBooks"])
def test_a_command_renews_a_connection_that_has_run_out(
    syncd: Commands, us: Realm, database: Database, sandbox: Sandbox, told: str
) -> None:
    was = age(database) if told == "by the clock" else stored(database)
    if told == "by QuickBooks":
        sandbox.tell("faults", kind="token-dead", realm_id=us.realm)
        # Only the access token of the call has died.
    syncd("map", "accounts", "set", "1", "income", "Services")
    now = stored(database)
    assert now.access_token != was.access_token
    assert now.access_expires_at > datetime.now(UTC) + timedelta(minutes=50)
    assert lane(database) == (False, False, 0)
    assert database.value("select refresh_started_at from syncd.company") is None


def test_a_command_takes_what_a_daemon_at_work_renews(syncd: Commands, us: Realm, database: Database) -> None:
    was = age(database)
    daemon = uuid.uuid4()
    database.execute("select syncd.heartbeat(%s, '1 minute')", (daemon,))
    database.execute("update syncd.lane set owner = %s, epoch = 5", (daemon,))
    fresh = Tokens(was.access_token, was.refresh_token, datetime.now(UTC) + timedelta(hours=1), None)
    asked: list[bool] = []

    def renew() -> None:
        time.sleep(0.7)
        with psycopg.connect(database.dsn, autocommit=True) as connection:
            asked.append(not connection.execute("select refresh_started_at from syncd.company").fetchone()[0])  # type: ignore[index]
            connection.execute(
                "update syncd.company set tokens = %s", (Vault([VAULT_KEY]).encrypt(fresh.to_json()),)
            )

    renewal = threading.Thread(target=renew)
    renewal.start()
    syncd.environment(SYNCD_QBO_TOKEN_URL="http://127.0.0.1:9")
    refusal = syncd("map", "accounts", "set", "1", "income", "Services")
    renewal.join()
    assert asked == [True], "the command must not renew while the daemon has the lane"
    assert refusal.err == ""
    assert database.value("select owner from syncd.lane") == daemon


def test_a_command_takes_what_was_renewed_while_it_waited_for_the_lane(
    syncd: Commands, us: Realm, database: Database
) -> None:
    """It has read the old tokens by then: whoever holds the lane has not committed the new ones."""
    was = age(database)
    fresh = Tokens(was.access_token, was.refresh_token, datetime.now(UTC) + timedelta(hours=1), None)
    waits = (
        "select count(*) from pg_stat_activity where query like '%syncd.visit(%' and wait_event_type = 'Lock'"
    )
    with psycopg.connect(database.dsn) as other:
        other.execute("select from syncd.lane for update")
        other.execute("update syncd.company set tokens = %s", (Vault([VAULT_KEY]).encrypt(fresh.to_json()),))

        def commit() -> None:
            until(lambda: database.value(waits))
            other.commit()

        ending = threading.Thread(target=commit)
        ending.start()
        syncd.environment(SYNCD_QBO_TOKEN_URL="http://127.0.0.1:9")
        syncd("map", "accounts", "set", "1", "income", "Services")
        ending.join()
    assert lane(database) == (False, False, 0)
    assert database.value("select refresh_started_at from syncd.company") is None
    assert stored(database) == fresh


@pytest.mark.parametrize("trouble", ["wrong secret", "dead token", "no way there"])
def test_a_renewal_that_fails_is_not_held_against_the_company(
    syncd: Commands, us: Realm, database: Database, sandbox: Sandbox, trouble: str
) -> None:
    """Perhaps it is the app's keys in this shell: the daemon finds out by itself."""
    age(database)
    match trouble:
        case "wrong secret":
            syncd.environment(SYNCD_QBO_CLIENT_SECRET="wrong")
        case "dead token":
            order(sandbox, "token-dead", path="/tokens/bearer")
        case _:
            syncd.environment(SYNCD_QBO_TOKEN_URL="http://127.0.0.1:9")
    syncd.refused("map", "accounts", "suggest", "1", code=1)
    assert lane(database) == (False, False, 0)
    assert database.rows("select state::text, refresh_started_at, refresh_refused_at from syncd.company") == [
        ("connected", None, None)
    ]


def test_a_renewal_whose_answer_is_lost_leaves_a_trace(
    syncd: Commands, us: Realm, database: Database, sandbox: Sandbox
) -> None:
    """Intuit may have made the token before worthless: that explains a dead connection later."""
    age(database)
    order(sandbox, "drop-after", path="/tokens/bearer")
    syncd.refused("map", "accounts", "suggest", "1", code=1)
    assert lane(database) == (False, False, 0)
    trace = database.value("select refresh_started_at from syncd.company")
    assert trace is not None
    assert "(invalid_grant)" in syncd.refused("map", "accounts", "suggest", "1", code=1)
    assert database.value("select refresh_started_at from syncd.company") == trace


def test_two_commands_renew_once(syncd: Commands, us: Realm, database: Database, sandbox: Sandbox) -> None:
    age(database)
    since = max((r["seq"] for r in sandbox.ask("requests")["requests"]), default=0)
    order(sandbox, "delay", seconds=1, when="before", path="/tokens/bearer")
    env = environment(database, sandbox.url, SYNCD_DSN=database.admin_dsn)
    words = [sys.executable, "-m", "syncd", "map", "accounts", "suggest", "1"]
    both = [subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    paths = [r["path"] for r in sandbox.ask(f"requests?since={since}")["requests"]]
    assert sum(path.endswith("/tokens/bearer") for path in paths) == 1
    until(lambda: lane(database) == (False, False, 0))


def test_questions_keep_to_what_intuit_allows(syncd: Commands, database: Database, sandbox: Sandbox) -> None:
    realm = Realm(database, sandbox, "canada", "12", limits={"per_second": 10})
    for _ in range(6):
        syncd("map", "tax", "suggest", "1")
    asked = [r for r in sandbox.ask("requests")["requests"] if r["realm"] == realm.realm]
    assert len(asked) == 12
    assert {r["status"] for r in asked} == {200}


def test_a_throttled_company_is_said_to_be_one(syncd: Commands, us: Realm, sandbox: Sandbox) -> None:
    sandbox.tell("faults", kind="throttle", realm_id=us.realm)
    refusal = syncd.refused("map", "tax", "suggest", "1", code=1)
    assert refusal.endswith("Nothing was changed; try again in a minute.")
