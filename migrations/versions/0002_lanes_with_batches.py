"""Lanes that send batches: QuickBooks' limits as data, a budget per lane, two queues in each, wakeups counted.

Runs as role `syncd_owner`. Forward only.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

LIMITS = """
create table syncd.qbo_limit (
    name text primary key,
    amount integer not null,
    source text not null,
    seen_on date not null,
    override integer,
    constraint qbo_limit_positive check (amount > 0 and override > 0)
);
"""

# Names (customers, items) are written one at a time, so they queue by themselves.
QUEUES = """
alter table syncd.entity add column names boolean not null default false;
alter table syncd.job add column names boolean not null default false;
update syncd.job set names = true where entity_type = 'customer';
drop index syncd.job_ready;
create index job_ready on syncd.job (company_id, class, names, ticket) where due_at is null and call_id is null;
"""

LANES = """
alter table syncd.lane add column next_turn timestamptz not null default '-infinity';
alter table syncd.lane add column batches timestamptz[] not null default '{}';
alter table syncd.lane drop column budget;
alter table syncd.worker add column slots integer not null default 0;
alter table syncd.worker add column on_duty boolean not null default false;
alter table syncd.worker add column polling_because text;
alter table syncd.worker add column wakeups jsonb not null default '{}';
"""


def upgrade() -> None:
    for part in (LIMITS, QUEUES, LANES):
        op.execute(part)
