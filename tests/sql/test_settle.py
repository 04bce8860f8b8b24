"""`syncd settle`: a person has looked, and what QuickBooks has stands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.sql.test_document_payment import billed, has_method, pay
from tests.support.billing import Billing
from tests.support.cli import Commands
from tests.support.engine import Engine
from tests.support.labour import Labour, timekeeping

if TYPE_CHECKING:
    from tests.support.database import Database


@pytest.fixture
def engine(database: Database) -> Engine:
    database.add_company()
    return Engine(database)


@pytest.fixture
def syncd(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Commands:
    return Commands(monkeypatch, capsys, SYNCD_DSN=database.admin_dsn)


def turn(engine: Engine, outcome: str = "success", error: str | None = None) -> list[str]:
    """One turn of a daemon: the operations of what was due, all of which ended with `outcome`."""
    engine.absorb()
    lanes = engine.lease()
    done = []
    if lanes:
        for job in engine.decide(lanes["1"]):
            call = engine.intend(lanes["1"], job)
            assert call is not None
            qbo_id = job["qbo_id"] or f"9{job['entity_id']}"
            engine.record(lanes["1"], call, outcome=outcome, qbo_id=qbo_id, sync_token="0", error=error)
            done.append(job["operation"])
        engine.release(lanes["1"])
    return done


def listed(database: Database) -> list[tuple[str, str]]:
    """What needs a person: in the view, and as the counts of the company say."""
    rows = database.rows("select entity_id, state::text from syncd.errors order by entity_id")
    assert database.value("select failed + variances from syncd.lane_status") == len(rows)
    return rows


def logged(database: Database) -> list[tuple[str, str]]:
    return database.rows("select status::text, coalesce(error, note) from syncd.sync_log order by log_id")


def withdraw(database: Database, id_: str) -> None:
    database.execute("update sip.customers set deleted_at = now() where id = %s", (id_,))


def bring_back(database: Database, id_: str) -> None:
    database.execute("update sip.customers set deleted_at = null where id = %s", (id_,))


def touch(database: Database, entity: str, id_: str) -> None:
    """A signal of a record that did not change."""
    database.execute(
        "insert into syncd.outbox (company_id, entity_type, entity_id) values ('1', %s, %s)", (entity, id_)
    )


def test_a_withdrawal_that_is_settled_is_listed_no_more_until_the_next(
    database: Database, engine: Engine, syncd: Commands
) -> None:
    id_ = database.add_customer("Ann")
    turn(engine)
    withdraw(database, id_)
    turn(engine)
    assert listed(database) == [(id_, "diverged")]
    command = f"syncd settle 1 customer {id_}"
    assert logged(database)[-1][1].endswith(command)

    said = syncd("settle", "1", "customer", id_, "--yes")
    assert said.out == (
        'Settled: what QuickBooks has now of customer "Ann" stands, until Service Invoice Pro has it again.\n'
    )
    assert listed(database) == []
    assert "a person" not in syncd("status", "1").out
    rows = logged(database)
    assert rows[-1][0] == "success"
    assert "settled it: what QuickBooks has now stands." in rows[-1][1]

    touch(database, "customer", id_)
    database.execute("update sip.customers set name = 'Anne' where id = %s", (id_,))
    assert turn(engine) == []
    assert (listed(database), logged(database)) == ([], rows), "the same withdrawal does not come back"

    bring_back(database, id_)
    assert turn(engine) == ["update"]
    withdraw(database, id_)
    assert turn(engine) == []
    assert listed(database) == [(id_, "diverged")]
    assert len(logged(database)) == len(rows) + 2, "the update, and the second withdrawal"


def test_the_same_withdrawal_is_quiet_while_the_company_is_not_connected(
    database: Database, engine: Engine
) -> None:
    id_ = database.add_customer("Ann")
    turn(engine)
    withdraw(database, id_)
    turn(engine)
    database.execute("select syncd.let_stand('1', 'customer', %s, 'ann')", (id_,))
    database.execute("update syncd.company set state = 'needs_reconnect'")
    assert database.rows("select verdict from syncd.judge('{1}', '{customer}', array[%s])", (id_,)) == [
        ("drop",)
    ]


def test_settling_twice_changes_nothing_more(database: Database, engine: Engine, syncd: Commands) -> None:
    id_ = database.add_customer("Ann")
    turn(engine)
    withdraw(database, id_)
    turn(engine)
    first = syncd("settle", "1", "customer", id_, "--yes", "--json").json
    assert (first["entity_type"], first["entity_id"], first["settled"]) == ("customer", id_, "diverged")
    rows = logged(database)
    again = syncd("settle", "1", "customer", id_, "--yes", "--json").json
    assert again["settled"] is None
    assert "settled it" in again["explanation"]
    assert logged(database) == rows
    assert syncd("settle", "1", "customer", id_).out.startswith("There is nothing to settle: ")


def test_what_is_back_in_sip_is_not_settled_though_nobody_has_looked_yet(
    database: Database, engine: Engine
) -> None:
    id_ = database.add_customer("Ann")
    turn(engine)
    withdraw(database, id_)
    turn(engine)
    database.execute("update sip.customers set deleted_at = null, name = 'Anne' where id = %s", (id_,))
    assert database.value("select syncd.let_stand('1', 'customer', %s, 'ann')", (id_,)) is None
    assert turn(engine) == ["update"]
    assert listed(database) == []


def test_what_is_settled_waits_for_who_has_the_lane(database: Database, engine: Engine) -> None:
    """The daemon is in the middle of a change: the command sees what came of it."""
    id_ = database.add_customer("Ann")
    turn(engine)
    withdraw(database, id_)
    turn(engine)
    with (
        psycopg.connect(database.dsn) as daemon,
        psycopg.connect(database.admin_dsn, autocommit=True) as admin,
    ):
        daemon.execute("select from syncd.lane for no key update")
        admin.execute("set lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            admin.execute("select syncd.let_stand('1', 'customer', %s, 'ann')", (id_,))
        daemon.execute("update syncd.job set state = 'pending', due_at = null")
        daemon.commit()
        admin.execute("set lock_timeout = 0")
        found = admin.execute("select syncd.let_stand('1', 'customer', %s, 'ann')", (id_,)).fetchone()
        assert found == (None,)
    assert database.value("select count(*) from syncd.job") == 1


def test_a_variance_that_is_settled_is_synced_until_the_next(
    database: Database, engine: Engine, syncd: Commands
) -> None:
    id_ = database.add_customer("Ann")
    turn(engine, "variance", "QuickBooks changed it. Correct it, then run: syncd settle.")
    assert listed(database) == [(id_, "variance")]
    command = f"syncd settle 1 customer {id_}"
    assert logged(database)[-1][1] == f"QuickBooks changed it. Correct it, then run: {command}"
    assert command in syncd("retry", "1", "customer", id_).out
    assert command in syncd("explain", "1", "customer", id_).out
    assert "syncd settle 1" in syncd("status", "1").out
    assert json.loads(syncd("settle", "1", "--json").out)[0]["state"] == "variance"

    assert syncd("settle", "1", "customer", id_, "--yes", "--json").json["settled"] == "variance"
    assert listed(database) == []
    assert database.value("select state::text from syncd.link") == "synced"
    assert syncd("settle", "1").out == "There is nothing to settle.\n"
    explained = syncd("explain", "1", "customer", id_).out
    assert "settled it: what QuickBooks has now stands." in explained
    assert "as it stands in Service Invoice Pro" not in explained
    assert turn(engine) == []

    database.execute("update sip.customers set name = 'Anne' where id = %s", (id_,))
    assert turn(engine, "variance", "QuickBooks changed it.") == ["update"]
    assert listed(database) == [(id_, "variance")]


def test_a_change_on_its_way_survives_the_settling_of_a_variance(database: Database, engine: Engine) -> None:
    id_ = database.add_customer("Ann")
    turn(engine, "variance", "QuickBooks changed it.")
    database.execute("update sip.customers set name = 'Anne' where id = %s", (id_,))
    engine.absorb()
    assert database.value("select syncd.let_stand('1', 'customer', %s, 'ann')::text", (id_,)) == "variance"
    assert turn(engine) == ["update"]


# ---- payments, which are told once


@pytest.fixture
def books(database: Database) -> Billing:
    database.add_company(on=False)
    database.switch("1", enable_sync=True, auto_payments=True)
    books = Billing(database)
    books.choose("account_map", "income", "79")
    books.choose("account_map", "undeposited_funds", "4")
    has_method(books)
    return books


def amount(books: Billing, id_: str, value: str) -> None:
    books.sip.update("payments", id_, amount=value)


def test_a_payment_changed_after_it_was_told_diverges_again_only_by_another_change(books: Billing) -> None:
    database, engine = books.database, Engine(books.database)
    id_ = pay(books, billed(books))
    assert turn(engine) == ["create"]
    amount(books, id_, "100.00")
    assert turn(engine) == []
    assert listed(database) == [(id_, "diverged")]
    assert database.value("select syncd.let_stand('1', 'payment', %s, 'ann')::text", (id_,)) == "diverged"
    rows = logged(database)
    touch(database, "payment", id_)
    assert turn(engine) == []
    assert (listed(database), logged(database)) == ([], rows)
    for value in ("110.00", "120.15"):
        amount(books, id_, value)
        assert turn(engine) == []
        assert listed(database) == [(id_, "diverged")], value
        database.execute("select syncd.let_stand('1', 'payment', %s, 'ann')", (id_,))


def test_a_payment_that_comes_back_and_is_withdrawn_again_diverges_again(books: Billing) -> None:
    database, engine = books.database, Engine(books.database)
    id_ = pay(books, billed(books))
    turn(engine)
    books.sip.update("payments", id_, status="failed")
    turn(engine)
    assert database.value("select syncd.let_stand('1', 'payment', %s, 'ann')::text", (id_,)) == "diverged"
    books.sip.update("payments", id_, status="collected")
    assert turn(engine) == []
    assert listed(database) == [], "QuickBooks has it as it was told"
    books.sip.update("payments", id_, status="failed")
    turn(engine)
    assert listed(database) == [(id_, "diverged")]


# ---- entries of timesheets


def test_an_entry_that_was_emptied_is_synced_once_it_is_settled(database: Database) -> None:
    timekeeping(database)
    labour, engine = Labour(database), Engine(database)
    id_ = labour.entry()
    turn(engine)
    labour.sip.update("timesheet_entries", id_, minutes=0)
    turn(engine)
    badges = "select badge, error from syncd.entry_badges"
    assert database.rows(badges)[0][0] == "QB Error"
    assert (
        database.value("select syncd.let_stand('1', 'timesheet_entry', %s, 'ann')::text", (id_,))
        == "diverged"
    )
    assert database.rows(badges) == [("QB Synced", None)]


# ---- what QuickBooks no longer has


def gone(database: Database, engine: Engine, id_: str) -> None:
    """The daemon has found that QuickBooks no longer has the record."""
    database.execute("update sip.customers set name = 'Anne' where id = %s", (id_,))
    engine.absorb()
    epoch = engine.lease()["1"]
    [job] = engine.decide(epoch)
    database.execute(
        "select syncd.refuse('1', %s, %s, 'customer', %s, 'Ann', %s, 'error', 'record', false, 'gone',"
        " 'QuickBooks no longer has it.')",
        (engine.worker, epoch, id_, job["version"]),
    )
    engine.release(epoch)


def test_what_is_gone_is_made_again_under_another_request_id_and_only_if_quickbooks_said_so(
    database: Database, engine: Engine, syncd: Commands
) -> None:
    id_ = database.add_customer("Ann")
    turn(engine)
    gone(database, engine, id_)
    assert f"syncd settle 1 customer {id_} --make-again" in syncd("explain", "1", "customer", id_).out
    said = syncd("settle", "1", "customer", id_, "--make-again", "--yes")
    assert said.out == 'Customer "Anne" is made anew.\n'
    assert turn(engine) == ["create"]
    generations = [row[0] for row in database.rows("select generation from syncd.call_item order by call_id")]
    assert generations == [1, 2]
    assert listed(database) == []


def test_what_quickbooks_has_not_been_asked_about_is_asked_about_first(
    database: Database, engine: Engine, syncd: Commands
) -> None:
    id_ = database.add_customer("Ann")
    turn(engine)
    assert (
        "is asked whether it still has" in syncd("settle", "1", "customer", id_, "--make-again", "--yes").out
    )
    assert turn(engine) == ["update"], "never a second one: QuickBooks has it"
    assert database.value("select qbo_id from syncd.link") == f"9{id_}"


def test_what_was_refused_otherwise_is_not_made_again(
    database: Database, engine: Engine, syncd: Commands
) -> None:
    id_ = database.add_customer("Ann")
    turn(engine)
    gone(database, engine, id_)
    database.execute("update syncd.job set error_code = 'stale'")
    refused = syncd.refused("settle", "1", "customer", id_, "--make-again", "--yes", code=1)
    assert "QuickBooks has not said that it no longer has" in refused
    assert turn(engine) == []


def test_what_is_gone_may_stay_gone_until_the_next_change(database: Database, engine: Engine) -> None:
    id_ = database.add_customer("Ann")
    turn(engine)
    gone(database, engine, id_)
    assert database.value("select syncd.let_stand('1', 'customer', %s, 'ann')::text", (id_,)) == "error"
    assert listed(database) == []
    touch(database, "customer", id_)
    assert turn(engine) == []
    database.execute("update sip.customers set name = 'Anna' where id = %s", (id_,))
    assert turn(engine) == ["update"]


# ---- the command


def test_nothing_is_settled_that_was_not_confirmed(
    database: Database, engine: Engine, syncd: Commands
) -> None:
    id_ = database.add_customer("Ann")
    turn(engine)
    withdraw(database, id_)
    turn(engine)
    assert syncd.refused("settle", "1", "customer", id_).endswith("Give --yes to confirm.")
    assert listed(database) == [(id_, "diverged")]


def test_a_reader_may_list_and_not_settle(database: Database, engine: Engine, syncd: Commands) -> None:
    id_ = database.add_customer("Ann")
    turn(engine)
    withdraw(database, id_)
    turn(engine)
    syncd.environment(SYNCD_DSN=database.reader_dsn)
    assert f"syncd settle 1 customer {id_}" in syncd("settle", "1").out
    assert "syncd_admin" in syncd.refused("settle", "1", "customer", id_, "--yes", code=1)


@pytest.mark.parametrize("words", [("customer",), ("--yes",), ("--make-again",)])
def test_settle_must_be_told_which_record(engine: Engine, syncd: Commands, words: tuple[str, ...]) -> None:
    assert "syncd settle 1" in syncd.refused("settle", "1", *words)


def test_retrying_all_leaves_what_diverged_and_says_how_that_ends(
    database: Database, engine: Engine, syncd: Commands
) -> None:
    id_ = database.add_customer("Ann")
    turn(engine)
    withdraw(database, id_)
    turn(engine)
    said = syncd("retry", "1", "--all-errors").out
    assert "There is nothing to retry" in said
    assert "1 record differs from what QuickBooks has, which no retry changes. See: syncd settle 1" in said
    assert listed(database) == [(id_, "diverged")]


# ---- sentences


@pytest.mark.parametrize(
    ("written", "recorded"),
    [
        ("Put it right, then run: syncd retry.", "Put it right, then run: syncd retry 1 service-item 7"),
        ("See syncd explain, then run: syncd retry.",
         "See syncd explain 1 service-item 7, then run: syncd retry 1 service-item 7"),
        ("Choose one: syncd map tax set COMPANY 9.13 CODE", "Choose one: syncd map tax set 1 9.13 CODE"),
        ("Choose one: syncd map accounts. Then go on.", "Choose one: syncd map accounts list 1. Then go on."),
        ("Connect it: syncd company connect. Wait.",
         "Connect it: syncd company connect 1 --environment sandbox < tokens.json. Wait."),
        ("See: syncd explain 1 customer 5", "See: syncd explain 1 customer 5"),
        ("syncd tries again by itself.", "syncd tries again by itself."),
    ],
)  # fmt: skip
def test_a_sentence_is_recorded_with_the_words_of_its_commands(
    database: Database,
    engine: Engine,
    written: str,
    recorded: str,
) -> None:
    assert database.value("select syncd.addressed(%s, '1', 'service_item', '7')", (written,)) == recorded


def test_ids_that_a_shell_would_take_apart_are_quoted(database: Database) -> None:
    words: Any = database.value("select syncd.record_words(%s, 'customer', %s)", ("A & B", r"it's \1"))
    assert words == r"'A & B' customer 'it'\''s \1'"
