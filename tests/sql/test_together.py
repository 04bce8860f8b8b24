"""Lanes that are decided, sent for and recorded in one statement: each as if it were alone."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.support.engine import ITEM, Engine, asked, recorded

if TYPE_CHECKING:
    from tests.support.database import Database

COMPANIES = ("1", "2", "3")


@pytest.fixture
def engine(database: Database) -> Engine:
    """A worker, and three companies with a customer each."""
    for company in COMPANIES:
        database.add_company(company, realm=f"913{company}")
        database.add_customer(f"Customer of {company}", company)
    return Engine(database)


def decide(engine: Engine, *asks: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Rows by company."""
    cursor = engine.database.connection.execute(
        "select * from syncd.decide(%s, %s)", (engine.worker, Jsonb(list(asks)))
    )
    names = [column.name for column in cursor.description or []]
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in cursor.fetchall():
        rows.setdefault(row[0], []).append(dict(zip(names, row, strict=True)))
    return rows


def begin(engine: Engine) -> dict[str, int]:
    engine.absorb()
    return engine.lease()


def intent(epochs: dict[str, int], company: str, *jobs: dict[str, Any]) -> dict[str, Any]:
    """One lane's call in a question to syncd.intend."""
    return {
        "company_id": company,
        "epoch": epochs[company],
        "kind": "single",
        "environment": jobs[0]["environment"],
        "realm_id": jobs[0]["realm_id"],
        "request_id": str(uuid.uuid4()),
        "path": "customer",
        "items": [
            {**{key: job[key] for key in ITEM}, "document": "{}", "bid": str(number), "notes": []}
            for number, job in enumerate(jobs, 1)
        ],
    }


def intend(engine: Engine, calls: list[dict[str, Any]]) -> dict[str, int | None]:
    """Calls by company; their bytes are the company's name."""
    bodies = [call["company_id"].encode() for call in calls]
    return dict(
        engine.database.rows(
            "select company_id, call_id from syncd.intend(%s, %s, %s)", (engine.worker, Jsonb(calls), bodies)
        )
    )


def all_sent(engine: Engine, epochs: dict[str, int]) -> dict[str, int]:
    """A call of each company, by company."""
    rows = decide(engine, *(asked(company, epoch) for company, epoch in epochs.items()))
    calls = intend(engine, [intent(epochs, company, *rows[company]) for company in epochs])
    return {company: call for company, call in calls.items() if call}


def test_each_lane_gets_its_own_pushes_and_floors(engine: Engine) -> None:
    engine.database.add_customer("Second of 2", "2")
    epochs = begin(engine)
    rows = decide(engine, *(asked(company, epoch, most=1) for company, epoch in epochs.items()))
    assert {company: [row["entity_name"] for row in found] for company, found in rows.items()} == {
        company: [f"Customer of {company}"] for company in COMPANIES
    }
    assert [rows[company][0]["again_in"] for company in COMPANIES] == [0, 0, 0], (
        "one each is as many as asked for"
    )
    tickets = dict(
        engine.database.rows("select company_id, min(ticket) from syncd.job where names group by company_id")
    )
    assert {company: found[0]["next_floors"][1] for company, found in rows.items()} == tickets
    again = decide(
        engine,
        *(asked(company, epochs[company], floors=rows[company][0]["next_floors"]) for company in COMPANIES),
    )
    assert {company: [row["entity_name"] for row in found] for company, found in again.items()} == {
        "1": [None],
        "2": ["Second of 2"],
        "3": [None],
    }


def test_a_switch_a_pause_and_a_wait_are_one_lane_s_alone(engine: Engine) -> None:
    epochs = begin(engine)
    engine.database.switch("1", auto_customers=False)
    engine.database.execute(
        "update syncd.lane set not_before = clock_timestamp() + interval '1 minute' where company_id = '2'"
    )
    rows = decide(engine, *(asked(company, epoch) for company, epoch in epochs.items()))
    assert [rows[company][0]["entity_id"] is None for company in COMPANIES] == [True, True, False]
    assert rows["1"][0]["again_in"] is None
    assert 50 < rows["2"][0]["again_in"] <= 60
    assert engine.database.rows("select company_id, state::text from syncd.job order by 1") == [
        ("1", "waiting"),
        ("2", "pending"),
        ("3", "pending"),
    ]


def test_a_lane_that_was_lost_is_left_out_and_the_others_go_on(engine: Engine) -> None:
    epochs = begin(engine)
    engine.database.execute("update syncd.lane set epoch = epoch + 1 where company_id = '2'")
    rows = decide(engine, *(asked(company, epoch) for company, epoch in epochs.items()))
    assert sorted(rows) == ["1", "3"]
    calls = [intent(epochs, company, *rows[company]) for company in ("1", "3")]
    calls.insert(1, intent(epochs, "2", *({**rows["1"][0], "realm_id": "9132"},)))
    committed = intend(engine, calls)
    assert sorted(committed) == ["1", "3"]
    engine.database.execute("update syncd.lane set epoch = epoch + 1 where company_id = '3'")
    success = {"1": {"outcome": "success", "qbo_id": "501", "sync_token": "0"}}
    answers = [recorded(company, epochs[company], call or 0, success) for company, call in committed.items()]
    rows_of_record = engine.database.rows(
        "select company_id, state::text from syncd.record(%s, %s)", (engine.worker, Jsonb(answers))
    )
    assert rows_of_record == [("1", "synced")]
    assert engine.database.value("select state::text from syncd.job where company_id = '3'") == "sending"


