"""Which changes of SIP's tables make a signal, and which do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.support.engine import Engine
from tests.support.signals import keys, signals

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
    ("two writes of one table in one statement", "with first as (update sip.customers set name = 'A' where id = 1), "
     "second as (update sip.customers set name = 'B' where id = 2), "
     "third as (insert into sip.customers (id, organization_id, name) values (8, 1, 'C')) "
     "delete from sip.customers where id = 3", [1, 2, 3, 8]),
    ("merge that deletes", "merge into sip.customers c using (values (1), (2)) v (id) on c.id = v.id "
     "when matched and v.id = 1 then delete when matched then do nothing", [1]),
    ("merge that does nothing", "merge into sip.customers c using (values (1)) v (id) on c.id = v.id "
     "when matched then do nothing", []),
    ("delete of nothing", "delete from sip.customers where id = 99", []),
    ("cascade from the organization", "delete from sip.organizations where id = 1", [1, 2, 3]),
    ("update from another table", "update sip.customers c set name = o.name from sip.organizations o "
     "where o.id = c.organization_id and c.id < 3", [1, 2]),
    ("statement with returning", "update sip.customers set name = 'R' where id = 1 returning name", [1]),
    ("prepared statement", "prepare p as update sip.customers set name = 'P' where id = 2; execute p", [2]),
    ("procedural code", "do $$ begin for i in 1..3 loop update sip.customers set name = 'L' where id = i; end loop; "
     "end $$", [1, 2, 3]),
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


def test_a_copy_that_outgrows_memory_signals_every_row(customers: Database) -> None:
    customers.execute("set work_mem = '64kB'")
    with customers.connection.cursor().copy(
        "copy sip.customers (id, organization_id, name) from stdin"
    ) as copy:
        for id_ in range(1000, 51000):
            copy.write_row((id_, 2, "Copied"))
    assert keys(customers) == list(range(1000, 51000))


def test_a_statement_of_many_rows_writes_few_rows_and_none_of_too_many(customers: Database) -> None:
    for statement in (
        "insert into sip.customers (id, organization_id, name)"
        " select g, 1 + g % 2, 'Many' from generate_series(10001, 30000) g",
        "update sip.customers set phone = '555' where id > 10000",
        "delete from sip.customers where id > 10000",
    ):
        customers.execute(statement)
        assert keys(customers) == list(range(10001, 30001))
        rows, most = customers.rows("select count(*), max(cardinality(entity_ids)) from syncd.outbox")[0]
        assert rows <= 100
        assert most < 1500
        customers.execute("delete from syncd.outbox")


def test_many_records_that_move_to_another_company_signal_both(customers: Database) -> None:
    customers.execute("update sip.customers set organization_id = 2, id = id * 10 where id in (1, 2)")
    customers.execute("update sip.customers set organization_id = 1 where id in (10, 20)")
    assert signals(customers) == [
        *[("1", "customer", id_) for id_ in ("1", "2")],
        *[(company, "customer", id_) for id_ in ("10", "20") for company in ("1", "2", "2")],
    ]


def test_a_session_that_first_changed_one_row_then_changes_very_many(customers: Database) -> None:
    """A plan that it keeps from the one would compare each with each."""
    customers.execute(
        "insert into sip.customers (id, organization_id, name)"
        " select g, 1, 'Many' from generate_series(1001, 41000) g"
    )
    customers.execute("update sip.customers set phone = '1' where id = 1001")
    customers.execute("update sip.customers set phone = '2' where id in (1001, 1002)")
    customers.execute("delete from syncd.outbox")
    customers.execute("set statement_timeout = '60s'")
    customers.execute("update sip.customers set phone = '3' where id > 1000")
    assert len(keys(customers)) == 40_000


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


def test_an_exception_that_sip_catches_takes_its_signals_with_it(customers: Database) -> None:
    customers.execute(
        "do $$ begin update sip.customers set name = 'Kept' where id = 1;"
        " begin update sip.customers set name = 'Lost' where id = 2; perform 1 / 0;"
        " exception when division_by_zero then null; end; end $$"
    )
    assert keys(customers) == [1]


def test_a_released_savepoint_keeps_its_signals(customers: Database) -> None:
    with customers.connection.transaction(), customers.connection.transaction():
        customers.execute("update sip.customers set name = 'Kept' where id = 2")
    assert keys(customers) == [2]


# What SIP's own triggers do to the row; then what SIP writes, and which records changed by it.
SIPS_TRIGGERS = [
    ("changes the row", "before update", "new.name := 'Changed'; return new",
     "update sip.customers set notes = 'x' where id = 1", [1]),
    ("undoes the change", "before update", "return old", "update sip.customers set name = 'x'", []),
    ("keeps a row from being written", "before insert or update or delete",
     "return case when coalesce(new.id, old.id) = 2 then null when tg_op = 'DELETE' then old else new end",
     "delete from sip.customers", [1, 3]),
    ("writes another row, after ours in the order of names", "after update",
     "if new.id = 1 then update sip.customers set name = 'Too' where id = 3; end if; return null",
     "update sip.customers set name = 'x' where id = 1", [1, 3]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("when", "body", "statement", "ids"), [c[1:] for c in SIPS_TRIGGERS], ids=[c[0] for c in SIPS_TRIGGERS]
)
def test_the_row_counts_as_sips_own_triggers_left_it(
    customers: Database, when: str, body: str, statement: str, ids: list[int]
) -> None:
    customers.execute(
        f"create function sip.own() returns trigger language plpgsql as $body$ begin {body}; end $body$;"
        f"create trigger zzzz {when} on sip.customers for each row execute function sip.own()"
    )
    customers.execute(statement)
    assert keys(customers) == ids


def test_children_signal_their_parents_through_every_foreign_key_action(customers: Database) -> None:
    customers.execute(
        "create table sip.pets (id int primary key, customer_id bigint references sip.customers"
        " on delete cascade on update cascade, name text)"
    )
    customers.execute(
        "create table sip.toys (id int primary key, customer_id bigint references sip.customers"
        " on delete set null on update cascade, name text)"
    )
    for table in ("pets", "toys"):
        customers.execute(f"select syncd.watch('sip.{table}', 'customer', 'customer_id')")
        customers.execute(f"insert into sip.{table} select g, 1 + g % 2 from generate_series(1, 6) g")  # noqa: S608
    for statement, ids in (
        # the customer, its pets, its toys; three rows of one parent are one signal
        ("update sip.customers set id = 20 where id = 2", [2, 2, 2, 20, 20, 20]),
        ("delete from sip.customers where id = 1", [1, 1, 1]),
    ):
        customers.execute("delete from syncd.outbox")
        customers.execute(statement)
        assert keys(customers) == ids, statement
    assert customers.value("select count(*) from sip.toys where customer_id is null") == 3


def test_records_that_swap_their_keys_signal_both(customers: Database) -> None:
    customers.execute(
        "alter table sip.customers drop constraint customers_pkey cascade, add primary key (id) deferrable"
    )
    customers.execute("update sip.customers set id = 3 - id where id in (1, 2)")
    assert keys(customers) == [1, 2]


def test_a_child_without_a_parent_signals_nothing(customers: Database) -> None:
    customers.execute("create table sip.pets (id int primary key, customer_id bigint, name text)")
    customers.execute("select syncd.watch('sip.pets', 'customer', 'customer_id')")
    customers.execute("insert into sip.pets values (1, null, 'Stray')")
    assert keys(customers) == []
    customers.execute("update sip.pets set customer_id = 2")
    assert keys(customers) == [2]


def test_keys_may_be_uuids_and_names_may_need_quotes(customers: Database) -> None:
    key = "6f1c1e9a-5d8e-4a1e-9b39-111111111111"
    customers.execute(
        'create table sip."Odd Table" ("The Key" uuid primary key, "Company ""Id""" int, "A%b" text)'
    )
    customers.execute(
        "select syncd.watch('sip.\"Odd Table\"', 'customer', 'The Key', 'Company \"Id\"',"
        ' \'old."A%b" is distinct from new."A%b"\')'
    )
    customers.execute("""insert into sip."Odd Table" values (%s, 7, 'x')""", (key,))
    customers.execute("""update sip."Odd Table" set "A%b" = 'x'""")
    assert customers.rows("select company_id, entity_id from syncd.outbox") == [("7", key)]


