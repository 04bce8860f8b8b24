"""Batches whose answers are lost, in whole or in part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.faults.conftest import Town

QUICK = {"SYNCD_LEASE_SECONDS": "1"}


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
    town.world.daemon(QUICK)
    add_together(town, "Ann", "Bob", "Cid")
    town.settle()
    town.check()
    assert [w["entity"] for w in town.sandbox.writes(realm)] == ["batch", "batch"]
