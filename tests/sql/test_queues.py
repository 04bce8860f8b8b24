"""The two queues of a lane: what is taken, in which order, with what else, and what a batch leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.support.engine import Engine, asked, recorded
from tests.support.rest import add_errand, add_errands

if TYPE_CHECKING:
    from tests.support.database import Begin, Database


def with_errands(database: Database) -> None:
    """Company 1 with customers (names) and errands (the rest) switched on."""
    add_errands(database)
    database.add_company()


@pytest.fixture
def engine(begun: Begin) -> Engine:
    return Engine(begun(with_errands))


def begin(engine: Engine, customers: int = 0, errands: int = 0) -> int:
    """That many of each, absorbed; the epoch of the lane."""
    for number in range(customers):
        engine.database.add_customer(f"Customer {number}")
    if errands:
        owner = engine.database.value("select min(id) from sip.customers")
        for number in range(errands):
            add_errand(engine.database, owner, f"Errand {number}")
    engine.absorb()
    return engine.lease()["1"]


def taken(jobs: list[dict[str, Any]]) -> list[str]:
    """What was decided, by name."""
    return [job["entity_name"] for job in jobs]


def decide(engine: Engine, epoch: int, rest: int, names: int) -> list[str]:
    """Up to so many of each queue, by name."""
    rows = engine.database.rows(
        "select entity_name from syncd.decide(%s, %s) where entity_id is not null",
        (engine.worker, Jsonb([{**asked("1", epoch), "most": [rest, names]}])),
    )
    return [name for (name,) in rows]


# ---- what is taken


@pytest.mark.parametrize(
    ("rest", "names", "expected"),
    [
        (30, 30, ["Customer 0", "Customer 1", "Customer 2", "Errand 0", "Errand 1"]),
        (1, 0, ["Errand 0"]),
        (0, 2, ["Customer 0", "Customer 1"]),
        (0, 0, []),
    ],
)
def test_each_queue_gives_what_there_is_room_for(
    engine: Engine, rest: int, names: int, expected: list[str]
) -> None:
    epoch = begin(engine, customers=3, errands=2)
    assert decide(engine, epoch, rest, names) == expected


def make_backfill(engine: Engine, *names: str) -> None:
    """These customers are work of a kind that nobody waits for."""
    engine.database.execute(
        "update syncd.job set class = 'backfill' where entity_id in"
        " (select id::text from sip.customers where name = any(%s))",
        (list(names),),
    )


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        ("after", ["Customer 2", "Customer 3"]),
        ("first", ["Customer 0", "Customer 2"]),
        ("none", ["Customer 2", "Customer 3"]),
    ],
)
def test_live_work_goes_before_backfill_unless_that_has_its_turn(
    engine: Engine, share: str, expected: list[str]
) -> None:
    epoch = begin(engine, customers=4)
    make_backfill(engine, "Customer 0", "Customer 1")
    assert sorted(taken(engine.decide(epoch, most=2, share=share))) == expected


def test_backfill_has_its_turn_where_there_is_room_for_one(engine: Engine) -> None:
    epoch = begin(engine, customers=2)
    make_backfill(engine, "Customer 0")
    assert taken(engine.decide(epoch, most=1, share="first")) == ["Customer 0"]


def test_backfill_does_not_take_the_place_kept_for_live_work(engine: Engine) -> None:
    epoch = begin(engine, customers=1)
    make_backfill(engine, "Customer 0")
    assert engine.decide(epoch, share="none") == []
    assert taken(engine.decide(epoch)) == ["Customer 0"]


def test_an_edit_of_a_backfilled_record_makes_it_live(engine: Engine) -> None:
    """Behind the live work that was taken, where its owner looks."""
    epoch = begin(engine, customers=3)
    make_backfill(engine, "Customer 0", "Customer 1")
    assert taken(engine.decide(epoch, share="none")) == ["Customer 2"]
    floors = engine.floors
    engine.database.execute("update sip.customers set city = 'Boise' where name = 'Customer 1'")
    engine.absorb()
    assert taken(engine.decide(epoch, floors=floors, share="none")) == ["Customer 1"]


def test_a_record_that_failed_goes_alone(engine: Engine) -> None:
    epoch = begin(engine, customers=4)
    engine.database.execute(
        "update syncd.job set attempts = 1 where entity_id = (select id::text from sip.customers"
        " where name = 'Customer 1')"
    )
    assert taken(engine.decide(epoch)) == ["Customer 0"]
    assert engine.again_in == 0
    assert taken(engine.decide(epoch, floors=engine.floors)) == ["Customer 1"]
    assert sorted(taken(engine.decide(epoch, floors=engine.floors))) == ["Customer 2", "Customer 3"]
    assert engine.again_in is None


def test_in_trouble_one_record_at_a_time_is_tried(engine: Engine) -> None:
    epoch = begin(engine, customers=4, errands=4)
    engine.database.execute("update syncd.lane set failures = 1")
    assert taken(engine.decide(epoch)) == ["Customer 0", "Errand 0"]


def test_a_hot_record_keeps_its_place_in_the_queue(engine: Engine) -> None:
    epoch = begin(engine, customers=3)
    for city in ("Boise", "Nampa"):
        engine.database.execute("update sip.customers set city = %s where name = 'Customer 0'", (city,))
        engine.absorb()
    assert taken(engine.decide(epoch, most=1)) == ["Customer 0"]


def test_what_was_put_off_comes_back_behind_the_others(engine: Engine) -> None:
    epoch = begin(engine, customers=2)
    engine.database.execute(
        "update syncd.job set due_at = clock_timestamp() + interval '1 minute' where entity_id ="
        " (select id::text from sip.customers where name = 'Customer 0')"
    )
    assert taken(engine.decide(epoch)) == ["Customer 1"]
    assert engine.again_in is not None
    assert 0 < engine.again_in <= 60
    engine.database.execute("update syncd.job set due_at = clock_timestamp() where due_at is not null")
    assert taken(engine.decide(epoch, floors=engine.floors)) == ["Customer 0"]


# ---- the budget of batches


def test_forty_batches_a_minute_and_then_single_calls(engine: Engine) -> None:
    epoch = begin(engine, customers=3)
    for _ in range(40):
        assert engine.database.value("select syncd.until_batch(batches) <= interval '0' from syncd.lane"), (
            "there is room for one more"
        )
        engine.database.execute("select syncd.take_turn('1', %s, %s, true)", (engine.worker, epoch))
    assert engine.database.value("select cardinality(batches) from syncd.lane") == 40
    assert len(engine.decide(epoch)) == 1
    make_backfill(engine, "Customer 0", "Customer 1", "Customer 2")
    assert engine.decide(epoch) == [], "what requests are left are for live work"
    assert engine.again_in is not None
    assert 60 < engine.again_in <= 61


def test_a_dba_may_set_another_limit(engine: Engine) -> None:
    epoch = begin(engine, customers=9)
    engine.database.execute("update syncd.qbo_limit set override = 4 where name = 'batch_size'")
    assert len(engine.decide(epoch)) == 4


@pytest.mark.parametrize("wrong", [0, -1])
def test_a_limit_that_is_none_is_refused(engine: Engine, wrong: int) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        engine.database.execute("update syncd.qbo_limit set override = %s", (wrong,))


# ---- a batch


def batch(engine: Engine, size: int) -> tuple[int, int, list[str]]:
    """A batch of customers, committed: epoch, call, and the records by their place."""
    epoch = begin(engine, customers=size)
    jobs = engine.decide(epoch)
    call = engine.intend(epoch, *jobs)
    assert call
    return epoch, call, [job["entity_id"] for job in jobs]


def success(qbo_id: str) -> dict[str, Any]:
    return {"outcome": "success", "qbo_id": qbo_id, "sync_token": "0"}


def fault(kind: str, **more: Any) -> dict[str, Any]:
    return {"outcome": "fault", "fault": kind, "may_help": True, "error": f"A {kind} fault.", **more}


def states(engine: Engine) -> dict[str, str]:
    """Record -> state, of the jobs that are left."""
    return dict(engine.database.rows("select entity_id, state::text from syncd.job"))


def test_a_batch_is_committed_whole_or_not_at_all(engine: Engine) -> None:
    epoch = begin(engine, customers=3)
    jobs = engine.decide(epoch)
    engine.database.execute("update sip.customers set city = 'Boise' where name = 'Customer 1'")
    engine.absorb()
    assert engine.intend(epoch, *jobs) is None
    assert engine.database.value("select count(*) from syncd.call") == 0
    assert engine.database.value("select count(*) from syncd.link") == 0
    assert engine.intend(epoch, *engine.decide(epoch))


def test_each_record_of_a_batch_has_its_own_outcome(engine: Engine) -> None:
    epoch, call, ids = batch(engine, 4)
    engine.record_all(
        epoch,
        call,
        {
            "1": success("501"),
            "2": {"outcome": "variance", "qbo_id": "502", "sync_token": "0", "error": "Another name."},
            "3": fault("record", code="2040"),
            "4": fault("transient"),
        },
    )
    assert states(engine) == {ids[2]: "pending", ids[3]: "pending"}
    assert engine.database.value("select not_before <= now() from syncd.lane"), "others passed: no pause"
    assert engine.database.value("select outcome::text from syncd.call") == "settled"
    assert engine.database.rows(
        "select entity_id, status::text, error_class::text from syncd.sync_log order by log_id"
    ) == [
        (ids[0], "success", None),
        (ids[1], "error", "variance"),
        (ids[2], "error", "record"),
        (ids[3], "error", "transient"),
    ]


def test_a_batch_that_fails_as_a_whole_pauses_the_lane_once(engine: Engine) -> None:
    epoch, call, _ = batch(engine, 3)
    engine.record_all(epoch, call, {str(n): fault("transient") for n in (1, 2, 3)})
    assert engine.database.value("select failures from syncd.lane") == 1


def test_what_fails_while_the_lane_pauses_already_is_the_same_trouble(engine: Engine) -> None:
    """Else thirty records that are recorded one by one would silence a company for five minutes."""
    epoch, call, ids = batch(engine, 30)
    pause = "select failures, not_before - clock_timestamp() < interval '4 seconds', paused_because from syncd.lane"
    engine.record_all(epoch, call, {"1": fault("throttle") | {"outcome": "unknown"}})
    engine.database.execute("update syncd.lane set not_before = clock_timestamp() + interval '2 seconds'")
    for number in range(2, len(ids)):
        engine.record_all(epoch, call, {str(number): fault("transient") | {"outcome": "unknown"}})
    assert engine.database.rows(pause) == [(1, True, "A transient fault.")]
    engine.record_all(epoch, call, {str(len(ids)): success("501")})
    assert engine.database.rows(pause) == [(0, True, "A transient fault.")], "it goes on, and says why"


def test_a_throttle_of_one_record_pauses_the_lane_though_others_passed(engine: Engine) -> None:
    epoch, call, _ = batch(engine, 2)
    engine.record_all(epoch, call, {"1": success("501"), "2": fault("throttle")})
    waits = engine.database.value("select extract(epoch from not_before - clock_timestamp()) from syncd.lane")
    assert 59 < waits <= 60


def test_a_split_batch_uses_no_attempt_and_each_record_goes_alone(engine: Engine) -> None:
    epoch, call, ids = batch(engine, 3)
    engine.record_all(epoch, call, {str(n): fault("record") | {"outcome": "split"} for n in (1, 2, 3)})
    assert engine.database.value("select count(*) from syncd.sync_log") == 0
    for id_ in ids:
        [job] = engine.decide(epoch)
        assert job["entity_id"] == id_
        assert engine.push(epoch, job, f"50{id_}") == "synced"
    assert engine.database.value("select max(attempt) from syncd.sync_log") == 1


def test_records_of_a_batch_are_settled_as_they_become_clear(engine: Engine) -> None:
    epoch, call, ids = batch(engine, 3)
    engine.record_all(epoch, call, {"1": success("501")})
    assert states(engine) == {ids[1]: "sending", ids[2]: "sending"}
    assert engine.database.value("select outcome::text from syncd.call") == "answered"
    assert engine.record_all(epoch, call, {"1": success("999")}) == {}, "settled before"
    engine.record_all(epoch, call, {"2": success("502"), "3": success("503")})
    assert engine.database.value("select outcome::text from syncd.call") == "settled"
    assert states(engine) == {}


def test_what_is_left_of_a_batch_is_asked_for_with_the_whole_batch(engine: Engine) -> None:
    epoch, call, ids = batch(engine, 3)
    engine.record_all(epoch, call, {"2": success("502")})
    engine.database.execute("update syncd.worker set alive_until = clock_timestamp()")
    other = Engine(engine.database)
    rows = engine.database.rows(
        "select call_id, kind, body, entity_id from syncd.reopen('1', %s, %s) order by bid",
        (other.worker, other.lease()["1"]),
    )
    assert rows == [(call, "batch", b"{}", ids[0]), (call, "batch", b"{}", ids[2])]


def test_one_object_in_two_answers_of_a_batch_links_neither(engine: Engine) -> None:
    epoch, call, ids = batch(engine, 2)
    assert engine.record_all(epoch, call, {"1": success("501"), "2": success("501")}) == {
        ids[0]: "collision",
        ids[1]: "collision",
    }
    assert engine.database.value("select count(*) from syncd.link where qbo_id is not null") == 0


def test_an_edit_during_a_batch_is_one_more_push_of_that_record(engine: Engine) -> None:
    epoch, call, ids = batch(engine, 3)
    engine.database.execute("update sip.customers set city = 'Boise' where name = 'Customer 1'")
    engine.absorb()
    engine.record_all(epoch, call, {str(n): success(f"50{n}") for n in (1, 2, 3)})
    [job] = engine.decide(epoch)
    assert (job["entity_id"], job["operation"]) == (ids[1], "update")


def test_what_waits_for_a_record_is_due_when_that_is_synced(engine: Engine) -> None:
    epoch = begin(engine, customers=1, errands=1)
    [customer, errand] = engine.decide(epoch)
    engine.database.execute(
        "update syncd.job set state = 'waiting', waits_on = 'record', waits_for_type = 'customer',"
        " waits_for_id = %s, due_at = 'infinity' where entity_type = 'errand'",
        (customer["entity_id"],),
    )
    call = engine.intend(epoch, customer)
    assert call
    due = engine.database.value(
        "select due from syncd.record(%s, %s)",
        (engine.worker, Jsonb([recorded("1", epoch, call, {"1": success("501")})])),
    )
    assert due is True
    assert [job["entity_id"] for job in engine.decide(epoch, floors=engine.floors)] == [errand["entity_id"]]


# ---- several daemons


def test_absorb_tells_whose_lanes_got_work(engine: Engine) -> None:
    begin(engine, customers=1)
    engine.database.add_company("2", realm="9131")
    engine.database.add_customer("Held by another", "2")
    engine.absorb()
    other = Engine(engine.database)
    assert set(other.lease()) == {"2"}
    with psycopg.connect(engine.database.dsn, autocommit=True) as ears:
        ears.execute("listen syncd_lanes")
        for company in ("1", "2"):
            engine.database.add_customer("More", company)
        mine = engine.database.value("select mine from syncd.absorb(100, null, %s)", (engine.worker,))
        assert mine == ["1"]
        assert [n.payload for n in ears.notifies(timeout=60, stop_after=1)] == ["2"]
        assert list(ears.notifies(timeout=0.2)) == []


def test_work_for_a_lane_that_is_served_does_not_write_its_row_again(engine: Engine) -> None:
    begin(engine, customers=1)
    before = engine.database.value("select ctid::text from syncd.lane")
    engine.database.add_customer("More")
    engine.absorb()
    assert engine.database.value("select ctid::text from syncd.lane") == before


def test_a_full_daemon_knows_whether_lanes_wait(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    engine.absorb()
    assert engine.database.value("select syncd.lanes_wait()") is True
    engine.lease()
    assert engine.database.value("select syncd.lanes_wait()") is False


def test_a_change_that_a_look_should_have_found_is_counted(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    seen = engine.database.value("select pg_current_snapshot()::text")
    assert engine.database.value("select signals from syncd.absorb(100, %s)", (seen,)) == 0
    assert engine.database.rows("select signals, missed from syncd.absorb(100, %s, null, true)", (seen,)) == [
        (1, 1)
    ]
