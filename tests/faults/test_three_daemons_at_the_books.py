"""Records of all kinds while three daemons are killed, frozen and usurped: invoices, payments and time that nothing in
QuickBooks keeps anybody from adding twice. Every account is added up at the end.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.faults.conftest import Town
from tests.faults.test_three_daemons import LOST, SETTINGS, Villain
from tests.flow.test_mixed_changes import PROFILES, nothing_twice, open_companies, place, the_books_balance
from tests.support.crowd import report
from tests.support.mixed import Admin, Writer, alongside, merged
from tests.support.owed import Judge, Watch, found_in

if TYPE_CHECKING:
    from tests.flow.conftest import World

WRITERS = 3
PACE = 8.0  # changes a second, of each
DELAY = 0.5  # that QuickBooks takes for a request


@pytest.mark.slow
@pytest.mark.parametrize("seed", [20261130])
def test_the_books_balance_whatever_becomes_of_the_daemons(world: World, seed: int) -> None:
    town = Town(world)
    opened = open_companies(world, 4)
    profiles = list(PROFILES)
    places = {
        id_: place(world, company, profiles[n % len(profiles)])
        for n, (id_, company) in enumerate(opened.items())
    }
    for company in opened.values():
        company.order("delay", times=0, seconds=DELAY)
        company.order("drop-after", times=0, probability=0.03)
    daemons = [world.daemon(SETTINGS) for _ in range(3)]
    writers = [Writer(world.database.dsn, places, seed, number, WRITERS) for number in range(WRITERS)]
    with ExitStack() as writing:
        for writer in writers:
            writing.enter_context(alongside(partial(writer.write_until, PACE)))
        Villain(world, daemons, seed).rage(kills=6, freezes=6, usurped=15)
    town.calm(DELAY)
    memory = merged(writers)
    judge = Judge(memory, Admin(world.database, list(opened), seed).flips, Watch(world.database))
    found = {
        id_: found_in(world.database, world.sandbox, id_, company.realm) for id_, company in opened.items()
    }
    writes = {record: written for one in found.values() for record, written in one.writes.items()}
    wrongs = [wrong for record in memory.changes for wrong in judge.wrongs(record, writes.get(record, []))]
    lost = sum(len(daemon.events(LOST)) for daemon in daemons)
    report(f"{sum(map(len, memory.changes.values()))} changes, {lost} late answers refused")
    assert not wrongs, f"{len(wrongs)} wrongs, the first ones:\n" + "\n".join(wrongs[:10])
    assert lost
    for id_, company in opened.items():
        nothing_twice(company, found[id_])
        the_books_balance(world, company)
    for daemon in daemons:
        assert daemon.events("a lane failed") == []
        assert "Traceback" not in daemon.log.read_text()
