"""`./dev bench [ROW...]`: measure, and say which goals hold."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import click

from tests.bench.figures import lines
from tests.bench.machine import describe
from tests.bench.rows import ROWS
from tests.bench.stage import Stage, postgres

if TYPE_CHECKING:
    from syncd.demo.postgres import Server
    from tests.bench.figures import Row


@click.command(
    "./dev bench",
    epilog="\n".join(["\b", "Rows:", *(f"  {row.name:16}{row.title}" for row in ROWS.values())]),
)
@click.argument("names", nargs=-1, metavar="[ROW...]", type=click.Choice(list(ROWS)))
@click.option("--peers", is_flag=True, help="Measure other queues beside ours; fetches them by npm and pip.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of text.")
@click.option(
    "--scale",
    default=1.0,
    type=click.FloatRange(min=0, min_open=True, max=10),
    metavar="X",
    help="Numbers and durations times X; figures of less than 1 are noise.",
)
def command(names: tuple[str, ...], *, peers: bool, as_json: bool, scale: float) -> None:
    """Measure syncd on this machine: every row, or those named. Progress goes to stderr."""
    report: dict[str, Any] = {"scale": scale, "rows": []}
    with postgres() as server:
        report["machine"] = describe(server)
        if not as_json:
            for name, value in report["machine"].items():
                click.echo(f"{name:10} {value}")
            click.echo(f"scale      {scale:g}")
        for name in dict.fromkeys(names or ROWS):
            report["rows"].append(measure(server, ROWS[name], scale=scale, peers=peers, aloud=not as_json))
    if as_json:
        click.echo(json.dumps(report, indent=2))


def measure(server: Server, row: Row, *, scale: float, peers: bool, aloud: bool) -> dict[str, Any]:
    """Run one row and say what it found."""
    began = time.monotonic()
    stage = Stage(server, row.name, scale=scale, peers=peers)
    try:
        figures = list(row.run(stage))
    finally:
        stage.close()
    seconds = time.monotonic() - began
    if aloud:
        click.echo("\n".join(["", f"{row.name}: {row.title} ({seconds:.0f} s)", *lines(figures)]))
    return {
        "row": row.name,
        "title": row.title,
        "seconds": round(seconds, 1),
        "figures": [figure.as_json() for figure in figures],
    }


if __name__ == "__main__":
    command()
