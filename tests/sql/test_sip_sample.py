"""The sample data of the reference SIP schema, and what that schema refuses."""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from syncd.demo.postgres import throwaway_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

SQL = Path(__file__).parents[2] / "sql" / "sip"
TABLES = (
    "organizations",
    "members",
    "customers",
    "service_items",
    "jobs",
    "job_members",
    "invoices",
    "invoice_lines",
    "payments",
    "timesheets",
    "timesheet_entries",
    "timer_entries",
)
CENT = Decimal("0.01")

Connection = psycopg.Connection[dict[str, Any]]


@pytest.fixture(scope="session")
def sip_database() -> Iterator[str]:
    """A database with schema sip and the generator. Tests roll back what they add."""
    with throwaway_postgres() as server:
        with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
            connection.execute("create database sip_sample")
        with psycopg.connect(server.dsn("sip_sample")) as connection:
            connection.execute((SQL / "schema.sql").read_bytes())
            connection.execute((SQL / "sample.sql").read_bytes())
        yield server.dsn("sip_sample")


@pytest.fixture
def sip(sip_database: str) -> Iterator[Connection]:
    with psycopg.connect(sip_database, row_factory=dict_row) as connection:
        yield connection
        connection.rollback()


def fill(sip: Connection, **arguments: object) -> dict[str, int]:
    named = sql.SQL(", ").join(
        sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in arguments
    )
    rows = sip.execute(sql.SQL("select * from sip_sample.fill({})").format(named), arguments).fetchall()
    return {row["kind"]: row["added"] for row in rows}


def rows_of(sip: Connection, table: str) -> list[dict[str, Any]]:
    query = sql.SQL("select * from {} order by 1, 2").format(sql.Identifier("sip", table))
    return sip.execute(query).fetchall()


def names_by_organization(sip: Connection) -> list[list[str]]:
    """The customers' names as people compare them, in the order of their ids."""
    names = defaultdict(list)
    for row in rows_of(sip, "customers"):
        names[row["organization_id"]].append(row["name"].strip().lower())
    return list(names.values())


