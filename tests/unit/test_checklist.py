"""docs/checklist.md names a test for each item of the checklist and each rule, and the tests are there."""

from __future__ import annotations

import ast
import re
from functools import cache

from syncd.db import files

ROOT = files.folder("sql").parent
TEST = re.compile(r"`(tests/\w+/\w+\.py)::(\w+)(?:\[([^`]+)\])?`")
ITEM = re.compile(r"^\| (\d+[ab]?) \| (D|I|D, I) \| [^|]+ \| ([^|]+) \|([^|]*)\|$", flags=re.MULTILINE)
RULE = re.compile(r"^\| ([1-7]) \| ([^|]+) \| ([^|]+) \|$", flags=re.MULTILINE)


def page() -> str:
    return (ROOT / "docs" / "checklist.md").read_text(encoding="utf-8")


@cache
def named_in(file: str) -> dict[str, set[str]]:
    """The tests of a file, each with the words that its parameters have."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {
        function.name: {
            node.value
            for decorator in function.decorator_list
            for node in ast.walk(decorator)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        for function in tree.body
        if isinstance(function, ast.FunctionDef)
    }


def test_every_item_has_a_test_and_every_inferred_one_a_decision() -> None:
    items = ITEM.findall(page())
    assert [number for number, *_ in items if number.isdecimal()] == [str(n) for n in range(1, 66)]
    assert {"55a", "55b"} <= {number for number, *_ in items}
    for number, documented, tests, decision in items:
        assert TEST.search(tests), f"item {number} names no test"
        assert documented != "I" or decision.strip(), f"item {number} is inferred and names no decision"


def test_every_rule_has_a_test() -> None:
    rules = RULE.findall(page())
    assert {section for section, *_ in rules} == set("1234567")
    for _, rule, tests in rules:
        assert TEST.search(tests), f'the rule "{rule}" names no test'


def test_every_test_that_the_page_names_is_there() -> None:
    assert page().count("::") == len(TEST.findall(page())), "an id that is none"
    for file, name, parameters in TEST.findall(page()):
        assert name in named_in(file), f"{file} has no {name}"
        assert not parameters or parameters in named_in(file)[name], f"{name} has no case {parameters}"
