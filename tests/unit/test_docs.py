"""The pages say what is true."""

from __future__ import annotations

import re

from syncd.cli import COMMANDS
from syncd.config import Config
from syncd.db import files

ROOT = files.folder("sql").parent


def test_every_setting_is_in_the_table_with_its_default() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    rows = {
        name: default.strip().strip("`")
        for name, default in re.findall(r"^\| `(SYNCD_\w+)` \| ([^|]+) \|", page, flags=re.MULTILINE)
    }
    assert set(rows) == {f"SYNCD_{name.upper()}" for name in Config.model_fields}
    for name, field in Config.model_fields.items():
        if field.default is not None:
            assert rows[f"SYNCD_{name.upper()}"] == str(field.default)


def test_every_command_is_named_in_the_readme() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        if name not in {"sandbox", "demo"}:
            assert f"syncd {name}" in page


def test_links_between_pages_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
