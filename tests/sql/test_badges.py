"""What SIP shows beside an entry of a timesheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from syncd.db.states import State
from tests.support.engine import Engine
from tests.support.labour import START, Labour, due, push, timekeeping

if TYPE_CHECKING:
    from tests.support.database import Begin

Badge = tuple[str, str | None]


@pytest.fixture
def labour(begun: Begin) -> Labour:
    return Labour(begun(timekeeping))


@pytest.fixture
def engine(labour: Labour) -> Engine:
    return Engine(labour.database)


def badge(labour: Labour, id_: str) -> Badge | None:
    """What a reader sees of one entry; None if there is no badge."""
    with psycopg.connect(labour.database.reader_dsn) as reader:
        rows = reader.execute(
            "select badge, error from syncd.entry_badges where company_id = '1' and entry_id = %s",
            (int(id_),),
        ).fetchall()
    assert len(rows) <= 1
    return rows[0] if rows else None


def test_an_entry_is_pending_until_quickbooks_has_it(labour: Labour, engine: Engine) -> None:
    id_ = labour.entry()
    assert badge(labour, id_) == ("QB Pending", None), "at the moment of approval"
    push(engine)
    assert badge(labour, id_) == ("QB Synced", None)


@pytest.mark.parametrize("state", State)
def test_the_badge_of_each_state_is_the_one_that_the_commands_show(
    labour: Labour, engine: Engine, state: State
) -> None:
    id_ = labour.entry()
    engine.absorb()
    if state in {State.SYNCED, State.VARIANCE}:
        push(engine)
        labour.database.execute("update syncd.link set state = %s, note = 'why'", (state,))
    else:
        if state in {State.SENDING, State.UNKNOWN}:
            epoch = engine.lease()["1"]
            engine.intend(epoch, *engine.decide(epoch))
        labour.database.execute("update syncd.job set state = %s, reason = 'why'", (state,))
    assert badge(labour, id_) == (state.badge, "why" if state.badge == "QB Error" else None)


def test_an_error_is_shown_with_its_text_and_goes_after_a_retry(labour: Labour, engine: Engine) -> None:
    id_ = labour.entry()
    engine.absorb()
    epoch = engine.lease()["1"]
    [job] = engine.decide(epoch)
    labour.database.execute(
        "select syncd.refuse('1', %s, %s, 'timesheet_entry', %s, %s, %s, 'error', 'record', false, 'payroll_off',"
        " 'Payroll is not on.')",
        (engine.worker, epoch, id_, job["entity_name"], job["version"]),
    )
    assert badge(labour, id_) == ("QB Error", "Payroll is not on.")
    labour.database.execute("select syncd.retry('1', 'timesheet_entry', %s)", (id_,))
    assert badge(labour, id_) == ("QB Pending", None)


def test_an_entry_edited_after_it_was_synced_is_pending_again(labour: Labour, engine: Engine) -> None:
    id_ = labour.entry()
    push(engine)
    labour.sip.update("timesheet_entries", id_, minutes=120)
    engine.absorb()
    assert badge(labour, id_) == ("QB Pending", None)


def test_an_entry_of_nobody_says_so_until_the_employee_is_mapped(labour: Labour, engine: Engine) -> None:
    member = labour.member(qbo_id=None)
    id_ = labour.entry(member)
    assert badge(labour, id_) == ("Employee Not Mapped", None)
    assert due(engine) == []
    assert badge(labour, id_) == ("Employee Not Mapped", None)
    labour.employ(member, "55")
    assert badge(labour, id_) == ("QB Pending", None), "until somebody pushes it"


def test_what_quickbooks_has_is_synced_though_the_employee_is_not_mapped_any_more(
    labour: Labour, engine: Engine
) -> None:
    id_ = labour.entry()
    push(engine)
    labour.database.execute("delete from syncd.employee_map")
    assert badge(labour, id_) == ("QB Synced", None)


@pytest.mark.parametrize("status", ["draft", "submitted", "rejected"])
def test_what_is_not_approved_has_no_badge(labour: Labour, status: str) -> None:
    assert badge(labour, labour.entry(status=status)) is None


def test_what_was_synced_and_is_no_longer_approved_has_none(labour: Labour, engine: Engine) -> None:
    id_ = labour.entry()
    push(engine)
    labour.sip.update("timesheets", labour.sip.timesheet_of(id_), status="draft")
    push(engine)
    assert badge(labour, id_) is None


def test_what_was_emptied_after_it_was_synced_is_an_error(labour: Labour, engine: Engine) -> None:
    id_ = labour.entry()
    push(engine)
    labour.sip.update("timesheet_entries", id_, minutes=0)
    push(engine)
    shown = badge(labour, id_)
    assert shown
    assert shown[0] == "QB Error"
    assert "withdrawn in Service Invoice Pro" in str(shown[1])


def test_an_entry_without_time_has_no_badge(labour: Labour, engine: Engine) -> None:
    id_ = labour.entry(minutes=0)
    due(engine)
    assert badge(labour, id_) is None


@pytest.mark.parametrize(("day", "shown"), [("2026-07-31", False), (START, True), ("2026-08-02", True)])
def test_badges_begin_with_the_start_date(labour: Labour, day: str, shown: bool) -> None:
    assert (badge(labour, labour.entry(day=day)) is not None) == shown


@pytest.mark.parametrize("switch", ["enable_sync", "auto_timesheets"])
def test_while_sync_of_timesheets_is_off_there_are_no_badges(
    labour: Labour, engine: Engine, switch: str
) -> None:
    id_ = labour.entry()
    push(engine)
    labour.database.switch("1", **{switch: False})
    assert badge(labour, id_) is None
    labour.database.switch("1", **{switch: True})
    assert badge(labour, id_) == ("QB Synced", None)


def test_what_another_realm_has_is_pending_here(labour: Labour, engine: Engine) -> None:
    member = labour.member()
    id_ = labour.entry(member)
    push(engine)
    labour.books.connect("9131")
    labour.employ(member, "55")
    assert badge(labour, id_) == ("QB Pending", None)


def test_the_badges_of_a_page_are_found_by_the_entries_on_it(labour: Labour) -> None:
    """SIP asks for the entries that it shows; a company has years of them."""
    member = labour.member()
    ids = labour.sip.timesheet(member, *([15] * 500), day=START)
    labour.database.execute("analyze")
    [(plan,)] = labour.database.rows(
        "explain (analyze, format json) select * from syncd.entry_badges where entry_id = any(%s::bigint[])",
        (ids[:5],),
    )
    assert rows_read(plan[0]["Plan"], "timesheet_entries") == [5] * len(
        rows_read(plan[0]["Plan"], "timesheet_entries")
    )


def rows_read(plan: dict, table: str) -> list[int]:  # type: ignore[type-arg]
    """How many rows each scan of a table gave and threw away."""
    found = []
    if plan.get("Relation Name") == table:
        loops = plan["Actual Loops"]
        found.append(int(loops * (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0))))
    return found + [read for part in plan.get("Plans", []) for read in rows_read(part, table)]