def test_a_statement_of_nothing_rings_no_bell_and_one_of_many_rows_rings_once(customers: Database) -> None:
    with psycopg.connect(customers.dsn, autocommit=True) as asleep:
        asleep.execute("listen syncd")
        asleep.execute("select pg_advisory_lock(1937337955, 1)")
        customers.execute("update sip.customers set name = 'X' where id = 99")
        customers.execute("update sip.customers set notes = 'nothing that matters'")
        assert list(asleep.notifies(timeout=0.2)) == []
        with customers.connection.transaction():
            customers.execute("update sip.customers set name = 'X'")
            customers.execute("update sip.customers set name = 'Y'")
        assert len(list(asleep.notifies(timeout=60, stop_after=1))) == 1
        assert list(asleep.notifies(timeout=0.2)) == []


def test_a_session_that_replicates_fires_nothing(customers: Database) -> None:
    customers.execute("set session_replication_role = replica")
    customers.execute("update sip.customers set name = 'Replicated'")
    customers.execute("set session_replication_role = origin")
    assert keys(customers) == []


def test_syncds_own_writes_make_no_signal_for_the_length_of_their_transaction(customers: Database) -> None:
    with customers.connection.transaction():
        customers.execute("set local syncd.own_write = 'on'")
        customers.execute("update sip.customers set name = 'Pulled'")
        customers.execute("delete from sip.customers where id = 3")
        customers.execute("insert into sip.customers (id, organization_id, name) values (4, 1, 'Pulled')")
    assert keys(customers) == []
    customers.execute("update sip.customers set name = 'By SIP' where id = 1")
    assert keys(customers) == [1]


