"""Between two steps of the engine: what a daemon that dies, or never hears an answer, leaves to the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.engine import Engine

if TYPE_CHECKING:
    from tests.support.database import Database


@pytest.fixture
def engine(database: Database) -> Engine:
    """A worker, and company 1 with customers switched on."""
    database.add_company()
    return Engine(database)


def sending(engine: Engine, name: str = "Ann") -> tuple[int, int]:
    """A customer whose call is committed: epoch and call."""
    engine.database.add_customer(name)
    engine.absorb()
    epoch = engine.lease()["1"]
    call = engine.intend(epoch, engine.decide(epoch)[0])
    assert call is not None
    return epoch, call


def lease(engine: Engine, *held: str) -> dict[str, int]:
    """As the daemon leases: it names the lanes that it knows it has."""
    return dict(
        engine.database.rows(
            "select company_id, epoch from syncd.lease(%s, 10, %s)", (engine.worker, list(held))
        )
    )


def test_a_lane_whose_lease_was_never_heard_of_is_leased_again(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    engine.absorb()
    unheard = lease(engine)["1"]  # committed, but the connection broke before the daemon knew
    assert lease(engine, "1") == {}  # a lane that it works on is not given to it twice
    assert lease(engine)["1"] > unheard


def test_an_edit_of_a_parked_open_call_leaves_it_to_the_switch(engine: Engine) -> None:
    """A transaction of SIP that wrote before Enable Sync went off and commits after the call was parked."""
    epoch, call = sending(engine)
    engine.record(epoch, call, outcome="unknown", fault="transient", may_help=True, error="No answer.")
    engine.database.execute("update syncd.lane set not_before = now()")
    engine.database.execute("update syncd.job set due_at = now()")
    with engine.database.connection.transaction():
        engine.database.execute("update sip.customers set name = 'Anna'")
        held_back = engine.database.rows(
            "delete from syncd.outbox returning company_id, entity_id, signaled_at"
        )
    engine.database.switch("1", enable_sync=False)
    assert engine.reopen(epoch) is None  # parked
    engine.database.execute(
        "insert into syncd.outbox (company_id, entity_type, entity_id, signaled_at) values (%s, 'customer', %s, %s)",
        held_back[0],
    )
    engine.absorb()
    assert engine.reopen(epoch) is None
    engine.database.switch("1", enable_sync=True)
    assert engine.reopen(epoch) == call


def refresh(engine: Engine, epoch: int) -> Any:
    """A refresh that has begun; when."""
    return engine.database.value(
        "select started_at from syncd.begin_refresh('1', %s, %s)", (engine.worker, epoch)
    )


def keep(engine: Engine, epoch: int, started: Any, tokens: bytes) -> bytes:
    """What is stored after this daemon has tried to keep what it got."""
    engine.database.execute(
        "select syncd.keep_tokens('1', %s, %s, %s, %s, now() + interval '1 hour', null)",
        (engine.worker, epoch, started, tokens),
    )
    return bytes(engine.database.value("select tokens from syncd.company"))


def test_renewed_tokens_are_kept_although_the_lane_was_lost_meanwhile(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    engine.absorb()
    epoch = engine.lease()["1"]
    started = refresh(engine, epoch)
    engine.database.execute("update syncd.worker set alive_until = now() - interval '1 second'")
    Engine(engine.database).lease()
    assert keep(engine, epoch, started, b"renewed") == b"renewed"


def test_tokens_of_a_former_connection_never_replace_those_of_a_new_one(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    engine.absorb()
    epoch = engine.lease()["1"]
    started = refresh(engine, epoch)
    engine.database.execute(
        "select syncd.connect_company('1', 'sandbox', '9130', 'new', now(), now(), '{}', '{}', 'USD', false)"
    )
    assert keep(engine, epoch, started, b"old") == b"new"


def test_a_refusal_of_the_former_connection_does_not_end_a_new_one(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    engine.absorb()
    epoch = engine.lease()["1"]
    engine.database.execute(
        "select syncd.connect_company('1', 'sandbox', '9130', 'new', now(), now(), '{}', '{}', 'USD', false)"
    )
    with pytest.raises(Exception, match="another daemon"):
        engine.database.execute(
            "select syncd.pause('1', %s, %s, now(), 'invalid_grant', true)", (engine.worker, epoch)
        )
    assert engine.database.value("select state::text from syncd.company") == "connected"


def test_a_clock_that_was_set_back_does_not_silence_a_company(engine: Engine) -> None:
    engine.database.add_customer("Ann")
    engine.absorb()
    epoch = engine.lease()["1"]
    engine.database.execute("update syncd.lane set next_turn = now() + interval '1 hour'")
    wait = engine.database.value("select syncd.take_turn('1', %s, %s, false)", (engine.worker, epoch))
    assert wait <= 10


def test_a_refusal_of_a_record_that_changed_meanwhile_is_decided_anew(engine: Engine) -> None:
    """Its ticket is below the floor by now, so neither the next decision nor the release would see it."""
    engine.database.add_customer("Ann")
    engine.absorb()
    epoch = engine.lease()["1"]
    [job] = engine.decide(epoch)
    engine.database.execute("update sip.customers set name = 'Anna'")
    engine.absorb()
    with pytest.raises(Exception, match="changed since it was decided"):
        engine.database.execute(
            "select syncd.refuse('1', %s, %s, 'customer', %s, 'Ann', %s, 'error', 'record', false, 'code',"
            " 'Too long.')",
            (engine.worker, epoch, job["entity_id"], job["version"]),
        )
    assert engine.database.value("select count(*) from syncd.sync_log") == 0
