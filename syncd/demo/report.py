"""The end of the demo: the log as an admin sees it, latencies, what is held and why, and the comparison."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from syncd.demo.compare import Comparison, Customer, compare
from syncd.demo.latency import Arrival, latencies, percentile
from syncd.demo.processes import run_side_by_side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import psycopg

    from syncd.demo.latency import Change, Key, Latency
    from syncd.demo.scenario import Scenario
    from syncd.demo.show import Show
    from syncd.demo.stage import Stage

LOG_ROWS = "15"
CARRIED_OUT = (200, 400)  # anything else QuickBooks turned away at the door

CUSTOMERS = """
    select organization_id::text, id::text, name, email, phone, street, city, state, zip
    from sip.customers where deleted_at is null order by id
"""
LINKS = (
    "select company_id, sip_id, qbo_id from syncd.link where entity_type = 'customer' and qbo_id is not null"
)
CALLS = """
    select c.request_id, i.company_id, i.entity_id, i.document
    from syncd.call c join syncd.call_item i using (call_id) where i.entity_type = 'customer'
"""
HELD = """
    select e.company_id, e.entity_id, coalesce(l."Entity Name", e.entity_id), l."Error"
    from syncd.errors e
    left join lateral (
        select v."Entity Name", v."Error" from syncd.sync_log_view v
        where v.company_id = e.company_id and v.entity_type = e.entity_type and v.entity_id = e.entity_id
              and v."Status" = 'Error'
        order by v.occurred_at desc limit 1
    ) l on true
    order by 1, 2
"""


def report(
    stage: Stage, show: Show, connection: psycopg.Connection, changes: Sequence[Change], scenario: Scenario
) -> bool:
    """Print everything, the verdict last. True if all is as it must be."""
    company = stage.companies[0]
    show.heading(f"$ syncd log {company.company_id}        ({company.name})")
    words = ["log", company.company_id, "--limit", LOG_ROWS]
    show.verbatim(run_side_by_side([(words, "")], {**stage.admin, **show.as_terminal()})[0])

    stage.quickbooks.look()
    arrivals = _arrivals(stage, connection)
    measured = latencies(changes, arrivals)
    _show_latencies(show, measured, len({a.arrived for a in arrivals}))

    wrong = [f"A change of customer {m.change.key[1]} never arrived." for m in measured if m.seconds is None]
    wrong += [
        f"Customer {a.key[1]} was sent although nothing of it had changed."
        for a in arrivals
        if a.arrived > scenario.silent.get(a.key, a.arrived)
    ]
    held = _show_held(show, connection, scenario.clashes, wrong)
    customers = [Customer(*row) for row in connection.execute(CUSTOMERS)]
    links = {(company_id, key): qbo_id for company_id, key, qbo_id in connection.execute(LINKS)}
    objects = {c.company_id: stage.quickbooks.customers(c.realm) for c in stage.companies}
    compared = compare(customers, links, held, objects)
    return _verdict(show, compared, len(customers), len(held), wrong)


def _arrivals(stage: Stage, connection: psycopg.Connection) -> list[Arrival]:
    of_request = defaultdict(list)
    for request, company_id, key, document in connection.execute(CALLS):
        of_request[request].append(((company_id, key), document))
    return [
        Arrival(key, write.arrived, document)
        for write in stage.quickbooks.writes
        if write.status in CARRIED_OUT
        for key, document in of_request[write.request_id]
    ]


def _show_latencies(show: Show, measured: Sequence[Latency], calls: int) -> None:
    show.heading("From SIP's COMMIT to the request's arrival at QuickBooks")
    quiet = [m.seconds for m in measured if m.seconds is not None and m.change.quiet]
    every = [m.seconds for m in measured if m.seconds is not None]
    rows = [
        [name, str(len(values)), *(_milliseconds(percentile(values, share)) for share in (0.5, 0.99))]
        for name, values in (
            ("the calm: nothing queued before the change", quiet),
            ("all, with imports and bulk edits", every),
        )
        if values
    ]
    show.table(["", "changes", "p50", "p99"], rows)
    show.line(f"{len(measured)} changes of records took {calls} calls: what waits together goes together.")


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms"


def _show_held(
    show: Show, connection: psycopg.Connection, clashes: Mapping[Key, str], wrong: list[str]
) -> set[Key]:
    show.heading("Held, until somebody renames one of the two")
    held = set()
    for company_id, key, name, sentence in connection.execute(HELD):
        held.add((company_id, key))
        if (company_id, key) not in clashes:
            wrong.append(f'Customer "{name}" is held, which it should not be: {sentence}')
        elif not sentence or clashes[company_id, key].strip() not in sentence:
            wrong.append(f'The log does not explain why customer "{name}" is held.')
        else:
            show.item(sentence)
    wrong += [
        f'Customer "{name}" should be held and is not.' for key, name in clashes.items() if key not in held
    ]
    return held


def _verdict(show: Show, compared: Comparison, total: int, held: int, wrong: list[str]) -> bool:
    show.heading("Every customer of SIP compared with QuickBooks, field by field")
    for sentence in [*compared.differences, *wrong]:
        show.item(sentence, "red")
    good = not compared.differences and not wrong and compared.equal == total - held
    if good:
        show.line("No difference, nothing twice, nothing that SIP does not have.")
    count = f"{compared.equal} of {total - held} records, {held} held"
    show.line(f"in sync: {count}" if good else f"NOT in sync: {count}", "bold green" if good else "bold red")
    return good
