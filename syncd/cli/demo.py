"""`syncd demo`: everything on this machine, in less than a minute."""

from __future__ import annotations

import click

from syncd.demo import interrupt


@click.command()
def command() -> None:
    """Everything on this machine, in less than a minute: see syncd at work.

    Starts a throw-away Postgres with SIP's tables and a local QuickBooks, installs syncd, connects two plumbing
    businesses, one in the United States and one in Canada, and runs the daemon. Then SIP has a day of work: customers,
    price lists, invoices, payments, timesheets, with the time that each change took to QuickBooks. At the end every
    record of SIP is compared with QuickBooks, field by field; exit code 1 if anything differs.

    Needs no configuration and leaves nothing behind, also when interrupted.
    """
    interrupt.listen()
    from syncd.demo.play import play
    from syncd.demo.show import Show
    from syncd.demo.stage import forget_environment

    forget_environment()
    click.get_current_context().exit(0 if play(Show()) else 1)
