"""A daemon dies while QuickBooks is at work on its request. The next one asks under the same id, and must not take any
answer for a proof that nothing was done: what is at work may be done a moment later.

Seen with time entries. Nothing in QuickBooks keeps anybody from adding one twice.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.company import Company

if TYPE_CHECKING:
    from tests.faults.conftest import Town

TOGETHER = [[30], [20, 30, 45]]
LEASE = 4.0


@pytest.mark.parametrize("minutes", TOGETHER, ids=["single", "batch"])
@pytest.mark.parametrize("answer", ["600", "2020", "4002"])
def test_what_quickbooks_is_at_work_on_is_not_sent_anew(town: Town, minutes: list[int], answer: str) -> None:
    """600 is QuickBooks' word for a request of a known id. 2020 is any refusal; 4002 is none, but looks like one."""
    company = Company(town.world)
    sam = town.world.employ(company=company.id)
    company.sip.invoice(company.sip.customer())  # makes the item that time is booked as
    daemon = town.world.daemon()
    company.settle()
    before = len(town.sandbox.writes(company.realm))
    at_work = company.order("hold", entity="TimeActivity")
    entries = company.sip.timesheet(sam, *minutes)
    town.wait(lambda: town.sandbox.writes(company.realm)[before:], "QuickBooks is at work")
    if answer != "600":
        company.order("fault", entity="TimeActivity", code=answer)
    town.kill(daemon)
    daemon.start()
    town.wait(lambda: "sending" not in town.states(company.id), f"{answer} has been heard")
    company.release(at_work)
    town.wait(lambda: town.sandbox.writes(company.realm)[before]["outcome"] == "executed", "it is done now")
    town.settle()
    assert sorted(one["Minutes"] for one in company.objects("TimeActivity")) == minutes
    assert all(company.badge(entry) == ("QB Synced", None) for entry in entries)


def test_what_quickbooks_failed_on_is_not_taken_apart(town: Town) -> None:
    """4002 does not say that nothing was done. The batch was."""
    company = Company(town.world)
    sam = town.world.employ(company=company.id)
    company.sip.invoice(company.sip.customer())
    town.world.daemon()
    company.settle()
    company.order("fault", entity="TimeActivity", code="4002", when="after")
    entries = company.sip.timesheet(sam, 20, 30, 45)
    town.settle()
    assert sorted(one["Minutes"] for one in company.objects("TimeActivity")) == [20, 30, 45]
    assert all(company.badge(entry) == ("QB Synced", None) for entry in entries)


def test_a_daemon_that_thaws_sends_nothing_under_its_old_lease(town: Town) -> None:
    """It was frozen before a request's turn came. Another has sent that since."""
    realm = town.connect()
    frozen = town.world.daemon({"SYNCD_LEASE_SECONDS": str(LEASE)})
    town.database.execute(
        "update syncd.lane set next_turn = clock_timestamp() + make_interval(secs => %s)", (LEASE,)
    )
    town.database.add_customer("Ann")
    town.wait(lambda: town.database.value("select count(*) from syncd.call"))
    os.kill(frozen.process.pid, signal.SIGSTOP)
    assert town.sandbox.writes(realm) == []
    time.sleep(LEASE)  # until its lease has ended, and the turn has come
    town.world.daemon()
    town.wait(lambda: town.states() == [], "the other has taken over, and sent it")
    os.kill(frozen.process.pid, signal.SIGCONT)
    town.wait(lambda: frozen.events("lease given up") or frozen.events("lane lost to another daemon"))
    town.database.add_customer("Bob")
    town.settle()
    town.check()
    assert len(town.sandbox.writes(realm)) == 2
