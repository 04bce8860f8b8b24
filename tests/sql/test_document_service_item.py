"""Service items: what of a row of SIP's reaches a push module, and which changes of it are a signal."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from syncd.push import module_for
from tests.support.billing import Billing
from tests.support.engine import Engine

if TYPE_CHECKING:
    from tests.support.database import Begin, Database

ROW: dict[str, Any] = {
    "name": " Drain cleaning ",
    "description": "Up to 30 m\nwith camera",
    "price": "85.50",
    "taxable": True,
}


def servicing(database: Database) -> None:
    """Company 1, connected, with service items and no other type switched on."""
    database.add_company(on=False)
    database.switch("1", enable_sync=True, auto_service_items=True)


@pytest.fixture
def books(begun: Begin) -> Billing:
    return Billing(begun(servicing))


@pytest.fixture
def engine(books: Billing) -> Engine:
    return Engine(books.database)


def due(engine: Engine) -> list[dict[str, Any]]:
    """What a daemon would push now."""
    engine.absorb()
    lanes = engine.lease()
    if not lanes:
        return []
    jobs = engine.decide(lanes["1"])
    engine.release(lanes["1"])
    return jobs


# ---- the document


def test_an_item_as_the_push_module_gets_it(books: Billing) -> None:
    books.choose("account_map", "income", "79")
    row = books.row("service_item", books.item(qbo_id=None, **ROW))
    assert row == {
        "due": True,
        "name": "Drain cleaning",
        "skip": None,
        "missing": [],
        "unready": None,
        "document": {
            "name": "Drain cleaning",
            "description": "Up to 30 m\nwith camera",
            "price": Decimal("85.50"),
            "taxable": True,
            "income_account": "79",
        },
    }


def test_what_is_empty_is_null(books: Billing) -> None:
    document = books.document(books.item(qbo_id=None, description=" "), "service_item")
    assert (document["description"], document["income_account"]) == (None, None)


@pytest.mark.parametrize(("region", "taxable"), [("us", False), ("ca", None), ("global", None)])
def test_only_in_the_united_states_has_an_item_a_tax_mark(
    books: Billing, region: str, taxable: bool | None
) -> None:
    books.prefer(region)
    assert books.document(books.item(qbo_id=None, taxable=False), "service_item")["taxable"] is taxable


@pytest.mark.parametrize("region", ["ca", "global"])
@pytest.mark.parametrize("kind", ["service_item", "default_item"])
def test_elsewhere_an_item_has_an_account_for_what_it_costs(books: Billing, region: str, kind: str) -> None:
    key = books.item(qbo_id=None) if kind == "service_item" else "1"
    assert "expense_account" not in books.document(key, kind)
    books.prefer(region)
    assert books.document(key, kind)["expense_account"] is None
    books.choose("account_map", "expenses", "81")
    assert books.document(key, kind)["expense_account"] == "81"


def test_an_item_of_a_company_that_is_not_connected_has_a_document(books: Billing) -> None:
    books.choose("account_map", "income", "79")
    books.database.execute(
        "update syncd.company set state = 'disconnected', environment = null, realm_id = null"
    )
    assert books.document(books.item(qbo_id=None), "service_item")["income_account"] is None


def test_an_account_of_another_realm_is_not_used(books: Billing) -> None:
    books.choose("account_map", "income", "79")
    books.connect("9131")
    item = books.item(qbo_id=None)
    assert books.document(item, "service_item")["income_account"] is None
    books.choose("account_map", "income", "12")
    assert books.document(item, "service_item")["income_account"] == "12"


def test_another_income_account_is_for_new_items(books: Billing) -> None:
    books.choose("account_map", "income", "79")
    old, new = books.item(), books.item("Windows", qbo_id=None)
    books.choose("account_map", "income", "80")
    assert books.verdict(old, "service_item") == "drop"
    accounts = books.database.rows(
        "select document ->> 'income_account' from syncd.judge('{1,1}', '{service_item,service_item}', %s)"
        " order by entity_id",
        ([old, new],),
    )
    assert accounts == [("79",), ("80",)]


# ---- signals


def test_a_new_item_is_pushed(books: Billing, engine: Engine) -> None:
    item = books.item(qbo_id=None)
    assert [(job["entity_type"], job["entity_id"]) for job in due(engine)] == [("service_item", item)]


@pytest.mark.parametrize(
    ("column", "value"), [("name", "Drains"), ("description", "x"), ("price", 90), ("taxable", False)]
)
def test_a_change_of_each_of_the_four_fields_is_pushed(
    books: Billing, engine: Engine, column: str, value: object
) -> None:
    item = books.item(**ROW)
    due(engine)
    books.database.execute(f"update sip.service_items set {column} = %s where id = %s", (value, item))  # noqa: S608 - of this file
    [job] = due(engine)
    assert (job["operation"], job["entity_name"]) == (
        "update",
        "Drains" if column == "name" else ROW["name"].strip(),
    )


def test_a_write_that_changes_none_of_them_signals_nothing(books: Billing, engine: Engine) -> None:
    books.item(**ROW)
    engine.absorb()
    books.database.execute("update sip.service_items set updated_at = now(), price = 85.5, name = name")
    assert engine.absorb() == 0


def test_an_inactive_item_is_not_pushed_and_is_when_it_comes_back(books: Billing, engine: Engine) -> None:
    item = books.item(qbo_id=None, active=False)
    assert due(engine) == []
    assert engine.job(item) is None
    books.database.execute("update sip.service_items set active = true")
    assert [job["entity_id"] for job in due(engine)] == [item]


def test_an_item_made_inactive_after_it_was_synced_has_diverged(books: Billing, engine: Engine) -> None:
    item = books.item()
    due(engine)
    books.database.execute("update sip.service_items set active = false")
    assert due(engine) == []
    job = engine.job(item)
    assert job
    assert job["state"] == "diverged"


def test_an_item_deleted_before_it_was_sent_leaves_nothing(books: Billing, engine: Engine) -> None:
    item = books.item(qbo_id=None)
    books.database.execute("delete from sip.service_items")
    assert due(engine) == []
    assert engine.job(item) is None


# ---- the item of what has none


def test_the_item_of_what_has_none(books: Billing) -> None:
    books.choose("account_map", "income", "79")
    row = books.row("default_item", "1")
    assert (row["due"], row["name"]) == (True, "SIP Services")
    assert row["document"] == {
        "name": "SIP Services",
        "description": None,
        "price": None,
        "taxable": None,
        "income_account": "79",
    }


def test_no_change_in_sip_makes_it(books: Billing, engine: Engine) -> None:
    books.item(qbo_id=None)
    assert "default_item" not in {job["entity_type"] for job in due(engine)}
    assert books.database.value("select count(*) from syncd.job where entity_type = 'default_item'") == 0


def test_each_company_and_realm_has_its_own(books: Billing) -> None:
    books.database.add_company("2", realm="9132", on=False)
    books.link("default_item", "1", "Item", "33")
    assert books.verdict("1", "default_item") == "drop"
    assert Billing(books.database, "2").verdict("2", "default_item") == "wait"  # its settings are off
    assert books.database.value(
        "select count(*) from syncd.judge('{1}', '{default_item}', '{2}') where document is null"
    )
    books.connect("9131")
    assert books.verdict("1", "default_item") == "push"


# ---- and what its push module makes of it


def test_every_item_of_the_sample_is_taken_by_the_push_module(database: Database) -> None:
    database.execute("select from sip_sample.fill(organizations => 1, customers => 1, seed => 4)")
    company = database.value("select id::text from sip.organizations")
    database.execute(
        "insert into syncd.company (company_id, name, region, timezone) values (%s, 'One', 'us', 'America/Denver')",
        (company,),
    )
    books = Billing(database, company)
    books.connect("9130")
    books.choose("account_map", "income", "79")
    items = database.rows("select id::text, name, price from sip.service_items")
    assert len(items) > 20
    for id_, name, price in items:
        body = module_for("service_item").build(
            books.document(id_, "service_item"), sent=None, qbo_id=None, sync_token=None
        )
        assert (body.name_sent, body.payload["UnitPrice"]) == (name.replace(":", " - "), price)
