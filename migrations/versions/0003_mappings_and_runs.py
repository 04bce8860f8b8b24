"""All that SIP syncs: what its words mean in QuickBooks (mappings), records that need each other, pushes by hand.

Runs as role `syncd_owner`. Forward only.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

TYPES = """
create type syncd.account_slot as enum (
    'income', 'expenses', 'discounts', 'undeposited_funds', 'checking', 'payment_fees', 'refunds_clearing',
    'disputed_payments', 'undistributed_tips'
);
create type syncd.item_slot as enum ('lines', 'time');
create type syncd.payment_method as enum ('card', 'ach', 'apple_pay', 'cash', 'check', 'zelle', 'other');
create type syncd.run_outcome as enum ('sent', 'there', 'skipped', 'failed', 'waiting', 'moving');
create type syncd.record_key as (entity_type text, entity_id text);
"""

# What an entity type's documents are like, so that one verdict serves them all.
REGISTRY = """
alter table syncd.entity add column mapped jsonb not null default '{}';
alter table syncd.entity add column aside text[] not null default '{}';
alter table syncd.entity add column fixed text[];
create table syncd.expansion (
    entity_type text primary key,
    part_type text not null
);
"""

QUEUE = """
alter table syncd.job add column required boolean not null default false;
alter table syncd.job add column unready_since timestamptz;
alter table syncd.job add column missing jsonb;
"""

COMPANIES = """
alter table syncd.company add column facts_at timestamptz;
"""

# Ids of QuickBooks belong to one realm, so they are kept with it and used for no other. Names are SIP's to choose.
MAPPINGS = """
create table syncd.account_map (
    company_id text not null references syncd.company (company_id) on delete cascade,
    environment syncd.environment not null,
    realm_id text not null,
    slot syncd.account_slot not null,
    qbo_id text not null,
    qbo_name text not null,
    updated_by text not null default session_user,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (company_id, environment, realm_id, slot)
);
create table syncd.item_map (
    company_id text not null references syncd.company (company_id) on delete cascade,
    environment syncd.environment not null,
    realm_id text not null,
    slot syncd.item_slot not null,
    qbo_id text not null,
    qbo_name text not null,
    updated_by text not null default session_user,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (company_id, environment, realm_id, slot)
);
create table syncd.employee_map (
    company_id text not null references syncd.company (company_id) on delete cascade,
    environment syncd.environment not null,
    realm_id text not null,
    member_id text not null,
    qbo_type text not null,
    qbo_id text not null,
    qbo_name text not null,
    updated_by text not null default session_user,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (company_id, environment, realm_id, member_id),
    constraint employee_map_one_to_one unique (company_id, environment, realm_id, qbo_type, qbo_id),
    constraint employee_map_kind check (qbo_type in ('Employee', 'Vendor'))
);
create table syncd.payment_method_map (
    company_id text not null references syncd.company (company_id) on delete cascade,
    method syncd.payment_method not null,
    qbo_name text not null,
    updated_by text not null default session_user,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (company_id, method),
    constraint payment_method_map_name check (btrim(qbo_name) <> '' and char_length(qbo_name) <= 31)
);
create table syncd.tax_map (
    company_id text not null references syncd.company (company_id) on delete cascade,
    environment syncd.environment not null,
    realm_id text not null,
    slot text not null,
    qbo_id text not null,
    qbo_name text not null,
    rates jsonb not null default '[]',
    updated_by text not null default session_user,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (company_id, environment, realm_id, slot),
    constraint tax_map_slot check (slot = 'untaxed' or slot ~ '^(0|[1-9][0-9]{0,2})([.][0-9]{0,3}[1-9])?$')
);
"""

RUNS = """
create table syncd.run (
    run_id bigint generated always as identity primary key,
    company_id text not null references syncd.company (company_id) on delete cascade,
    entity_type text not null,
    asked_by text not null default session_user,
    asked_at timestamptz not null default clock_timestamp(),
    records integer not null default 0,
    already integer not null default 0
);
create index job_run on syncd.job (run_id) where run_id is not null;
create index sync_log_run on syncd.sync_log (run_id, occurred_at) where run_id is not null;
"""


def upgrade() -> None:
    for part in (TYPES, REGISTRY, QUEUE, COMPANIES, MAPPINGS, RUNS):
        op.execute(part)
