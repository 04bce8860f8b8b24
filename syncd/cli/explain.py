"""`syncd explain`: why one record is, or is not, in QuickBooks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from syncd.cli.log import Printer
from syncd.cli.output import console, count, json_option, print_json, short, span, tell
from syncd.cli.session import Connection, Entity, Row, need_company, need_entity, session
from syncd.db.states import State, WaitsOn
from syncd.errors import WrongUse

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = 5
MOVING = {State.PENDING, State.SENDING, State.UNKNOWN}
ENDED = {State.ERROR, State.HELD, State.COLLISION, State.DIVERGED}
LEADS = {
    State.ERROR: "It failed",
    State.HELD: "It is held",
    State.COLLISION: "QuickBooks holds something that may be this record",
    State.DIVERGED: "The two sides differ, and syncd leaves it so",
}
GONE = "gone"
"""The code of a record whose object QuickBooks no longer has."""
# What the verdict says of a record that is in QuickBooks as it is; the answer has said it already.
DONE = "QuickBooks has this already."


@click.command()
@click.argument("company_id", metavar="COMPANY")
@click.argument("entity", metavar="ENTITY")
@click.argument("record_id", metavar="ID")
@json_option
def command(company_id: str, entity: str, record_id: str, as_json: bool) -> None:
    """Why a record is, or is not, in QuickBooks.

    ENTITY is a type of record, e.g. customer; ID is SIP's id of it. Shown are the verdict on it as things stand
    now, its job, its link and its last log rows.
    """
    with session() as connection:
        company = need_company(connection, company_id)
        kind = need_entity(connection, entity)
        record = need_record(connection, company, kind, record_id)
        lane = connection.execute(
            "select paused_because, paused_until, (select count(*) from syncd.daemons) as daemons"
            " from syncd.lane_status where company_id = %s",
            (company_id,),
        ).fetchone()
        log = connection.execute(
            "select e.label, l.* from syncd.sync_log l join syncd.entity e using (entity_type)"
            " where company_id = %s and entity_type = %s and entity_id = %s"
            " order by occurred_at desc, log_id desc limit %s",
            (company_id, kind.name, record["entity_id"], ROWS),
        ).fetchall()
    assert lane is not None
    sentences = list(explained(company, kind, record, lane))
    if as_json:
        print_json({"entity_type": kind.name, **record, "explanation": sentences, "lane": lane, "log": log})
        return
    for sentence in sentences:
        tell(sentence)
    if log:
        console.print()
    Printer(as_json=False, all_columns=False).stream(log)


def to_settle(record: Row) -> State | None:
    """What there is to settle of a record by `syncd settle`, as syncd.let_stand sees it."""
    if record["job_state"] == State.DIVERGED and record["differs"]:
        return State.DIVERGED
    if record["job_state"] == State.ERROR and record["error_code"] == GONE:
        return State.ERROR
    return State.VARIANCE if record["link_state"] == State.VARIANCE else None


def need_record(connection: Connection, company: Row, kind: Entity, record_id: str) -> Row:
    """What syncd.explain knows of the record, or a sentence."""
    row = connection.execute(
        "select * from syncd.explain(%s, %s, %s)", (company["company_id"], kind.name, record_id)
    ).fetchone()
    if row is None:
        raise WrongUse(
            f"There is no {kind.called(record_id)} in company {company['company_id']}.",
            "The ID is the one that Service Invoice Pro's database has for it.",
        )
    return row


def explained(company: Row, kind: Entity, record: Row, lane: Row) -> Iterator[str]:
    """Sentences, the answer first."""
    yield _answer(kind, record)
    yield from _link(company, kind, record)
    yield from _job(company, kind, record)
    if record["job_state"] in MOVING or record["signaled_at"]:
        if not lane["daemons"]:
            yield "No daemon is running, so nothing is sent. Start one: systemctl start syncd"
        elif lane["paused_because"]:
            until = lane["paused_until"]
            how_long = f"for {span(until - datetime.now(UTC))} more" if until else "until somebody acts"
            yield f"Nothing goes out for this company {how_long}: {lane['paused_because']}"


def _answer(kind: Entity, record: Row) -> str:
    name = kind.called(record["entity_name"])
    name = name[0].upper() + name[1:]
    if record["qbo_id"] is None:
        return f"{name} is not in QuickBooks."
    where = f"{name} is in QuickBooks as {record['qbo_type']} {record['qbo_id']}"
    if record["link_state"] == State.VARIANCE:
        return f"{where}, but QuickBooks took it otherwise than it was sent: {record['link_note']}"
    if record["settled_note"] and record["verdict"] == "drop":
        return f"{where}. {record['settled_note']}"
    if record["verdict"] == "drop":
        return f"{where}, as it stands in Service Invoice Pro now."
    return f"{where}, but not as it stands in Service Invoice Pro now."


def _link(company: Row, kind: Entity, record: Row) -> Iterator[str]:
    if record["synced_at"]:
        yield f"It was sent last at {short(record['synced_at'])}, {_ago(record['synced_at'])}."
        if record["link_note"] and record["link_state"] != State.VARIANCE:
            yield record["link_note"]
    if to_settle(record) is State.VARIANCE and "syncd settle" not in (record["link_note"] or ""):
        yield f"When it is as it should be there: {settle_command(company, kind, record)}"


def _job(company: Row, kind: Entity, record: Row) -> Iterator[str]:
    """What is being done about it, or why nothing is."""
    state = record["job_state"]
    if record["signaled_at"]:
        yield f"A change of it was noted {_ago(record['signaled_at'])} and has not been looked at yet."
    if state == State.UNKNOWN:
        yield (
            f"The call that was sent {_ago(record['call_sent_at'])} was never answered. It is repeated with the same"
            f" request id ({record['request_id']}), so that nothing is made twice."
        )
    elif state == State.SENDING:
        yield f"It is being sent: the call went out {_ago(record['call_sent_at'])}."
    elif state in ENDED:
        yield from _needs_person(company, kind, record)
    elif state is None and record["signaled_at"] is None and record["verdict"] == "push":
        yield (
            "No change of it is owed: it became what it is while automatic sync was off, or before that. It goes at"
            f" its next change, or by hand: {push_command(company['company_id'], kind)}"
        )
    elif state is None and record["verdict"] == "skip":
        yield f"It is left out: {record['verdict_reason']}"
        yield f"When that is put right: {push_command(company['company_id'], kind)}"
    else:
        yield from _on_its_way(company, record)


def push_command(company_id: str, kind: Entity) -> str:
    """What sends this record, and all others of its kind that QuickBooks does not have."""
    return f"syncd push {company_id} {kind.words}"


def settle_command(company: Row, kind: Entity, record: Row) -> str:
    """What a person types who has looked at what differs."""
    return f"syncd settle {company['company_id']} {kind.word} {record['entity_id']}"


def _needs_person(company: Row, kind: Entity, record: Row) -> Iterator[str]:
    after = f" after {count(record['attempts'], 'try', 'tries')}" if record["attempts"] else ""
    reason = record["job_reason"] or "no reason was kept."
    yield f"{LEADS[record['job_state']]}{after}: {reason}"
    settle = settle_command(company, kind, record)
    if record["job_state"] == State.DIVERGED:
        yield "It is listed until Service Invoice Pro has it again as it was sent, or somebody settles it."
        if "syncd settle" not in reason:
            yield f"When it is as it should be in QuickBooks: {settle}"
    elif record["error_code"] == GONE:
        yield f"To have it made anew: {settle} --make-again"
        yield f"If QuickBooks is right without it: {settle}"
    elif "syncd retry" not in reason:
        yield f"When that is put right: syncd retry {company['company_id']} {kind.word} {record['entity_id']}"


def _on_its_way(company: Row, record: Row) -> Iterator[str]:
    if record["verdict_reason"] and record["verdict_reason"] != DONE:
        yield record["verdict_reason"]
        if record["waits_on"] == WaitsOn.SETTING:
            yield f"See: syncd settings show {company['company_id']}"
    if record["held_up"]:
        yield record["held_up"]
    if record["job_state"] == State.PENDING:
        since = f"It has been due since {short(record['owed_since'])}"
        if record["attempts"]:
            since += f" and failed {count(record['attempts'], 'time')}"
        yield f"{since}."
        if record["job_reason"]:
            yield f"The last try: {record['job_reason']}"
        if record["next_attempt_at"]:
            yield f"The next try is in {span(record['next_attempt_at'] - datetime.now(UTC))}."


def _ago(moment: datetime) -> str:
    return f"{span(datetime.now(UTC) - moment)} ago"
