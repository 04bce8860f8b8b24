"""`syncd retry`: try again what a person has put right."""

from __future__ import annotations

import click

from syncd.cli.explain import need_record, push_command, settle_command, to_settle
from syncd.cli.output import count, say, tell
from syncd.cli.session import Connection, Entity, Row, need_company, need_entity, session
from syncd.db.states import State, WaitsOn
from syncd.errors import WrongUse

UNDER_WAY = {State.SENDING, State.UNKNOWN}


@click.command()
@click.argument("company_id", metavar="COMPANY")
@click.argument("entity", metavar="[ENTITY", required=False)
@click.argument("record_id", metavar="ID]", required=False)
@click.option("--all-errors", is_flag=True, help="Every record of the company that was refused.")
def command(company_id: str, entity: str | None, record_id: str | None, all_errors: bool) -> None:
    """Try one record again, or all that failed. It gets all its attempts anew, and so does what it waits for.

    ENTITY is a type of record: customer, invoice, timesheet-entry ...; ID is SIP's id of it.
    """
    if all_errors == (entity is not None):
        raise WrongUse(
            "Say what to try again.",
            f"One record: syncd retry {company_id} customer 7. All that failed: syncd retry {company_id} --all-errors",
        )
    if entity is not None and record_id is None:
        raise WrongUse("The record's ID is missing.", f"For example: syncd retry {company_id} {entity} 7")
    with session() as connection:
        company = need_company(connection, company_id)
        if entity is not None and record_id is not None:
            moves = _one(connection, company, entity, record_id)
        else:
            moves = _all(connection, company)
        alive = connection.execute("select from syncd.daemons limit 1").fetchone()
    if moves and alive is None:
        say("No daemon is running, so nothing is sent. Start one: systemctl start syncd")


def _all(connection: Connection, company: Row) -> bool:
    """Whether something goes on by this."""
    made = _retry(connection, company["company_id"], None, None)
    if made:
        tell(f"{count(made, 'record is', 'records are')} tried again.")
    else:
        tell(f"There is nothing to retry: no record of company {company['company_id']} was refused.")
    row = connection.execute(
        "select diverged + variances as n from syncd.lane_status where company_id = %s",
        (company["company_id"],),
    ).fetchone()
    if row is not None and row["n"]:
        differ = count(row["n"], "record differs", "records differ")
        tell(
            f"{differ} from what QuickBooks has, which no retry changes. See: syncd settle {company['company_id']}"
        )
    return made > 0


def _one(connection: Connection, company: Row, entity: str, record_id: str) -> bool:
    """Whether something goes on, by this or anyway."""
    kind = need_entity(connection, entity)
    record = need_record(connection, company, kind, record_id)
    name = kind.called(record["entity_name"])
    name = name[0].upper() + name[1:]
    if to_settle(record) is State.DIVERGED:
        tell(f"There is nothing to retry: {_with_command(company, kind, record, record['job_reason'])}")
        return False
    if to_settle(record) is State.VARIANCE and record["job_state"] is None and record["verdict"] == "drop":
        note = _with_command(company, kind, record, record["link_note"])
        tell(f"There is nothing to retry: QuickBooks took {kind.called(record['entity_name'])}. {note}")
        return False
    made = _retry(connection, company["company_id"], kind.name, record["entity_id"])
    if made:
        others = f", and {count(made - 1, 'record')} that it waits for" if made > 1 else ""
        tell(f"{name} is tried again{others}.")
        if record["waits_on"] == WaitsOn.RECORD:
            tell(record["verdict_reason"])
        elif record["verdict"] == "wait":
            tell(f"It will still wait: {record['verdict_reason']}")
    elif record["job_state"] in UNDER_WAY:
        tell("There is nothing to retry: a call of it is under way, and syncd settles that by itself.")
    elif record["job_state"] is None and record["signaled_at"] is None:
        nothing = f"There is nothing to retry: nothing is owed of {kind.called(record['entity_name'])}."
        tell(f"{nothing} {_other_way(company, kind, record)}")
        return False
    else:
        tell("There is nothing to retry: syncd is at it already.")
    return True


def _with_command(company: Row, kind: Entity, record: Row, reason: str | None) -> str:
    """A reason of an earlier version names no command."""
    if reason and "syncd settle" in reason:
        return reason
    return f"{reason or ''} When it is as it should be there: {settle_command(company, kind, record)}".strip()


def _other_way(company: Row, kind: Entity, record: Row) -> str:
    if record["verdict"] == "skip":
        return (
            f"{record['verdict_reason']} When that is put right: {push_command(company['company_id'], kind)}"
        )
    if record["verdict"] in ("push", "wait"):
        return f"To send it with all others: {push_command(company['company_id'], kind)}"
    return f"See: syncd explain {company['company_id']} {kind.word} {record['entity_id']}"


def _retry(connection: Connection, company_id: str, entity: str | None, key: str | None) -> int:
    row = connection.execute("select syncd.retry(%s, %s, %s) as made", (company_id, entity, key)).fetchone()
    assert row is not None
    return int(row["made"])