@pytest.mark.parametrize(("member", "ids"), [(True, []), (False, [1])])
def test_only_the_daemons_role_can_keep_a_write_from_signaling(
    customers: Database, member: bool, ids: list[int]
) -> None:
    login = "test_daemon" if member else "test_admin"
    customers.execute(f"grant usage on schema sip to {login}; grant all on sip.customers to {login}")
    with psycopg.connect(customers.daemon_dsn if member else customers.admin_dsn) as session:
        session.execute("set local syncd.own_write = 'on'")
        session.execute("update sip.customers set name = 'Mine' where id = 1")
    assert keys(customers) == ids


TRUNCATES = [
    "truncate sip.customers cascade",
    "truncate sip.organizations cascade",
    "truncate sip.customers, sip.jobs restart identity cascade",
]


@pytest.mark.parametrize("statement", TRUNCATES)
def test_a_truncated_table_voids_nothing_and_a_person_is_told(customers: Database, statement: str) -> None:
    customers.execute("truncate syncd.outbox")
    customers.add_company("3", realm="9133")
    customers.add_customer("Ann", "3")
    engine = Engine(customers)
    assert engine.absorb() == 1
    customers.execute("delete from syncd.job")
    customers.execute(statement)
    assert engine.absorb() == 0
    assert customers.value("select count(*) from syncd.job") == 0
    # "cascade" truncates other tables that are bound, each of which is told too.
    assert customers.rows(
        "select company_id, reason from syncd.outbox_bad where entity_type = 'customer'"
    ) == [(None, "sip.customers was truncated; what it held stays in QuickBooks as it is")]


def test_a_truncate_that_is_rolled_back_is_not_told(customers: Database) -> None:
    with customers.connection.transaction(force_rollback=True):
        customers.execute("truncate sip.customers cascade")
    assert customers.value("select count(*) from syncd.outbox_bad") == 0


def test_each_truncate_is_told(customers: Database) -> None:
    customers.execute("truncate sip.customers cascade")
    customers.execute("truncate sip.customers cascade")
    assert customers.value("select count(*) from syncd.outbox_bad where entity_type = 'customer'") == 2


def test_the_triggers_run_once_a_statement_after_sips_own(customers: Database) -> None:
    # Transition tables cannot be had by constraint triggers, by `update of` or by triggers of two events.
    assert customers.rows(
        "select tgname::text, tgtype::int, tgoldtable::text, tgnewtable::text, tgconstraint = 0 from pg_trigger"
        " where tgrelid = 'sip.customers'::regclass and not tgisinternal order by tgtype"
    ) == [
        ("zz_syncd_1_insert", 4, None, "new_rows", True),
        ("zz_syncd_1_delete", 8, "old_rows", None, True),
        ("zz_syncd_1_update", 16, "old_rows", "new_rows", True),
        ("zz_syncd_1_truncate", 32, None, None, True),
    ]


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
    assert customers.rows("select proname from pg_proc where proname ~ '(signal|truncate)_1'") == []
    assert customers.value("select to_regclass('syncd.guard_1')") is None
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
    before = database.value("select count(*) from syncd.binding")
    with pytest.raises(psycopg.Error, match=reason):
        database.execute(f"select syncd.watch({arguments})")
    assert database.value("select count(*) from syncd.binding") == before
