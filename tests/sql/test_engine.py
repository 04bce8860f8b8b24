"""The queue step by step: absorb, lease, decide, intend, record, release, and what each leaves behind."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.support.database import Database
from tests.support.engine import Engine

if TYPE_CHECKING:
    from tests.support.database import Begin


@pytest.fixture
def engine(begun: Begin) -> Engine:
    """A worker, and company 1 with customers switched on."""
    return Engine(begun(Database.add_company))


def take(engine: Engine) -> int:
    """Absorb and lease company 1; its epoch."""
    engine.absorb()
    return engine.lease()["1"]


def log(engine: Engine) -> list[tuple[Any, ...]]:
    """(name, status, error class) of each row, oldest first."""
    return engine.database.rows("select entity_name, status, error_class from syncd.sync_log order by log_id")


# ---- absorb


def test_a_hundred_edits_are_one_job(engine: Engine) -> None:
    id_ = engine.database.add_customer("Ann")
    for number in range(99):
        engine.database.execute("update sip.customers set name = %s", (f"Ann {number}",))
    assert engine.absorb() == 100
    assert engine.database.value("select count(*) from syncd.job") == 1
    [job] = engine.decide(engine.lease()["1"])
    assert (job["entity_id"], job["document"]["name"]) == (id_, "Ann 98")


def test_an_edit_of_a_waiting_record_moves_its_version(engine: Engine) -> None:
    id_ = engine.database.add_customer("Ann")
    engine.absorb()
    before = engine.job(id_)
    engine.database.execute("update sip.customers set name = 'Anna'")
    engine.absorb()
    after = engine.job(id_)
    assert before
    assert after
    assert after["version"] > before["version"]


def test_a_version_is_never_used_again_when_a_record_comes_back(engine: Engine) -> None:
    id_ = engine.database.add_customer("Ann")
    epoch = take(engine)
    [job] = engine.decide(epoch)
    engine.push(epoch, job, "501")
    assert engine.job(id_) is None
    engine.database.execute("update sip.customers set name = 'Anna'")
    engine.absorb()
    again = engine.job(id_)
    assert again
    assert again["version"] > job["version"]


@pytest.mark.parametrize(
    ("entity", "id_", "reason"),
    [("customer", None, "key column was null"), ("ghost", "1", "no entity of this type")],
)
def test_a_signal_that_nobody_can_read_is_set_aside_and_the_others_go_on(
    engine: Engine, entity: str, id_: str | None, reason: str
) -> None:
    engine.database.execute(
        "insert into syncd.outbox (company_id, entity_type, entity_id) values ('1', %s, %s)", (entity, id_)
    )
    good = engine.database.add_customer("Ann")
    engine.absorb()
    assert reason in engine.database.value("select reason from syncd.outbox_bad")
    assert engine.job(good) is not None


def test_a_signal_without_company_finds_it_by_the_record_or_by_its_link(engine: Engine) -> None:
    there = engine.database.add_customer("There")
    gone = engine.database.add_customer("Gone")
    epoch = take(engine)
    for number, job in enumerate(engine.decide(epoch)):
        engine.push(epoch, job, str(number))
    engine.database.execute("delete from sip.customers where id = %s", (gone,))
    engine.database.execute("delete from syncd.outbox")
    for id_ in (there, gone, "404"):
        engine.database.execute(
            "insert into syncd.outbox (entity_type, entity_id) values ('customer', %s)", (id_,)
        )
    engine.absorb()
    assert engine.job(there)
    assert engine.job(gone)
    assert not engine.job("404")


# ---- lease


def test_a_lane_goes_to_one_worker_at_a_time(engine: Engine) -> None:
    other = Engine(engine.database)
    engine.database.add_customer("Ann")
    engine.absorb()
    assert set(engine.lease()) == {"1"}
    assert other.lease() == {}


def test_the_lanes_of_a_worker_that_fell_silent_are_free_and_its_words_are_not_heard(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    epoch = take(engine)
    [job] = engine.decide(epoch)
    engine.database.execute("update syncd.worker set alive_until = clock_timestamp() - interval '1 second'")
    other = Engine(engine.database)
    assert other.lease()["1"] == epoch + 1
    for late in (
        lambda: engine.decide(epoch),
        lambda: engine.intend(epoch, job),
        lambda: engine.release(epoch),
        lambda: engine.reopen(epoch),
    ):
        with pytest.raises(psycopg.Error, match="belongs to another daemon") as refused:
            late()
        assert refused.value.sqlstate == "SY001"


def test_a_worker_that_is_not_alive_leases_nothing(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    engine.absorb()
    engine.database.execute("update syncd.worker set alive_until = clock_timestamp()")
    assert engine.lease() == {}


def test_a_paused_lane_is_not_leased_however_many_edits_come(engine: Engine) -> None:
    engine.database.execute("update syncd.lane set not_before = clock_timestamp() + interval '1 hour'")
    for number in range(3):
        engine.database.add_customer(f"Ann {number}")
        engine.absorb()
        assert engine.lease() == {}


def test_a_small_company_does_not_wait_for_a_large_one(engine: Engine) -> None:
    engine.database.add_company("2", realm="2")
    for number in range(40):
        engine.database.add_customer(f"Large {number}", "1")
    engine.absorb()
    epoch = engine.lease(1)["1"]
    engine.database.add_customer("Small", "2")
    engine.absorb()
    engine.decide(epoch, most=5)
    engine.database.execute(
        "update syncd.lane set owner = null, due_at = clock_timestamp() where company_id = '1'"
    )
    assert set(engine.lease(1)) == {"2"}


def test_release_keeps_a_lane_with_work_and_gives_back_one_without(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    epoch = take(engine)
    assert engine.release(epoch) is False
    [job] = engine.decide(epoch)
    engine.push(epoch, job, "1")
    assert engine.release(epoch) is True
    assert engine.lease() == {}


def test_a_signal_absorbed_while_a_lane_is_released_is_not_forgotten(engine: Engine) -> None:
    """The race of facts A3: absorb holds the lane while release waits for it."""
    engine.database.add_customer("Ann")
    epoch = take(engine)
    [job] = engine.decide(epoch)
    engine.push(epoch, job, "1")
    engine.database.add_customer("Bob")
    with psycopg.connect(engine.database.dsn) as absorbing:
        absorbing.execute("select syncd.absorb(100)")
        released: list[bool] = []
        thread = threading.Thread(target=lambda: released.append(engine.release(epoch)))
        thread.start()
        thread.join(0.3)
        assert thread.is_alive(), "release must wait for absorb"
        absorbing.commit()
        thread.join(10)
    assert released == [False], "the new job was not seen"


# ---- decide


def test_an_unchanged_document_is_not_sent_again(engine: Engine) -> None:
    id_ = engine.database.add_customer("Ann", phone="1")
    epoch = take(engine)
    [job] = engine.decide(epoch)
    engine.push(epoch, job, "501")
    engine.database.execute("update sip.customers set phone = '2'")
    engine.database.execute("update sip.customers set phone = '1'")
    engine.absorb()
    assert engine.decide(epoch) == []
    assert engine.job(id_) is None
    assert [status for _, status, _ in log(engine)] == ["success"]


def test_an_edit_becomes_an_update_of_the_same_object(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    epoch = take(engine)
    [job] = engine.decide(epoch)
    assert (job["operation"], job["qbo_id"], job["sync_token"]) == ("create", None, None)
    engine.push(epoch, job, "501", "3")
    engine.database.execute("update sip.customers set name = 'Anna'")
    engine.absorb()
    [job] = engine.decide(epoch)
    assert (job["operation"], job["qbo_id"], job["sync_token"]) == ("update", "501", "3")
    assert job["sent_document"]["name"] == "Ann"


def test_owed_jobs_wait_while_switched_off_and_go_on_when_on(engine: Engine) -> None:
    id_ = engine.database.add_customer("Ann")
    epoch = take(engine)
    engine.database.switch("1", auto_customers=False)
    assert engine.decide(epoch) == []
    job = engine.job(id_)
    assert job
    assert (job["state"], job["waits_on"]) == ("waiting", "setting")
    assert engine.release(epoch) is True
    assert engine.lease() == {}
    engine.database.switch("1", auto_customers=True)
    assert [job["entity_id"] for job in engine.decide(engine.lease()["1"])] == [id_]


@pytest.mark.parametrize(
    "statement", ["delete from sip.customers", "update sip.customers set deleted_at = now()"]
)
def test_a_record_deleted_before_it_was_sent_is_dropped_without_a_word(
    engine: Engine, statement: str
) -> None:
    engine.database.add_customer("Ann")
    epoch = take(engine)
    engine.database.execute(statement)
    assert engine.decide(epoch) == []
    assert engine.database.value("select count(*) from syncd.job") == 0
    assert log(engine) == []


@pytest.mark.parametrize(
    "statement", ["delete from sip.customers", "update sip.customers set deleted_at = now()"]
)
def test_a_record_deleted_after_it_was_sent_is_diverged_with_one_log_row(
    engine: Engine, statement: str
) -> None:
    id_ = engine.database.add_customer("Ann")
    epoch = take(engine)
    engine.push(epoch, engine.decide(epoch)[0], "501")
    engine.database.execute(statement)
    for _ in range(2):
        engine.absorb()
        assert engine.decide(epoch) == []
        engine.database.execute(
            "insert into syncd.outbox (company_id, entity_type, entity_id) values ('1', 'customer', %s)",
            (id_,),
        )
    job = engine.job(id_)
    assert job
    assert job["state"] == "diverged"
    assert log(engine) == [("Ann", "success", None), ("Ann", "error", None)]


def test_undeleting_a_diverged_record_ends_it(engine: Engine) -> None:
    id_ = engine.database.add_customer("Ann")
    epoch = take(engine)
    engine.push(epoch, engine.decide(epoch)[0], "501")
    engine.database.execute("update sip.customers set deleted_at = now()")
    engine.absorb()
    engine.decide(epoch)
    engine.database.execute("update sip.customers set deleted_at = null")
    engine.absorb()
    engine.decide(epoch)
    assert engine.job(id_) is None


# ---- intend


def test_an_edit_between_decision_and_intent_is_decided_again(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    epoch = take(engine)
    [job] = engine.decide(epoch)
    engine.database.execute("update sip.customers set name = 'Anna'")
    engine.absorb()
    assert engine.intend(epoch, job) is None
    [job] = engine.decide(epoch)
    assert job["document"]["name"] == "Anna"
    assert engine.intend(epoch, job) is not None


@pytest.mark.parametrize("switch", ["enable_sync", "auto_customers"])
def test_a_switch_turned_off_between_decision_and_intent_is_obeyed(engine: Engine, switch: str) -> None:
    id_ = engine.database.add_customer("Ann")
    epoch = take(engine)
    [job] = engine.decide(epoch)
    engine.database.switch("1", **{switch: False})
    assert engine.intend(epoch, job) is None
    assert engine.decide(epoch) == []
    now = engine.job(id_)
    assert now
    assert now["reason"] == "Automatic sync of this is switched off."
    engine.database.switch("1", **{switch: True})
    [job] = engine.decide(epoch)
    assert engine.intend(epoch, job) is not None


@pytest.mark.parametrize(
    "as_if", ["update syncd.job set source = 'manual'", "update syncd.job set required = true"]
)
def test_what_goes_by_hand_or_first_goes_though_its_switch_is_turned_off_meanwhile(
    engine: Engine, as_if: str
) -> None:
    engine.database.add_customer("Ann")
    epoch = take(engine)
    engine.database.execute(as_if)
    [job] = engine.decide(epoch)
    engine.database.switch("1", auto_customers=False)
    assert engine.intend(epoch, job) is not None


def test_the_generation_grows_with_every_call_and_outlives_the_job(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    epoch = take(engine)
    seen = []
    for number in range(3):
        [job] = engine.decide(epoch)
        seen.append(job["generation"])
        engine.push(epoch, job, "501", str(number))
        engine.database.execute("update sip.customers set name = %s", (f"Ann {number}",))
        engine.absorb()
    assert seen == [0, 1, 2]


def test_a_record_with_an_open_call_is_not_decided(engine: Engine) -> None:
    id_ = engine.database.add_customer("Ann")
    epoch = take(engine)
    [job] = engine.decide(epoch)
    engine.intend(epoch, job)
    engine.database.execute("update sip.customers set name = 'Anna'")
    engine.absorb()
    assert engine.decide(epoch) == []
    now = engine.job(id_)
    assert now
    assert now["state"] == "sending"


# ---- record


def test_an_edit_while_the_call_was_under_way_is_sent_after_it(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    epoch = take(engine)
    [job] = engine.decide(epoch)
    call = engine.intend(epoch, job)
    assert call
    engine.database.execute("update sip.customers set name = 'Anna'")
    engine.absorb()
    engine.record(epoch, call, outcome="success", qbo_id="501", sync_token="0")
    [job] = engine.decide(epoch)
    assert (job["operation"], job["document"]["name"], job["sent_document"]["name"]) == (
        "update",
        "Anna",
        "Ann",
    )


def test_three_attempts_and_then_it_is_an_error(engine: Engine) -> None:
    id_ = engine.database.add_customer("Ann")
    epoch = take(engine)
    waits = []
    for attempt in (1, 2, 3):
        [job] = engine.decide(epoch)
        call = engine.intend(epoch, job)
        assert call
        engine.record(epoch, call, outcome="fault", fault="record", code="6000", may_help=True, error="No.")
        now = engine.job(id_)
        assert now
        assert now["attempts"] == attempt
        waits.append(
            engine.database.value(
                "select extract(epoch from nullif(due_at, 'infinity') - clock_timestamp()) from syncd.job"
            )
        )
        engine.database.execute("update syncd.job set due_at = clock_timestamp() where due_at < 'infinity'")
    assert (engine.job(id_) or {})["state"] == "error"
    assert 55 < waits[0] <= 60
    assert 595 < waits[1] <= 600
    assert waits[2] is None
    assert engine.decide(epoch) == []
    assert [row[1] for row in log(engine)] == ["error"] * 3


def test_a_fault_that_can_only_repeat_is_not_tried_again_until_the_record_changes(engine: Engine) -> None:
    id_ = engine.database.add_customer("Ann")
    epoch = take(engine)
    [job] = engine.decide(epoch)
    call = engine.intend(epoch, job)
    assert call
    state = engine.record(
        epoch, call, outcome="fault", fault="record", code="6240", may_help=False, error="Taken."
    )
    assert state == "error"
    assert engine.decide(epoch) == []
    engine.database.execute("update sip.customers set name = 'Ann Lee'")
    engine.absorb()
    now = engine.job(id_)
    assert now
    assert (now["state"], now["attempts"]) == ("pending", 0)
    assert len(engine.decide(epoch)) == 1


CONSEQUENCES = [
    # fault, state of the job, attempts used, lane paused for about (seconds)
    ("period", "held", 0, None),
    ("throttle", "pending", 0, 60),
    ("auth", "pending", 0, 60),
    ("company", "pending", 0, 3600),
]


@pytest.mark.parametrize(("fault", "state", "attempts", "pause"), CONSEQUENCES)
def test_only_faults_of_the_record_use_attempts(
    engine: Engine, fault: str, state: str, attempts: int, pause: int | None
) -> None:
    id_ = engine.database.add_customer("Ann")
    epoch = take(engine)
    [job] = engine.decide(epoch)
    call = engine.intend(epoch, job)
    assert call
    assert engine.record(epoch, call, outcome="fault", fault=fault, may_help=True, error="No.") == state
    now = engine.job(id_)
    assert now
    assert now["attempts"] == attempts
    paused = engine.database.value(
        "select extract(epoch from not_before - clock_timestamp()) from syncd.lane"
    )
    if pause is None:
        assert paused < 0
    else:
        assert pause - 5 < paused <= pause
        assert engine.release(epoch) is True
        assert engine.lease() == {}


def test_an_unknown_outcome_keeps_its_call_and_is_asked_again(engine: Engine) -> None:
    id_ = engine.database.add_customer("Ann")
    epoch = take(engine)
    [job] = engine.decide(epoch)
    call = engine.intend(epoch, job)
    assert call
    assert engine.record(epoch, call, outcome="unknown", fault="transient", error="Lost.") == "unknown"
    assert engine.decide(epoch) == []
    engine.database.execute("update syncd.job set due_at = clock_timestamp()")
    assert engine.reopen(epoch) is None, "the lane pauses"
    assert engine.release(epoch) is True, "and does not spin"
    engine.database.execute("update syncd.lane set not_before = clock_timestamp()")
    epoch = engine.lease()["1"]
    assert engine.reopen(epoch) == call
    assert engine.database.value("select sends from syncd.call") == 2
    engine.record(epoch, call, outcome="success", qbo_id="501", sync_token="0")
    assert engine.job(id_) is None


def test_a_call_that_a_dead_worker_left_is_asked_again_by_the_next(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    epoch = take(engine)
    call = engine.intend(epoch, engine.decide(epoch)[0])
    engine.database.execute("update syncd.worker set alive_until = clock_timestamp()")
    other = Engine(engine.database)
    assert other.reopen(other.lease()["1"]) == call


def test_while_sync_is_off_an_unknown_call_stays_unknown(engine: Engine) -> None:
    id_ = engine.database.add_customer("Ann")
    epoch = take(engine)
    call = engine.intend(epoch, engine.decide(epoch)[0])
    assert call
    engine.record(epoch, call, outcome="unknown", fault="transient", error="Lost.")
    engine.database.execute("update syncd.job set due_at = clock_timestamp()")
    engine.database.switch("1", enable_sync=False)
    assert engine.reopen(epoch) is None
    now = engine.job(id_)
    assert now
    assert (now["state"], now["waits_on"]) == ("unknown", "setting")
    assert engine.release(epoch) is True, "a lane with nothing to do must not spin"
    engine.database.switch("1", enable_sync=True)
    engine.database.execute("update syncd.lane set not_before = now()")  # the pause after the lost answer
    assert engine.reopen(engine.lease()["1"]) == call


def test_what_this_worker_has_under_way_is_not_sent_again(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    epoch = take(engine)
    engine.intend(epoch, engine.decide(epoch)[0])
    assert engine.reopen(epoch) is None


def test_another_realm_closes_what_was_open_in_the_former_one(engine: Engine) -> None:
    id_ = engine.database.add_customer("Ann")
    epoch = take(engine)
    engine.intend(epoch, engine.decide(epoch)[0])
    engine.database.execute(
        "select syncd.connect_company('1', 'sandbox', '4711', '\\x00', now(), now(), '{}', '{}', 'USD', false)"
    )
    assert engine.database.value("select outcome::text from syncd.call") == "abandoned"
    now = engine.job(id_)
    assert now
    assert now["state"] == "pending"
    assert [status for _, status, _ in log(engine)] == ["error"]
    with pytest.raises(psycopg.DatabaseError, match="another daemon"):
        engine.decide(epoch)  # what its owner holds is of the former realm
    [job] = engine.decide(engine.lease()["1"])
    assert (job["realm_id"], job["operation"], job["generation"]) == ("4711", "create", 0)


def test_a_variance_links_ends_the_job_and_is_never_a_plain_success(engine: Engine) -> None:
    id_ = engine.database.add_customer("Ann")
    epoch = take(engine)
    call = engine.intend(epoch, engine.decide(epoch)[0])
    assert call
    engine.record(epoch, call, outcome="variance", qbo_id="501", sync_token="0", error="Other name.")
    assert engine.job(id_) is None
    assert engine.database.rows("select qbo_id, state::text from syncd.link") == [("501", "variance")]
    assert log(engine) == [("Ann", "error", "variance")]


def test_an_answer_is_recorded_once(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    epoch = take(engine)
    call = engine.intend(epoch, engine.decide(epoch)[0])
    assert call
    engine.record(epoch, call, outcome="success", qbo_id="501", sync_token="0")
    assert engine.record(epoch, call, outcome="success", qbo_id="502", sync_token="0") is None
    assert log(engine) == [("Ann", "success", None)]
    assert engine.database.value("select qbo_id from syncd.link") == "501"


def test_two_records_cannot_be_linked_to_one_object(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    engine.database.add_customer("Bob")
    epoch = take(engine)
    first, second = engine.decide(epoch)
    engine.push(epoch, first, "501")
    assert engine.push(epoch, second, "501") == "collision"
    assert engine.database.rows("select sip_id from syncd.link where qbo_id = '501'") == [
        (first["entity_id"],)
    ]
    assert engine.database.value("select reason from syncd.errors").startswith(
        "QuickBooks answered with its record 501"
    )


def test_a_retry_makes_failed_records_due_and_leaves_open_calls_alone(engine: Engine) -> None:
    failed = engine.database.add_customer("Failed")
    engine.database.add_customer("Open")
    epoch = take(engine)
    first, second = engine.decide(epoch)
    call = engine.intend(epoch, first)
    assert call
    engine.record(epoch, call, outcome="fault", fault="record", may_help=False, error="No.")
    engine.intend(epoch, second)
    assert engine.database.value("select syncd.retry('1')") == 1
    assert [job["entity_id"] for job in engine.decide(epoch)] == [failed]


# ---- the budget of a realm


def test_the_budget_lets_two_go_at_once_and_then_eight_a_second(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    epoch = take(engine)
    engine.database.execute("update syncd.lane set next_turn = '-infinity'")
    waits = [
        engine.database.value("select syncd.take_turn('1', %s, %s, false)", (engine.worker, epoch))
        for _ in range(10)
    ]
    assert waits[:2] == [0, 0]
    assert 0.9 < waits[9] <= 1.0


# ---- when sending again proves nothing


def lost(engine: Engine, **call: str) -> tuple[int, int]:
    """An unknown call whose time has come, with columns of the call set by SQL; its epoch and id."""
    engine.database.add_customer("Ann")
    epoch = take(engine)
    id_ = engine.intend(epoch, engine.decide(epoch)[0])
    assert id_
    engine.record(epoch, id_, outcome="unknown", fault="transient", error="Lost.")
    for column, value in call.items():
        engine.database.execute(f"update syncd.call set {column} = {value}")  # noqa: S608 - of this file
    engine.database.execute("update syncd.job set due_at = clock_timestamp()")
    engine.database.execute("update syncd.lane set not_before = clock_timestamp()")
    return epoch, id_


@pytest.mark.parametrize(
    "call",
    [
        {"sends": "4", "sent_at": "now() - interval '3 minutes'"},
        {"committed_at": "now() - interval '11 minutes'", "sent_at": "now() - interval '11 minutes'"},
    ],
    ids=["sent four times", "ten minutes old"],
)
def test_a_call_that_proves_nothing_any_more_is_looked_up(engine: Engine, call: dict[str, str]) -> None:
    epoch, id_ = lost(engine, **call)
    looks = "select call_id, looks, sends from syncd.reopen('1', %s, %s)"
    before = engine.database.value("select sends from syncd.call")
    assert engine.database.rows(looks, (engine.worker, epoch)) == [(id_, True, before)]


def test_nothing_is_looked_up_while_a_request_of_it_may_still_be_at_work(engine: Engine) -> None:
    epoch, _ = lost(engine, sends="4", sent_at="now() - interval '1 minute'")
    assert engine.reopen(epoch) is None
    assert engine.release(epoch) is True
    waits = engine.database.value("select extract(epoch from due_at - clock_timestamp()) from syncd.lane")
    assert 85 < waits <= 90


def test_a_call_is_sent_again_while_that_may_tell(engine: Engine) -> None:
    epoch, id_ = lost(engine)
    rows = engine.database.rows(
        "select call_id, looks, sends from syncd.reopen('1', %s, %s)", (engine.worker, epoch)
    )
    assert rows == [(id_, False, 2)]


@pytest.mark.parametrize(("seconds", "ended"), [(149, False), (150, True)])
def test_a_refusal_proves_nothing_while_an_earlier_request_may_be_at_work(
    engine: Engine, seconds: int, ended: bool
) -> None:
    epoch, id_ = lost(engine, sent_at=f"clock_timestamp() - interval '{seconds} seconds'")
    again = "select call_id, ended from syncd.reopen('1', %s, %s)"
    assert engine.database.rows(again, (engine.worker, epoch)) == [(id_, ended)]


def test_what_was_refused_too_early_is_asked_again_when_the_first_request_must_have_ended(
    engine: Engine,
) -> None:
    epoch, id_ = lost(engine)
    engine.reopen(epoch)
    state = engine.record(epoch, id_, outcome="early", fault="record", error="Refused.", code="2020")
    assert state == "unknown"
    assert engine.database.value("select outcome::text from syncd.call") == "unknown"
    waits = engine.database.value("select extract(epoch from due_at - clock_timestamp()) from syncd.job")
    assert 149 < waits <= 150
    said = engine.database.rows(
        "select attempt, error_code, next_attempt_at = (select due_at from syncd.job) from syncd.sync_log"
        " order by log_id desc limit 1"
    )
    assert said == [(1, "2020", True)]
    assert engine.database.value("select attempts from syncd.job") == 0
    assert engine.database.value("select not_before <= clock_timestamp() from syncd.lane")


def test_access_that_no_fresh_token_brings_back_needs_a_person(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    epoch = take(engine)
    call = engine.intend(epoch, engine.decide(epoch)[0])
    assert call
    engine.record(
        epoch, call, outcome="fault", fault="auth", may_help=False, error="Not connected to this app."
    )
    assert engine.database.value("select state::text from syncd.company") == "needs_reconnect"
    assert engine.release(epoch) is True
    assert engine.lease() == {}


def test_a_record_refused_for_the_sake_of_another_is_held_and_uses_no_attempt(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    epoch = take(engine)
    [job] = engine.decide(epoch)
    call = engine.intend(epoch, job)
    assert call is not None
    state = engine.record(
        epoch, call, outcome="fault", fault="record", code="2500", error="Its item is inactive.", held=True
    )
    assert state == "held"
    kept = engine.job(job["entity_id"])
    assert kept is not None
    assert kept["attempts"] == 0
    assert kept["due_at"] == "infinity"
