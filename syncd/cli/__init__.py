"""The command line. One module per command group, loaded when it is called; each exposes its click command as
`command`.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

import syncd
from syncd.errors import SyncdError

COMMANDS = {
    "run": ("syncd.cli.run", "The daemon: sends what is due to QuickBooks."),
    "status": ("syncd.cli.status", "Companies, lanes, backlog, oldest waiting."),
    "log": ("syncd.cli.log", "The sync log of a company, newest first."),
    "explain": ("syncd.cli.explain", "Why a record is, or is not, in QuickBooks."),
    "push": ("syncd.cli.push", "Send all records of one kind, by hand."),
    "retry": ("syncd.cli.retry", "Try again what failed."),
    "settle": ("syncd.cli.settle", "Say that what QuickBooks has stands."),
    "settings": ("syncd.cli.settings", "What is synced by itself."),
    "map": ("syncd.cli.maps", "What SIP's words mean in QuickBooks."),
    "company": ("syncd.cli.company", "Companies and their connections."),
    "db": ("syncd.cli.db", "The schema in SIP's database."),
    "demo": ("syncd.cli.demo", "Everything on this machine, in a few seconds."),
    "sandbox": ("syncd.cli.sandbox", "A local QuickBooks Online."),
}


class _Lazy(click.Group):
    """Imports a command group only when it is called, so that `syncd --help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(syncd.__version__, prog_name="syncd")
def cli() -> None:
    """syncd keeps QuickBooks Online true to Service Invoice Pro.

    Exit codes: 0 done, 1 it failed, 2 wrong use.
    """


def _sentence(error: click.ClickException) -> str:
    """What click says on several lines, as one sentence and a remedy."""
    said = " ".join(error.format_message().split())
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "syncd"
    return f"{said if said.endswith(('.', '?')) else said + '.'} See: {path} --help"


def main(args: list[str] | None = None) -> None:
    """The `syncd` command: every expected failure is a sentence and a remedy on stderr, never a traceback."""
    try:
        status: Any = cli.main(args=args, prog_name="syncd", standalone_mode=False)
    except SyncdError as error:
        click.echo(f"syncd: {error}", err=True)
        sys.exit(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        click.echo(f"syncd: {_sentence(error)}", err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("syncd: interrupted", err=True)
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)
