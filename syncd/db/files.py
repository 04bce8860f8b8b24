"""Where `sql/` and `migrations/` are: beside the package in a checkout, inside it in an installed wheel."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from syncd.errors import NotConfigured

_PACKAGE = Path(__file__).resolve().parent.parent


def folder(name: str) -> Path:
    """`sql` or `migrations`."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


class SqlFile(NamedTuple):
    """A file of `sql/`: its path below that folder, its text and the text's SHA-256."""

    path: str
    text: str
    digest: str

    @property
    def part(self) -> str:
        """The folder it is in: engine, source, entity or views; "" for sql/rights.sql and its like."""
        return self.path.rpartition("/")[0]


# Each part uses only what stands before it.
PARTS = ("engine", "source", "entity", "views", "")


def sql_files(source_dir: Path | None = None) -> list[SqlFile]:
    """All files that an upgrade applies, in order. `source_dir` replaces the packaged sql/source."""
    found = []
    for part in PARTS:
        place = source_dir if part == "source" and source_dir else folder("sql") / part
        paths = sorted(place.glob("*.sql"))
        if part == "source" and not paths:
            raise NotConfigured(
                f"There is no .sql file in {place}.", "Point SYNCD_SOURCE_DIR to a copy of sql/source."
            )
        for path in paths:
            text = path.read_text(encoding="utf-8")
            name = f"{part}/{path.name}" if part else path.name
            found.append(SqlFile(name, text, sha256(text.encode()).hexdigest()))
    return found
