"""What QuickBooks tells of a company as a whole: how long it is believed, and what becomes due when it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.support.engine import Engine

if TYPE_CHECKING:
    from tests.support.database import Begin, Database

PREFERENCES: dict[str, Any] = {
    "TaxPrefs": {"UsingSalesTax": False},
    "SalesFormsPrefs": {"AllowDiscount": False, "AutoApplyCredit": True, "CustomTxnNumbers": False},
}


def told(database: Database) -> None:
    database.add_company()
    database.execute("update syncd.company set preferences = %s", (Jsonb(PREFERENCES),))


@pytest.fixture
def engine(begun: Begin) -> Engine:
    return Engine(begun(told))


def refused(database: Database, *codes: str, state: str = "error", company: str = "1") -> None:
    """Records that were refused, one for each code, named after it; no attempt is left."""
    for code in codes:
        database.execute(
            "insert into syncd.job (company_id, entity_type, entity_id, state, due_at, attempts, reason,"
            " fault_class, error_code) values (%s, 'customer', %s, %s, 'infinity', 3, 'why', 'record', %s)",
            (company, code, state, code),
        )


def due(database: Database) -> set[str]:
    return {
        id_
        for (id_,) in database.rows(
            "select entity_id from syncd.job where state = 'pending' and due_at is null and attempts = 0"
            " and reason is null and error_code is null"
        )
    }


def keep(engine: Engine, epoch: int, payroll: bool | None = False, **groups: dict[str, Any]) -> int:
    preferences = {name: {**PREFERENCES[name], **groups.get(name, {})} for name in PREFERENCES}
    return int(
        engine.database.value(
            "select syncd.keep_facts('1', %s, %s, %s, %s, 'USD', %s)",
            (engine.worker, epoch, Jsonb({"CompanyName": "Yard"}), Jsonb(preferences), payroll),
        )
    )


@pytest.mark.parametrize(
    ("changed", "released"),
    [
        ({}, set()),
        ({"payroll": True}, {"payroll_off"}),
        ({"TaxPrefs": {"UsingSalesTax": True}}, {"sales_tax_off"}),
        ({"TaxPrefs": {"PartnerTaxEnabled": True}}, {"sales_tax_off"}),
        ({"SalesFormsPrefs": {"AllowDiscount": True}}, {"discount_account_missing"}),
        ({"SalesFormsPrefs": {"AutoApplyCredit": False}}, {"auto_apply_credit"}),
        ({"SalesFormsPrefs": {"CustomTxnNumbers": True}}, set()),
    ],
)
def test_a_changed_fact_makes_due_what_was_refused_for_it_and_nothing_else(
    engine: Engine, changed: dict[str, Any], released: set[str]
) -> None:
    database = engine.database
    refused(database, "payroll_off", "sales_tax_off", "discount_account_missing", "name_empty")
    refused(database, "auto_apply_credit", state="held")
    database.add_company("2", realm="9131")
    refused(database, "payroll_off", "sales_tax_off", company="2")
    database.execute("update syncd.lane set due_at = now() where company_id = '1'")
    assert keep(engine, engine.lease()["1"], **changed) == len(released)
    assert due(database) == released
    assert database.value("select count(*) from syncd.job where company_id = '2' and state = 'error'") == 2


def test_kept_facts_are_believed_for_an_hour_or_until_somebody_says_retry(engine: Engine) -> None:
    database = engine.database

    def facts_due() -> bool:
        return bool(database.value("select syncd.facts_due('1')"))

    assert not facts_due(), "read at connect"
    database.execute("update syncd.company set facts_at = facts_at - interval '61 minutes'")
    assert facts_due()
    keep(engine, engine.lease()["1"])
    assert not facts_due()
    assert database.rows("select company_info, home_currency, payroll_enabled from syncd.company") == [
        ({"CompanyName": "Yard"}, "USD", False)
    ]
    refused(database, "payroll_off")
    database.execute("select syncd.retry('1')")
    assert facts_due()


def test_only_the_holder_of_the_lane_keeps_facts(engine: Engine) -> None:
    epoch = engine.lease()["1"]
    with pytest.raises(psycopg.Error) as refusal:
        keep(engine, epoch - 1, payroll=True)
    assert refusal.value.sqlstate == "SY001"
    assert engine.database.value("select payroll_enabled from syncd.company") is False


def test_connecting_again_after_payroll_was_switched_on_makes_due_what_waited_for_it(engine: Engine) -> None:
    refused(engine.database, "payroll_off", "sales_tax_off")
    engine.database.execute(
        "select syncd.connect_company('1', 'sandbox', '9130', '\\x00', now() + interval '1 hour', null, '{}', %s,"
        " 'USD', true)",
        (Jsonb(PREFERENCES),),
    )
    assert due(engine.database) == {"payroll_off"}
