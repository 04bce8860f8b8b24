"""Which changes of SIP's tables make a signal, and which do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from tests.support.database import Database


@pytest.fixture
def customers(database: Database) -> Database:
    """Three customers whose signals have been taken."""
    database.execute("insert into sip.organizations (id, name) values (1, 'One'), (2, 'Two')")
    for number in (1, 2, 3):
        database.add_customer(f"Customer {number}", email=f"c{number}@example.com")
    database.execute("delete from syncd.outbox")
    return database


def signals(database: Database) -> list[tuple[str | None, str, str]]:
    """(company, entity type, entity id) of each, in order."""
    return [
        (company, entity, id_)
        for company, entity, id_ in database.rows(
            "select company_id, entity_type, entity_id from syncd.outbox order by entity_id::bigint, company_id"
        )
    ]


CHANGES = [
    ("insert", "insert into sip.customers (id, organization_id, name) values (9, 1, 'New')", [9]),
    ("bulk insert", "insert into sip.customers (id, organization_id, name) select g, 1, 'N' || g "
     "from generate_series(11, 13) g", [11, 12, 13]),
    ("update of a name", "update sip.customers set name = 'Other' where id = 1", [1]),
    ("update of an e-mail", "update sip.customers set email = null where id = 2", [2]),
    ("update of a phone", "update sip.customers set phone = '555' where id = 2", [2]),
    ("update of an address", "update sip.customers set city = 'Boise' where id = 2", [2]),
    ("bulk update", "update sip.customers set zip = '83702'", [1, 2, 3]),
    ("update of some of many", "update sip.customers set email = 'c2@example.com' where id in (1, 2)", [1]),
    ("update of notes", "update sip.customers set notes = 'Likes tea', updated_at = now()", []),
    ("update of the unsubscribed flag", "update sip.customers set email_unsubscribed = true", []),
    ("update to the same value", "update sip.customers set name = name", []),
    ("update of nothing", "update sip.customers set name = 'X' where id = 99", []),
    ("soft delete", "update sip.customers set deleted_at = now() where id = 3", [3]),
    ("delete", "delete from sip.customers where id = 3", [3]),
    ("bulk delete", "delete from sip.customers", [1, 2, 3]),
    ("new key", "update sip.customers set id = 30 where id = 3", [3, 30]),
    ("conflict that updates", "insert into sip.customers (id, organization_id, name) values (1, 1, 'Up') "
     "on conflict (id) do update set name = excluded.name", [1]),
    ("conflict that does nothing", "insert into sip.customers (id, organization_id, name) values (1, 1, 'Up') "
     "on conflict do nothing", []),
    ("merge", "merge into sip.customers c using (values (1, 'M'), (8, 'N')) v (id, name) on c.id = v.id "
     "when matched then update set name = v.name "
     "when not matched then insert (id, organization_id, name) values (v.id, 1, v.name)", [1, 8]),
    ("writable cte", "with gone as (delete from sip.customers where id = 1 returning name) "
     "insert into sip.customers (id, organization_id, name) select 7, 1, name from gone", [1, 7]),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "ids"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES])
def test_a_statement_signals_the_records_it_changed(
    customers: Database, statement: str, ids: list[int]
) -> None:
    customers.execute(statement)
    assert signals(customers) == [("1", "customer", str(id_)) for id_ in ids]


def test_copy_signals_every_row(customers: Database) -> None:
    with customers.connection.cursor().copy(
        "copy sip.customers (id, organization_id, name) from stdin"
    ) as copy:
        for id_ in range(100, 103):
            copy.write_row((id_, 2, f"Copied {id_}"))
    assert signals(customers) == [("2", "customer", str(id_)) for id_ in range(100, 103)]


def test_a_record_that_moves_to_another_company_signals_both(customers: Database) -> None:
    customers.execute("update sip.customers set organization_id = 2 where id = 1")
    assert signals(customers) == [("1", "customer", "1"), ("2", "customer", "1")]


def test_a_rolled_back_transaction_signals_nothing(customers: Database) -> None:
    with customers.connection.transaction(force_rollback=True):
        customers.execute("update sip.customers set name = 'Never'")
    assert signals(customers) == []


def test_a_rolled_back_savepoint_takes_its_signals_with_it(customers: Database) -> None:
    with customers.connection.transaction():
        customers.execute("update sip.customers set name = 'Kept' where id = 1")
        with customers.connection.transaction(force_rollback=True):
            customers.execute("update sip.customers set name = 'Lost' where id = 2")
    assert signals(customers) == [("1", "customer", "1")]


def test_sips_own_role_needs_no_right_in_our_schema(customers: Database) -> None:
    customers.execute("create role test_sip_app; grant usage on schema sip to test_sip_app;"
                      "grant all on sip.customers to test_sip_app")  # fmt: skip
    try:
        customers.execute("set role test_sip_app")
        customers.execute("update sip.customers set name = 'By the app' where id = 1")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            customers.execute("select from syncd.outbox")
        customers.execute("reset role")
        assert signals(customers) == [("1", "customer", "1")]
    finally:
        customers.execute("reset role; drop owned by test_sip_app; drop role test_sip_app")


def test_a_column_that_sip_adds_or_renames_elsewhere_does_not_fail_its_writes(customers: Database) -> None:
    customers.execute("update sip.customers set name = 'Before' where id = 1")
    customers.execute("alter table sip.customers add column nickname text, drop column created_at")
    customers.execute("update sip.customers set name = 'After', nickname = 'A' where id = 2")
    customers.execute("insert into sip.customers (id, organization_id, name) values (9, 1, 'New')")
    customers.execute("delete from sip.customers where id = 3")
    assert signals(customers) == [("1", "customer", id_) for id_ in ("1", "2", "3", "9")]


def test_a_child_row_signals_its_parent_and_one_that_moves_signals_both(customers: Database) -> None:
    customers.execute("create table sip.pets (id int primary key, customer_id bigint, name text)")
    customers.execute("select syncd.watch('sip.pets', 'customer', 'customer_id')")
    customers.execute("insert into sip.pets values (1, 1, 'Rex'), (2, 1, 'Tom')")
    customers.execute("update sip.pets set customer_id = 2 where id = 1")
    assert signals(customers) == [(None, "customer", "1"), (None, "customer", "1"), (None, "customer", "2")]


def test_unwatch_removes_triggers_and_functions(customers: Database) -> None:
    customers.execute("select syncd.unwatch('sip.customers', 'customer')")
    assert customers.rows("select tgname from pg_trigger where tgrelid = 'sip.customers'::regclass "
                          "and not tgisinternal") == []  # fmt: skip
    assert customers.rows("select proname from pg_proc where proname like 'signal_1%'") == []
    customers.execute("update sip.customers set name = 'Quiet'")
    assert signals(customers) == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("'sip.nowhere', 'customer', 'id'", "table sip.nowhere does not exist"),
        ("'sip.customers', 'thing', 'idd'", 'column c.idd does not exist|column new.idd does not exist'),
        ("'sip.customers', 'thing', 'id', condition => 'new.nonsense'", "nonsense"),
    ],
)  # fmt: skip
def test_a_wrong_binding_is_refused_when_it_is_made(database: Database, arguments: str, reason: str) -> None:
    with pytest.raises(psycopg.Error, match=reason):
        database.execute(f"select syncd.watch({arguments})")
    assert database.value("select count(*) from syncd.binding") == 1
