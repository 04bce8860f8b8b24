"""`syncd status`: the first sentence says whether all is well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.cli import Commands

if TYPE_CHECKING:
    from tests.support.database import Database


@pytest.fixture
def syncd(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Commands:
    return Commands(monkeypatch, capsys, SYNCD_DSN=database.reader_dsn)


@pytest.fixture
def daemon(database: Database) -> None:
    """One that is alive."""
    database.execute("select syncd.heartbeat(gen_random_uuid(), interval '1 hour', 'db1', 4711, '0.1.0')")


def first(syncd: Commands, *words: str) -> str:
    return syncd("status", *words).out.splitlines()[0]


def add_job(database: Database, entity_id: str, state: str, **more: object) -> None:
    columns = {"company_id": "1", "entity_type": "customer", "entity_id": entity_id, "state": state, **more}
    database.execute(
        f"insert into syncd.job ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})",  # noqa: S608
        list(columns.values()),
    )


def test_before_the_first_company(syncd: Commands) -> None:
    assert first(syncd) == "No company is known yet. Add one: syncd company add ID --name NAME"


@pytest.mark.usefixtures("daemon")
def test_all_is_well(syncd: Commands, database: Database) -> None:
    database.add_company()
    said = syncd("status").out
    assert said.startswith("Everything is in QuickBooks.\n")
    assert (
        "Daemon on db1, process 4711, version 0.1.0: up for 0 s, standing by, serving 0 companies of 0 at most."
        in said
    )


def test_no_daemon_is_the_first_thing_said(syncd: Commands, database: Database) -> None:
    database.add_company()
    database.execute("select syncd.heartbeat(gen_random_uuid(), interval '-1 second', 'db1', 4711, '')")
    assert first(syncd).startswith("No daemon is running, so nothing is sent.")


@pytest.mark.usefixtures("daemon")
def test_what_is_on_its_way_has_an_age(syncd: Commands, database: Database) -> None:
    database.add_company()
    for number, seconds in enumerate((3, 125, 40)):
        add_job(database, str(number), "pending")
        database.execute(
            "update syncd.job set owed_since = clock_timestamp() - make_interval(secs => %s) where entity_id = %s",
            (seconds, str(number)),
        )
    assert first(syncd) == "3 records are on the way, the oldest for 2 min."


@pytest.mark.usefixtures("daemon")
def test_the_backlog_is_counted_by_what_it_needs(syncd: Commands, database: Database) -> None:
    database.add_company()
    for number, state in enumerate(("pending", "waiting", "held", "error", "collision", "diverged")):
        add_job(database, str(number), state)
    add_job(database, "7", "unknown", call_id=1)
    database.execute(
        "insert into syncd.link (company_id, entity_type, sip_id, environment, realm_id, qbo_type, state)"
        " values ('1', 'customer', '8', 'sandbox', '9130', 'Customer', 'variance')"
    )
    said = syncd("status").out
    assert said.splitlines()[0] == "5 records need a person."
    assert said.splitlines()[5].split() == ["1", "Company", "1", "on", "1", "1", "1", "5", "0", "s"]
    assert "See: syncd log 1 --status error" in said
    row = syncd("status", "--json").json["companies"][0]
    assert (row["pending"], row["unknown"], row["waiting"], row["failed"], row["variances"]) == (
        1,
        1,
        1,
        4,
        1,
    )


@pytest.mark.usefixtures("daemon")
def test_what_needs_a_person_though_quickbooks_has_it_is_told_apart(
    syncd: Commands, database: Database
) -> None:
    database.add_company()
    for number, state in enumerate(("error", "diverged", "diverged")):
        add_job(database, str(number), state)
    for number, realm in ((8, "9130"), (9, "former")):
        database.execute(
            "insert into syncd.link (company_id, entity_type, sip_id, environment, realm_id, qbo_type, state)"
            " values ('1', 'customer', %s, 'sandbox', %s, 'Customer', 'variance')",
            (str(number), realm),
        )
    said = syncd("status").out
    assert (
        'Company 1 ("Company 1"): 4 records need a person (2 changed or withdrawn in SIP since,'
        " 1 taken otherwise by QuickBooks). See: syncd log 1 --status error" in said
    )
    # The view lists what the command counts.
    assert database.value("select count(*) from syncd.errors") == 4


@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize(
    ("waits", "sentence"),
    [
        (["setting", "connection"], "2 records wait for a switch or a connection."),
        (["record"], "1 record waits for another record, which goes first."),
        (
            ["setting", "record", "record"],
            "3 records wait, 2 of them for another record, which goes first.",
        ),
    ],
)
def test_what_waits_is_told_by_what_it_waits_for(
    syncd: Commands, database: Database, waits: list[str], sentence: str
) -> None:
    database.add_company()
    for number, waits_on in enumerate(waits):
        add_job(database, str(number), "waiting", waits_on=waits_on, due_at="infinity")
    assert first(syncd) == sentence


@pytest.mark.usefixtures("daemon")
def test_changes_that_no_daemon_looked_at_are_not_called_well(syncd: Commands, database: Database) -> None:
    database.add_company()
    database.add_customer("Ann")
    assert first(syncd).startswith("1 change was noted in SIP and not looked at yet")
    database.execute(
        "insert into syncd.outbox_bad (signal_id, entity_type, signaled_at, reason) values (1, 'x', now(), '')"
    )
    assert first(syncd) == "1 change in SIP cannot be sent as it is: table syncd.outbox_bad says why."
    assert syncd("status", "--json").json["outbox"] == 1


@pytest.mark.usefixtures("daemon")
def test_a_pause_says_why_and_how_long(syncd: Commands, database: Database) -> None:
    database.add_company()
    database.execute(
        "update syncd.lane set not_before = clock_timestamp() + interval '90 s', paused_because = 'Busy [today].'"
    )
    assert 'Company 1 ("Company 1") is paused for 1 min more: Busy [today].' in syncd("status").out


@pytest.mark.usefixtures("daemon")
def test_companies_that_are_not_synced_are_not_called_well(syncd: Commands, database: Database) -> None:
    database.add_company("1", on=False)
    database.add_company("2", realm="2")
    database.execute("update syncd.company set state = 'needs_reconnect' where company_id = '2'")
    database.execute(
        "update syncd.lane set not_before = 'infinity', paused_because = 'Revoked.' where company_id = '2'"
    )
    said = syncd("status").out
    assert said.splitlines()[0] == "Nothing is left to send, but not every company is synced."
    assert "syncd settings set 1 enable-sync on" in said
    assert 'Company 2 ("Company 2") has lost its connection: Revoked.' in said
    assert "Company 1" not in syncd("status", "2").out


@pytest.mark.usefixtures("daemon")
def test_a_connection_that_ends_soon_is_said(syncd: Commands, database: Database) -> None:
    database.add_company()
    database.execute("update syncd.company set refresh_expires_at = clock_timestamp() + interval '50 h'")
    assert "loses its connection in 2 d" in syncd("status").out


def test_an_unknown_company_is_wrong_use(syncd: Commands) -> None:
    assert 'There is no company "9".' in syncd.refused("status", "9")


@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize(
    ("connection", "reason"),
    [
        ("disconnected", "The company is not connected to QuickBooks. It goes when it is connected again."),
        (
            "needs_reconnect",
            "The connection to QuickBooks is lost. It goes when the company is connected again.",
        ),
    ],
)
def test_without_a_connection_what_is_due_waits_for_it(
    syncd: Commands, database: Database, connection: str, reason: str
) -> None:
    database.add_company()
    add_job(database, "1", "pending", due_at=None)
    add_job(database, "2", "waiting", waits_on="record", waits_for_type="customer", waits_for_id="1")
    add_job(database, "3", "unknown", call_id=1, reason="Never answered.")
    add_job(database, "4", "error", reason="No.")
    database.execute("update syncd.company set state = %s", (connection,))
    pending = database.rows(
        "select entity_id, state::text, waits_on::text, reason from syncd.pending order by entity_id"
    )
    assert pending == [
        ("1", "waiting", "connection", reason),
        ("2", "waiting", "connection", reason),
        ("3", "unknown", "connection", "Never answered."),
    ]
    [company] = syncd("status", "--json").json["companies"]
    assert [company[key] for key in ("pending", "waiting", "behind_others", "unknown")] == [0, 2, 0, 1]
    assert "2 records wait for a switch or a connection." in syncd("status").out
    database.execute("update syncd.company set state = 'connected'")
    assert database.rows("select entity_id, state::text from syncd.pending where state = 'pending'") == [
        ("1", "pending")
    ]
