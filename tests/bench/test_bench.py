"""The benchmarks run at all and say what they should; what they measure is no test's business."""

from __future__ import annotations

import json

from click.testing import CliRunner

from tests.bench.__main__ import command
from tests.bench.rows import ROWS


def test_a_row_gives_its_figures_with_goals_and_the_machine_as_json() -> None:
    said = CliRunner().invoke(command, ["queue", "--scale", "0.003", "--json"])
    assert said.exit_code == 0, said.output
    report = json.loads(said.stdout)
    assert {"processor", "disk", "load", "postgres", "python", "libraries", "syncd"} <= set(report["machine"])
    (row,) = report["rows"]
    assert (row["row"], row["title"]) == ("queue", ROWS["queue"].title)
    for figure in row["figures"]:
        assert figure["value"] > 0
        assert {"name", "unit", "goal", "holds", "detail"} <= set(figure)


def test_every_row_is_offered_by_name() -> None:
    said = CliRunner().invoke(command, ["--help"])
    assert all(f"  {name} " in said.stdout for name in ROWS)
