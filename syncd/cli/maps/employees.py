"""`syncd map employees`: whose time in SIP is whose in QuickBooks. One member is one employee or vendor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncd.cli import books
from syncd.cli.maps import store
from syncd.cli.output import clean, json_option, print_json, print_table, quoted, tell
from syncd.cli.session import Connection, Row, need_company, session
from syncd.errors import WrongUse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncd.cli.books import Found

TABLE = "employee_map"
KINDS = ("Employee", "Vendor")


@click.group()
def command() -> None:
    """Whose time in SIP is whose in QuickBooks."""


@command.command("list")
@click.argument("company_id", metavar="COMPANY")
@json_option
def list_(company_id: str, as_json: bool) -> None:
    """All members of a company. Time of those without an employee is skipped."""
    with session() as connection:
        company = need_company(connection, company_id)
        listed = _listed(connection, company)
    if as_json:
        print_json(listed)
        return
    print_table(
        [
            {
                "Member": row["member_id"],
                "Name": row["name"] if row["active"] else f"{row['name']} (inactive)",
                "E-mail": row["email"],
                "In QuickBooks": f"{row['qbo_type']} {row['qbo_name']}" if row["qbo_id"] else "not mapped",
                "Id": row["qbo_id"],
            }
            for row in listed
            if row["active"] or row["qbo_id"]
        ],
        ["Member", "Name", "E-mail", "In QuickBooks", "Id"],
        empty="The company has no members in SIP.",
        style=lambda column, value: "yellow" if (column, value) == ("In QuickBooks", "not mapped") else None,
    )
    store.tell_realm(company)
    if any(row["active"] and not row["qbo_id"] for row in listed):
        tell(
            f"Time of members that are not mapped is skipped. To see who fits: syncd map employees suggest {company_id}"
        )


@command.command("set")
@click.argument("company_id", metavar="COMPANY")
@click.argument("member", metavar="MEMBER")
@click.argument("employee", metavar="EMPLOYEE")
@click.option("--vendor", is_flag=True, help="The member is a vendor in QuickBooks, as contractors are.")
def set_(company_id: str, member: str, employee: str, vendor: bool) -> None:
    """Say who a member is in QuickBooks.

    MEMBER is SIP's member id, e-mail or exact name; EMPLOYEE an id or an exact name in QuickBooks.
    """
    kind = KINDS[vendor]
    with session() as connection:
        company = need_company(connection, company_id)
        who = _member(_listed(connection, company), member, company_id)
        found = books.ask(connection, company, *books.by_id_or_name(kind, employee, "DisplayName"))
        see = f"syncd map employees suggest {company_id}"
        chosen = books.choose((thing for things in found for thing in things), employee, kind.lower(), see)
        name = books.name_of(chosen)
        store.put(
            connection,
            TABLE,
            company,
            {"member_id": who["member_id"]},
            {"qbo_type": kind, "qbo_id": chosen["Id"], "qbo_name": name},
        )
    tell(f"{who['name']} is {kind.lower()} {quoted(name)} (id {chosen['Id']}) in QuickBooks now.")
    tell(f"Entries that were skipped before go with: syncd push {company_id} timesheet-entries")


@command.command()
@click.argument("company_id", metavar="COMPANY")
@click.argument("member", metavar="MEMBER")
def clear(company_id: str, member: str) -> None:
    """Map a member to nobody: new time of his is skipped. What was sent stays as it is."""
    with session() as connection:
        company = need_company(connection, company_id)
        who = _member(_listed(connection, company), member, company_id)
        was_set = store.remove(connection, TABLE, company, {"member_id": who["member_id"]})
    tell(f"{who['name']} is mapped to nobody now." if was_set else f"{who['name']} was not mapped.")


@command.command()
@click.argument("company_id", metavar="COMPANY")
@json_option
def suggest(company_id: str, as_json: bool) -> None:
    """Who in QuickBooks has the e-mail or the name of a member that is not mapped. Maps nobody."""
    with session() as connection:
        company = need_company(connection, company_id)
        listed = _listed(connection, company)
        found = books.ask(connection, company, *(books.Question(kind, "Active = true") for kind in KINDS))
    people = [(kind, thing) for kind, things in zip(KINDS, found, strict=True) for thing in things]
    taken = {(row["qbo_type"], row["qbo_id"]) for row in listed}
    free = [(kind, thing) for kind, thing in people if (kind, thing["Id"]) not in taken]
    lonely = [row for row in listed if row["active"] and not row["qbo_id"]]
    pairs = [pair for row in lonely for pair in _pairs(company_id, row, free)]
    if as_json:
        print_json(pairs)
        return
    print_table(
        [
            {
                "Member": pair["member"],
                "In QuickBooks": f"{pair['qbo_type']} {pair['qbo_name']}",
                "Why": pair["why"],
                "To map them": pair["command"],
            }
            for pair in pairs
        ],
        ["Member", "In QuickBooks", "Why", "To map them"],
        empty="Every member is mapped."
        if not lonely
        else "Nobody in QuickBooks has the e-mail or the name of a member that is not mapped.",
    )
    alone = [row["name"] for row in lonely if row["member_id"] not in {pair["member_id"] for pair in pairs}]
    if alone and pairs:
        tell(f"Nobody fits {', '.join(map(clean, alone))}.")
    if alone:
        tell(f"If they go by other names there: syncd map employees set {company_id} MEMBER EMPLOYEE")


def _listed(connection: Connection, company: Row) -> list[Row]:
    mapped = {row["member_id"]: row for row in store.rows(connection, TABLE, company)}
    members = connection.execute(
        "select key::text as member_id, name, email, active from syncd.source_member where company_id = %s"
        " order by name, key",
        (company["company_id"],),
    ).fetchall()
    columns = ("qbo_type", "qbo_id", "qbo_name", "updated_by", "updated_at")
    return [
        {**member, **{column: mapped.get(member["member_id"], {}).get(column) for column in columns}}
        for member in members
    ]


def _member(listed: list[Row], words: str, company_id: str) -> Row:
    """The member that somebody means. Raises WrongUse."""
    for column in ("member_id", "email", "name"):
        found = [row for row in listed if _loose(row[column]) == _loose(words)]
        active = [row for row in found if row["active"]] or found
        if len(active) > 1:
            ids = " and ".join(f"{row['member_id']} ({row['email']})" for row in active)
            raise WrongUse(
                f"Members {clean(ids)} have the name {quoted(words)}.", "Give the id or the e-mail."
            )
        if active:
            return active[0]
    raise WrongUse(f"There is no member {quoted(words)}.", f"See: syncd map employees list {company_id}")


def _pairs(company_id: str, member: Row, people: list[tuple[str, Found]]) -> Iterator[Row]:
    for kind, person in people:
        email = (person.get("PrimaryEmailAddr") or {}).get("Address")
        same = [
            *(["e-mail"] if email and _loose(email) == _loose(member["email"]) else []),
            *(["name"] if _loose(books.name_of(person)) == _loose(member["name"]) else []),
        ]
        if same:
            words = f"syncd map employees set {company_id} {member['member_id']} {person['Id']}"
            yield {
                "member_id": member["member_id"],
                "member": member["name"],
                "qbo_type": kind,
                "qbo_id": person["Id"],
                "qbo_name": books.name_of(person),
                "why": f"same {' and '.join(same)}",
                "command": f"{words} --vendor" if kind == "Vendor" else words,
            }


def _loose(text: str | None) -> str:
    return " ".join((text or "").split()).casefold()
