"""`syncd demo`: everything on this machine, in a few seconds."""

from __future__ import annotations

import click

from syncd.demo import interrupt


@click.command()
def command() -> None:
    """Everything on this machine, in a few seconds: see syncd at work.

    Starts a throw-away Postgres with SIP's tables and a local QuickBooks, installs syncd, connects four companies
    and runs the daemon. Then SIP is busy: new customers, edits, bulk updates, rollbacks, odd names, name clashes.
    At the end every customer of SIP is compared with QuickBooks, field by field; exit code 1 if anything differs.

    Needs no configuration and leaves nothing behind, also when interrupted.
    """
    interrupt.listen()
    from syncd.demo.play import play
    from syncd.demo.show import Show
    from syncd.demo.stage import forget_environment

    forget_environment()
    click.get_current_context().exit(0 if play(Show()) else 1)
