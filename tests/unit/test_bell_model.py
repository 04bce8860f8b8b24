"""The bell's protocol misses nothing, in any order of steps; and each of its parts is needed for that."""

from __future__ import annotations

import pytest

from tests.support.bell_model import Rules, explore


def test_no_order_of_steps_leaves_a_committed_change_waiting() -> None:
    found = explore(Rules(), writers=3)
    assert found.late is None
    assert found.states > 10_000
    assert found.daemon == {
        "forget", "look", "ask", "queued", "second look", "asleep", "cancel", "unlock",
    }  # fmt: skip


def test_nobody_rings_for_a_daemon_that_is_awake() -> None:
    assert explore(Rules(), writers=3).rings_for_nobody is None


@pytest.mark.parametrize(
    ("rules", "writers"),
    [
        (Rules(second_look="never"), 1),
        (Rules(second_look="before the grant"), 1),
        (Rules(writer_keeps_lock_until_commit=False), 1),
        (Rules(notify_waits_for_commit=False), 1),
        # One transaction stays open and keeps the bell; the other saw the daemon awake and does not ring.
        (Rules(looks_while_it_waits=False), 2),
    ],
)
def test_without_one_of_its_parts_a_change_is_missed(rules: Rules, writers: int) -> None:
    assert explore(rules, writers).late
    assert writers == 1 or explore(rules, writers - 1).late is None


def test_a_lock_that_is_forgotten_makes_writers_ring_for_nobody() -> None:
    found = explore(Rules(unlocks_if_granted_while_cancelling=False), writers=2)
    assert found.rings_for_nobody
    assert found.late is None
