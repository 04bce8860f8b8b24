"""Signals of tables that are stored in parts: partitions, of every depth, and inheritance children."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.support.signals import binding, dump_sip, findings, keys, signals, upgrade

if TYPE_CHECKING:
    from syncd.demo.postgres import Server
    from tests.support.database import Begin, Database

# North has its columns in another order, and has lost one; south is partitioned again.
VISITS = """
    create table sip.visits (id bigint, organization_id bigint references sip.organizations on delete cascade,
                             region text, name text, primary key (id, region)) partition by list (region);
    create table sip.visits_north (name text, gone int, region text not null, organization_id bigint,
                                   id bigint not null);
    alter table sip.visits_north drop column gone;
    alter table sip.visits attach partition sip.visits_north for values in ('north');
    create table sip.visits_south partition of sip.visits for values in ('south') partition by range (id);
    create table sip.visits_south_low partition of sip.visits_south for values from (0) to (100);
    create table sip.visits_south_high partition of sip.visits_south for values from (100) to (1000);
    insert into sip.organizations (id, name) values (1, 'One'), (2, 'Two');
"""
WATCH_VISITS = """
    select syncd.watch('sip.visits', 'customer', 'id', 'organization_id',
                       '(old.id, old.organization_id, old.name)'
                       ' is distinct from (new.id, new.organization_id, new.name)')
