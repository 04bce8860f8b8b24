"""SIP's writers: many clients that change one watched table, and the ways in which that table is watched."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from syncd.db import files
from tests.bench.stage import pgbench

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.bench.stage import Stage, World

CLIENTS = 16
COMPANIES = 50

CHANGE_ONE = """
\\set id random(:low, :high)
\\set phone random(1, 999999999)
update sip.customers set phone = :phone where id = :id;
"""
# What a queue without a bell does: every transaction notifies.
ALWAYS_NOTIFY = """
    create or replace function syncd.bell() returns text language sql stable
    as $$ select E'    if found then perform pg_notify(''syncd'', ''''); end if;\n' $$
"""


class Writers:
    """A table of customers and the clients that change it. Each way is prepared from the same state."""

    def __init__(self, stage: Stage, world: World, customers: int) -> None:
        self._stage = stage
        self._world = world
        self._database = world.database
        self.customers = customers
        world.connect(COMPANIES)
        self.bare()
        world.fill(customers // COMPANIES)
        self.watched()

    def bare(self) -> None:
        """No trigger. Disabled ones would not do: Postgres collects the changed rows for them all the same."""
        for (name,) in self._database.rows(
            "select tgname from pg_trigger where tgrelid = 'sip.customers'::regclass and tgname like 'zz_syncd_%'"
        ):
            self._database.execute(f"drop trigger {name} on sip.customers")

    def watched(self) -> None:
        """The triggers as installed."""
        self._database.execute((files.folder("sql") / "engine" / "bell.sql").read_text())
        self._install()

    def always_notify(self) -> None:
        """The same triggers, but each transaction notifies."""
        self._database.execute(ALWAYS_NOTIFY)
        self._install()

    def _install(self) -> None:
        self._database.execute("select syncd.install_functions(binding_id) from syncd.binding")
        self._database.execute(
            "select syncd.install_triggers(b.binding_id, t.relation)"
            " from syncd.binding b cross join syncd.tables_to_change(b.binding_id) t"
        )

    def settle(self) -> None:
        """Nothing runs, nothing is queued, and the table has no dead rows."""
        self._world.stop_daemons()
        self._database.execute("truncate syncd.outbox, syncd.job")
        self._database.execute("update syncd.lane set due_at = 'infinity'")
        self._database.execute("vacuum analyze sip.customers")
        self._database.execute("checkpoint")

    def rate(self) -> float:
        """Single-row updates per second."""
        low, high = self._database.rows("select min(id), max(id) from sip.customers")[0]
        seconds = self._stage.seconds(5)
        return pgbench(
            self._stage.server,
            self._database,
            CHANGE_ONE,
            clients=CLIENTS,
            seconds=seconds,
            low=low,
            high=high,
        )

    def bulk_seconds(self) -> float:
        """One statement that changes every row."""
        began = time.perf_counter()
        self._database.execute("update sip.customers set phone = (random() * 1e9)::bigint::text")
        return time.perf_counter() - began


def alternate(stage: Stage, rounds: int, ways: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Measure each way once per round, every round beginning with another one, so that drift meets all alike."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    for number in range(rounds):
        for name in [*names[number % len(names) :], *names[: number % len(names)]]:
            found[name].append(ways[name]())
            stage.say(f"round {number + 1} of {rounds}, {name}: {found[name][-1]:,.4g}")
    return found
