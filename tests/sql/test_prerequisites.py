"""What goes first: records that wait for other records, for the rest of themselves, or for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.engine import Engine

if TYPE_CHECKING:
    from tests.support.database import Begin, Database

# SIP's jobs as visits, which need their customer. The end date stands for a mapping, the start for what is aside.
VISIT = """
    select syncd.register('visit', 'Visit', 'Visit', 2, toggle => 'auto_invoices',
                          mapped => '{"account": "kind"}', aside => '{beside}');

    create view syncd.document_visit as
    select j.id as key, j.organization_id::text as company_id, j.name as entity_name, j.status = 'active' as due,
           null::text as skip,
           case when l.qbo_id is null then array[('customer', j.customer_id::text)::syncd.record_key]
                else '{}' end as missing,
           case when j.contract_total is null then 'It has no total yet.' end as unready,
           jsonb_build_object('name', j.name, 'customer', l.qbo_id, 'account', j.service_address,
                              'kind', j.description, 'beside', j.contract_total) as document
    from sip.jobs j
    left join syncd.linked l
        on l.company_id = j.organization_id::text and l.entity_type = 'customer' and l.sip_id = j.customer_id::text;

    select syncd.bind('sip.jobs', entity => 'visit', key => 'id', company => 'organization_id');
    select syncd.install_functions(binding_id) from syncd.binding where entity_type = 'visit';
    select syncd.install_triggers(binding_id, 'sip.jobs'::regclass) from syncd.binding where entity_type = 'visit';
    select syncd.assemble();
