"""Which records may go, switch by switch: Enable Sync, the toggle of their type, by itself or by hand, and whether
another record needs them. A table of cases, for every type of record there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.sip import Sip

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.database import Database

CASES = [
    # Enable Sync, its toggle, source, wanted by another record: may it go?
    (False, False, "auto", False, False),
    (False, False, "auto", True, False),
    (False, False, "manual", False, True),
    (False, False, "manual", True, True),
    (False, True, "auto", False, False),
    (False, True, "auto", True, False),
    (False, True, "manual", False, True),
    (False, True, "manual", True, True),
    (True, False, "auto", False, False),
    (True, False, "auto", True, True),
    (True, False, "manual", False, True),
    (True, False, "manual", True, True),
    (True, True, "auto", False, True),
    (True, True, "auto", True, True),
    (True, True, "manual", False, True),
    (True, True, "manual", True, True),
]
# What has no toggle is only made for another record, and goes by Enable Sync alone.
WITHOUT_TOGGLE = [
    (False, "auto", False),
    (False, "manual", True),
    (True, "auto", True),
    (True, "manual", True),
]
TOGGLES = {
    "customer": "auto_customers",
    "service_item": "auto_service_items",
    "invoice": "auto_invoices",
    "payment": "auto_payments",
    "timesheet_entry": "auto_timesheets",
}
HELPERS = ("default_item", "payment_method", "account")
RECORDS: dict[str, Callable[[Sip], str]] = {
    "customer": lambda sip: sip.customer(),
    "service_item": lambda sip: sip.service_item(),
    "invoice": lambda sip: sip.invoice(sip.customer()),
    "payment": lambda sip: sip.payment(sip.invoice(sip.customer())),
    "timesheet_entry": lambda sip: sip.timesheet(sip.member())[0],
    "default_item": lambda sip: sip.company,
    "payment_method": lambda sip: f"{sip.company}/cash",
    "account": lambda sip: str(
        sip.database.value(
            "select syncd.make_account(%s, 'income', 'Fees', 'Income', 'ServiceFeeIncome', 'me')",
            (sip.company,),
        )
    ),
}


def test_every_type_of_record_is_in_the_table(database: Database) -> None:
    known = database.rows("select entity_type, toggle from syncd.entity")
    assert dict(known) == {**TOGGLES, **dict.fromkeys(HELPERS)}


def switched(database: Database, entity: str, *, master: bool, toggles: bool) -> str:
    """Set the switches, all toggles alike, and make a record that is due; its key."""
    database.add_company(on=False)
    # Timesheets begin today at first enabling, whatever comes then.
    database.switch("1", enable_sync=True, auto_timesheets=True)
    database.switch("1", enable_sync=master, **dict.fromkeys(TOGGLES.values(), toggles))
    return RECORDS[entity](Sip(database, "1"))


def goes(database: Database, entity: str, key: str, source: str, *, required: bool) -> bool:
    """Whether the verdict lets it pass the switches; what else keeps it is no matter here."""
    database.execute("delete from syncd.job")
    database.execute(
        "insert into syncd.job (company_id, entity_type, entity_id, source, required) values ('1', %s, %s, %s, %s)",
        (entity, key, source, required),
    )
    [(verdict, waits_on)] = database.rows(
        "select verdict, waits_on::text from syncd.judge('{1}', array[%s], array[%s])", (entity, key)
    )
    assert verdict in ("push", "skip") or (verdict == "wait" and waits_on in ("setting", "record")), verdict
    return bool(waits_on != "setting")


@pytest.mark.parametrize("entity", TOGGLES)
@pytest.mark.parametrize(("master", "toggle"), [(m, t) for m in (False, True) for t in (False, True)])
def test_a_record_goes_or_waits_for_its_switch(
    database: Database, entity: str, master: bool, toggle: bool
) -> None:
    key = switched(database, entity, master=master, toggles=toggle)
    # The others are the other way round: a record has no toggle but its own.
    others = {name: not toggle for other, name in TOGGLES.items() if other != entity}
    database.switch("1", **others)
    for case in CASES:
        if case[:2] == (master, toggle):
            _, _, source, required, expected = case
            assert goes(database, entity, key, source, required=required) is expected, case


@pytest.mark.parametrize("entity", HELPERS)
@pytest.mark.parametrize("master", [False, True])
def test_what_has_no_toggle_goes_by_enable_sync(database: Database, entity: str, master: bool) -> None:
    key = switched(database, entity, master=master, toggles=False)
    for on, source, expected in WITHOUT_TOGGLE:
        if on == master:
            for required in (False, True):
                assert goes(database, entity, key, source, required=required) is expected


@pytest.mark.parametrize("source", ["auto", "manual"])
def test_without_a_connection_nothing_goes(database: Database, source: str) -> None:
    key = switched(database, "customer", master=True, toggles=True)
    database.execute("update syncd.company set state = 'needs_reconnect'")
    database.execute("update syncd.job set source = %s", (source,))
    assert database.rows(
        "select verdict, waits_on::text from syncd.judge('{1}', '{customer}', array[%s])", (key,)
    ) == [("wait", "connection")]


def test_who_switched_what_and_when_is_kept(database: Database) -> None:
    database.add_company(on=False)
    database.execute("select syncd.change_settings('1', '{\"enable_sync\": true}', 'deborah')")
    database.switch("1", auto_invoices=True)
    assert database.rows(
        "select changed_by, setting, became, changed_at <= clock_timestamp() from syncd.settings_changes"
        " order by history_id"
    ) == [("deborah", "enable_sync", "true", True), ("postgres", "auto_invoices", "true", True)]
