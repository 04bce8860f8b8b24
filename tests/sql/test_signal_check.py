"""What `syncd db check` finds between SIP's tables and the triggers, and that the remedy it names is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from syncd.db import check
from syncd.errors import DatabaseProblem
from tests.support.signals import binding, findings, keys, upgrade

if TYPE_CHECKING:
    from tests.support.database import Begin, Database


def with_pets(database: Database) -> None:
    """A table that no view of ours reads, bound to its parent, beside the customers."""
    database.execute(
        "create table sip.pets (id int primary key, customer_id bigint, name text, colour text);"
        "select syncd.watch('sip.pets', 'customer', 'customer_id',"
        " condition => '(old.customer_id, old.name) is distinct from (new.customer_id, new.name)');"
        "insert into sip.organizations (id, name) values (1, 'One')"
    )
    upgrade(database.dsn)
    database.execute("insert into sip.pets values (1, 1, 'Rex', 'brown'); delete from syncd.outbox")


@pytest.fixture
def pets(begun: Begin) -> Database:
    return begun(with_pets)


def numbered(database: Database, text: str) -> str:
    """With the number that the binding got."""
    return text.replace("_N", f"_{binding(database, 'sip.pets')}")


def found(database: Database) -> list[tuple[str, bool]]:
    """Sentence and whether it is fatal, as the daemon's role sees it, which has no right in SIP's schema."""
    with psycopg.connect(database.daemon_dsn, autocommit=True) as connection:
        return [(finding.sentence, finding.fatal) for finding in check.findings(connection, None)]


# Each is mended by the upgrade.
DAMAGES = [
    ("a trigger is missing", "drop trigger zz_syncd_N_update on sip.pets",
     "Trigger zz_syncd_N_update on sip.pets is missing.", True),
    ("several are missing", "drop trigger zz_syncd_N_update on sip.pets; drop trigger zz_syncd_N_delete on sip.pets",
     "Triggers zz_syncd_N_update, zz_syncd_N_delete on sip.pets are missing.", True),
    ("a trigger is disabled", "alter table sip.pets disable trigger zz_syncd_N_insert",
     "Trigger zz_syncd_N_insert on sip.pets is disabled.", True),
    ("all triggers are disabled", "alter table sip.pets disable trigger all",
     "Triggers zz_syncd_N_insert, zz_syncd_N_update, zz_syncd_N_delete, zz_syncd_N_truncate on sip.pets are disabled.",
     True),
    ("a trigger fires for replicas only", "alter table sip.pets enable replica trigger zz_syncd_N_insert",
     "Trigger zz_syncd_N_insert on sip.pets is disabled.", True),
    ("a trigger fires always", "alter table sip.pets enable always trigger zz_syncd_N_insert",
     "Trigger zz_syncd_N_insert on sip.pets is set to fire in sessions that replicate too, whose rows another server"
     " sends.", False),
    ("a trigger was replaced", "drop trigger zz_syncd_N_delete on sip.pets; create trigger zz_syncd_N_delete"
     " before delete on sip.pets for each row execute function syncd.signal_N_delete()",
     "Trigger zz_syncd_N_delete on sip.pets is not as syncd made them.", True),
    ("the table was exchanged for a copy", "alter table sip.pets rename to pets_old;"
     "create table sip.pets (like sip.pets_old including all)",
     "Triggers zz_syncd_N_insert, zz_syncd_N_update, zz_syncd_N_delete, zz_syncd_N_truncate on sip.pets are missing.",
     True),
    ("the guard is missing", "drop view syncd.guard_N",
     "View syncd.guard_N is missing: nothing keeps the columns that triggers read from being dropped.", False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("damage", "sentence", "fatal"), [d[1:] for d in DAMAGES], ids=[d[0] for d in DAMAGES]
)
def test_check_finds_it_and_upgrade_mends_it(pets: Database, damage: str, sentence: str, fatal: bool) -> None:
    assert found(pets) == []
    pets.execute(numbered(pets, damage))
    assert (numbered(pets, sentence), fatal) in found(pets)
    upgrade(pets.dsn)
    assert found(pets) == []
    pets.execute(
        "delete from sip.pets; insert into sip.pets values (1, 1, 'Rex'); update sip.pets set name = 'Tom'"
    )
    pets.execute("delete from syncd.outbox; update sip.pets set name = 'Kim'; delete from sip.pets")
    assert keys(pets) == [1, 1]


def test_after_a_table_was_exchanged_the_old_one_is_let_go(pets: Database) -> None:
    pets.execute(
        "alter table sip.pets rename to pets_old; create table sip.pets (like sip.pets_old including all)"
    )
    upgrade(pets.dsn)
    pets.execute("delete from sip.pets_old")
    assert keys(pets) == []


def test_a_renamed_table_still_signals_and_check_says_its_name(pets: Database) -> None:
    pets.execute("alter table sip.pets rename to animals")
    assert found(pets) == [
        ("Table sip.pets, which customer signals come from, is called sip.animals now; its changes are still noted.",
         False)
    ]  # fmt: skip
    pets.execute("update sip.animals set name = 'Tom'")
    assert keys(pets) == [1]
    with pytest.raises(
        DatabaseProblem, match=r"table sip\.pets does not exist\. Correct the binding of customer"
    ):
        upgrade(pets.dsn)
    pets.execute("select syncd.unwatch('sip.pets', 'customer')")
    assert pets.value("select count(*) from pg_trigger where tgrelid = 'sip.animals'::regclass") == 0


def test_a_dropped_table_is_found(pets: Database) -> None:
    pets.execute("drop table sip.pets cascade")
    assert ("Table sip.pets, which customer signals come from, does not exist.", True) in found(pets)
    pets.execute("select syncd.unwatch('sip.pets', 'customer')")
    upgrade(pets.dsn)
    assert found(pets) == []


# What Postgres refuses because of the guard.
REFUSED = [
    ("alter table sip.pets drop column customer_id", "syncd.guard_N depends on column customer_id of table"),
    ("alter table sip.pets drop column name", "syncd.guard_N depends on column name of table"),
    ("alter table sip.pets drop column id", "syncd.guard_N depends on column id of table"),
    ("alter table sip.pets alter column customer_id type text", "syncd.guard_N depends on column"),
    ("alter table sip.pets alter column name type varchar(9)", "syncd.guard_N depends on column"),
    ("drop table sip.pets", "syncd.guard_N depends on table sip.pets"),
]  # fmt: skip


@pytest.mark.parametrize(("migration", "because"), REFUSED, ids=[r[0] for r in REFUSED])
def test_a_column_that_triggers_read_can_go_only_after_them(
    pets: Database, migration: str, because: str
) -> None:
    with pytest.raises(psycopg.Error) as refused:
        pets.execute(migration)
    assert numbered(
        pets, because
    ) in f"{refused.value.diag.message_primary} {refused.value.diag.message_detail}".replace(
        "rule _RETURN on ", ""
    )
    pets.execute("update sip.pets set name = 'Tom'")
    assert keys(pets) == [1]
    pets.execute("select syncd.unwatch('sip.pets', 'customer')")
    pets.execute(migration)


def test_a_column_that_triggers_do_not_read_is_sips_own_business(pets: Database) -> None:
    pets.execute(
        "alter table sip.pets alter column colour type varchar(9); alter table sip.pets drop column colour"
    )
    pets.execute("update sip.pets set name = 'Tom'")
    assert keys(pets) == [1]
    assert found(pets) == []


@pytest.mark.parametrize(
    ("migration", "column"),
    [
        ("alter table sip.pets rename column name to full_name", "name"),
        ("alter table sip.pets rename column customer_id to owner_id", "customer_id"),
        ("alter table sip.pets drop column name cascade", "name"),
    ],
)
def test_a_column_that_got_away_is_found_with_the_way_to_let_sip_write(
    pets: Database, migration: str, column: str
) -> None:
    pets.execute(migration)
    with pytest.raises(psycopg.errors.UndefinedColumn):
        pets.execute("update sip.pets set id = 2")
    sentence = (
        f"Column {column} of sip.pets, which the triggers read, is gone or has another name:"
        " every update of the table fails."
    )
    assert (sentence, True) in found(pets)
    with psycopg.connect(pets.dsn, autocommit=True) as connection:
        [remedy] = [f.remedy for f in check.findings(connection, None) if f.sentence == sentence]
        connection.execute(remedy.partition("Until then: ")[2].encode())
    pets.execute("update sip.pets set id = 2")


def test_roles_and_databases_that_write_without_triggers_are_found(pets: Database) -> None:
    name = pets.name
    pets.execute(
        f"create role test_loader; alter role test_loader in database {name} set session_replication_role = replica;"
        f"alter database {name} set session_replication_role = replica"
    )
    try:
        assert sorted(found(pets)) == [
            (f"{who} with session_replication_role = replica, under which no trigger fires.", False)
            for who in ("Everybody writes", "Role test_loader writes")
        ]
        with psycopg.connect(pets.dsn, autocommit=True) as connection:
            for finding in check.findings(connection, None):
                connection.execute(finding.remedy.removeprefix("Take it back: ").encode())
        assert found(pets) == []
    finally:
        pets.execute("drop role test_loader")


def test_check_speaks_of_an_older_schema_and_not_of_its_own_functions(pets: Database) -> None:
    pets.execute("drop function syncd.watch_problems")
    assert findings(pets.dsn) == ["Function syncd.watch_problems() is missing."]
