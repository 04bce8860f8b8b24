"""A real PgBouncer in transaction mode."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING

from tests.support.processes import until

if TYPE_CHECKING:
    from pathlib import Path

    from syncd.demo.postgres import Server

# Debian puts it where only root's PATH leads.
PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")


class Pooler:
    """Few backends for many clients, as poolers are used."""

    def __init__(self, server: Server, folder: Path) -> None:
        assert PROGRAM is not None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        (folder / "users").write_text('"test_daemon" ""\n')
        settings = folder / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\n* = host=127.0.0.1 port={server.port}\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = {folder / 'users'}\n"
            "pool_mode = transaction\ndefault_pool_size = 4\n"
        )
        words = [PROGRAM]
        if os.geteuid() == 0:  # which it refuses to run as
            for path in [settings, folder / "users", *_up_to_tmp(folder)]:
                path.chmod(0o755)
            words += ["--user", "nobody"]
        self.process = subprocess.Popen(
            [*words, str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(self._answers, what="PgBouncer listens")

    def _answers(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """End it; the sessions it held end too."""
        self.process.terminate()
        self.process.wait(10)


def _up_to_tmp(folder: Path) -> list[Path]:
    """The folders that pytest made for its user alone."""
    return [path for path in (folder, *folder.parents) if path.name.startswith(("pytest-", "test_"))]
