"""`syncd db`: the schema in SIP's database."""

from __future__ import annotations

import sys

import click

from syncd import config
from syncd.cli.output import console, json_option, print_json, say
from syncd.db import check, schema
from syncd.db.connect import connect
from syncd.errors import DatabaseProblem, WrongUse


@click.group()
def command() -> None:
    """The schema in SIP's database: install, look, remove."""


@command.command()
def upgrade() -> None:
    """Bring schema syncd to this version; the first time, install it.

    Repeating it changes nothing. Run it as a role that owns SIP's tables and may create roles.
    """
    settings = config.load()
    schema.upgrade(settings.need_dsn(), settings.source_dir, say)
    console.print("The database is ready for this version of syncd.")


@command.command("check")
@json_option
def check_(as_json: bool) -> None:
    """Say what is missing or differs. Exit code 1 if anything does."""
    settings = config.load()
    with connect(settings.need_dsn()) as connection:
        found = check.findings(connection, settings.source_dir)
    if as_json:
        print_json([finding._asdict() for finding in found])
    for finding in found if not as_json else []:
        console.print(f"{finding.sentence} {finding.remedy}", markup=False)
    if found:
        raise DatabaseProblem(f"{len(found)} finding(s).")
    if not as_json:
        console.print("Everything is as this version of syncd needs it.")


@command.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def uninstall(yes: bool) -> None:
    """Remove schema syncd with its log, links and settings; SIP's schema is left as it was before."""
    settings = config.load()
    if not yes:
        if not sys.stdin.isatty():
            raise WrongUse("This removes the log and all links.", "Give --yes to confirm.")
        click.confirm("This removes the log, all links and all settings of syncd. Go on?", abort=True)
    schema.uninstall(settings.need_dsn(), say)
    console.print("Schema syncd is gone.")
