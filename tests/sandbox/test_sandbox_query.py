"""The query language over HTTP, and its parser under arbitrary statements."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.sandbox.faults import QboFaultError
from syncd.sandbox.query import OPERATORS, Condition, Query, Value, parse

from .server import Company


def names(company: Company, statement: str) -> list[str]:
    return [found["DisplayName"] for found in company.query(statement).get("Customer", [])]


@pytest.fixture
def three(company: Company) -> Company:
    """Anna (10), Berta O'Neill (20) and Carla, who is inactive."""
    company.save("Customer", DisplayName="Anna", Balance=10, CompanyName="A_1")
    company.save("Customer", DisplayName="Berta O'Neill", Balance=20, CompanyName="AB1")
    carla = company.save("Customer", DisplayName="Carla")
    company.save("Customer", Id=carla["Id"], SyncToken="0", sparse=True, Active=False)
    return company


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("", ["Anna", "Berta O'Neill"]),
        ("where DisplayName = 'ANNA'", ["Anna"]),
        ("WHERE displayname='berta o\\'neill'", ["Berta O'Neill"]),
        ("where DisplayName like '%a'", ["Anna"]),
        ("where DisplayName like 'b%o\\'%'", ["Berta O'Neill"]),
        ("where CompanyName like 'a_1'", ["Anna"]),
        ("where DisplayName != 'Anna'", ["Berta O'Neill"]),
        ("where Id in ('1', '2', '9')", ["Anna", "Berta O'Neill"]),
        ("where Id = 2", ["Berta O'Neill"]),
        ("where Id = '3'", []),
        ("where Id = '3' and Active = false", ["Carla (deleted)"]),
        ("where DisplayName = 'carla (deleted)' and Active = False", ["Carla (deleted)"]),
        ("where DisplayName = 'carla' and Active = False", []),
        ("where Active IN (true,false)", ["Anna", "Berta O'Neill", "Carla (deleted)"]),
        ("where Balance > 10", ["Berta O'Neill"]),
        ("where Balance >= '10.00' AND Balance < 20", ["Anna"]),
        ("where MetaData.LastUpdatedTime > '2020-01-01T00:00:00-08:00'", ["Anna", "Berta O'Neill"]),
        ("where MetaData.CreateTime < '2020-01-01'", []),
    ],
)
def test_conditions(three: Company, where: str, found: list[str]) -> None:
    assert sorted(names(three, " ".join(("select * from Customer", where)))) == found
    count = three.query(" ".join(("SELECT COUNT(*) FROM Customer", where)))
    assert count == {"totalCount": len(found)}


def test_order_and_pages(company: Company) -> None:
    for name in ("B", "C", "A"):
        company.save("Customer", DisplayName=name, CompanyName="x")
    assert names(company, "select * from customer orderby DisplayName") == ["A", "B", "C"]
    assert names(company, "select * from customer ORDER BY CompanyName, DisplayName DESC") == ["C", "B", "A"]
    assert names(company, "select * from customer orderby Id startposition 2 maxresults 1") == ["C"]
    page = company.query("select * from Customer orderby Id startposition 2")
    assert (page["startPosition"], page["maxResults"]) == (2, 2)
    assert company.query("select * from Customer startposition 4") == {}
    assert names(company, "select * from Customer") == ["A", "C", "B"]
    company.sandbox.control("/sandbox/quirks", {"default-order": "id-asc"})
    assert names(company, "select * from Customer") == ["B", "C", "A"]