"""


def with_visits(database: Database) -> None:
    database.execute(VISIT)
    database.add_company(on=False)
    database.add_customer("Ann")


@pytest.fixture
def engine(begun: Begin) -> Engine:
    """Company 1 with visits on and customers off, and its one customer, of which nobody has heard."""
    database = begun(with_visits)
    engine = Engine(database)
    engine.absorb()
    database.switch("1", enable_sync=True, auto_invoices=True)
    return engine


def add_visit(engine: Engine, name: str, total: int | None = 100, customer: str | None = None) -> str:
    return str(
        engine.database.value(
            "insert into sip.jobs (organization_id, customer_id, name, contract_total)"
            " values (1, coalesce(%s, (select min(id) from sip.customers)), %s, %s) returning id",
            (customer, name, total),
        )
    )


def begin(engine: Engine) -> int:
    engine.absorb()
    return engine.lease()["1"]


def taken(engine: Engine, epoch: int) -> list[tuple[str, str]]:
    """What is to be pushed now, by type and name."""
    return [(job["entity_type"], job["entity_name"]) for job in engine.decide(epoch)]


def job(engine: Engine, entity: str) -> dict[str, Any]:
    """The one job of this type."""
    found: dict[str, Any] = engine.database.value(
        "select to_jsonb(j) from syncd.job j where entity_type = %s", (entity,)
    )
    return found


def test_what_is_missing_goes_first_whatever_its_own_toggle_says(engine: Engine) -> None:
    add_visit(engine, "Kitchen")
    epoch = begin(engine)
    assert taken(engine, epoch) == []
    assert engine.again_in == 0
    assert job(engine, "visit")["reason"] == 'It waits for customer "Ann", which goes first.'
    assert job(engine, "visit")["state"] == "waiting"
    [customer] = engine.decide(epoch)
    assert (customer["entity_type"], customer["entity_name"]) == ("customer", "Ann")
    engine.push(epoch, customer, "58")
    [visit] = engine.decide(epoch)
    assert visit["document"]["customer"] == "58"


def test_several_records_that_need_the_same_one_make_one_job_of_it(engine: Engine) -> None:
    for number in range(5):
        add_visit(engine, f"Visit {number}")
    epoch = begin(engine)
    assert taken(engine, epoch) == []
    [customer] = engine.decide(epoch)
    engine.push(epoch, customer, "58")
    assert len(engine.decide(epoch)) == 5


def test_while_enable_sync_is_off_nothing_goes_for_the_sake_of_another(engine: Engine) -> None:
    add_visit(engine, "Kitchen")
    epoch = begin(engine)
    assert taken(engine, epoch) == []
    engine.database.switch("1", enable_sync=False)
    assert taken(engine, epoch) == []
    assert job(engine, "customer")["waits_on"] == "setting"
    engine.database.switch("1", enable_sync=True)
    assert taken(engine, epoch) == [("customer", "Ann")]


def test_what_is_pushed_by_hand_takes_its_prerequisites_along(engine: Engine) -> None:
    add_visit(engine, "Kitchen")
    epoch = begin(engine)
    engine.database.switch("1", enable_sync=False)
    engine.database.execute("update syncd.job set source = 'manual'")
    assert taken(engine, epoch) == []
    assert taken(engine, epoch) == [("customer", "Ann")]


def test_a_record_that_waits_for_its_switch_goes_when_another_needs_it(engine: Engine) -> None:
    engine.database.switch("1", auto_customers=True)
    engine.database.execute("update sip.customers set phone = '5550100'")
    epoch = begin(engine)
    engine.database.switch("1", auto_customers=False)
    assert taken(engine, epoch) == []
    assert job(engine, "customer")["waits_on"] == "setting"
    add_visit(engine, "Kitchen")
    engine.absorb()
    assert taken(engine, epoch) == []
    assert taken(engine, epoch) == [("customer", "Ann")]


def test_a_deleted_customer_goes_if_something_due_has_no_link_for_it(engine: Engine) -> None:
    engine.database.execute("update sip.customers set deleted_at = now()")
    add_visit(engine, "Kitchen")
    epoch = begin(engine)
    assert taken(engine, epoch) == []
    assert taken(engine, epoch) == [("customer", "Ann")]


def test_a_customer_that_is_deleted_while_it_is_sent_for_another_is_told_of(engine: Engine) -> None:
    add_visit(engine, "Spring")
    epoch = begin(engine)
    assert engine.decide(epoch) == []
    [customer] = engine.decide(epoch)
    call = engine.intend(epoch, customer)
    assert call
    engine.database.switch("1", auto_customers=True)
    engine.database.execute("update sip.customers set deleted_at = now()")
    engine.absorb()
    engine.record(epoch, call, outcome="success", qbo_id="501", sync_token="0")
    assert taken(engine, epoch) == [("visit", "Spring")]
    now = job(engine, "customer")
    assert now["state"] == "diverged"
    assert "withdrawn in Service Invoice Pro after it had been synced" in now["reason"]


def test_what_a_failed_record_keeps_waiting_goes_as_soon_as_that_has_succeeded(engine: Engine) -> None:
    add_visit(engine, "Kitchen")
    other = engine.database.add_customer("Bob")
    add_visit(engine, "Bath", customer=other)
    epoch = begin(engine)
    assert taken(engine, epoch) == []
    ann, bob = sorted(engine.decide(epoch), key=lambda found: str(found["entity_name"]))
    call = engine.intend(epoch, ann)
    assert call is not None
    engine.record(epoch, call, outcome="fault", fault="record", error="The name is taken.")
    engine.push(epoch, bob, "59")
    assert taken(engine, epoch) == [("visit", "Bath")]  # only what needs Ann is stopped
    # With customers switched off the correction is not owed, but Kitchen still waits for it.
    engine.database.execute("update sip.customers set name = 'Ann Lee' where name = 'Ann'")
    engine.absorb()
    [ann] = [found for found in engine.decide(epoch) if found["entity_type"] == "customer"]
    assert ann["entity_name"] == "Ann Lee"
    engine.push(epoch, ann, "58")
    assert ("visit", "Kitchen") in taken(engine, epoch)


def test_a_link_that_is_out_of_date_is_refreshed_only_by_its_own_toggle(engine: Engine) -> None:
    add_visit(engine, "Kitchen")
    epoch = begin(engine)
    engine.decide(epoch)
    [customer] = engine.decide(epoch)
    engine.push(epoch, customer, "58")
    engine.database.execute("update sip.customers set name = 'Ann Lee'")
    add_visit(engine, "Bath")
    engine.absorb()
    assert {kind for kind, _ in taken(engine, epoch)} == {"visit"}


def test_a_record_that_is_not_whole_is_looked_at_again_and_then_an_error(engine: Engine) -> None:
    engine.database.execute(
        "insert into syncd.link (company_id, entity_type, sip_id, environment, realm_id, qbo_type, qbo_id)"
        " select '1', 'customer', id::text, 'sandbox', '9130', 'Customer', '58' from sip.customers"
    )
    visit = add_visit(engine, "Kitchen", total=None)
    epoch = begin(engine)
    assert taken(engine, epoch) == []
    assert engine.again_in == pytest.approx(2, abs=0.5)
    assert (job(engine, "visit")["state"], job(engine, "visit")["waits_on"]) == ("waiting", "document")
    engine.database.execute(
        "update syncd.job set due_at = now(), unready_since = now() - interval '61 seconds'"
    )
    assert taken(engine, epoch) == []
    assert job(engine, "visit")["state"] == "error"
    assert engine.database.rows("select entity_name, status::text, error from syncd.sync_log") == [
        ("Kitchen", "error", "It has no total yet.")
    ]
    engine.database.execute("update sip.jobs set contract_total = 5 where id = %s", (visit,))
    engine.absorb()
    assert taken(engine, epoch) == [("visit", "Kitchen")]


def pushed(engine: Engine) -> tuple[int, dict[str, Any]]:
    """A visit that QuickBooks has, made with account 7 of kind A."""
    add_visit(engine, "Kitchen")
    engine.database.execute("update sip.jobs set service_address = '7', description = 'A'")
    epoch = begin(engine)
    engine.decide(epoch)
    [customer] = engine.decide(epoch)
    engine.push(epoch, customer, "58")
    [visit] = engine.decide(epoch)
    engine.push(epoch, visit, "80")
    return epoch, visit


def test_a_mapping_applies_at_creation_only(engine: Engine) -> None:
    epoch, _ = pushed(engine)
    engine.database.execute("update sip.jobs set service_address = '8'")
    engine.absorb()
    assert taken(engine, epoch) == []
    engine.database.execute("update sip.jobs set name = 'Kitchen sink'")
    engine.absorb()
    [visit] = engine.decide(epoch)
    assert visit["document"]["account"] == "7"


def test_a_mapping_is_chosen_anew_when_what_it_was_chosen_for_changes(engine: Engine) -> None:
    epoch, _ = pushed(engine)
    engine.database.execute("update sip.jobs set service_address = '8', description = 'B'")
    engine.absorb()
    [visit] = engine.decide(epoch)
    assert visit["document"]["account"] == "8"


def test_what_is_said_aside_is_no_reason_to_send(engine: Engine) -> None:
    epoch, _ = pushed(engine)
    engine.database.execute("update sip.jobs set contract_total = 5")
    engine.absorb()
    assert taken(engine, epoch) == []
    assert engine.database.value("select count(*) from syncd.job") == 0


def test_what_is_fixed_diverges_when_it_changes_and_all_else_is_no_matter(engine: Engine) -> None:
    engine.database.execute("update syncd.entity set fixed = '{name}' where entity_type = 'visit'")
    epoch, _ = pushed(engine)
    engine.database.execute("update sip.jobs set description = 'B'")
    engine.absorb()
    assert taken(engine, epoch) == []
    assert engine.database.value("select count(*) from syncd.job") == 0
    engine.database.execute("update sip.jobs set name = 'Bath'")
    engine.absorb()
    assert taken(engine, epoch) == []
    diverged = job(engine, "visit")
    assert diverged["state"] == "diverged"
    assert "(name)" in diverged["reason"]
    engine.database.execute("update sip.jobs set name = 'Kitchen'")
    engine.absorb()
    assert taken(engine, epoch) == []
    assert engine.database.value("select count(*) from syncd.job") == 0


def test_what_was_to_go_later_is_not_passed_over_when_another_record_needs_it(engine: Engine) -> None:
    """It changes queues: what was live went before it, and has a later place than it had there."""
    ann = job_of_backfill(engine)
    engine.database.switch("1", auto_customers=True)
    engine.database.add_customer("Bob")
    epoch = begin(engine)
    [bob] = engine.decide(epoch, most=1)
    assert bob["entity_name"] == "Bob"
    engine.push(epoch, bob, "57")
    add_visit(engine, "Kitchen")
    engine.absorb()
    assert engine.decide(epoch, floors=engine.floors, share="none") == []
    [customer] = engine.decide(epoch, floors=engine.floors)
    assert customer["entity_id"] == ann


def job_of_backfill(engine: Engine) -> str:
    """Ann, who is in the queue of what is pushed by hand; her id."""
    engine.database.execute(
        "insert into syncd.job (company_id, entity_type, entity_id, names, class, source)"
        " select '1', 'customer', id::text, true, 'backfill', 'manual' from sip.customers"
    )
    return str(engine.database.value("select id from sip.customers"))
