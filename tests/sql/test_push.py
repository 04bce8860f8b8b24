"""syncd.push: the jobs it makes, what it does to those that are there, and what goes along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.sql.test_prerequisites import VISIT
from tests.support.by_hand import before_sync, work
from tests.support.engine import Engine

if TYPE_CHECKING:
    from tests.support.database import Begin, Database

TAKEN: dict[str, Any] = {"fault": "record", "error": "That name is taken."}


def with_visits(database: Database) -> None:
    """Company 1 with sync on, and visits that need their customer; both may be pushed."""
    database.execute(VISIT)
    database.execute("grant select on syncd.document_visit to syncd_owner")
    database.add_company()


@pytest.fixture
def database(begun: Begin) -> Database:
    return begun(with_visits)


@pytest.fixture
def engine(database: Database) -> Engine:
    return Engine(database, "1 hour")


def push(engine: Engine, entity: str = "customer") -> int:
    run: int = engine.database.value("select run_id from syncd.push('1', %s, 'somebody')", (entity,))
    return run


def job(engine: Engine, id_: str) -> dict[str, Any]:
    found = engine.job(id_)
    assert found is not None
    return found


def outcomes(engine: Engine, run: int) -> dict[str, int]:
    return dict(
        engine.database.rows(
            "select outcome::text, sum(records)::int from syncd.run_outcomes(%s) where records > 0 group by outcome",
            (run,),
        )
    )


def reasons(engine: Engine, run: int) -> list[str]:
    found = engine.database.rows(
        "select reason from syncd.run_outcomes(%s) where reason is not null order by 1", (run,)
    )
    return [reason for (reason,) in found]


def add_visits(engine: Engine, customer: str, *names: str, total: int | None = 100) -> None:
    """Of the time before sync, too."""
    engine.database.execute("alter table sip.jobs disable trigger user")
    for name in names:
        engine.database.execute(
            "insert into sip.jobs (organization_id, customer_id, name, contract_total) values (1, %s, %s, %s)",
            (customer, name, total),
        )
    engine.database.execute("alter table sip.jobs enable trigger user")


def test_live_work_stays_live_and_keeps_its_place(database: Database, engine: Engine) -> None:
    ann = database.add_customer("Ann")
    engine.absorb()
    [bob] = before_sync(database, "Bob")
    was = job(engine, ann)
    push(engine)
    now = job(engine, ann)
    assert (now["class"], now["ticket"], now["source"]) == ("live", was["ticket"], "manual")
    assert now["version"] > was["version"]
    assert job(engine, bob)["class"] == "backfill"


def test_a_change_goes_before_what_was_pushed(database: Database, engine: Engine) -> None:
    before_sync(database, "Ann")
    push(engine)
    database.add_customer("Edit")
    engine.absorb()
    [epoch] = engine.lease().values()
    assert [found["entity_name"] for found in engine.decide(epoch, most=1)] == ["Edit"]


def test_an_open_call_is_settled_and_then_the_record_is_decided_again(
    database: Database, engine: Engine
) -> None:
    ann = database.add_customer("Ann")
    engine.absorb()
    [epoch] = engine.lease().values()
    [decided] = engine.decide(epoch)
    call = engine.intend(epoch, decided)
    assert call is not None
    database.switch("1", auto_customers=False)
    database.execute("update sip.customers set phone = '555-0100'")
    engine.absorb()
    run = push(engine)
    sent = job(engine, ann)
    assert (sent["state"], sent["call_id"], sent["run_id"]) == ("sending", call, run)
    engine.record(epoch, call, outcome="success", qbo_id="58", sync_token="0")
    [again] = engine.decide(epoch)
    assert (again["operation"], again["document"]["phone"]) == ("update", "555-0100")


def test_what_was_decided_a_moment_ago_is_decided_anew(database: Database, engine: Engine) -> None:
    database.add_customer("Ann")
    engine.absorb()
    [epoch] = engine.lease().values()
    [decided] = engine.decide(epoch)
    run = push(engine)
    assert engine.intend(epoch, decided) is None
    [decided] = engine.decide(epoch)
    engine.push(epoch, decided, "58")
    assert outcomes(engine, run) == {"sent": 1}


def test_a_record_that_is_in_quickbooks_as_it_is_gets_rid_of_its_error(
    database: Database, engine: Engine
) -> None:
    before_sync(database, "Ann")
    push(engine)
    work(engine)
    database.execute("update sip.customers set name = 'Bea'")
    engine.absorb()
    work(engine, {"Bea": TAKEN})
    database.switch("1", auto_customers=False)
    database.execute("update sip.customers set name = 'Ann'")
    engine.absorb()
    assert database.value("select state::text from syncd.job") == "error"
    run = push(engine)
    work(engine)
    assert outcomes(engine, run) == {"there": 1}
    assert database.value("select count(*) from syncd.job") == 0


def test_what_is_left_out_is_logged_each_time(database: Database, engine: Engine) -> None:
    customer = database.add_customer("Ann")
    add_visits(engine, customer, "Roof")
    database.execute("alter view syncd.document_visit rename to document_old")
    database.execute(
        "create view syncd.document_visit as select key, company_id, entity_name, due, 'Employee not mapped.' as skip,"
        " '{}'::syncd.record_key[] as missing, null::text as unready, document from syncd.document_old"
    )
    database.execute("select syncd.assemble(); grant select on syncd.document_visit to syncd_owner")
    for _ in range(2):
        run = push(engine, "visit")
        work(engine)
        assert outcomes(engine, run) == {"skipped": 1}
        assert reasons(engine, run) == ["Employee not mapped."]
    assert database.value("select count(*) from syncd.sync_log where status = 'skipped'") == 2


def test_a_later_push_counts_what_it_takes_over(database: Database, engine: Engine) -> None:
    before_sync(database, "Ann", "Bob")
    first = push(engine)
    before_sync(database, "Cid")
    second = push(engine)
    assert outcomes(engine, first) == {}
    assert outcomes(engine, second) == {"moving": 3}


def test_jobs_are_made_in_the_order_of_their_keys_as_everybody_locks_them(
    database: Database, engine: Engine
) -> None:
    before_sync(database, *(f"Customer {number}" for number in range(120)))
    push(engine)
    assert database.value(
        "select bool_and(later) from (select ticket > lag(ticket) over (order by entity_id) as later"
        " from syncd.job) t"
    )


def test_what_quickbooks_told_of_the_company_is_asked_again_before_a_refusal(
    database: Database, engine: Engine
) -> None:
    before_sync(database, "Ann")
    push(engine)
    assert database.value("select facts_at from syncd.company") is None


def test_only_what_people_know_can_be_pushed(database: Database, engine: Engine) -> None:
    database.execute("select syncd.register('helper', 'Helper', 'Helper', 1)")
    for entity in ("helper", "nonsense"):
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="there is no push of"):
            push(engine, entity)


def test_what_goes_first_goes_along_though_everything_is_off(database: Database, engine: Engine) -> None:
    [ann] = before_sync(database, "Ann")
    add_visits(engine, ann, "Roof", "Porch")
    database.switch("1", enable_sync=False)
    run = push(engine, "visit")
    work(engine)
    assert outcomes(engine, run) == {"sent": 2}
    assert database.rows("select entity_name, source::text, run_id from syncd.sync_log order by log_id") == [
        ("Ann", "manual", run),
        ("Roof", "manual", run),
        ("Porch", "manual", run),
    ]


def test_what_waits_moves_as_long_as_that_moves_for_which_it_waits(
    database: Database, engine: Engine
) -> None:
    [ann] = before_sync(database, "Ann")
    add_visits(engine, ann, "Roof", "Porch")
    run = push(engine, "visit")
    [epoch] = engine.lease().values()
    assert engine.decide(epoch) == []
    assert outcomes(engine, run) == {"moving": 2}
    [customer] = engine.decide(epoch)
    call = engine.intend(epoch, customer)
    assert call is not None
    assert outcomes(engine, run) == {"moving": 2}
    engine.record(epoch, call, outcome="fault", fault="record", may_help=True, error="Busy.")
    # It is tried again in a minute, and nobody sits there so long.
    assert outcomes(engine, run) == {"waiting": 2}
    assert reasons(engine, run) == [
        'It waits for customer "Ann", which goes first. That one failed and is tried again later: Busy.'
    ]
    database.execute("update syncd.job set due_at = clock_timestamp() where entity_type = 'customer'")
    assert outcomes(engine, run) == {"moving": 2}


def test_what_waits_for_a_failed_record_says_so_in_one_row(database: Database, engine: Engine) -> None:
    [ann, bob] = before_sync(database, "Ann", "Bob")
    add_visits(engine, ann, "Roof", "Porch")
    add_visits(engine, bob, "Door")
    run = push(engine, "visit")
    work(engine, {"Ann": TAKEN})
    assert outcomes(engine, run) == {"sent": 1, "waiting": 2}
    assert reasons(engine, run) == [
        'It waits for customer "Ann", which goes first. That one failed: That name is taken.'
    ]


def test_a_push_tries_again_what_its_records_wait_for(database: Database, engine: Engine) -> None:
    [ann] = before_sync(database, "Ann")
    add_visits(engine, ann, "Roof", "Porch")
    push(engine)
    work(engine, {"Ann": TAKEN})
    for faults, then in (({"Ann": TAKEN}, {"waiting": 2}), ({}, {"sent": 2})):
        run = push(engine, "visit")
        work(engine, faults)
        assert outcomes(engine, run) == then


def test_what_an_outage_puts_off_still_moves(database: Database, engine: Engine) -> None:
    before_sync(database, "Ann")
    run = push(engine)
    [epoch] = engine.lease().values()
    [decided] = engine.decide(epoch)
    call = engine.intend(epoch, decided)
    assert call is not None
    engine.record(epoch, call, outcome="fault", fault="transient", error="Busy.", told_to_wait=60)
    assert outcomes(engine, run) == {"moving": 1}


def test_what_is_not_whole_yet_moves_until_it_fails(database: Database, engine: Engine) -> None:
    [ann] = before_sync(database, "Ann")
    push(engine)
    work(engine)
    add_visits(engine, ann, "Roof", total=None)
    run = push(engine, "visit")
    [epoch] = engine.lease().values()
    engine.decide(epoch)
    assert outcomes(engine, run) == {"moving": 1}
    database.execute("update syncd.job set due_at = now(), unready_since = now() - interval '61 seconds'")
    engine.decide(epoch)
    assert outcomes(engine, run) == {"failed": 1}
    assert reasons(engine, run) == ["It has no total yet."]


def test_a_call_without_an_answer_waits_where_nothing_may_be_sent(database: Database, engine: Engine) -> None:
    ann = database.add_customer("Ann")
    engine.absorb()
    [epoch] = engine.lease().values()
    [decided] = engine.decide(epoch)
    call = engine.intend(epoch, decided)
    assert call is not None
    engine.record(epoch, call, outcome="unknown", fault="transient", error="No answer.")
    database.switch("1", enable_sync=False)
    database.execute("update syncd.job set due_at = clock_timestamp()")
    assert engine.reopen(epoch) is None
    run = push(engine)
    assert job(engine, ann)["state"] == "unknown"
    assert outcomes(engine, run) == {"waiting": 1}
    assert reasons(engine, run) == ["QuickBooks never answered; it is asked again when Enable Sync is on."]


def companions(engine: Engine, run: int) -> list[tuple[Any, ...]]:
    return engine.database.rows(
        "select entity_type, outcome::text, records::int, example, reason from syncd.run_companions(%s) order by 1, 2",
        (run,),
    )


def test_what_goes_first_is_told_of_and_counted_by_itself(database: Database, engine: Engine) -> None:
    ann, bob, cy = before_sync(database, "Ann", "Bob", "Cy")
    for customer in (ann, bob, cy):
        add_visits(engine, customer, f"Of {customer}")
    run = push(engine, "visit")
    work(engine, {"Bob": TAKEN})
    database.execute("select syncd.push('1', 'customer', 'somebody')")
    assert database.value("select records from syncd.run where run_id = %s", (run,)) == 3
    assert outcomes(engine, run)["sent"] == 2
    sent, failed = sorted(companions(engine, run), key=lambda row: row[1] != "sent")
    assert sent[:3] == ("customer", "sent", 2)
    assert failed == ("customer", "failed", 1, "Bob", "That name is taken.")


@pytest.mark.parametrize("company", ["1", "01", "none"])
def test_a_push_reads_the_records_of_its_company_only(
    database: Database, engine: Engine, company: str
) -> None:
    database.execute("insert into sip.organizations (id, name) values (2, 'Company 2')")
    database.execute("alter table sip.customers disable trigger user")
    database.execute(
        "insert into sip.customers (organization_id, name)"
        " select case when n <= 20 then 1 else 2 end, 'C' || n from generate_series(1, 5000) n"
    )
    database.execute("analyze sip.customers")
    with database.connection.transaction():
        keys = database.rows("select syncd.due_keys(%s, 'customer')", (company,))
        read = database.value(
            "select seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables"
            " where relid = 'sip.customers'::regclass"
        )
    assert len(keys) == (20 if company == "1" else 0)
    assert company != "1" or read <= 60
