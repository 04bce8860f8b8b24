"""Too many companies for the slots, and too much work for a company: who waits for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.faults.conftest import Town

SMALL = [str(number) for number in range(2, 12)]


@pytest.mark.slow
@pytest.mark.parametrize("slots", ["1", "2"])
def test_small_companies_do_not_wait_for_a_large_one(town: Town, slots: str) -> None:
    """Lanes give way while their calls are in flight, and get work while they do."""
    large = town.connect("1")
    town.order(large, "delay", times=0, seconds=0.5)
    realms = [town.connect(company) for company in SMALL]
    for realm in realms:
        town.order(realm, "delay", times=0, seconds=0.1)
    town.world.daemon({"SYNCD_SLOTS": slots})
    town.database.execute(
        "insert into sip.customers (organization_id, name) select 1, 'Customer ' || n from generate_series(1, 1100) n"
    )
    town.wait(lambda: town.sandbox.objects(large))
    for number in range(3):
        for company in SMALL:
            town.database.add_customer(f"Customer {number}", company)
    town.wait(lambda: all(len(town.sandbox.objects(realm)) == 3 for realm in realms))
    assert len(town.sandbox.objects(large)) < 1100
    town.no_more_faults()
    town.settle()
    town.check()


def test_an_edit_does_not_wait_behind_backfill(town: Town) -> None:
    """No more than for the batch that is under way when it is committed, whoever has his turn next."""
    realm = town.connect()
    town.order(realm, "delay", times=0, seconds=0.3)
    town.database.execute(
        "insert into sip.customers (organization_id, name) select 1, 'Customer ' || n from generate_series(1, 5000) n"
    )
    town.database.execute("select syncd.absorb(10000)")
    town.database.execute("update syncd.job set class = 'backfill'")
    town.world.daemon()
    waited = []
    for number in range(8):
        under_way(town, realm)
        id_ = town.database.add_customer(f"Live {number}")
        town.wait(lambda: not town.database.value("select exists (select from syncd.outbox)"))
        last = newest(town)
        another_than(town, last)
        waited.append(
            town.database.value(
                "select count(*) from syncd.call where call_id > %s and call_id < coalesce("
                "(select min(call_id) from syncd.call_item where entity_id = %s), 1e9)",
                (last, id_),
            )
        )
    assert waited == [0] * 8


def newest(town: Town) -> int:
    """The newest call."""
    return int(town.database.value("select max(call_id) from syncd.call"))


def another_than(town: Town, last: int) -> None:
    """The next call has been committed."""
    town.wait(lambda: newest(town) > last)


def under_way(town: Town, realm: str) -> None:
    """A batch has just been sent."""
    done = len(town.sandbox.writes(realm))
    town.wait(lambda: len(town.sandbox.writes(realm)) > done)
