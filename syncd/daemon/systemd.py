"""What systemd is told, over the datagram socket that it names in NOTIFY_SOCKET (sd_notify(3))."""

from __future__ import annotations

import os
import socket
from contextlib import suppress


def notify(**words: str | int) -> None:
    """Send READY=1, STATUS=…, WATCHDOG=1, STOPPING=1 …; without systemd it does nothing."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    message = "\n".join(f"{key}={value}" for key, value in words.items())
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    # A full or vanished socket must not stop work.
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.setblocking(False)
        channel.sendto(message.encode(), address)


def watchdog_seconds() -> float | None:
    """How often systemd wants to hear from us, if it watches this process."""
    micros = os.environ.get("WATCHDOG_USEC", "")
    watched = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(micros) / 1_000_000 if micros.isdigit() and watched else None
