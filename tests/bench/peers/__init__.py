"""Other queues on Postgres, fetched into a folder that is gone afterwards, each in a database of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.bench.stage import Stage

HERE = Path(__file__).parent
NODE = ("graphile-worker@0.17.3", "pg-boss@12.38.0")
PYTHON = ("pgqueuer==1.6.0", "asyncpg==0.32.0", "procrastinate==3.10.0", "psycopg[binary,pool]==3.3.9")


@dataclass(frozen=True, slots=True)
class Peer:
    """One of them: the words that start its script, how many jobs it drains, and how it is set up."""

    name: str
    words: tuple[str, ...]
    jobs: int
    how: str
    stage: Stage
    folder: Path

    def drain(self) -> float:
        """Jobs per second, from the first that starts until none is left."""
        self.stage.say(f"{self.name}: {self.jobs:,} jobs")
        return float(self.jobs / self._run("drain", self.jobs)["seconds"])

    def latency(self, number: int) -> list[float]:
        """Seconds from before a job is enqueued until it starts; the worker is idle otherwise."""
        self.stage.say(f"{self.name}: {number} single jobs")
        return [ms / 1000 for ms in self._run("latency", number)["milliseconds"]]

    def _run(self, what: str, number: int) -> Any:
        server = self.stage.server
        database = f"peer_{self.name.replace('-', '_')}_{what}"
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute(f"create database {database}".encode())
            connection.execute("checkpoint")
        try:
            ran = subprocess.run(
                [*self.words, what, str(number)],
                cwd=self.folder,
                env={
                    **os.environ,
                    "DATABASE_URL": f"postgres://{server.user}@127.0.0.1:{server.port}/{database}",
                },
                capture_output=True,
                text=True,
                timeout=900,
                check=False,
            )
            if ran.returncode:
                raise RuntimeError(f"{self.name} failed: {ran.stderr.strip()[-2000:]}")
            return json.loads(ran.stdout.splitlines()[-1])
        finally:
            with psycopg.connect(server.dsn(), autocommit=True) as connection:
                connection.execute(f"drop database {database} with (force)".encode())


def installed(stage: Stage) -> Iterator[Peer]:
    """Fetch them and hand them out one by one; those that cannot be fetched are named and left out."""
    folder = stage.folder / "peers"
    folder.mkdir()
    for script in (*HERE.glob("*.mjs"), *HERE.glob("*.py")):
        shutil.copy(script, folder)
    python = str(folder / "venv" / "bin" / "python")

    def peer(name: str, words: tuple[str, ...], jobs: int, how: str) -> Peer:
        return Peer(name, words, stage.size(jobs, least=100), how, stage, folder)

    if _fetched(stage, [["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), *NODE]]):
        yield peer(
            "graphile-worker", ("node", "graphile_peer.mjs"), 100_000,
            f"{NODE[0]}, local queue of 500, 24 at a time, completions in batches",
        )  # fmt: skip
        yield peer(
            "pg-boss", ("node", "pgboss_peer.mjs"), 50_000, f"{NODE[1]}, batches of 100, 4 at a time, notify"
        )
    pip = [python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *PYTHON]
    if _fetched(stage, [[sys.executable, "-m", "venv", str(folder / "venv")], pip]):
        yield peer(
            "pgqueuer", (python, "pgqueuer_peer.py"), 20_000, f"{PYTHON[0]} on {PYTHON[1]}, batches of 10"
        )
        yield peer("procrastinate", (python, "procrastinate_peer.py"), 5_000, f"{PYTHON[2]}, 10 at a time")


def _fetched(stage: Stage, commands: Sequence[Sequence[str]]) -> bool:
    for words in commands:
        stage.say(f"{Path(words[0]).name} {' '.join(words[1:3])} ...")
        try:
            ran = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
        except FileNotFoundError:
            stage.say(f"left out: {words[0]} is missing")
            return False
        if ran.returncode:
            stage.say(f"left out: {(ran.stderr.strip().splitlines() or ['no reason given'])[-1]}")
            return False
    return True