"""


def with_visits(database: Database) -> None:
    """A table in three partitions on two levels, with two rows in each, whose signals have been taken."""
    database.execute(VISITS)
    database.execute(WATCH_VISITS)
    database.execute(
        "insert into sip.visits (id, organization_id, region, name) values (1, 1, 'north', 'a'), (2, 2, 'north', 'b'),"
        " (11, 1, 'south', 'c'), (12, 2, 'south', 'd'), (101, 1, 'south', 'e'), (102, 2, 'south', 'f')"
    )
    assert keys(database) == [1, 2, 11, 12, 101, 102]
    database.execute("delete from syncd.outbox")


@pytest.fixture
def visits(begun: Begin) -> Database:
    return begun(with_visits)


CHANGES = [
    ("insert into the parent", "insert into sip.visits values (3, 1, 'north', 'x'), (13, 1, 'south', 'y')", [3, 13]),
    ("insert into a partition", "insert into sip.visits_north (id, organization_id, region) values (3, 1, 'north')",
     [3]),
    ("insert into a middle level", "insert into sip.visits_south values (13, 1, 'south', 'x')", [13]),
    ("insert into a partition of a partition", "insert into sip.visits_south_high values (103, 1, 'south', 'x')",
     [103]),
    ("update of the parent", "update sip.visits set name = 'z'", [1, 2, 11, 12, 101, 102]),
    ("update of a partition", "update sip.visits_north set name = 'z' where id = 2", [2]),
    ("update of a middle level", "update sip.visits_south set name = 'z' where id > 11", [12, 101, 102]),
    ("update of nothing that matters", "update sip.visits set name = name", []),
    ("row moved to another partition", "update sip.visits set region = 'north' where id = 11", [11]),
    ("row moved and changed", "update sip.visits set region = 'south', id = 103 where id = 1", [1, 103]),
    ("row moved below a middle level", "update sip.visits_south set id = 111 where id = 11", [11, 111]),
    ("delete from the parent", "delete from sip.visits where name in ('a', 'f')", [1, 102]),
    ("delete from a partition", "delete from sip.visits_south_low", [11, 12]),
    ("conflict in the parent", "insert into sip.visits values (1, 1, 'north', 'up'), (4, 1, 'north', 'new') "
     "on conflict (id, region) do update set name = excluded.name", [1, 4]),
    ("conflict in a partition", "insert into sip.visits_south_low values (11, 1, 'south', 'up') "
     "on conflict (id, region) do update set name = excluded.name", [11]),
    ("merge into the parent", "merge into sip.visits v using (values (1, 'north'), (5, 'north'), (102, 'south')) "
     "n (id, region) on v.id = n.id when matched and n.id = 102 then delete "
     "when matched then update set name = 'm' "
     "when not matched then insert values (n.id, 1, n.region, 'm')", [1, 5, 102]),
    ("merge into a partition", "merge into sip.visits_north v using (values (1)) n (id) on v.id = n.id "
     "when matched then update set name = 'm'", [1]),
    ("parent and partition in one statement", "with first as (delete from sip.visits_north where id = 1) "
     "update sip.visits set name = 'z' where id = 101", [1, 101]),
    ("cascade to the parent", "delete from sip.organizations where id = 2", [2, 12, 102]),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "ids"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES])
def test_a_row_signals_once_whichever_table_the_statement_names(
    visits: Database, statement: str, ids: list[int]
) -> None:
    visits.execute(statement)
    assert keys(visits) == ids


@pytest.mark.parametrize("table", ["visits", "visits_south", "visits_south_low"])
def test_copy_signals_whichever_table_it_names(visits: Database, table: str) -> None:
    columns = "(id, organization_id, region, name)"
    with visits.connection.cursor().copy(f"copy sip.{table} {columns} from stdin") as copy:
        copy.write_row((50, 2, "south", "x"))
        copy.write_row((51, 2, "south", "x"))
    assert signals(visits) == [("2", "customer", "50"), ("2", "customer", "51")]


def test_a_row_that_moves_between_companies_and_partitions_signals_both(visits: Database) -> None:
    visits.execute("update sip.visits set organization_id = 2, region = 'south' where id = 1")
    assert signals(visits) == [("1", "customer", "1"), ("2", "customer", "1")]


def test_a_cascade_that_belongs_to_one_partition_signals(visits: Database) -> None:
    visits.execute(
        "create table sip.doctors (id bigint primary key);"
        "insert into sip.doctors values (1), (2), (101);"
        "create table sip.visits_east (like sip.visits, foreign key (id) references sip.doctors on delete cascade);"
        "alter table sip.visits_east add primary key (id, region);"
        "alter table sip.visits attach partition sip.visits_east for values in ('east');"
        "insert into sip.visits values (101, 1, 'east', 'x')"
    )
    visits.execute(WATCH_VISITS)
    visits.execute("delete from syncd.outbox")
    visits.execute("delete from sip.doctors")
    assert keys(visits) == [101]


def test_a_truncated_partitioned_table_is_told_once(visits: Database) -> None:
    visits.execute("truncate sip.visits")
    assert keys(visits) == []
    assert visits.rows("select reason from syncd.outbox_bad") == [
        ("sip.visits was truncated; what it held stays in QuickBooks as it is",)
    ]
    visits.execute("truncate sip.visits_south_low")
    assert visits.value("select count(*) from syncd.outbox_bad") == 2


def test_a_later_partition_is_noted_through_the_parent_and_found_by_check(visits: Database) -> None:
    upgrade(visits.dsn)
    visits.execute("create table sip.visits_west partition of sip.visits for values in ('west')")
    visits.execute("insert into sip.visits values (201, 1, 'west', 'through the parent')")
    visits.execute("insert into sip.visits_west values (202, 1, 'west', 'straight into it')")
    assert keys(visits) == [201]
    n = f"zz_syncd_{binding(visits, 'sip.visits')}"
    assert findings(visits.dsn) == [
        f"Triggers {n}_insert, {n}_update, {n}_delete, {n}_truncate on sip.visits_west"
        " are missing: what is written straight into it is not noticed."
    ]
    upgrade(visits.dsn)
    assert findings(visits.dsn) == []
    visits.execute("insert into sip.visits_west values (203, 1, 'west', 'straight into it')")
    assert keys(visits) == [201, 203]


def test_a_detached_partition_is_found_by_check_and_let_go_by_upgrade(visits: Database) -> None:
    upgrade(visits.dsn)
    visits.execute("alter table sip.visits detach partition sip.visits_north")
    n = f"zz_syncd_{binding(visits, 'sip.visits')}"
    assert findings(visits.dsn) == [
        f"Triggers {n}_insert, {n}_update, {n}_delete, {n}_truncate on sip.visits_north"
        " are left over: it is no part of sip.visits any more."
    ]
    upgrade(visits.dsn)
    assert findings(visits.dsn) == []
    visits.execute("update sip.visits_north set name = 'archived'")
    assert keys(visits) == []


def test_a_dropped_partition_is_no_finding(visits: Database) -> None:
    upgrade(visits.dsn)
    visits.execute("drop table sip.visits_north")
    assert findings(visits.dsn) == []


# A child with a column and a key of its own, and a grandchild.
PEOPLE = """
    create table sip.people (id bigint primary key, name text);
    create table sip.vips (rank int) inherits (sip.people);
    create table sip.royals () inherits (sip.vips);
    insert into sip.people values (1, 'a'), (2, 'b');
    insert into sip.vips values (3, 'c', 1), (1, 'a too', 1);
    insert into sip.royals values (4, 'd', 1);
