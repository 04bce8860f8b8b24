"""Processes of the `syncd` command without its start: forked from a process that has imported all of it.

Python and its imports take most of a second of the processor for each daemon, more than most tests make it work.
What is forked is a process like any other, with a number, an environment, files and sockets of its own, stopped and
killed by signals. What forking cannot show, that the command finds all that it needs, is seen where it is started from
nothing: the demo's daemons, the one of another checkout, the benches, the commands on a terminal.

    test  --environment, words, files-->  nursery  --fork-->  keeper  --fork-->  the process

The keeper, of which each process has one, is its parent, and tells the test its number and its exit code.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from syncd import cli

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What the commands import when they are called.
IMPORTED = ("syncd.cli.run", "syncd.cli.company", "syncd.cli.push", "syncd.cli.retry", "syncd.daemon.main")
FILES = 3


class Forked:
    """A process of `syncd WORDS`, with what the tests use of `subprocess.Popen`."""

    def __init__(self, words: Sequence[str], env: Mapping[str, str], files: Sequence[int]) -> None:
        """`files` are stdin, stdout and stderr."""
        self.returncode: int | None = None
        self._keeper, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(_nursery(), [b"\n"], [theirs.fileno(), *files])
        self._keeper.sendall(json.dumps([list(words), dict(env), str(Path.cwd())]).encode() + b"\n")
        self.pid = int(_line(self._keeper))

    def poll(self) -> int | None:
        """Its exit code, negative if a signal ended it; None while it runs."""
        if self.returncode is None and select.select([self._keeper], [], [], 0)[0]:
            self._ended()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has one."""
        if self.returncode is None and not select.select([self._keeper], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return self._ended() if self.returncode is None else self.returncode

    def send_signal(self, number: int) -> None:
        """Nothing if it has ended: its number may be that of another by now."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _ended(self) -> int:
        self.returncode = int(_line(self._keeper))
        self._keeper.close()
        return self.returncode


def run(words: Sequence[str], env: Mapping[str, str], given: str) -> subprocess.CompletedProcess[str]:
    """Run `syncd WORDS` to its end."""
    with (
        tempfile.TemporaryFile("w+") as stdin,
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as err,
    ):
        stdin.write(given)
        stdin.seek(0)
        code = Forked(words, env, [stdin.fileno(), out.fileno(), err.fileno()]).wait()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(list(words), code, out.read(), err.read())


def _line(connection: socket.socket) -> bytes:
    """Not a byte more: `select` has to see the next line."""
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            raise EOFError("the keeper of the process is gone")
        line += byte
    return line


@functools.cache
def _nursery() -> socket.socket:
    """The nursery of this process: it ends when this end of its stdin closes."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=theirs.fileno(), cwd=Path(__file__).parents[2]
        )

    def dismiss() -> None:
        ours.close()
        process.wait()

    atexit.register(dismiss)
    return ours


def _asked() -> list[int]:
    """Wait for a test to ask; returns in the keeper that was forked for it, with the connection and the files."""
    with socket.socket(fileno=os.dup(0)) as tests:
        while True:
            asked, given, *_ = socket.recv_fds(tests, 1, 1 + FILES)
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:  # the keepers that are done
                    pass
            if not asked:
                sys.exit()
            if os.fork() == 0:
                return given
            for descriptor in given:
                os.close(descriptor)


def main() -> None:
    """The nursery, then the keeper, and then the process that was asked for."""
    for name in IMPORTED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what no collection touches stays shared by all
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests
    connection, *files = _asked()
    with socket.socket(fileno=connection) as test:
        with test.makefile("rb") as lines:
            words, env, folder = json.loads(lines.readline())
        if process := os.fork():
            for descriptor in files:
                os.close(descriptor)
            test.sendall(b"%d\n" % process)
            code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
            with suppress(OSError):
                test.sendall(b"%d\n" % code)
            os._exit(0)
    for number, descriptor in enumerate(files):
        os.dup2(descriptor, number)
        os.close(descriptor)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    cli.main(words)


if __name__ == "__main__":
    main()
