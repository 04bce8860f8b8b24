"""The query language: from a statement's text to what it asks for.

Grammar of the documentation page "Data queries": SELECT ... FROM ... [WHERE a
AND b] [ORDERBY ...] [STARTPOSITION n] [MAXRESULTS n]. There is no OR, NOT, JOIN
or GROUP BY. Keywords and names ignore case.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from syncd.sandbox import faults
from syncd.sandbox.schema import words

Value = str | Decimal | bool
OPERATORS = ("=", "!=", "<", ">", "<=", ">=", "in", "like")
MAX_RESULTS = 1000

_TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<string>'(?:[^'\\]|\\.)*')"
    r"|(?P<number>[+-]?\d+(?:\.\d+)?(?![\w.]))"
    r"|(?P<word>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)"
    r"|(?P<sign><=|>=|!=|[=<>(),*])"
    r")",
    re.DOTALL | re.ASCII,
)
_KEYWORDS = words(
    "select from where and in like orderby order by asc desc startposition maxresults count or not group join"
)


@dataclass(frozen=True)
class Condition:
    """`property operator values`; only IN has other than one value."""

    property: str
    operator: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Query:
    """A parsed statement. `fields` is empty for COUNT(*), and has `*` in it for everything."""

    entity: str
    fields: tuple[str, ...] = ()
    count: bool = False
    conditions: tuple[Condition, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    """Properties to sort by, True for descending."""
    start: int = 1
    limit: int = 100


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int


def parse(statement: str) -> Query:
    """Read a statement; QboFaultError 4000 if it is none, 4001 for a number out of range."""
    return _Parser(_tokens(statement)).query()


def invalid(detail: str) -> faults.QboFaultError:
    """Fault 4001: a statement that can be read, but asks for what is not there."""
    return faults.validation("4001", "Invalid query", f"QueryValidationError: {detail}", None)


def _unparsable(text: str, position: int) -> faults.QboFaultError:
    detail = f'QueryParserError: Encountered " {text} "" at line 1, column {position + 1}.'
    return faults.validation("4000", "Error parsing query", detail, None)


def _tokens(statement: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    end = len(statement.rstrip())
    while position < end:
        match = _TOKEN.match(statement, position)
        if match is None or match.lastgroup is None:
            raise _unparsable(statement[position : position + 20], position)
        tokens.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        position = match.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0

    def query(self) -> Query:
        self._expect("select")
        count, fields = self._selection()
        self._expect("from")
        entity = self._name()
        conditions = self._conditions() if self._accept("where") else ()
        order = self._order()
        start = self._number("startposition", 1, None)
        limit = self._number("maxresults", 100, MAX_RESULTS)
        if self._peek() is not None:
            raise self._unexpected()
        return Query(entity, fields, count, conditions, order, start, limit)

    def _selection(self) -> tuple[bool, tuple[str, ...]]:
        if self._accept("count"):
            for sign in ("(", "*", ")"):
                self._expect(sign)
            return True, ()
        names = [self._selected()]
        while self._accept(","):
            names.append(self._selected())
        return False, tuple(names)

    def _selected(self) -> str:
        return "*" if self._accept("*") else self._name()

    def _conditions(self) -> tuple[Condition, ...]:
        found = [self._condition()]
        while self._accept("and"):
            found.append(self._condition())
        return tuple(found)

    def _condition(self) -> Condition:
        name = self._name()
        for operator in OPERATORS:
            if self._accept(operator):
                break
        else:
            raise self._unexpected()
        if operator != "in":
            return Condition(name, operator, (self._value(),))
        self._expect("(")
        values = [self._value()]
        while self._accept(","):
            values.append(self._value())
        self._expect(")")
        return Condition(name, operator, tuple(values))

    def _order(self) -> tuple[tuple[str, bool], ...]:
        if not self._accept("orderby"):
            if not self._accept("order"):
                return ()
            self._expect("by")
        found = [self._order_item()]
        while self._accept(","):
            found.append(self._order_item())
        return tuple(found)

    def _order_item(self) -> tuple[str, bool]:
        name = self._name()
        if self._accept("desc"):
            return name, True
        self._accept("asc")
        return name, False

    def _number(self, keyword: str, default: int, largest: int | None) -> int:
        if not self._accept(keyword):
            return default
        token = self._peek()
        if token is None or token.kind != "number" or not token.text.isdigit() or len(token.text) > 9:
            raise self._unexpected()
        self._next += 1
        value = int(token.text)
        if value < 1:
            raise invalid(f"value {value} is too small. Min allowed value is 1")
        if largest is not None and value > largest:
            raise invalid(f"value {value} is too large. Max allowed value is {largest}")
        return value

    def _value(self) -> Value:
        token = self._peek()
        if token is not None:
            self._next += 1
            if token.kind == "string":
                return re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)
            if token.kind == "number" and len(token.text) <= 40:
                return Decimal(token.text)
            if token.text.lower() in ("true", "false"):
                return token.text.lower() == "true"
            self._next -= 1
        raise self._unexpected()

    def _name(self) -> str:
        token = self._peek()
        if token is None or token.kind != "word" or token.text.lower() in _KEYWORDS:
            raise self._unexpected()
        self._next += 1
        return token.text

    def _peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _accept(self, text: str) -> bool:
        token = self._peek()
        if token is None or token.kind not in ("word", "sign") or token.text.lower() != text:
            return False
        self._next += 1
        return True

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self._unexpected()

    def _unexpected(self) -> faults.QboFaultError:
        token = self._peek()
        if token is not None:
            return _unparsable(token.text, token.position)
        last = self._tokens[-1].position if self._tokens else 0
        return _unparsable("<EOF>", last)