def test_each_call_has_its_own_bytes(engine: Engine) -> None:
    epochs = begin(engine)
    all_sent(engine, epochs)
    assert engine.database.rows("select company_id, body from syncd.call order by 1") == [
        (company, company.encode()) for company in COMPANIES
    ]
    assert engine.database.rows(
        "select i.company_id, j.call_id = i.call_id from syncd.call_item i join syncd.job j using (company_id)"
        " order by 1"
    ) == [(company, True) for company in COMPANIES]


def test_a_record_that_changed_keeps_its_own_call_back_alone(engine: Engine) -> None:
    epochs = begin(engine)
    rows = decide(engine, *(asked(company, epoch) for company, epoch in epochs.items()))
    engine.database.execute("update sip.customers set city = 'Boise' where organization_id = 2")
    engine.absorb()
    turns = "select company_id, next_turn from syncd.lane"
    before = dict(engine.database.rows(turns))
    committed = intend(engine, [intent(epochs, company, *rows[company]) for company in COMPANIES])
    assert {company: call is None for company, call in committed.items()} == {
        "1": False,
        "2": True,
        "3": False,
    }
    assert engine.database.rows("select company_id from syncd.call order by 1") == [("1",), ("3",)]
    assert engine.database.rows("select company_id from syncd.link order by 1") == [("1",), ("3",)]
    assert engine.database.value("select state::text from syncd.job where company_id = '2'") == "pending"
    after = dict(engine.database.rows(turns))
    assert {company: after[company] > before[company] for company in COMPANIES} == {
        "1": True,
        "2": False,
        "3": True,
    }, "nothing of its budget is used"


def test_a_call_that_fails_pauses_its_own_lane_alone(engine: Engine) -> None:
    engine.database.add_customer("Second of 2", "2")
    epochs = begin(engine)
    rows = decide(engine, *(asked(company, epoch, most=1) for company, epoch in epochs.items()))
    calls = intend(engine, [intent(epochs, company, *rows[company]) for company in COMPANIES])
    results: dict[str, dict[str, Any]] = {
        "1": {"outcome": "success", "qbo_id": "501", "sync_token": "0"},
        "2": {
            "outcome": "fault",
            "fault": "throttle",
            "code": "3001",
            "may_help": True,
            "error": "Too many.",
        },
        "3": {"outcome": "success", "qbo_id": "501", "sync_token": "0"},
    }
    answers = [
        recorded(
            company,
            epochs[company],
            calls[company] or 0,
            {"1": results[company]},
            intuit_tid=f"tid {company}",
        )
        for company in COMPANIES
    ]
    rows_of_record = engine.database.rows(
        "select company_id, state::text from syncd.record(%s, %s) order by 1", (engine.worker, Jsonb(answers))
    )
    assert rows_of_record == [("1", "synced"), ("2", "pending"), ("3", "synced")]
    assert engine.database.rows("select company_id, failures, paused_because from syncd.lane order by 1") == [
        ("1", 0, None),
        ("2", 1, "Too many."),
        ("3", 0, None),
    ]
    assert engine.database.rows(
        "select company_id, intuit_tid, outcome::text from syncd.call order by 1"
    ) == [
        ("1", "tid 1", "settled"),
        ("2", "tid 2", "settled"),
        ("3", "tid 3", "settled"),
    ]
    assert engine.database.rows("select company_id, intuit_tid from syncd.sync_log order by 1") == [
        (company, f"tid {company}") for company in COMPANIES
    ]


def test_only_those_lanes_are_given_back_in_which_nothing_is_due_or_that_are_left(engine: Engine) -> None:
    epochs = begin(engine)
    engine.push(epochs["1"], engine.decide(epochs["1"])[0], "501")
    lanes = [
        {"company_id": company, "epoch": epoch, "leaving": company == "3", "floors": [0, 0, 0, 0]}
        for company, epoch in epochs.items()
    ]
    with psycopg.connect(engine.database.dsn, autocommit=True) as ears:
        ears.execute("listen syncd_lanes")
        assert engine.database.rows(
            "select company_id, released from syncd.release(%s, %s) order by 1", (engine.worker, Jsonb(lanes))
        ) == [("1", True), ("2", False), ("3", True)]
        heard = [notice.payload for notice in ears.notifies(timeout=2, stop_after=1)]
    assert heard == [""], "there is a lane for other daemons"
    assert engine.database.rows(
        "select company_id, owner is null, due_at <= clock_timestamp() from syncd.lane order by 1"
    ) == [("1", True, False), ("2", False, True), ("3", True, True)]


def test_one_of_two_lanes_that_somebody_has_locked_is_left_out_and_alone_it_is_waited_for(
    engine: Engine,
) -> None:
    epochs = begin(engine)
    engine.database.execute("set statement_timeout = '3s'")
    with psycopg.connect(engine.database.dsn) as somebody:
        somebody.execute("select from syncd.lane where company_id = '2' for update")
        rows = decide(engine, *(asked(company, epoch) for company, epoch in epochs.items()))
        assert sorted(rows) == ["1", "3"]
        engine.database.execute("set statement_timeout = '200ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            decide(engine, asked("2", epochs["2"]))
        engine.database.execute("reset statement_timeout")
    assert sorted(decide(engine, asked("2", epochs["2"]))) == ["2"]


def test_an_object_that_two_companies_share_a_number_of_is_nobody_else_s(engine: Engine) -> None:
    """QuickBooks counts in each realm: two calls of one statement may be answered with the same id."""
    epochs = begin(engine)
    calls = all_sent(engine, epochs)
    success = {"1": {"outcome": "success", "qbo_id": "1", "sync_token": "0"}}
    answers = [recorded(company, epochs[company], call, success) for company, call in calls.items()]
    engine.database.execute("select * from syncd.record(%s, %s)", (engine.worker, Jsonb(answers)))
    assert engine.database.rows("select company_id, qbo_id, state::text from syncd.link order by 1") == [
        (company, "1", "synced") for company in COMPANIES
    ]
