"""Batches whose answers are lost, in whole or in part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.processes import PATIENT

if TYPE_CHECKING:
    from tests.faults.conftest import Town


def add_together(town: Town, *names: str) -> None:
    """Customers of one transaction, which go in one batch."""
    with town.database.connection.transaction():
        for name in names:
            town.database.add_customer(name)


@pytest.mark.parametrize("memory", ["none", "1h"])
def test_a_repeated_batch_finds_each_of_its_creates(town: Town, memory: str) -> None:
    """QuickBooks carried it out, and answers the repeat with a name clash for each record if it has forgotten."""
    town.sandbox.tell("quirks", **{"replay-memory": memory})
    realm = town.connect()
    town.order(realm, "drop-after")
    town.world.daemon()
    add_together(town, "Ann", "Bob", "Cid")
    town.settle()
    town.check()
    assert [w["entity"] for w in town.sandbox.writes(realm)] == ["batch", "batch"]


def batches(town: Town, realm: str) -> list[str]:
    """What became of the batches that the realm got."""
    return [w["outcome"] for w in town.sandbox.writes(realm) if w["entity"] == "batch"]


def test_killed_between_the_intent_of_a_batch_and_its_request(town: Town) -> None:
    realm = town.connect()
    daemon = town.world.daemon()
    town.database.execute("update syncd.lane set next_turn = clock_timestamp() + interval '9 seconds'")
    add_together(town, "Ann", "Bob", "Cid")
    town.wait(lambda: town.database.value("select count(*) from syncd.call"))
    town.kill(daemon)
    town.database.execute("update syncd.lane set next_turn = now()")
    daemon.start()
    town.settle()
    town.check()
    assert batches(town, realm) == ["executed"]


def test_killed_when_some_records_of_a_batch_are_recorded(town: Town) -> None:
    realm = town.connect()
    town.in_qbo(realm, "vendor", DisplayName="Bob")
    town.sandbox.tell("faults", kind="hang", realm_id=realm, entity="query")
    daemon = town.world.daemon(PATIENT)
    add_together(town, "Ann", "Bob", "Cid")
    town.wait(lambda: town.states() == ["sending"], "two are recorded")
    town.wait(
        lambda: [
            r
            for r in town.sandbox.ask("requests")["requests"]
            if (r["realm"], r["entity"]) == (realm, "query")
        ],
        "and one is being looked up",
    )
    town.database.execute("update sip.customers set name = 'Anna' where name = 'Ann'")
    town.kill(daemon)
    daemon.start()
    town.settle()
    town.check(not_there=["Bob"])
    assert batches(town, realm) == ["executed", "replayed"]


@pytest.mark.parametrize("memory", ["none", "1h"])
def test_edits_while_the_answer_of_a_batch_is_lost(town: Town, memory: str) -> None:
    town.sandbox.tell("quirks", **{"replay-memory": memory})
    realm = town.connect()
    town.order(realm, "drop-after", times=2)
    town.world.daemon()
    add_together(town, "Ann", "Bob", "Cid")
    town.wait(lambda: set(town.states()) == {"unknown"})
    town.database.execute("update sip.customers set phone = '555 0101' where name in ('Ann', 'Bob')")
    town.database.add_customer("Dee")
    town.settle()
    town.check()


def test_switched_off_while_the_outcome_of_a_batch_is_unknown(town: Town) -> None:
    realm = town.connect()
    town.order(realm, "drop-after")
    town.world.daemon()
    add_together(town, "Ann", "Bob", "Cid")
    town.wait(lambda: set(town.states()) == {"unknown"})
    town.database.switch("1", enable_sync=False)
    town.hurry()
    town.wait(lambda: town.database.value("select count(*) from syncd.job where waits_on = 'setting'") == 3)
    assert len(batches(town, realm)) == 1
    town.database.switch("1", enable_sync=True)
    town.settle()
    town.check()


def test_another_realm_while_a_batch_is_in_flight(town: Town) -> None:
    former = town.connect()
    held = town.order(former, "hold", when="after")
    town.world.daemon(PATIENT)
    add_together(town, "Ann", "Bob", "Cid")
    town.wait(lambda: len(town.sandbox.objects(former)) == 3)
    realm = town.sandbox.tell("companies", profile="us-automated-tax")["realm_id"]
    town.reconnect("1", realm)
    town.release(held)
    town.settle()
    town.check()
