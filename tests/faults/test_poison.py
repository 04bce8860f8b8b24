"""One record that can never pass must not stop the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.company import Company

if TYPE_CHECKING:
    from tests.faults.conftest import Town
    from tests.support.proxy import Proxy


def test_a_record_on_which_quickbooks_always_fails(town: Town, proxy: Proxy) -> None:
    realm = town.connect()
    proxy.refuse = lambda sent: (500, b"oops") if b'"Poison"' in sent and b"SELECT" not in sent else None
    town.world.daemon({"SYNCD_QBO_SANDBOX_URL": proxy.url})
    town.database.add_customer("Poison")
    town.wait(lambda: town.states() == ["unknown"])
    for number in range(5):
        town.database.add_customer(f"Customer {number}")

    def others_passed() -> bool:
        town.hurry()
        return len(town.sandbox.objects(realm)) == 5

    town.wait(others_passed, "others pass")

    def given_up() -> bool:
        town.hurry()
        return town.states() == ["error"]

    town.wait(given_up)
    town.check(not_there=("Poison",))
    # Three attempts, a minute and ten minutes apart; the outages in between count none.
    waits = [
        None if wait is None else float(wait)
        for (wait,) in town.database.rows(
            "select round(extract(epoch from next_attempt_at - occurred_at)) from syncd.sync_log"
            " where error_class = 'record' order by log_id"
        )
    ]
    assert waits == [60.0, 600.0, None]
    proxy.refuse = lambda _sent: None
    town.world.syncd("retry", "1", "--all-errors")
    town.settle()
    town.check()


def test_a_record_that_cannot_be_built(town: Town) -> None:
    realm = town.connect()
    town.world.daemon()
    long = town.database.add_customer("x" * 600)
    town.database.add_customer("Bob")
    town.wait(lambda: "Bob" in town.world.names(realm))
    town.wait(lambda: town.states() == ["error"])
    [error] = town.errors()
    assert "600 characters" in error
    town.check(not_there=("x" * 600,))
    assert len(town.sandbox.writes(realm)) == 1
    town.database.execute("update sip.customers set name = 'Short' where id = %s", (long,))
    town.settle()
    town.check()


def test_a_record_that_cannot_be_read(town: Town) -> None:
    """The views of sql/source are an installation's own, and one of them may fail on an odd row."""
    realm = town.connect()
    definition = town.database.value("select pg_get_viewdef('syncd.source_customer'::regclass)")
    odd = definition.replace(
        "phone,", "case name when 'Odd' then 1 / (id - id) || '' else phone end as phone,"
    )
    assert odd != definition
    town.database.execute(f"create or replace view syncd.source_customer as {odd}")
    town.world.daemon()
    for name in ("Ann", "Odd", "Bob"):
        town.database.add_customer(name)
    town.wait(lambda: town.world.names(realm) == ["Ann", "Bob"], "the others pass")
    town.wait(lambda: town.states() == ["error"])
    [error] = town.errors()
    assert "cannot be read: division by zero. Put it right, then run: syncd retry 1 customer 2" in error
    town.database.execute("update sip.customers set phone = '555' where name = 'Ann'")
    town.settle()
    assert len(town.errors()) == 1
    town.database.execute(f"create or replace view syncd.source_customer as {definition}")
    town.world.syncd("retry", "1", "customer", "2")
    town.settle()
    town.check()


def test_a_view_that_is_wrong_for_all_pauses_the_company_and_heals(town: Town) -> None:
    """It is no record's fault, so none is set apart; others that share the statements of the company go on."""
    realm, other = town.connect(), town.connect("2")
    town.database.execute(
        "create function public.phone_of(phone text, company integer) returns text language plpgsql as $$ begin"
        " if company = 1 then raise undefined_function; end if; return phone; end $$"
    )
    definition = town.database.value("select pg_get_viewdef('syncd.source_customer'::regclass)")
    wrong = definition.replace("phone,", "public.phone_of(phone, organization_id::integer) as phone,")
    assert wrong != definition
    town.database.execute(f"create or replace view syncd.source_customer as {wrong}")
    town.world.daemon()
    with town.database.connection.transaction():
        for name in ("Ann", "Bob"):
            town.database.add_customer(name)
            town.database.add_customer(f"{name} of 2", "2")
    town.wait(lambda: town.world.names(other) == ["Ann of 2", "Bob of 2"], "the other company goes on")
    paused = "select paused_because from syncd.lane where company_id = '1'"
    town.wait(lambda: town.database.value(paused) == "syncd failed on this company; its log says why.")
    assert town.states() == ["pending", "pending"]
    town.database.execute(f"create or replace view syncd.source_customer as {definition}")

    def healed() -> bool:
        town.hurry()
        return bool(town.world.names(realm) == ["Ann", "Bob"])

    town.wait(healed, "nobody has to do more than to mend the view")
    town.settle()
    assert town.errors() == []


TRIES = "select state::text, attempts, due_at < 'infinity' from syncd.job where entity_type = 'invoice'"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            (400, b'{"Fault": {"Error": [{"Message": "Error parsing query", "code": "4000"}]}}'),
            "Error parsing query",
        ),
        ((200, b'{"QueryResponse": ["odd"]}'), "syncd itself failed"),
    ],
    ids=["refused", "odd"],
)
def test_a_record_about_which_quickbooks_cannot_be_asked(
    town: Town, proxy: Proxy, answer: tuple[int, bytes], said: str
) -> None:
    """The numbers of a batch are asked for in one question, which one of them spoils. It is tried three times."""
    proxy.refuse = lambda sent: answer if b"SELECT" in sent and b"I-ODD" in sent else None
    town.world.daemon({"SYNCD_QBO_SANDBOX_URL": proxy.url})
    company = Company(town.world)
    ann = company.sip.customer("Ann Lee")
    company.settle()
    with town.database.connection.transaction():
        odd, *_ = (company.sip.invoice(ann, number=number) for number in ("I-ODD", "I-1", "I-2"))
    town.wait(
        lambda: {o["DocNumber"] for o in company.objects("Invoice")} == {"I-1", "I-2"}, "the others pass"
    )
    town.wait(lambda: town.database.rows(TRIES) == [("pending", 1, True)])
    town.hurry()
    town.wait(lambda: town.database.rows(TRIES) == [("pending", 2, True)])
    town.hurry()
    town.wait(lambda: town.database.rows(TRIES) == [("error", 3, False)])
    assert len(company.errors()) == 3
    for error in company.errors():
        assert said in error
        assert "I-ODD" in error
    proxy.refuse = lambda _sent: None
    town.world.syncd("retry", company.id, "invoice", odd)
    company.settle()
    assert len(company.objects("Invoice")) == 3


def test_a_bad_hour_of_quickbooks_needs_nobody_afterwards(town: Town, proxy: Proxy) -> None:
    """Every question gets an answer of no known shape for a while: no record is lost for that."""
    town.world.daemon({"SYNCD_QBO_SANDBOX_URL": proxy.url})
    company = Company(town.world)
    ann = company.sip.customer("Ann Lee")
    company.settle()
    proxy.refuse = lambda sent: (200, b'{"QueryResponse": ["odd"]}') if b"SELECT" in sent else None
    for number in ("I-1", "I-2", "I-3"):
        company.sip.invoice(ann, number=number)
    town.wait(lambda: town.database.rows(TRIES) == [("pending", 1, True)] * 3)
    proxy.refuse = lambda _sent: None
    town.hurry()
    company.settle()
    assert {o["DocNumber"] for o in company.objects("Invoice")} == {"I-1", "I-2", "I-3"}
