"""From kill -9 of the daemon on duty to another one that holds duty."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from tests.bench.figures import Figure, Row, at_most
from tests.bench.rows.latency import milliseconds
from tests.support.processes import until

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.bench.stage import Stage, World

# Worker ids of those that hold the lock "on duty"; the session that holds it bears the daemon's name.
HOLDERS = """
    select a.application_name from pg_locks l join pg_stat_activity a using (pid)
    where l.locktype = 'advisory' and l.classid = 1937337955 and l.objid = 2 and l.granted
          and l.database = (select oid from pg_database where datname = current_database())
"""


def hand_over(world: World) -> float:
    """Kill the daemon on duty at a random moment while another stands by; the seconds until that one has duty."""
    holder, _ = world.daemons
    [[before]] = world.database.rows(HOLDERS)
    time.sleep(random.uniform(1, 2))  # never in step with how often the other asks
    killed = time.monotonic()
    holder.kill()
    until(lambda: world.database.rows(HOLDERS) not in ([], [(before,)]), what="another has duty")
    seconds = time.monotonic() - killed
    world.daemons.remove(holder)
    return seconds


def run(stage: Stage) -> Iterable[Figure]:
    world = stage.world()
    world.connect(1)
    world.daemon()
    seconds = []
    for n in range(stage.size(30, least=2)):
        world.daemon()
        seconds.append(hand_over(world))
        if n % 10 == 0:
            stage.say(f"kill {n + 1}")
    yield Figure(
        "kill -9 of the daemon on duty -> another has it, longest",
        max(seconds),
        "s",
        at_most(1),
        f"{len(seconds)} kills; ms: {milliseconds(seconds)}",
    )


ROW = Row("hand-over", "duty passes on when its holder is killed", run)
