"""Mappings in SQL, whoever writes them: what is refused, what becomes due, how a connection begins and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import errors
from psycopg.types.json import Jsonb

from tests.support.engine import Engine

if TYPE_CHECKING:
    from tests.support.database import Database

DEFAULTS = [
    ("card", "Credit Card"),
    ("ach", "ACH"),
    ("apple_pay", "Credit Card"),
    ("cash", "Cash"),
    ("check", "Check"),
    ("zelle", "Other"),
    ("other", "Other"),
]


def methods(database: Database, company: str = "1") -> list[tuple[Any, ...]]:
    return database.rows(
        "select m.method::text, m.qbo_name from syncd.payment_method_map m where company_id = %s order by m.method",
        (company,),
    )


def connect(database: Database, realm: str = "9130", company: str = "1") -> None:
    database.execute(
        "select syncd.connect_company(%s, 'sandbox', %s, '\\x00', now() + interval '1 hour', null, '{}', '{}', 'USD',"
        " false)",
        (company, realm),
    )


def disconnect(database: Database, company: str = "1") -> list[tuple[Any, ...]]:
    return database.rows("select tokens, waiting, unknown from syncd.disconnect_company(%s)", (company,))


def refused(database: Database, *codes: str, state: str = "error", company: str = "1") -> None:
    """A record refused for each of these reasons."""
    for code in codes:
        database.execute(
            "insert into syncd.job (company_id, entity_type, entity_id, state, due_at, attempts, reason,"
            " fault_class, error_code) values (%s, 'customer', %s, %s, 'infinity', 3, 'why', 'record', %s)",
            (company, code, state, code),
        )


def due(database: Database, company: str = "1") -> set[str]:
    return {
        id_
        for (id_,) in database.rows(
            "select entity_id from syncd.job where company_id = %s and state = 'pending' and due_at is null"
            " and attempts = 0 and reason is null and error_code is null",
            (company,),
        )
    }


def map_account(database: Database, slot: str, id_: str = "4", company: str = "1") -> None:
    database.execute(
        "insert into syncd.account_map (company_id, slot, qbo_id, qbo_name) values (%s, %s, %s, 'Services')",
        (company, slot, id_),
    )


def map_tax(database: Database, slot: str, *percents: Any, company: str = "1") -> None:
    rates = [{"rate_ref": str(n), "percent": percent, "name": "Rate"} for n, percent in enumerate(percents)]
    database.execute(
        "insert into syncd.tax_map (company_id, slot, qbo_id, qbo_name, rates) values (%s, %s, '5', 'Code', %s)",
        (company, slot, Jsonb(rates)),
    )


def add_member(database: Database, name: str, company: str = "1") -> str:
    return str(
        database.value(
            "insert into sip.members (organization_id, name, email) values (%s, %s, %s) returning id",
            (company, name, f"{name}@yard.example"),
        )
    )


def map_employee(
    database: Database, member: str, id_: str, kind: str = "Employee", company: str = "1"
) -> None:
    database.execute(
        "insert into syncd.employee_map (company_id, member_id, qbo_type, qbo_id, qbo_name)"
        " values (%s, %s, %s, %s, 'Bob')",
        (company, member, kind, id_),
    )


def refusal(error: pytest.ExceptionInfo[psycopg.Error]) -> str:
    return f"{error.value.diag.message_primary} / {error.value.diag.message_hint}"


# --- connecting and disconnecting ---


def test_the_first_connection_has_exactly_the_seven_defaults(database: Database) -> None:
    database.add_company()
    assert methods(database) == DEFAULTS


def test_connecting_the_same_company_again_changes_no_mapping(database: Database) -> None:
    database.add_company()
    database.execute("update syncd.payment_method_map set qbo_name = 'Visa/MC' where method = 'card'")
    database.execute("delete from syncd.payment_method_map where method = 'zelle'")
    map_account(database, "income")
    before = methods(database)
    connect(database)
    assert methods(database) == before
    assert database.value("select count(*) from syncd.account_map") == 1


def test_another_company_of_quickbooks_gets_the_defaults_and_none_of_the_ids(database: Database) -> None:
    database.add_company()
    database.execute("update syncd.payment_method_map set qbo_name = 'Visa/MC'")
    map_account(database, "income")
    connect(database, realm="9131")
    assert methods(database) == DEFAULTS
    in_use = "select count(*) from syncd.account_map m join syncd.company c using (company_id, environment, realm_id)"
    assert database.value(in_use) == 0
    connect(database, realm="9130")
    assert database.value(in_use) == 1, "kept with its realm, and offered again for it"


def test_disconnecting_clears_payment_methods_and_keeps_what_belongs_to_the_realm(database: Database) -> None:
    database.add_company()
    database.execute("update syncd.payment_method_map set qbo_name = 'Visa/MC'")
    map_account(database, "income")
    map_tax(database, "8.25", 8.25)
    map_employee(database, add_member(database, "Bob"), "55")
    disconnect(database)
    assert methods(database) == []
    for table in ("account_map", "tax_map", "employee_map"):
        assert database.value(f"select count(*) from syncd.{table}") == 1  # noqa: S608 - one of these three
    connect(database)
    assert methods(database) == DEFAULTS, "customisation is gone"


def test_disconnecting_removes_the_tokens_and_closes_the_lane(database: Database) -> None:
    database.add_company()
    database.add_customer("Ann")
    engine = Engine(database)
    engine.absorb()
    [(tokens, waiting, unknown)] = disconnect(database)
    assert (bytes(tokens), waiting, unknown) == (b"\0", 1, 0)
    assert database.rows(
        "select state::text, tokens, access_expires_at, realm_id from syncd.company where company_id = '1'"
    ) == [("disconnected", None, None, "9130")]
    assert engine.lease() == {}
    assert disconnect(database) == []


def test_a_daemon_at_work_is_refused_once_the_company_is_disconnected(database: Database) -> None:
    database.add_company()
    database.add_customer("Ann")
    engine = Engine(database)
    engine.absorb()
    epoch = engine.lease()["1"]
    begun = database.value("select started_at from syncd.begin_refresh('1', %s, %s)", (engine.worker, epoch))
    disconnect(database)
    with pytest.raises(psycopg.Error) as lost:
        engine.decide(epoch)
    assert lost.value.sqlstate == "SY001"
    database.execute(
        "select syncd.keep_tokens('1', %s, %s, %s, '\\x01', now(), now())", (engine.worker, epoch, begun)
    )
    assert database.value("select tokens from syncd.company where company_id = '1'") is None


def test_what_was_never_answered_is_settled_when_the_same_company_is_connected_again(
    database: Database,
) -> None:
    database.add_company()
    ann = database.add_customer("Ann")
    engine = Engine(database)
    engine.absorb()
    epoch = engine.lease()["1"]
    call = engine.intend(epoch, *engine.decide(epoch))
    [(_, waiting, unknown)] = disconnect(database)
    assert (waiting, unknown) == (0, 1)
    job = engine.job(ann)
    assert job is not None
    assert job["state"] == "unknown"
    connect(database)
    assert engine.reopen(engine.lease()["1"]) == call


def test_a_call_that_was_never_answered_is_abandoned_when_another_company_is_connected(
    database: Database,
) -> None:
    database.add_company()
    ann = database.add_customer("Ann")
    engine = Engine(database)
    engine.absorb()
    epoch = engine.lease()["1"]
    engine.intend(epoch, *engine.decide(epoch))
    disconnect(database)
    connect(database, realm="9131")
    assert database.value("select outcome::text from syncd.call") == "abandoned"
    job = engine.job(ann)
    assert job is not None
    assert job["state"] == "pending"


def test_what_stopped_in_the_former_company_is_tried_in_the_new_one(database: Database) -> None:
    database.add_company()
    refused(database, "income_account_missing", "name_empty")
    connect(database)
    assert due(database) == set()
    connect(database, realm="9131")
    assert database.rows("select distinct state::text, due_at, error_code from syncd.job") == [
        ("pending", None, None)
    ]


# --- what a mapping makes due ---

ALL = (
    "income_account_missing",
    "expense_account_missing",
    "discount_account_missing",
    "deposit_account_missing",
    "item_missing",
    "method_missing",
    "tax_code_missing",
    "tax_code_without_rate",
    "name_empty",
)


@pytest.mark.parametrize(
    ("statement", "released"),
    [
        ("insert into syncd.account_map (company_id, slot, qbo_id, qbo_name) values ('1', 'income', '4', 'A')",
         {"income_account_missing"}),
        ("insert into syncd.account_map (company_id, slot, qbo_id, qbo_name) values ('1', 'expenses', '4', 'A')",
         {"expense_account_missing"}),
        ("insert into syncd.account_map (company_id, slot, qbo_id, qbo_name) values ('1', 'discounts', '4', 'A')",
         {"discount_account_missing"}),
        ("insert into syncd.account_map (company_id, slot, qbo_id, qbo_name)"
         " values ('1', 'undeposited_funds', '4', 'A')", {"deposit_account_missing"}),
        ("insert into syncd.account_map (company_id, slot, qbo_id, qbo_name) values ('1', 'checking', '4', 'A')",
         set()),
        ("insert into syncd.item_map (company_id, slot, qbo_id, qbo_name) values ('1', 'lines', '4', 'A')",
         {"item_missing"}),
        ("update syncd.payment_method_map set qbo_name = 'Visa' where method = 'card' and company_id = '1'",
         {"method_missing"}),
        ("insert into syncd.tax_map (company_id, slot, qbo_id, qbo_name) values ('1', '8.25', '4', 'A')",
         {"tax_code_missing", "tax_code_without_rate"}),
        ("insert into syncd.tax_map (company_id, slot, qbo_id, qbo_name) values ('1', 'untaxed', '4', 'A')",
         {"tax_code_missing", "tax_code_without_rate"}),
    ],
)  # fmt: skip
def test_a_mapping_makes_due_what_was_refused_for_want_of_it_and_nothing_else(
    database: Database, statement: str, released: set[str]
) -> None:
    database.add_company()
    database.add_company("2", realm="9131")
    refused(database, *ALL[::2])
    refused(database, *ALL[1::2], state="held")
    refused(database, *ALL, company="2")
    database.execute("update syncd.lane set due_at = 'infinity'")
    database.execute(statement)
    assert due(database) == released
    assert due(database, "2") == set()
    if released:
        assert Engine(database).lease().keys() == {"1"}


def test_a_mapping_of_a_realm_that_is_not_connected_makes_nothing_due(database: Database) -> None:
    database.add_company()
    refused(database, "income_account_missing")
    database.execute("insert into syncd.account_map values ('1', 'sandbox', '7', 'income', '4', 'Services')")
    database.execute(
        "insert into syncd.account_map values ('1', 'production', '9130', 'income', '4', 'Services')"
    )
    assert due(database) == set()


def test_a_mapping_wakes_a_sleeping_daemon(database: Database) -> None:
    database.add_company()
    with psycopg.connect(database.dsn, autocommit=True) as listener:
        listener.execute("listen syncd_lanes")
        map_account(database, "income")
        [heard] = listener.notifies(timeout=60, stop_after=1)
    assert heard.payload == "1"


@pytest.mark.parametrize("written", ["refused first", "mapped first"])
def test_a_mapping_set_between_verdict_and_refusal_is_not_missed(database: Database, written: str) -> None:
    """The daemon reads the document, without the mapping, in one transaction and refuses it in another."""
    database.add_company()
    engine = Engine(database)
    database.execute(
        "insert into syncd.job (company_id, entity_type, entity_id) values ('1', 'payment', '7')"
    )
    version = database.value("select version from syncd.job")
    database.execute("update syncd.lane set due_at = now() where company_id = '1'")
    epoch = engine.lease()["1"]

    def refuse() -> None:
        database.execute(
            "select syncd.refuse('1', %s, %s, 'payment', '7', 'INV-1', %s, 'error', 'record', false,"
            " 'method_missing', 'x')",
            (engine.worker, epoch, version),
        )

    rename = "update syncd.payment_method_map set qbo_name = 'Visa/MC' where method = 'card'"
    if written == "refused first":
        refuse()
        database.execute(rename)
    else:
        database.execute(rename)
        with pytest.raises(psycopg.Error) as changed:
            refuse()
        assert changed.value.sqlstate == "SY002"
    assert due(database) == {"7"}


def test_a_payment_that_waits_for_a_method_of_a_bad_name_goes_once_another_name_is_chosen(
    database: Database,
) -> None:
    database.add_company()
    database.execute(
        "insert into syncd.job (company_id, entity_type, entity_id, state, due_at, reason, error_code)"
        " values ('1', 'payment_method', '1/visa:mc', 'error', 'infinity', 'why', '2040')"
    )
    database.execute(
        "insert into syncd.job (company_id, entity_type, entity_id, state, due_at, waits_on, waits_for_type,"
        " waits_for_id) values"
        " ('1', 'payment', '7', 'waiting', 'infinity', 'record', 'payment_method', '1/visa:mc'),"
        " ('1', 'payment', '8', 'waiting', 'infinity', 'record', 'invoice', '5')"
    )
    database.execute("update syncd.payment_method_map set qbo_name = 'Visa' where method = 'card'")
    assert due(database) == {"7"}
    assert database.value("select count(*) from syncd.job where entity_type = 'payment_method'") == 0


# --- what is refused, and who it was ---


def test_a_row_says_who_made_it(database: Database) -> None:
    database.add_company()
    map_account(database, "income")
    with database.connection.transaction():
        database.execute("select set_config('syncd.actor', 'bookkeeper', true)")
        map_account(database, "checking", "5")
    assert database.rows("select m.slot::text, m.updated_by from syncd.account_map m order by m.slot") == [
        ("income", "postgres"),
        ("checking", "bookkeeper"),
    ]
    first = database.value("select updated_at from syncd.account_map where slot = 'income'")
    database.execute(
        "update syncd.account_map set qbo_name = 'Sales', updated_at = 'epoch' where slot = 'income'"
    )
    assert database.value("select updated_at from syncd.account_map where slot = 'income'") > first


def test_a_row_without_realm_is_of_the_one_connected_now(database: Database) -> None:
    database.add_company()
    map_account(database, "income")
    assert database.rows("select environment::text, realm_id from syncd.account_map") == [("sandbox", "9130")]
    disconnect(database)
    with pytest.raises(errors.CheckViolation) as error:
        map_account(database, "checking")
    assert refusal(error).startswith(
        'company "1" is not connected to QuickBooks / A mapping is of one company'
    )


def test_payments_are_not_kept_in_the_account_that_they_are_paid_out_to(database: Database) -> None:
    database.add_company()
    map_account(database, "undeposited_funds", "4")
    with pytest.raises(errors.CheckViolation) as error:
        map_account(database, "checking", "4")
    assert "is both Undeposited Funds and Checking Account" in refusal(error)
    map_account(database, "refunds_clearing", "4")


def test_members_and_employees_are_mapped_one_to_one(database: Database) -> None:
    database.add_company()
    bob, ann = add_member(database, "Bob"), add_member(database, "Ann")
    map_employee(database, bob, "55")
    with pytest.raises(errors.CheckViolation) as error:
        map_employee(database, ann, "55")
    assert refusal(error) == (
        'employee "Bob" is mapped to member "Bob" already / One person is one member. To take it from there:'
        f" syncd map employees clear 1 {bob}"
    )
    map_employee(database, ann, "55", "Vendor")
    connect(database, realm="9131")
    map_employee(database, ann, "55")


def test_a_realm_may_move_to_another_company_with_its_employees(database: Database) -> None:
    database.add_company()
    map_employee(database, add_member(database, "Bob"), "55")
    disconnect(database)
    database.add_company("2", realm="9130")
    map_employee(database, add_member(database, "Bob", "2"), "55", company="2")


def test_a_member_of_another_company_is_refused(database: Database) -> None:
    database.add_company()
    database.add_company("2", realm="9131")
    stranger = add_member(database, "Eve", "2")
    for member in (stranger, "no-member"):
        with pytest.raises(errors.CheckViolation) as error:
            map_employee(database, member, "55")
        assert refusal(error) == f'company "1" has no member "{member}" / See: syncd map employees list 1'


@pytest.mark.parametrize("name", ["", "  ", "x" * 32, "a\tb", "a\x7fb"])
def test_a_payment_methods_name_must_be_one_that_quickbooks_takes(database: Database, name: str) -> None:
    database.add_company()
    with pytest.raises(errors.CheckViolation):
        database.execute("update syncd.payment_method_map set qbo_name = %s", (name,))
    database.execute("update syncd.payment_method_map set qbo_name = %s", (" " + "x" * 31 + " ",))
    assert methods(database)[0] == ("card", "x" * 31)


@pytest.mark.parametrize(
    ("region", "slot", "percents", "sentence"),
    [
        ("us", "8.25", [6.25, 2], None),
        ("us", "8.25", [], None),
        ("us", "8.25", [6.25], 'tax code "Code" comes to 6.25 % in QuickBooks, not to 8.25 %'),
        ("ca", "12", [5, 7], None),
        ("ca", "12", [], 'tax code "Code" comes to 0 % in QuickBooks, not to 12 %'),
        ("ca", "13", [5, 7], 'tax code "Code" comes to 12 % in QuickBooks, not to 13 %'),
        ("ca", "untaxed", [], None),
        ("ca", "untaxed", [0], None),
        ("ca", "untaxed", [5], 'tax code "Code" comes to 5 % in QuickBooks, not to 0 %'),
        ("ca", "0", [0], None),
        ("ca", "twelve", [12], '"twelve" is no tax rate'),
        ("ca", "-5", [5], '"-5" is no tax rate'),
        ("ca", "12", ["12"], 'a rate of tax code "Code" lacks its rate_ref or its percent'),
    ],
)
def test_a_tax_code_must_come_to_the_rate_that_it_stands_for(
    database: Database, region: str, slot: str, percents: list[Any], sentence: str | None
) -> None:
    database.add_company()
    database.execute("update syncd.company set region = %s", (region,))
    if sentence is None:
        map_tax(database, slot, *percents)
        return
    with pytest.raises(errors.CheckViolation) as error:
        map_tax(database, slot, *percents)
    assert sentence in refusal(error)


def test_a_rate_is_one_however_it_is_written(database: Database) -> None:
    database.add_company()
    map_tax(database, "08.250", 8.25)
    with pytest.raises(errors.UniqueViolation):
        map_tax(database, "8.25", 8.25)
    map_tax(database, "10.00", 10)
    assert database.rows("select slot from syncd.tax_map order by slot") == [("10",), ("8.25",)]


@pytest.mark.parametrize("column", ["qbo_id", "qbo_name"])
def test_a_mapping_to_nothing_is_refused(database: Database, column: str) -> None:
    database.add_company()
    map_account(database, "income")
    with pytest.raises(errors.CheckViolation) as error:
        database.execute(f"update syncd.account_map set {column} = ' '")  # noqa: S608 - one of these two
    assert "syncd map ... suggest" in refusal(error)


def test_admins_write_mappings_and_readers_only_read_them(database: Database) -> None:
    database.add_company()
    refused(database, "income_account_missing")
    with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
        admin.execute(
            "insert into syncd.account_map (company_id, slot, qbo_id, qbo_name) values ('1', 'income', '4', 'A')"
        )
        assert due(database) == {"income_account_missing"}
        admin.execute("delete from syncd.account_map")
        admin.execute("select syncd.disconnect_company('1')")
    for dsn in (database.reader_dsn, database.daemon_dsn):
        with psycopg.connect(dsn, autocommit=True) as other:
            for table in ("account_map", "item_map", "employee_map", "payment_method_map", "tax_map"):
                other.execute(f"select from syncd.{table}")
                with pytest.raises(errors.InsufficientPrivilege):
                    other.execute(f"delete from syncd.{table}")  # noqa: S608 - one of these five
