"""What stands in the way, for the message of a test that waited in vain: the queue, who serves it, and what the daemons
said last. Read by somebody who has only the output of CI.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.database import Database
    from tests.support.processes import Daemon

MOST_ROWS = 20
MOST_LINES = 15
MOST_CHARACTERS = 400
SAYS_NOTHING = {"at", "level", "event", "version", "slots"}

# Times in seconds from now: what lies ahead is positive. A lane whose owner has no living worker is free.
PARTS = {
    "signals not absorbed": """
        select company_id, entity_type, entity_id, xid
        from syncd.outbox order by signal_id
    """,
    "signals set aside": "select company_id, entity_type, entity_id, reason from syncd.outbox_bad",
    "jobs on their way": """
        select company_id as company, entity_type || ' ' || entity_id as record, state::text, class::text, ticket,
               {due_at}, call_id as call, waits_on::text as waits_on, attempts, alone, left(reason, 100) as reason
        from syncd.job where state in ('pending', 'sending', 'unknown', 'waiting') order by company_id, ticket
    """,
    "lanes with work or an owner": """
        select company_id as company, left(owner::text, 4) as owner, epoch, {due_at}, {not_before}, failures,
               left(paused_because, 100) as paused_because,
               exists (select from syncd.worker w
                       where w.worker_id = lane.owner and w.alive_until > clock_timestamp()) as served
        from syncd.lane
        where owner is not null or due_at < 'infinity'
              or exists (select from syncd.job j where j.company_id = lane.company_id)
        order by company_id
    """,
    "open calls": """
        select call_id as call, company_id as company, kind::text, outcome::text, sends, {committed_at}, {sent_at},
               {answered_at}, left(worker_id::text, 4) as worker, epoch
        from syncd.call where outcome in ('sent', 'answered', 'unknown') order by call_id
    """,
    "workers, the last first": """
        select left(worker_id::text, 4) as worker, pid, {alive_until}, on_duty, polling_because
        from syncd.worker order by alive_until desc
    """,
    "bell (1) and duty (2)": """
        select k.objid, k.pid, k.granted, k.mode, a.application_name
        from pg_locks k left join pg_stat_activity a using (pid)
        where k.locktype = 'advisory' and k.classid = 1937337955
              and k.database = (select d.oid from pg_database d where d.datname = current_database())
        order by k.objid, k.granted desc
    """,
    "sessions": """
        select pid, application_name as name, state, wait_event_type as waits_for, wait_event as event,
               extract(epoch from clock_timestamp() - state_change)::numeric(9, 1) as since,
               pg_blocking_pids(pid) as blocked_by,
               left(regexp_replace(query, '\\s+', ' ', 'g'), 80) as query
        from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()
              and (state <> 'idle' or application_name like 'syncd duty%')
        order by backend_start
    """,
}
TIMES = ("due_at", "not_before", "committed_at", "sent_at", "answered_at", "alive_until")


def diagnosis(database: Database, daemons: Sequence[Daemon] = ()) -> str:
    """Several lines. Asks over a connection of its own: the test's may be what waits."""
    try:
        with psycopg.connect(database.dsn, autocommit=True, connect_timeout=5) as connection:
            connection.execute("set statement_timeout = '10s'")
            told = [_part(connection, title, query) for title, query in PARTS.items()]
    except psycopg.Error as error:
        told = [f"Postgres does not say more: {error}".strip()]
    return "\n".join([*filter(None, told), *(_daemon(number, one) for number, one in enumerate(daemons))])


def _part(connection: psycopg.Connection[Any], title: str, query: str) -> str:
    seconds = {
        name: f"extract(epoch from nullif({name}, 'infinity') - clock_timestamp())::numeric(9, 1) as {name}"
        for name in TIMES
    }
    cursor = connection.execute(query.format(**seconds).encode())
    names = [column.name for column in cursor.description or ()]
    rows = cursor.fetchall()
    if not rows:
        return ""
    lines = [
        "  "
        + "  ".join(f"{name}={value}" for name, value in zip(names, row, strict=True) if value is not None)
        for row in rows[:MOST_ROWS]
    ]
    left = [f"  and {len(rows) - MOST_ROWS} more"] if len(rows) > MOST_ROWS else []
    return "\n".join([f"{title}:", *lines, *left])


def _daemon(number: int, daemon: Daemon) -> str:
    code = daemon.process.poll()
    stands = f"process {daemon.process.pid}" if code is None else f"ended with {code}"
    lines = [line for line in daemon.log.read_text().splitlines() if '"recorded"' not in line]
    return "\n".join([f"daemon {number}, {stands}, said last:", *map(_line, lines[-MOST_LINES:])])


def _line(line: str) -> str:
    """A line of the log without what tells nothing here."""
    try:
        event = json.loads(line)
        time = event["at"][11:23]
        rest = " ".join(f"{k}={v}" for k, v in event.items() if k not in SAYS_NOTHING and v is not None)
        line = f"{time} {event['event']}: {rest}"
    except (ValueError, KeyError, AttributeError, TypeError):
        pass  # what is no event of ours is shown as it is
    return "  " + line[:MOST_CHARACTERS]
