"""Postgres carries a step out and its answer is never heard: the daemon must not rest on what it thinks it knows.

A commit that waits for a standby is durable and visible to nobody's client; ending its session loses just the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.truth import effects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.conftest import Town

QUICK = {"SYNCD_LEASE_SECONDS": "60"}  # no lease runs out and hides that a call was forgotten

# The steps that write these rows wait at their commit, and no others.
STEPS = {
    "intent": "insert on syncd.call",
    "reopening": "update of sends on syncd.call",
    "record": "insert on syncd.sync_log",
    "lease": "update of epoch on syncd.lane",
}
WAITS = "select pid from pg_stat_activity where datname = current_database() and wait_event = 'SyncRep'"


@pytest.fixture
def standby(town: Town) -> Iterator[None]:
    """A standby that never answers; only those wait for it that want to."""
    town.database.execute("set synchronous_commit = local")
    town.database.execute("alter role test_daemon set synchronous_commit = local")
    town.database.execute("alter role test_admin set synchronous_commit = local")
    town.database.execute("alter system set synchronous_standby_names = 'nobody'")
    town.database.execute("select pg_reload_conf()")
    yield
    for role in ("daemon", "admin"):
        town.database.execute(f"alter role test_{role} reset synchronous_commit")
    town.database.execute("alter system reset synchronous_standby_names")
    town.database.execute("select pg_reload_conf()")


def wait_at(town: Town, step: str) -> None:
    """The next commit of this step waits."""
    town.database.execute("create sequence public.times")
    town.database.execute("grant usage on sequence public.times to public")
    town.database.execute(
        "create function public.wait_for_standby() returns trigger language plpgsql as $$ begin"
        " if nextval('public.times') = 1 then perform set_config('synchronous_commit', 'on', true); end if;"
        " return null; end $$"
    )
    town.database.execute(
        f"create trigger waits after {STEPS[step]} for each statement"
        " execute function public.wait_for_standby()"
    )


def lose_the_answer(town: Town) -> None:
    """End the session that waits; what it did stays."""
    [pid] = town.wait(lambda: [pid for (pid,) in town.database.rows(WAITS)], "a commit waits")
    town.database.execute("select pg_terminate_backend(%s)", (pid,))


@pytest.mark.usefixtures("standby")
@pytest.mark.parametrize("step", STEPS)
def test_a_step_whose_answer_was_not_heard(town: Town, step: str) -> None:
    realm = town.connect()
    if step == "reopening":
        town.order(realm, "drop-after")
    town.world.daemon(QUICK)
    wait_at(town, step)
    town.database.add_customer("Ann")
    if step == "reopening":
        town.wait(lambda: town.states() == ["unknown"], "the outcome is unknown")
        town.hurry()
    lose_the_answer(town)
    town.settle(seconds=45)
    town.check()
    assert len(effects(town.sandbox, realm)) == 1