def test_selected_fields_and_statements_in_a_body(company: Company) -> None:
    company.save("Customer", DisplayName="A", Notes="n")
    found = company.query("select DisplayName, Metadata.CreateTime from Customer")["Customer"][0]
    assert set(found) == {"Id", "DisplayName", "MetaData", "domain", "sparse"}
    assert "Notes" in company.query("SELECT *, DisplayName FROM Customer")["Customer"][0]
    http, headers = company.sandbox.http, company.headers
    sent = http.post(
        f"{company.base}/query",
        content="select * from Customer",
        headers=headers | {"Content-Type": "application/text"},
    )
    assert sent.json()["QueryResponse"]["maxResults"] == 1
    assert company.query("select * from CompanyInfo")["CompanyInfo"][0]["Id"] == "1"


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("", "4000"),
        ("select", "4000"),
        ("delete from Customer", "4000"),
        ("select * from Customer where", "4000"),
        ('select * from Customer where DisplayName = "A"', "4000"),
        ("select * from Customer where DisplayName = 'A' or Id = '1'", "4000"),
        ("select * from Customer where DisplayName = 'A", "4000"),
        ("select * from Customer where DisplayName = A", "4000"),
        ("select * from Customer maxresults 5 startposition 1", "4000"),
        ("select * from Customer group by Id", "4000"),
        ("select * from Customer;", "4000"),
        ("select * from Nothing", "4001"),
        ("select * from Customer startposition 0", "4001"),
        ("select * from Customer maxresults 1001", "4001"),
        ("select * from Customer where Notes = 'x'", "4001"),
        ("select * from Customer where Colour = 'x'", "4001"),
        ("select Colour from Customer", "4001"),
        ("select * from Customer orderby PrimaryEmailAddr", "4001"),
        ("select * from Customer where Id > '1'", "4001"),
        ("select * from Customer where Id like '1%'", "4001"),
        ("select * from Customer where Active = 'true'", "4001"),
        ("select * from Customer where MetaData.CreateTime > 'yesterday'", "4001"),
        ("select * from Customer where Balance > 'much'", "4001"),
    ],
)
def test_statements_that_are_refused(company: Company, statement: str, code: str) -> None:
    answer = company.get("query", query=statement)
    assert answer.status_code == 400
    assert answer.json()["Fault"]["Error"][0]["code"] == code


WORDS = st.from_regex(r"\A[A-Za-z][A-Za-z0-9]{2,8}(\.[A-Z][a-z]{2,8})?\Z").filter(
    lambda word: parses_as_name(word)
)
VALUES = st.one_of(
    st.text(max_size=12), st.booleans(), st.decimals(-(10**6), 10**6, places=2, allow_nan=False)
)


def outcome(statement: str) -> Query | str:
    """What a statement asks for, or the code of the fault."""
    try:
        return parse(statement)
    except QboFaultError as fault:
        return fault.code


def parses_as_name(word: str) -> bool:
    read = outcome(" ".join(("select", word, "from Customer")))
    return isinstance(read, Query) and read.fields == (word,)


def written(value: Value) -> str:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, Decimal):
        return str(value)
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


@st.composite
def queries(draw: st.DrawFn) -> Query:
    conditions = []
    for _ in range(draw(st.integers(0, 3))):
        operator = draw(st.sampled_from(OPERATORS))
        count = draw(st.integers(1, 3)) if operator == "in" else 1
        conditions.append(
            Condition(draw(WORDS), operator, tuple(draw(st.lists(VALUES, min_size=count, max_size=count))))
        )
    return Query(
        entity=draw(WORDS),
        fields=tuple(draw(st.lists(WORDS, max_size=2)) or ["*"]),
        conditions=tuple(conditions),
        order=tuple(draw(st.lists(st.tuples(WORDS, st.booleans()), max_size=2))),
        start=draw(st.integers(1, 10**6)),
        limit=draw(st.integers(1, 1000)),
    )


def statement_of(query: Query) -> str:
    text = " ".join(("SELECT", ", ".join(query.fields), "FROM", query.entity))
    conditions = []
    for one in query.conditions:
        values = ", ".join(written(value) for value in one.values)
        conditions.append(
            f"{one.property} {one.operator} " + (f"({values})" if one.operator == "in" else values)
        )
    if conditions:
        text += " WHERE " + "  and ".join(conditions)
    if query.order:
        text += " ORDERBY " + ", ".join(f"{name} {'DESC' if down else 'asc'}" for name, down in query.order)
    return f"{text} STARTPOSITION {query.start} MAXRESULTS {query.limit}"


@given(queries())
def test_a_written_statement_reads_back_as_what_it_says(query: Query) -> None:
    assert parse(statement_of(query)) == query


ENDS = st.text("'\\()=<>*, andSTARTPOSITION019", max_size=6)


@given(st.text(max_size=60))
def test_any_text_is_a_query_or_a_documented_fault(text: str) -> None:
    assert outcome(text) in ("4000", "4001") or isinstance(outcome(text), Query)


@given(queries().map(statement_of), st.integers(0, 80), ENDS)
def test_a_damaged_statement_is_a_query_or_a_documented_fault(text: str, cut: int, end: str) -> None:
    assert outcome(text[:cut] + end) in ("4000", "4001") or isinstance(outcome(text[:cut] + end), Query)
