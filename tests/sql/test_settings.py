"""Settings decide in SQL, whoever writes the row: what is owed, what waits, what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from tests.support.database import Database


def absorb(database: Database) -> list[str]:
    """Absorb everything; the ids that have a job."""
    while database.value("select signals from syncd.absorb(100)"):
        pass
    return [id_ for (id_,) in database.rows("select entity_id from syncd.job order by entity_id::bigint")]


def test_everything_ships_off(database: Database) -> None:
    database.add_company(on=False)
    assert database.rows(
        "select enable_sync, auto_customers, auto_invoices, auto_payments, auto_service_items, auto_timesheets,"
        " timesheet_start_date from syncd.sync_settings"
    ) == [(False, False, False, False, False, False, None)]


@pytest.mark.parametrize("master", [False, True])
@pytest.mark.parametrize("toggle", [False, True])
def test_a_change_is_owed_only_if_master_and_toggle_were_on(
    database: Database, master: bool, toggle: bool
) -> None:
    database.add_company(on=False)
    database.switch("1", enable_sync=master, auto_customers=toggle)
    id_ = database.add_customer("Ann")
    assert absorb(database) == ([id_] if master and toggle else [])


def test_toggles_of_other_types_do_not_matter(database: Database) -> None:
    database.add_company(on=False)
    database.switch("1", enable_sync=True, auto_invoices=True, auto_payments=True, auto_timesheets=True)
    database.add_customer("Ann")
    assert absorb(database) == []


def test_a_change_made_while_off_is_not_owed_even_if_it_is_absorbed_after_the_switch(
    database: Database,
) -> None:
    database.add_company(on=False)
    database.add_customer("Before")
    database.switch("1", enable_sync=True, auto_customers=True)
    after = database.add_customer("After")
    assert absorb(database) == [after]


def test_a_change_made_while_on_stays_owed_if_it_is_absorbed_after_the_switch(database: Database) -> None:
    database.add_company()
    id_ = database.add_customer("Owed")
    database.switch("1", auto_customers=False)
    database.add_customer("Not owed")
    assert absorb(database) == [id_]


@pytest.mark.parametrize(("before", "after"), [(False, True), (True, False)])
def test_a_transaction_open_across_the_switch_is_judged_by_its_commit(
    database: Database, before: bool, after: bool
) -> None:
    database.add_company(on=False)
    database.switch("1", enable_sync=True, auto_customers=before)
    with psycopg.connect(database.dsn) as sip:
        sip.execute("insert into sip.customers (id, organization_id, name) values (77, 1, 'Ann')")
        database.switch("1", auto_customers=after)
        sip.commit()
    assert absorb(database) == (["77"] if after else [])


def test_a_company_that_is_not_ours_makes_no_job(database: Database) -> None:
    database.execute("insert into sip.organizations (id, name) values (5, 'Elsewhere')")
    database.add_customer("Somebody", "5")
    assert absorb(database) == []
    assert database.value("select count(*) from syncd.outbox") == 0
    assert database.value("select count(*) from syncd.outbox_bad") == 0


def test_toggles_keep_their_value_while_the_master_is_off(database: Database) -> None:
    database.add_company()
    database.switch("1", enable_sync=False)
    database.switch("1", enable_sync=True)
    assert database.value("select auto_customers from syncd.sync_settings") is True


def test_the_history_says_who_changed_what(database: Database) -> None:
    database.add_company(on=False)
    with database.connection.transaction():
        database.execute("select set_config('syncd.actor', 'bookkeeper', true)")
        database.switch("1", enable_sync=True)
    database.switch("1", auto_payments=True)
    history = database.rows(
        "select changed_by, settings ->> 'enable_sync', settings ->> 'auto_payments'"
        " from syncd.settings_history order by history_id"
    )
    assert history == [
        ("postgres", "false", "false"),
        ("bookkeeper", "true", "false"),
        ("postgres", "true", "true"),
    ]


def test_the_start_date_is_today_for_the_company_when_timesheets_are_first_on(database: Database) -> None:
    database.add_company(on=False)
    for zone in (
        "Pacific/Kiritimati",
        "Pacific/Pago_Pago",
    ):  # fourteen hours ahead, eleven behind: never one day
        database.execute("update syncd.company set timezone = %s", (zone,))
        database.execute(
            "update syncd.sync_settings set auto_timesheets = false, timesheet_start_date = null"
        )
        database.switch("1", auto_timesheets=True)
        today = database.value("select (now() at time zone %s)::date", (zone,))
        assert database.value("select timesheet_start_date from syncd.sync_settings") == today


def test_switching_timesheets_off_and_on_keeps_the_start_date(database: Database) -> None:
    database.add_company(on=False)
    database.execute(
        "update syncd.sync_settings set auto_timesheets = true, timesheet_start_date = '2026-01-02'"
    )
    database.switch("1", auto_timesheets=False)
    database.switch("1", auto_timesheets=True)
    assert str(database.value("select timesheet_start_date from syncd.sync_settings")) == "2026-01-02"


def test_a_future_start_date_is_refused_by_the_database(database: Database) -> None:
    database.add_company(on=False)
    with pytest.raises(psycopg.errors.CheckViolation, match="is in the future"):
        database.execute("update syncd.sync_settings set timesheet_start_date = current_date + 2")


def test_an_unknown_time_zone_is_refused_by_the_database(database: Database) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match='"Mars/Olympus" is not known'):
        database.execute("insert into syncd.company (company_id, name, region, timezone)"
                         " values ('1', 'One', 'us', 'Mars/Olympus')")  # fmt: skip


def test_two_companies_cannot_be_connected_to_one_realm(database: Database) -> None:
    database.add_company("1", realm="77")
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.add_company("2", realm="77")
