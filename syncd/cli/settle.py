"""`syncd settle`: a person has looked at a record that is otherwise in QuickBooks than in SIP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncd.cli.explain import need_record, to_settle
from syncd.cli.output import json_option, print_json, print_table, say, tell
from syncd.cli.push import has_person
from syncd.cli.session import Connection, Entity, Row, need_company, need_entity, person, session
from syncd.db.states import State
from syncd.errors import SyncdError, WrongUse

if TYPE_CHECKING:
    from typing import Any


@click.command()
@click.argument("company_id", metavar="COMPANY")
@click.argument("entity", metavar="[ENTITY", required=False)
@click.argument("record_id", metavar="ID]", required=False)
@click.option("--make-again", is_flag=True, help="Make anew what was deleted in QuickBooks.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def command(
    company_id: str, entity: str | None, record_id: str | None, make_again: bool, yes: bool, as_json: bool
) -> None:
    """Say that you have looked at a record, and that what QuickBooks has of it now stands.

    It is for what syncd leaves to a person: a record that was withdrawn or changed in SIP after it had been synced, one
    that QuickBooks took otherwise than it was sent, one that was deleted in QuickBooks. It is listed no longer, until
    its next change. Nothing is sent to QuickBooks, except with --make-again. Without ENTITY and ID: what there is to
    settle.
    """
    if entity is not None and record_id is None:
        raise WrongUse("The record's ID is missing.", f"For example: syncd settle {company_id} {entity} 7")
    if entity is None and (make_again or yes):
        raise WrongUse("Say which record.", f"To see them: syncd settle {company_id}")
    with session() as connection:
        company = need_company(connection, company_id)
        if entity is None or record_id is None:
            _list(connection, company, as_json=as_json)
            return
        kind = need_entity(connection, entity)
        record = need_record(connection, company, kind, record_id)
        act = _make_again if make_again else _let_stand
        said, done = act(connection, company, kind, record, yes=yes)
    if as_json:
        print_json(
            {
                "entity_type": kind.name,
                "entity_id": record["entity_id"],
                "entity_name": record["entity_name"],
                **done,
                "explanation": said,
            }
        )
    else:
        tell(said)


def _list(connection: Connection, company: Row, *, as_json: bool) -> None:
    rows = connection.execute(
        "select e.label, s.* from syncd.to_settle(%s) s join syncd.entity e using (entity_type)",
        (company["company_id"],),
    ).fetchall()
    if as_json:
        print_json(rows)
        return
    listed = [
        {
            "Entity Type": row["label"],
            "ID": row["entity_id"],
            "Entity Name": row["entity_name"],
            "Since": row["since"],
            "Why": row["reason"],
        }
        for row in rows
    ]
    print_table(
        listed, ["Entity Type", "ID", "Entity Name", "Since", "Why"], empty="There is nothing to settle."
    )


def _let_stand(
    connection: Connection, company: Row, kind: Entity, record: Row, *, yes: bool
) -> tuple[str, dict[str, Any]]:
    """The answer, and the same for programs."""
    name = kind.called(record["entity_name"])
    if to_settle(record) is not None:
        _confirm(
            record["link_note"] if to_settle(record) is State.VARIANCE else record["job_reason"],
            f"Does what QuickBooks has now of {name} stand?",
            yes=yes,
        )
        row = connection.execute(
            "select syncd.let_stand(%s, %s, %s, %s)::text as ended",
            (company["company_id"], kind.name, record["entity_id"], person()),
        ).fetchone()
        assert row is not None
        if row["ended"] is not None:
            until = "Service Invoice Pro has it again" if record["differs"] == "withdrawn" else "it changes"
            return (
                f"Settled: what QuickBooks has now of {name} stands, until {until}.",
                {"settled": row["ended"]},
            )
        record = need_record(connection, company, kind, record["entity_id"])
    return f"There is nothing to settle: {_nothing(name, record)}", {"settled": None}


def _nothing(name: str, record: Row) -> str:
    if record["settled_note"]:
        return str(record["settled_note"])
    if record["job_state"] == State.DIVERGED:
        return f"Service Invoice Pro has {name} again, and syncd compares it by itself."
    return f"{name} does not differ in a way that is left to a person."


def _make_again(
    connection: Connection, company: Row, kind: Entity, record: Row, *, yes: bool
) -> tuple[str, dict[str, Any]]:
    name = kind.called(record["entity_name"])
    gone = to_settle(record) is State.ERROR
    _confirm(
        record["job_reason"] if gone else "QuickBooks is asked first whether it still has it.",
        f"Make {name} anew in QuickBooks?",
        yes=yes,
    )
    row = connection.execute(
        "select syncd.make_again(%s, %s, %s, %s) as step",
        (company["company_id"], kind.name, record["entity_id"], person()),
    ).fetchone()
    assert row is not None
    if row["step"] is None:
        raise SyncdError(
            f"QuickBooks has not said that it no longer has {name}, so it is not made again.",
            f"See: syncd explain {company['company_id']} {kind.word} {record['entity_id']}",
        )
    if connection.execute("select from syncd.daemons limit 1").fetchone() is None:
        say("No daemon is running, so nothing is sent. Start one: systemctl start syncd")
    if row["step"] == "asked":
        return (
            f"QuickBooks is asked whether it still has {name}. If it has not, run this again; what it says:"
            f" syncd explain {company['company_id']} {kind.word} {record['entity_id']}",
            {"step": "asked"},
        )
    return f"{name[0].upper()}{name[1:]} is made anew.", {"step": "again"}


def _confirm(facts: str | None, question: str, *, yes: bool) -> None:
    """Say what is known, and ask."""
    if yes:
        return
    if not has_person():
        raise WrongUse(f"{facts} {question}", "Give --yes to confirm.")
    if not click.confirm(f"{facts} {question}", err=True):
        raise SyncdError("Nothing was changed.")
