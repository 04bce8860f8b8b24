"""`syncd explain` and `syncd retry`: one record, in every state that it can be in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.cli import Commands
from tests.support.database import Database
from tests.support.engine import Engine

if TYPE_CHECKING:
    from tests.support.database import Begin


@pytest.fixture
def database(begun: Begin) -> Database:
    """With company 1, on which sync is on."""
    return begun(Database.add_company)


@pytest.fixture
def syncd(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Commands:
    database.execute("select syncd.heartbeat(gen_random_uuid(), interval '1 hour')")
    return Commands(monkeypatch, capsys, SYNCD_DSN=database.admin_dsn)


@pytest.fixture
def ann(syncd: Commands, database: Database) -> str:
    """A customer whose change has been absorbed."""
    id_ = database.add_customer("Ann [Lee]")
    database.execute("select syncd.absorb(100)")
    return id_


def link(database: Database, id_: str, state: str = "synced", note: str | None = None) -> None:
    """Make the record one that QuickBooks has as it stands now, with no job."""
    database.execute(
        "insert into syncd.link (company_id, entity_type, sip_id, environment, realm_id, qbo_type, qbo_id,"
        " fingerprint, document, state, note, synced_at) select '1', 'customer', %s, 'sandbox', '9130', 'Customer',"
        " '58', j.fingerprint, j.document, %s, %s, clock_timestamp()"
        " from syncd.judge('{1}', '{customer}', array[%s]) j",
        (id_, state, note, id_),
    )
    database.execute("delete from syncd.job")


def set_job(database: Database, **columns: object) -> None:
    assignments = ", ".join(f"{name} = %s" for name in columns)
    database.execute(f"update syncd.job set {assignments}", list(columns.values()))  # noqa: S608


def explain(syncd: Commands, id_: str) -> str:
    return syncd("explain", "1", "customer", id_).out


def test_noted_but_not_looked_at(syncd: Commands, database: Database) -> None:
    id_ = database.add_customer("Ann")
    said = explain(syncd, id_)
    assert re.match('Customer "Ann" is not in QuickBooks.\nA change of it was noted [0-9] s ago', said)


def test_due(syncd: Commands, database: Database, ann: str) -> None:
    said = explain(syncd, ann)
    assert said.startswith('Customer "Ann [Lee]" is not in QuickBooks.\nIt has been due since ')
    database.execute("delete from syncd.worker")
    assert "No daemon is running" in explain(syncd, ann)
    database.execute("select syncd.heartbeat(gen_random_uuid(), interval '1 hour')")
    database.execute("update syncd.lane set not_before = 'infinity', paused_because = 'Closed for repairs.'")
    assert "Nothing goes out for this company until somebody acts: Closed for repairs." in explain(syncd, ann)


def test_due_again_after_a_failure(syncd: Commands, database: Database, ann: str) -> None:
    set_job(database, attempts=1, reason="Refused.")
    database.execute("update syncd.job set due_at = clock_timestamp() + interval '599 s'")
    said = explain(syncd, ann)
    assert "and failed 1 time." in said
    assert "The last try: Refused." in said
    assert "The next try is in 9 min." in said


def test_in_quickbooks(syncd: Commands, database: Database, ann: str) -> None:
    link(database, ann)
    said = explain(syncd, ann)
    assert said.startswith(
        'Customer "Ann [Lee]" is in QuickBooks as Customer 58, as it stands in Service Invoice Pro'
    )
    assert "It was sent last at " in said


def test_in_quickbooks_but_changed_while_it_was_off(syncd: Commands, database: Database, ann: str) -> None:
    link(database, ann)
    database.switch("1", auto_customers=False)
    database.execute("update sip.customers set phone = '1'")
    database.execute("select syncd.absorb(100)")
    said = explain(syncd, ann)
    assert "is in QuickBooks as Customer 58, but not as it stands in Service Invoice Pro now." in said
    assert "Automatic sync of this is switched off.\nSee: syncd settings show 1\n" in said
    database.switch("1", auto_customers=True)
    said = explain(syncd, ann)
    assert "No change of it is owed" in said
    assert "or by hand: syncd push 1 customers\n" in said
    assert "To send it with all others: syncd push 1 customers" in syncd("retry", "1", "customer", ann).out


def test_left_out_on_purpose(syncd: Commands, database: Database, ann: str) -> None:
    database.execute("delete from syncd.job")
    database.execute(
        "create or replace view syncd.document_customer as select s.key, s.company_id, s.company_key, s.name as"
        " entity_name,"
        " true as due, 'Employee not mapped.' as skip, '{}'::syncd.record_key[] as missing, null::text as unready,"
        " jsonb_build_object('name', s.name) as document from syncd.source_customer s"
    )
    assert explain(syncd, ann).splitlines()[1:3] == [
        "It is left out: Employee not mapped.",
        "When that is put right: syncd push 1 customers",
    ]
    said = syncd("retry", "1", "customer", ann).out
    assert said.endswith("Employee not mapped. When that is put right: syncd push 1 customers\n")


def test_taken_otherwise_than_it_was_sent(syncd: Commands, database: Database, ann: str) -> None:
    link(database, ann, "variance", "The name was cut.")
    assert "but QuickBooks took it otherwise than it was sent: The name was cut." in explain(syncd, ann)


def test_not_connected(syncd: Commands, database: Database, ann: str) -> None:
    database.execute("update syncd.company set state = 'disconnected'")
    assert "The company is not connected to QuickBooks." in explain(syncd, ann)


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("error", "It failed after 3 tries: Refused."),
        ("held", "It is held after 3 tries: Refused."),
        ("collision", "QuickBooks holds something that may be this record after 3 tries: Refused."),
    ],
)
def test_needing_a_person(syncd: Commands, database: Database, ann: str, state: str, sentence: str) -> None:
    set_job(database, state=state, attempts=3, reason="Refused.", due_at="infinity")
    assert f"{sentence}\nWhen that is put right: syncd retry 1 customer {ann}" in explain(syncd, ann)
    assert syncd("retry", "1", "customers", ann).out == 'Customer "Ann [Lee]" is tried again.\n'
    assert database.rows("select state::text, attempts, due_at from syncd.job") == [("pending", 0, None)]


def test_sent_and_never_answered(syncd: Commands, database: Database, ann: str) -> None:
    call = database.value(
        "insert into syncd.call (company_id, environment, realm_id, kind, path, request_id, body, worker_id, epoch)"
        " values ('1', 'sandbox', '9130', 'single', 'customer', 'req-1', 'secret', gen_random_uuid(), 1)"
        " returning call_id"
    )
    set_job(database, state="unknown", call_id=call)
    said = explain(syncd, ann)
    assert "The call that was sent 0 s ago was never answered." in said
    assert "(req-1)" in said
    assert "a call of it is under way" in syncd("retry", "1", "customer", ann).out
    assert database.value("select state::text from syncd.job") == "unknown"


def test_gone_in_sip_but_in_quickbooks(syncd: Commands, database: Database, ann: str) -> None:
    link(database, ann)
    database.execute("delete from sip.customers")
    database.execute("select syncd.absorb(100)")
    said = explain(syncd, ann)
    assert said.startswith('Customer "Ann [Lee]" is in QuickBooks as Customer 58, but not as it stands')
    assert "It was deleted in Service Invoice Pro after it had been synced." in said


def test_what_left_sip_is_listed_and_not_tried_again(syncd: Commands, database: Database) -> None:
    engine = Engine(database)
    id_ = database.add_customer("Ann")
    engine.absorb()
    epoch = engine.lease()["1"]
    [job] = engine.decide(epoch)
    engine.push(epoch, job, "58")
    database.execute("update sip.customers set deleted_at = now()")
    engine.absorb()
    engine.decide(epoch)
    said = explain(syncd, id_)
    assert "The two sides differ, and syncd leaves it so: It was withdrawn in Service Invoice Pro" in said
    assert (
        "It is listed until Service Invoice Pro has it again as it was sent, or somebody settles it." in said
    )
    assert f"syncd settle 1 customer {id_}" in said
    assert "syncd retry" not in said
    assert syncd("retry", "1", "customer", id_).out.startswith("There is nothing to retry: It was withdrawn")
    assert database.rows("select state::text from syncd.job") == [("diverged",)]
    database.execute("update sip.customers set deleted_at = null")
    engine.absorb()
    engine.decide(epoch)
    assert database.rows("select state::text from syncd.job") == []


def test_its_last_log_rows_are_shown(syncd: Commands, database: Database, ann: str) -> None:
    database.execute(
        "insert into syncd.sync_log (company_id, entity_type, entity_id, entity_name, direction, status, error)"
        " select '1', 'customer', %s, 'Ann', 'push', 'error', 'Reason ' || g from generate_series(1, 7) g",
        (ann,),
    )
    said = explain(syncd, ann)
    assert [f"Reason {n}" in said for n in range(1, 8)] == [False, False, True, True, True, True, True]
    assert len(syncd("explain", "1", "customer", ann, "--json").json["log"]) == 5


@pytest.mark.parametrize("command", ["explain", "retry"])
@pytest.mark.parametrize("id_", ["777", "abc", "", "99999999999999999999999", "1.5", "\x1b[31m"])
def test_an_id_that_names_nothing_is_a_sentence(syncd: Commands, ann: str, command: str, id_: str) -> None:
    refusal = syncd.refused(command, "1", "customer", id_)
    assert refusal.startswith("syncd: There is no customer ")
    assert "\x1b" not in refusal


def test_a_record_of_another_company_is_none_of_this_one(
    syncd: Commands, database: Database, ann: str
) -> None:
    database.add_company("2", realm="2")
    assert "There is no customer" in syncd.refused("explain", "2", "customer", ann)


@pytest.mark.parametrize(
    "words", [["9", "customer", "1"], ["1", "widget", "1"], ["1", "\udcff", "1"], ["1", "customer", "\udcff"]]
)
@pytest.mark.parametrize("command", ["explain", "retry"])
def test_wrong_words_are_wrong_use(syncd: Commands, command: str, words: list[str]) -> None:
    syncd.refused(command, *words)


def test_an_id_is_understood_as_sip_understands_it(syncd: Commands, ann: str) -> None:
    assert explain(syncd, f"00{ann}") == explain(syncd, ann)


def test_retrying_all_that_failed(syncd: Commands, database: Database, ann: str) -> None:
    assert "There is nothing to retry" in syncd("retry", "1", "--all-errors").out
    database.add_customer("Bob")
    database.execute("select syncd.absorb(100)")
    set_job(database, state="error", due_at="infinity")
    assert syncd("retry", "1", "--all-errors").out == "2 records are tried again.\n"


def test_retrying_what_is_in_quickbooks_already(syncd: Commands, database: Database, ann: str) -> None:
    link(database, ann)
    assert "There is nothing to retry: nothing is owed" in syncd("retry", "1", "customer", ann).out


def test_retrying_what_will_still_wait_says_so(syncd: Commands, database: Database, ann: str) -> None:
    database.switch("1", auto_customers=False)
    set_job(database, state="error", due_at="infinity")
    said = syncd("retry", "1", "customer", ann).out
    assert "It will still wait: Automatic sync of this is switched off." in said


@pytest.mark.parametrize(
    "word", ["timesheet_entry", "timesheet-entry", "timesheet-entries", "Timesheet Entry"]
)
def test_a_type_of_record_is_understood_in_each_of_its_forms(
    syncd: Commands, database: Database, word: str
) -> None:
    database.execute(
        "insert into syncd.entity (entity_type, label, qbo_type, rank) values"
        " ('timesheet_entry', 'Timesheet Entry', 'TimeActivity', 2) on conflict do nothing"
    )
    assert syncd.refused("retry", "1", word, "8812").startswith(
        'syncd: There is no timesheet entry "8812" in company 1.'
    )


@pytest.fixture
def chain(syncd: Commands, database: Database) -> dict[str, str]:
    """Cid waits for Bob, and Bob for Ann, whom QuickBooks refuses. Customers stand for payment, invoice, customer."""
    ids = {name: database.add_customer(name) for name in ("Ann", "Bob", "Cid")}
    database.execute("select syncd.absorb(100)")
    for name, other in (("Bob", "Ann"), ("Cid", "Bob")):
        database.execute(
            "update syncd.job set state = 'waiting', waits_on = 'record', due_at = 'infinity', reason = %s,"
            " waits_for_type = 'customer', waits_for_id = %s where entity_id = %s",
            (f'It waits for customer "{other}", which goes first.', ids[other], ids[name]),
        )
    database.execute(
        "update syncd.job set state = 'error', due_at = 'infinity', attempts = 3, reason = 'That name is taken.'"
        " where entity_id = %s",
        (ids["Ann"],),
    )
    # As the verdict sees it now.
    database.execute(
        """
        create or replace view syncd.document_customer as
        select s.key, s.company_id, s.company_key, btrim(s.name) as entity_name, not s.deleted as due,
               null::text as skip,
               array(select ('customer', j.waits_for_id)::syncd.record_key from syncd.job j
                     where j.entity_id = s.key::text and j.waits_for_id is not null) as missing,
               null::text as unready, jsonb_build_object('name', s.name) as document
        from syncd.source_customer s
        """
    )
    return ids


def test_what_waits_for_another_record_says_what_keeps_that_one(
    syncd: Commands, database: Database, chain: dict[str, str]
) -> None:
    said = explain(syncd, chain["Bob"])
    assert 'It waits for customer "Ann", which goes first.\nThat one failed: That name is taken.\n' in said
    said = explain(syncd, chain["Cid"])
    assert (
        'It waits for customer "Bob", which goes first.\nThat one waits for customer "Ann", which goes first.'
        " That one failed: That name is taken.\n" in said
    )
    pending = dict(database.rows("select entity_id, reason from syncd.pending"))
    assert pending[chain["Bob"]] == (
        'It waits for customer "Ann", which goes first. That one failed: That name is taken.'
    )
    assert pending[chain["Cid"]] == (
        'It waits for customer "Bob", which goes first. That one waits for customer "Ann", which goes first.'
        " That one failed: That name is taken."
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("state = 'held', reason = 'The books are closed.'", "That one is held: The books are closed."),
        ("state = 'collision', reason = 'Two of them.'", "That one failed: Two of them."),
        ("state = 'waiting', waits_on = 'setting', reason = 'It is off.'", "That one waits: It is off."),
        (
            "state = 'pending', fault_class = 'record', due_at = now() + interval '1 hour', reason = 'Busy.'",
            "That one failed and is tried again later: Busy.",
        ),
        ("state = 'pending', due_at = null, reason = null", None),
        (
            "entity_id = '0'",
            "That one is not sent: There is no such record in Service Invoice Pro.",
        ),
    ],
)
def test_it_is_told_in_each_state_of_the_other_record(
    database: Database, chain: dict[str, str], change: str, sentence: str | None
) -> None:
    database.execute(f"update syncd.job set {change} where state = 'error'")  # noqa: S608
    if change == "entity_id = '0'":
        database.execute("delete from sip.customers where name = 'Ann'")
    first = 'It waits for customer "Ann", which goes first.'
    assert database.value("select reason from syncd.pending where entity_id = %s", (chain["Bob"],)) == (
        f"{first} {sentence}" if sentence else first
    )


def test_records_that_wait_for_each_other_end_no_command(
    syncd: Commands, database: Database, chain: dict[str, str]
) -> None:
    database.execute(
        "update syncd.job set state = 'waiting', waits_on = 'record', waits_for_type = 'customer', waits_for_id = %s"
        " where entity_id = %s",
        (chain["Cid"], chain["Ann"]),
    )
    assert "It waits for" in explain(syncd, chain["Bob"])
    assert syncd("retry", "1", "customer", chain["Bob"]).out


def test_a_retry_takes_along_what_the_record_waits_for(
    syncd: Commands, database: Database, chain: dict[str, str]
) -> None:
    said = syncd("retry", "1", "customer", chain["Cid"]).out
    assert said.startswith('Customer "Cid" is tried again, and 2 records that it waits for.\n')
    assert database.rows("select distinct state::text, attempts, due_at, waits_for_id from syncd.job") == [
        ("pending", 0, None, None)
    ]


def test_a_retry_of_one_leaves_the_others(syncd: Commands, database: Database, chain: dict[str, str]) -> None:
    assert syncd("retry", "1", "customer", chain["Ann"]).out == 'Customer "Ann" is tried again.\n'
    assert database.rows("select entity_id, state::text from syncd.job order by entity_id") == [
        (chain["Ann"], "pending"),
        (chain["Bob"], "waiting"),
        (chain["Cid"], "waiting"),
    ]


def test_what_is_in_the_queue_is_not_retried(syncd: Commands, database: Database, ann: str) -> None:
    place = database.value("select ticket from syncd.job")
    assert syncd("retry", "1", "customer", ann).out == "There is nothing to retry: syncd is at it already.\n"
    assert database.value("select ticket from syncd.job") == place
    database.execute("delete from syncd.worker")
    assert syncd("retry", "1", "customer", ann).err.startswith("No daemon is running, so nothing is sent.")


@pytest.mark.parametrize("words", [["1"], ["1", "customer"], ["1", "customer", "1", "--all-errors"]])
def test_retry_must_be_told_what(syncd: Commands, words: list[str]) -> None:
    syncd.refused("retry", *words)