"""
WATCH_PEOPLE = (
    "select syncd.watch('sip.people', 'customer', 'id', condition => 'old.name is distinct from new.name')"
)


@pytest.mark.parametrize(
    ("statement", "ids"),
    [
        ("insert into sip.people values (9, 'x')", [9]),
        ("insert into sip.vips values (9, 'x', 1)", [9]),
        ("insert into sip.royals values (9, 'x', 1)", [9]),
        ("update sip.people set name = 'z'", [1, 2, 3, 4]),
        ("update only sip.people set name = 'z'", [1, 2]),
        ("update sip.vips set name = 'z' where id > 1", [3, 4]),
        ("update sip.vips set rank = 2", []),
        ("delete from sip.people where id > 2", [3, 4]),
        ("delete from sip.royals", [4]),
    ],
)
def test_inheritance_children_signal_whichever_table_the_statement_names(
    database: Database, statement: str, ids: list[int]
) -> None:
    database.execute(PEOPLE)
    database.execute(WATCH_PEOPLE)
    database.execute(statement)
    assert keys(database) == ids


def test_a_later_child_is_found_by_check(database: Database) -> None:
    database.execute(PEOPLE)
    database.execute(WATCH_PEOPLE)
    upgrade(database.dsn)
    database.execute("create table sip.saints () inherits (sip.people)")
    [found] = findings(database.dsn)
    assert "on sip.saints are missing" in found
    upgrade(database.dsn)
    assert findings(database.dsn) == []


def test_unwatch_leaves_every_part_as_it_was(template: Server, database: Database) -> None:
    database.execute("select syncd.unwatch('sip.customers', 'customer')")
    database.execute(VISITS + PEOPLE)
    before = dump_sip(template, database.dsn)
    functions = (
        "select array_agg(proname order by proname) from pg_proc where proname ~ '^(signal|truncate)_[0-9]'"
    )
    functions_before = database.value(functions)
    database.execute(WATCH_VISITS)
    database.execute(WATCH_PEOPLE)
    made = dump_sip(template, database.dsn).count("CREATE TRIGGER") - before.count("CREATE TRIGGER")
    assert made == 4 * (5 + 3)
    # also from what is no part of the table any more
    database.execute("alter table sip.visits detach partition sip.visits_north")
    database.execute(
        "select syncd.unwatch('sip.visits', 'customer'), syncd.unwatch('sip.people', 'customer')"
    )
    database.execute("alter table sip.visits attach partition sip.visits_north for values in ('north')")
    assert dump_sip(template, database.dsn) == before
    assert database.value(functions) == functions_before


REFUSED = [
    ("a partition", "sip.visits_north", "sip.visits_north is a part of table sip.visits", "Bind sip.visits instead."),
    ("a middle level", "sip.visits_south", "sip.visits_south is a part of", "Bind sip.visits instead."),
    ("an inheritance child", "sip.vips", "sip.vips is a part of table sip.people", "Bind sip.people instead."),
    ("a view", "sip.view", "sip.view is a view, whose changes triggers cannot note", "Bind the table in which"),
    ("a materialized view", "sip.stored", "sip.stored is a materialized view", "Bind the table in which"),
    ("a foreign table", "sip.far", "sip.far is a foreign table", "do not bind the table"),
    ("a table with a foreign partition", "sip.spread", "sip.spread_far, a part of table sip.spread", "Detach it"),
    ("a table that is not there", "sip.nowhere", "table sip.nowhere does not exist", "Correct the binding"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "sentence", "remedy"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_what_triggers_cannot_note_is_refused_with_the_remedy(
    database: Database, table: str, sentence: str, remedy: str
) -> None:
    database.execute(VISITS + PEOPLE)
    database.execute(
        "create view sip.view as select * from sip.people; create materialized view sip.stored as table sip.people;"
        "create foreign data wrapper nothing; create server nothing foreign data wrapper nothing;"
        "create foreign table sip.far (id bigint) server nothing;"
        "create table sip.spread (id bigint) partition by range (id);"
        "create foreign table sip.spread_far partition of sip.spread for values from (1) to (2) server nothing"
    )
    with pytest.raises(psycopg.Error) as refused:
        database.execute(f"select syncd.watch('{table}', 'customer', 'id')")
    assert sentence in str(refused.value.diag.message_primary)
    assert remedy in str(refused.value.diag.message_hint)


LATER = [
    ("it becomes a partition", "create table sip.all_people (id bigint not null, name text) partition by list (name);"
     "alter table sip.all_people attach partition sip.plain default",
     "sip.plain is a part of table sip.all_people, and statements that name sip.all_people fire no trigger of"
     " sip.plain."),
    ("a child has another parent too", "create table sip.plain_child () inherits (sip.plain, sip.other)",
     "sip.plain_child is a part of table sip.other, and statements that name sip.other fire no trigger of"
     " sip.plain_child."),
    ("a foreign child", "create foreign table sip.plain_far () inherits (sip.plain) server nothing",
     "sip.plain_far, a part of table sip.plain, is a foreign table: SIP's writes to it through sip.plain fail"
     " while sip.plain has triggers."),
]  # fmt: skip


@pytest.mark.parametrize(("migration", "sentence"), [c[1:] for c in LATER], ids=[c[0] for c in LATER])
def test_check_finds_what_a_table_became_part_of(database: Database, migration: str, sentence: str) -> None:
    database.execute(
        "create table sip.plain (id bigint not null, name text);"
        "create table sip.other (id bigint not null, name text);"
        "create foreign data wrapper nothing; create server nothing foreign data wrapper nothing;"
        "select syncd.watch('sip.plain', 'customer', 'id')"
    )
    upgrade(database.dsn)
    database.execute(migration)
    assert sentence in findings(database.dsn)
