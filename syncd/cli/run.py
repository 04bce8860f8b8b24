"""`syncd run`: the daemon."""

from __future__ import annotations

import asyncio

import click

from syncd import config


@click.command()
@click.option(
    "--slots",
    type=click.IntRange(1, 1000),
    help=f"Companies served at the same time [default: {config.Config.model_fields['slots'].default}].",
)
def command(slots: int | None) -> None:
    """The daemon: sends what is due to QuickBooks, until SIGTERM.

    Configuration comes from SYNCD_* variables (docs/configuration.md); logs are JSON lines on stdout. SIGTERM
    finishes what is under way within SYNCD_SHUTDOWN_SECONDS; a second one ends it at once.
    """
    from syncd.daemon import logs
    from syncd.daemon.main import Daemon

    settings = config.load()
    if slots:
        settings = settings.model_copy(update={"slots": slots})
    logs.configure(settings.log_level)

    async def run() -> None:
        await Daemon(settings).run()

    asyncio.run(run())