def half_up(amount: Fraction) -> Decimal:
    """To the cent, from an exact fraction: a tie is seen as a tie."""
    cents = amount * 100
    return (Decimal((2 * cents.numerator + cents.denominator) // (2 * cents.denominator)) * CENT).quantize(
        CENT
    )


def contents(sip: Connection, **arguments: object) -> dict[str, list[dict[str, Any]]]:
    """Every row that a fill of an empty schema adds, ids counted from one."""
    sip.execute("truncate sip.organizations restart identity cascade")
    fill(sip, **arguments)
    return {table: rows_of(sip, table) for table in TABLES}


def test_the_same_seed_gives_the_same_rows(sip: Connection) -> None:
    size = {"organizations": 3, "customers": 40, "name_clashes": 3, "deleted": 2}
    first = contents(sip, seed=7, **size)
    assert contents(sip, seed=7, **size) == first
    assert all(first.values()), "a table stayed empty"
    sip.execute("set local timezone = 'Pacific/Auckland'")
    assert contents(sip, seed=7, **size) == first


def test_another_seed_gives_other_customers(sip: Connection) -> None:
    def people(seed: int) -> set[str]:
        return {row["name"] for row in contents(sip, seed=seed, customers=100)["customers"]}

    assert len(people(1) & people(2)) < 50


@pytest.mark.parametrize(("organizations", "customers"), [(0, 0), (1, 0), (1, 1), (4, 25), (1, 1000)])
def test_sizes_are_as_asked(sip: Connection, organizations: int, customers: int) -> None:
    added = fill(sip, organizations=organizations, customers=customers)
    assert added["organizations"] == organizations
    assert added["customers"] == organizations * customers
    per_organization = Counter(row["organization_id"] for row in rows_of(sip, "customers"))
    assert set(per_organization.values()) <= {customers}


def test_proportions_are_those_of_a_small_business(sip: Connection) -> None:
    added = fill(sip, customers=2000)
    assert 5500 < added["invoices"] < 6500
    invoices = rows_of(sip, "invoices")
    statuses = Counter(row["status"] for row in invoices)
    assert 0.55 < statuses["paid"] / len(invoices) < 0.65
    assert {row["mode"] for row in invoices} == {"line_items", "fixed", "percent"}
    assert {row["discount_type"] for row in invoices} == {"none", "percent", "fixed"}
    assert Decimal(0) in {row["total"] for row in invoices}
    assert len({row["method"] for row in rows_of(sip, "payments")}) == 7
    assert {row["status"] for row in rows_of(sip, "payments")} == {
        "pending",
        "collected",
        "failed",
        "refunded",
    }
    assert {row["status"] for row in rows_of(sip, "timesheets")} == {"draft", "submitted", "approved"}


def test_a_second_fill_adds_to_the_first_and_the_app_can_go_on(sip: Connection) -> None:
    fill(sip, customers=10)
    before = {table: len(rows_of(sip, table)) for table in TABLES}
    fill(sip, customers=10)
    assert {table: len(rows_of(sip, table)) for table in TABLES} == {t: 2 * n for t, n in before.items()}
    organization = rows_of(sip, "organizations")[-1]["id"]
    sip.execute("insert into sip.customers (organization_id, name) values (%s, 'Next')", [organization])
    assert rows_of(sip, "customers")[-1]["name"] == "Next"


@pytest.mark.parametrize(
    ("left_out", "empty"),
    [
        ("service_items", {"service_items"}),
        ("jobs", {"jobs", "job_members", "timer_entries"}),
        ("invoices", {"invoices", "invoice_lines", "payments"}),
        ("payments", {"payments"}),
        ("timesheets", {"timesheets", "timesheet_entries", "timer_entries"}),
    ],
)
def test_a_kind_of_record_can_be_left_out(sip: Connection, left_out: str, empty: set[str]) -> None:
    fill(sip, customers=60, **{left_out: False})
    assert {table for table in TABLES if not rows_of(sip, table)} == empty


def test_names_are_unique_and_plain_at_any_size(sip: Connection) -> None:
    only_customers = {"jobs": False, "invoices": False, "timesheets": False, "service_items": False}
    fill(sip, organizations=2, customers=40_000, **only_customers)
    for names in names_by_organization(sip):
        assert len(set(names)) == len(names) == 40_000
        assert max(map(len, names)) <= 120
        assert all(name.isprintable() for name in names)


@pytest.mark.parametrize("clashes", [0, 1, 7, 99])
def test_exactly_the_asked_clashes_are_planted(sip: Connection, clashes: int) -> None:
    fill(sip, organizations=3, customers=100, name_clashes=clashes)
    for names in names_by_organization(sip):
        earlier: set[str] = set()
        repeats = 0
        for name in names:
            repeats += name in earlier
            earlier.add(name)
        assert repeats == clashes


def test_some_clashes_differ_in_case_or_blanks_only(sip: Connection) -> None:
    fill(sip, customers=100, name_clashes=20)
    written = [row["name"] for row in rows_of(sip, "customers")]
    assert len(set(written)) > len({name.strip().lower() for name in written})


def test_exactly_the_asked_customers_are_deleted(sip: Connection) -> None:
    fill(sip, customers=50, name_clashes=5, deleted=4)
    assert sum(row["deleted_at"] is not None for row in rows_of(sip, "customers")) == 4


@pytest.mark.parametrize(
    "arguments",
    [
        {"customers": 10, "name_clashes": 10},
        {"customers": 10, "name_clashes": 5, "deleted": 5},
        {"customers": -1},
        {"organizations": -1},
        {"customers": 10, "name_clashes": -1},
    ],
)
def test_a_size_that_cannot_be_is_refused(sip: Connection, arguments: dict[str, int]) -> None:
    with pytest.raises(psycopg.errors.RaiseException):
        fill(sip, **arguments)


@pytest.mark.parametrize(
    ("oddity", "condition"),
    [
        ("apostrophe", "name like '%''%'"),
        ("accent", "name ~ '[áéíóúñôçëü]'"),
        ("ideographs", "name ~ '[李王山佐김陳林鈴박]'"),
        ("emoji", "name ~ '[🌸🔧🐾😀🏡]'"),
        ("trailing blank", "name like '% '"),
        ("double blank", "name like '%  %'"),
        ("ampersand", "name like '%&%'"),
        ("colon", "name like '%:%'"),
        ("very long", "char_length(name) > 100"),
        ("upper case", 'name = upper(name collate "C")'),
        ("lower case", 'name = lower(name collate "C")'),
        ("no e-mail", "email is null"),
        ("empty e-mail", "email = ''"),
        ("invalid e-mail", "email like '% %'"),
        ("no phone", "phone is null"),
        ("over-long phone", "char_length(phone) > 30"),
        ("no address", "street is null and city is null and state is null and zip is null"),
        ("address of two lines", "street like E'%\\n%'"),
        ("Canadian postal code", "zip ~ '^[A-Z][0-9][A-Z] [0-9][A-Z][0-9]$'"),
        ("unsubscribed", "email_unsubscribed"),
    ],
)
def test_what_occurs_in_life_occurs(sip: Connection, oddity: str, condition: LiteralString) -> None:
    fill(sip, organizations=3, customers=2000, invoices=False, jobs=False, timesheets=False)
    query = sql.SQL("select count(*) as n from sip.customers where {}").format(sql.SQL(condition))
    found = sip.execute(query).fetchone()
    assert found is not None
    assert found["n"] > 0, oddity


def test_contacts_are_invented(sip: Connection) -> None:
    fill(sip, organizations=3, customers=2000, invoices=False, jobs=False, timesheets=False)
    for row in rows_of(sip, "customers") + rows_of(sip, "members"):
        if row["email"]:
            assert row["email"].rsplit("@", 1)[1] in {"example.com", "example.net", "example.org"}
        if row.get("phone"):
            assert "55501" in "".join(filter(str.isdigit, row["phone"])), row["phone"]


def test_every_invoice_adds_up(sip: Connection) -> None:
    fill(sip, organizations=3, customers=700)
    lines = defaultdict(list)
    for line in rows_of(sip, "invoice_lines"):
        lines[line["invoice_id"]].append(line)
    contract_totals = {job["id"]: job["contract_total"] for job in rows_of(sip, "jobs")}
    invoices = rows_of(sip, "invoices")
    assert len(invoices) > 5000
    for invoice in invoices:
        if invoice["mode"] == "line_items":
            own = lines[invoice["id"]]
            assert own
            assert [line["position"] for line in own] == list(range(1, len(own) + 1))
            amounts = [(Fraction(ln["quantity"]) * Fraction(ln["unit_price"]), ln["taxable"]) for ln in own]
            subtotal = half_up(sum((amount for amount, _ in amounts), Fraction(0)))
            taxable = half_up(sum((amount for amount, is_taxable in amounts if is_taxable), Fraction(0)))
        else:
            assert invoice["id"] not in lines
            subtotal = invoice["amount"]
            if invoice["mode"] == "percent":
                of_job = Fraction(contract_totals[invoice["job_id"]])
                subtotal = half_up(of_job * Fraction(invoice["percent"]) / 100)
            taxable = subtotal
        discount = {
            "none": Decimal("0.00"),
            "fixed": invoice["discount_value"],
            "percent": half_up(Fraction(subtotal) * Fraction(invoice["discount_value"]) / 100),
        }[invoice["discount_type"]]
        base = Fraction(0)
        if subtotal:
            base = Fraction(taxable) - Fraction(discount) * Fraction(taxable) / Fraction(subtotal)
        tax = half_up(base * Fraction(invoice["tax_rate"]) / 100)
        stored = [invoice[name] for name in ("subtotal", "discount", "tax", "total")]
        assert stored == [subtotal, discount, tax, subtotal - discount + tax], invoice


def test_the_test_s_own_rounding_is_half_up() -> None:
    for text in ("0.005", "1861.075", "0.004999", "2.675", "1.485"):
        assert half_up(Fraction(text)) == Decimal(text).quantize(CENT, ROUND_HALF_UP)


def test_invoices_of_an_organization_are_numbered_in_a_row(sip: Connection) -> None:
    fill(sip, organizations=2, customers=50)
    for organization in rows_of(sip, "organizations"):
        prefix = organization["invoice_prefix"]
        own = [row for row in rows_of(sip, "invoices") if row["organization_id"] == organization["id"]]
        assert sorted(row["number"] for row in own) == [f"{prefix}{n:05d}" for n in range(1, len(own) + 1)]
        assert organization["next_sequence"] == len(own) + 1


def test_each_paid_invoice_has_its_payment(sip: Connection) -> None:
    fill(sip, organizations=2, customers=300)
    payments = defaultdict(list)
    for payment in rows_of(sip, "payments"):
        payments[payment["invoice_id"]].append(payment)
    for invoice in rows_of(sip, "invoices"):
        own = payments[invoice["id"]]
        assert all(payment["amount"] == invoice["total"] for payment in own)
        settled = [payment for payment in own if payment["status"] in ("collected", "refunded")]
        assert len(settled) == (invoice["status"] == "paid")
        assert invoice["status"] != "draft" or not own


def test_records_stay_within_their_organization(sip: Connection) -> None:
    fill(sip, organizations=4, customers=50)
    strays = sip.execute(
        """
        select 'invoice' as kind, i.id from sip.invoices i join sip.customers c on c.id = i.customer_id
        where c.organization_id <> i.organization_id
        union all select 'invoice of a job', i.id from sip.invoices i join sip.jobs j on j.id = i.job_id
        where j.customer_id <> i.customer_id
        union all select 'line', l.id from sip.invoice_lines l join sip.invoices i on i.id = l.invoice_id
        join sip.service_items s on s.id = l.service_item_id where s.organization_id <> i.organization_id
        union all select 'payment', p.id from sip.payments p join sip.invoices i on i.id = p.invoice_id
        left join sip.members m on m.id = p.recorded_by
        where i.organization_id <> p.organization_id or m.organization_id <> p.organization_id
        union all select 'job', j.id from sip.jobs j join sip.customers c on c.id = j.customer_id
        where c.organization_id <> j.organization_id
        union all select 'member of a job', j.id from sip.job_members jm join sip.jobs j on j.id = jm.job_id
        join sip.members m on m.id = jm.member_id where m.organization_id <> j.organization_id
        union all select 'entry', e.id from sip.timesheet_entries e
        join sip.timesheets t on t.id = e.timesheet_id join sip.jobs j on j.id = e.job_id
        where j.organization_id <> t.organization_id
        union all select 'timer', e.id from sip.timesheet_entries e
        join sip.timesheets t on t.id = e.timesheet_id join sip.timer_entries r on r.id = e.timer_entry_id
        where (r.member_id, r.work_date, r.minutes, r.job_id)
        is distinct from (t.member_id, t.work_date, e.minutes, e.job_id)
        """
    ).fetchall()
    assert strays == []


def test_no_record_is_later_than_the_day_asked_for(sip: Connection) -> None:
    fill(sip, customers=300, as_of="2024-02-29")
    latest = sip.execute(
        """
        select greatest((select max(issue_date) from sip.invoices), (select max(paid_on) from sip.payments),
            (select max(work_date) from sip.timesheets), (select max(created_at)::date from sip.customers)
        )::text as day
        """
    ).fetchone()
    assert latest == {"day": "2024-02-29"}


def test_an_organization_can_be_deleted_with_all_it_owns(sip: Connection) -> None:
    fill(sip, organizations=2, customers=30)
    sip.execute("delete from sip.organizations")
    assert [table for table in TABLES if rows_of(sip, table)] == []


def test_schema_sip_has_no_trigger_and_no_function_of_its_own(sip: Connection) -> None:
    found = sip.execute(
        """
        select proname::text as name from pg_proc where pronamespace = 'sip'::regnamespace
        union all
        select tgname::text from pg_trigger join pg_class on pg_class.oid = tgrelid
        where relnamespace = 'sip'::regnamespace and not tgisinternal
        """
    ).fetchall()
    assert found == []


REFUSED: list[tuple[str, LiteralString]] = [
    ("organization without a name", "update sip.organizations set name = ' '"),
    ("prefix of 21 characters", "update sip.organizations set invoice_prefix = repeat('x', 21)"),
    ("sequence below one", "update sip.organizations set next_sequence = 0"),
    ("default tax rate above 100", "update sip.organizations set default_tax_rate = 100.01"),
    ("default tax rate below 0", "update sip.organizations set default_tax_rate = -0.01"),
    ("unknown plan", "update sip.organizations set plan = 'gold'"),
    ("unknown role", "update sip.members set role = 'admin'"),
    ("negative wage", "update sip.members set hourly_rate = -1"),
    ("customer without a name", "update sip.customers set name = ''"),
    ("unknown job status", "update sip.jobs set status = 'open'"),
    (
        "job that ends before it starts",
        "update sip.jobs set starts_at = now(), ends_at = now() - interval '1 h'",
    ),
    ("unknown invoice status", "update sip.invoices set status = 'void'"),
    ("unknown mode", "update sip.invoices set mode = 'hourly'"),
    ("fixed without an amount", "update sip.invoices set mode = 'fixed', amount = null"),
    ("percent without a job", "update sip.invoices set mode = 'percent', percent = 10, job_id = null"),
    ("tax rate above 100", "update sip.invoices set tax_rate = 100.01"),
    ("tax rate below 0", "update sip.invoices set tax_rate = -0.01"),
    ("unknown discount type", "update sip.invoices set discount_type = 'coupon'"),
    (
        "discount above 100 %",
        "update sip.invoices set discount_type = 'percent', discount_value = 100.01",
    ),
    ("discount value without a type", "update sip.invoices set discount_type = 'none', discount_value = 1"),
    (
        "discount above the subtotal",
        "update sip.invoices set subtotal = 1, discount = 1.01, tax = 0, total = -0.01",
    ),
    ("total that does not add up", "update sip.invoices set total = total + 0.01"),
    ("no due date", "update sip.invoices set due_date = null"),
    ("description of 501 characters", "update sip.invoice_lines set description = repeat('x', 501)"),
    ("unknown method", "update sip.payments set method = 'wire'"),
    ("unknown payment status", "update sip.payments set status = 'disputed'"),
    ("negative payment", "update sip.payments set amount = -1"),
    ("negative tip", "update sip.payments set tip = -1"),
    ("collected without a date", "update sip.payments set status = 'collected', paid_on = null"),
    ("unknown timesheet status", "update sip.timesheets set status = 'open'"),
    (
        "second timesheet of a date",
        "insert into sip.timesheets (organization_id, member_id, work_date)"
        " select organization_id, member_id, work_date from sip.timesheets",
    ),
    ("unknown entry type", "update sip.timesheet_entries set entry_type = 'lunch'"),
    ("negative minutes", "update sip.timesheet_entries set minutes = -1"),
    ("two running timers of a member", "update sip.timer_entries set minutes = null"),
    ("customer with invoices deleted", "delete from sip.customers"),
    ("invoice with a payment deleted", "delete from sip.invoices"),
    ("member with timesheets deleted", "delete from sip.members"),
]


@pytest.mark.parametrize("statement", [s for _, s in REFUSED], ids=[name for name, _ in REFUSED])
def test_the_schema_refuses(sip: Connection, statement: LiteralString) -> None:
    fill(sip, customers=20)
    with pytest.raises(psycopg.errors.IntegrityError):
        sip.execute(statement)


ALLOWED: list[tuple[str, LiteralString]] = [
    ("prefix of 20 characters", "update sip.organizations set invoice_prefix = repeat('x', 20)"),
    ("tax rate of 100", "update sip.invoices set tax_rate = 100"),
    ("two customers of one name", "update sip.customers set name = 'Ann Lee'"),
    ("two invoices of one number", "update sip.invoices set number = 'INV-00042'"),
    ("description of 500 characters", "update sip.invoice_lines set description = repeat('x', 500)"),
    (
        "invoice of nothing",
        "update sip.invoices set subtotal = 80, discount = 80, tax = 0, total = 0",
    ),
    (
        "negative total",
        "update sip.invoices set subtotal = -5, discount = 0, tax = 0, total = -5",
    ),
    ("payment of nothing", "update sip.payments set amount = 0"),
    ("entry of no time", "update sip.timesheet_entries set minutes = 0"),
    ("three decimals in a price", "update sip.invoice_lines set unit_price = 1861.075"),
]


@pytest.mark.parametrize("statement", [s for _, s in ALLOWED], ids=[name for name, _ in ALLOWED])
def test_the_schema_allows(sip: Connection, statement: LiteralString) -> None:
    fill(sip, customers=20)
    assert sip.execute(statement).rowcount > 0
