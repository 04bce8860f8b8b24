"""What was measured on: figures without it mean nothing."""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.figures import median

if TYPE_CHECKING:
    from syncd.demo.postgres import Server

LIBRARIES = ("psycopg", "psycopg-pool", "httpx", "uvicorn", "starlette")
ROOT = Path(__file__).resolve().parents[2]


def describe(server: Server) -> dict[str, str]:
    """The machine and everything with a version, by name."""
    return {
        "processor": f"{_processor()}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "load": f"{os.getloadavg()[0]:.2f} when the run began",
        "disk": f"one 8 kB write with fdatasync takes {_flush_seconds(server.directory.parent) * 1000:.2f} ms",
        "postgres": f"{server.version}, as it comes: fsync on, synchronous_commit on, shared_buffers 128 MB",
        "python": platform.python_version(),
        "libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        "syncd": _commit(),
    }


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and of its children, those that have ended included."""
    stats = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in brackets, may hold blanks.
            words = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        stats[int(entry.parent.name)] = (int(words[1]), words[11:15])
    own = stats.get(pid)
    if own is None:
        return 0.0
    ticks = sum(map(int, own[1]))
    ticks += sum(sum(map(int, times)) for parent, times in stats.values() if parent == pid)
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_megabytes(pid: int) -> float:
    """The resident set of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _flush_seconds(folder: Path) -> float:
    with tempfile.TemporaryFile(dir=folder) as file:
        times = []
        for _ in range(50):
            os.pwrite(file.fileno(), b"\0" * 8192, 0)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return median(times)


def _commit() -> str:
    words = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    told = subprocess.run(words, capture_output=True, text=True, check=False)
    return told.stdout.strip() or "no git checkout"
