"""Settings toggled while work waits: what was owed is resumed, what was not is never sent."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.faults.conftest import Town


@pytest.mark.parametrize("toggle", ["enable_sync", "auto_customers"])
def test_owed_jobs_wait_for_the_switch_and_nothing_is_sent_retroactively(town: Town, toggle: str) -> None:
    realm = town.connect()
    for number in range(3):
        town.database.add_customer(f"Owed {number}")
    town.database.switch("1", **{toggle: False})
    town.database.add_customer("Not owed, made before the daemon came")
    daemon = town.world.daemon()
    town.wait(lambda: town.states() == ["waiting"] * 3)
    town.database.add_customer("Not owed, made while it ran")
    town.wait(lambda: not town.database.value("select count(*) from syncd.outbox"))
    assert town.sandbox.writes(realm) == []
    town.kill(daemon)
    town.database.add_customer("Not owed, not even seen")
    town.database.switch("1", **{toggle: True})
    daemon.start()
    town.settle()
    not_owed = [
        name for (name,) in town.database.rows("select name from sip.customers where name like 'Not %'")
    ]
    assert len(not_owed) == 3
    town.check(not_there=not_owed)


def test_switched_to_and_fro_under_load(town: Town) -> None:
    """Each customer is made while the switch is on, or off; only the former arrive, and all of them."""
    rng = random.Random(11)
    for company in "12":
        town.order(town.connect(company), "delay", times=0, seconds=0.03)
    town.world.daemon()
    never = []
    on = dict.fromkeys("12", True)
    for number in range(40):
        company = rng.choice("12")
        if rng.random() < 0.4:
            on[company] = not on[company]
            town.database.switch(company, auto_customers=on[company])
        town.database.add_customer(f"Customer {number}", company)
        if not on[company]:
            never.append(f"Customer {number}")
    for company in "12":
        town.database.switch(company, auto_customers=True)
    town.settle()
    town.check(not_there=never)
    assert never
