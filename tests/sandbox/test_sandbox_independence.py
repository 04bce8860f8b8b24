"""The sandbox proves the client only while it shares nothing with it."""

import ast
from pathlib import Path

import syncd.sandbox

FOLDER = Path(syncd.sandbox.__file__).parent


def imported(module: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


def test_it_imports_nothing_else_of_syncd() -> None:
    modules = list(FOLDER.rglob("*.py"))
    foreign = {
        name
        for module in modules
        for name in imported(module)
        if name.split(".")[0] == "syncd" and not name.startswith("syncd.sandbox")
    }
    assert len(modules) > 20
    assert foreign == set()
