"""`syncd map`: what SIP's words mean in QuickBooks. One module per kind of mapping; `store` reads and writes them."""

from __future__ import annotations

import click

from syncd.cli.maps import accounts, employees, items, payment_methods, tax


@click.group()
def command() -> None:
    """What SIP's words mean in QuickBooks: accounts, items, employees, payment methods, tax."""


command.add_command(accounts.command, "accounts")
command.add_command(items.command, "items")
command.add_command(employees.command, "employees")
command.add_command(payment_methods.command, "payment-methods")
command.add_command(tax.command, "tax")
