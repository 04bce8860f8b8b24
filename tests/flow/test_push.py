"""`syncd push` through the real daemon: what people see, and what QuickBooks holds then."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support.by_hand import before_sync
from tests.support.processes import PATIENT, environment, until

if TYPE_CHECKING:
    from tests.flow.conftest import World


def test_a_push_sends_what_was_there_and_says_so(world: World) -> None:
    realm = world.connect(on=False)
    before_sync(world.database, *(f"Customer {number}" for number in range(70)))
    world.daemon()
    said = world.syncd("push", "1", "customers", "--yes")
    assert said.splitlines() == [
        "Push all 70 customers of Company 1 to QuickBooks."
        " Enable Sync is off: what is pushed by hand goes all the same.",
        "70 customers: 70 sent, 0 already there.",
    ]
    assert len(world.names(realm)) == 70
    assert "QuickBooks has all 70 customers" in world.syncd("push", "1", "customers", "--yes")
    assert len(world.sandbox.writes(realm)) == 3  # batches of thirty


def test_a_name_that_is_taken_is_told_and_goes_once_it_is_free(world: World) -> None:
    realm = world.connect()
    world.sandbox.post(realm, "vendor", {"DisplayName": "Ann"})
    before_sync(world.database, "Ann", "Bob")
    world.daemon()
    said = world.syncd("push", "1", "customers", "--yes", exit_code=1)
    assert "2 customers: 1 sent, 0 already there, 1 failed.\n  Ann failed: " in said
    world.database.execute("update sip.customers set name = 'Ann Lee' where name = 'Ann'")
    until(world.at_rest)
    assert world.names(realm) == ["Ann Lee", "Bob"]


def test_somebody_at_a_terminal_is_asked_and_may_leave(world: World) -> None:
    realm = world.connect()
    before_sync(world.database, "Ann")
    world.daemon(PATIENT)
    held = world.sandbox.tell("faults", kind="hold", realm_id=realm, method="POST", entity="Customer")
    mine, theirs = pty.openpty()
    env = environment(world.database, world.sandbox.url, SYNCD_DSN=world.database.admin_dsn, TERM="xterm")
    process = subprocess.Popen(
        [sys.executable, "-m", "syncd", "push", "1", "customers"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=env,
    )
    os.close(theirs)
    said = b""

    def reads(what: str) -> bool:
        nonlocal said
        said += os.read(mine, 4096)
        return re.search(what, said.decode(errors="replace")) is not None

    until(lambda: reads(r"Push the only customer of Company 1 to QuickBooks\? \[y/N\]"))
    os.write(mine, b"y\n")
    until(lambda: reads("0/1"))
    process.send_signal(signal.SIGINT)
    until(lambda: reads("What was pushed goes on without you"))
    assert process.wait(60) == 130, said
    os.close(mine)
    assert world.names(realm) == []
    world.sandbox.release(held["id"])
    until(lambda: world.names(realm) == ["Ann"])


def test_what_goes_first_is_told_of_with_what_failed_of_it(world: World) -> None:
    realm = world.connect(ready=True)
    world.database.switch("1", enable_sync=False)
    sip = world.sip()
    names = ("Ann", "Bob", "Cy")
    for name in names:
        sip.invoice(sip.customer(name))
    world.sandbox.post(realm, "vendor", {"DisplayName": "Bob"})
    world.daemon()
    until(world.at_rest)
    said = world.syncd("push", "1", "invoices", "--yes", exit_code=1)
    assert "3 sent invoices: 2 sent, 0 already there, 1 waiting.\n" in said
    assert "Before them went 2 customers, 1 service item, which they need." in said
    assert '  customer "Bob" failed: ' in said
