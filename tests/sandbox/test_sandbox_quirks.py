"""Switches that have no test of their own elsewhere, under both values, and their manual."""

import re
from typing import Any

import pytest

from syncd.sandbox.quirks import QUIRKS

from .server import ROOT, Company


@pytest.mark.parametrize(
    ("quirk", "value", "body", "code"),
    [
        ("email-list", "refused", {"PrimaryEmailAddr": {"Address": "a@b.co, c@d.co"}}, "2210"),
        ("email-list", "accepted", {"PrimaryEmailAddr": {"Address": "a@b.co, c@d.co"}}, ""),
        ("emoji-names", "refused", {"GivenName": "\N{PARTY POPPER}"}, "2040"),
        ("emoji-names", "accepted", {"GivenName": "\N{PARTY POPPER}"}, ""),
    ],
)
def test_what_a_field_may_hold(
    company: Company, quirk: str, value: str, body: dict[str, Any], code: str
) -> None:
    company.sandbox.control("/sandbox/quirks", {quirk: value})
    answer = company.post("customer", {"DisplayName": "A", **body})
    assert (answer.status_code == 200) == (not code)
    assert code in answer.text


@pytest.mark.parametrize(("value", "status"), [("refused", 400), ("allowed", 200)])
def test_change_of_an_inactive_object(company: Company, value: str, status: int) -> None:
    company.sandbox.control("/sandbox/quirks", {"inactive-update": value})
    company.save("Customer", DisplayName="A")
    gone = company.save("Customer", Id="1", SyncToken="0", sparse=True, Active=False)
    answer = company.post("customer", {**gone, "Notes": "n"})
    assert answer.status_code == status
    assert company.objects("Customer")[0]["DisplayName"] == "A"


@pytest.mark.parametrize(("value", "named"), [("unnamed", False), ("named", True)])
def test_unknown_attribute_is_named_or_not(company: Company, value: str, named: bool) -> None:
    company.sandbox.control("/sandbox/quirks", {"unknown-property": value})
    assert ("Colour" in company.refused("Customer", DisplayName="A", Colour="red")["Detail"]) is named


@pytest.mark.parametrize("code", ["003001", "3001"])
def test_spelling_of_the_throttle_code(company: Company, code: str) -> None:
    company.sandbox.control("/sandbox/quirks", {"throttle-code": code})
    company.sandbox.inject("throttle", realm_id=company.realm)
    assert company.get("preferences").json()["fault"]["error"][0]["code"] == code


def test_the_manual_lists_every_quirk_with_its_values() -> None:
    manual = (ROOT / "docs" / "sandbox.md").read_text()
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (`[^|]+`) \|", manual, re.MULTILINE)
    listed = {name: tuple(re.findall(r"`([^`]+)`", values)) for name, values in rows}
    assert {quirk.name: quirk.values for quirk in QUIRKS}.items() <= listed.items()
