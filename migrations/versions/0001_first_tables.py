"""The tables of the first release: companies, settings, links, calls, the queue and the log.

Runs as role `syncd_owner`, which owns the schema. Forward only.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

TYPES = """
create type syncd.state as enum (
    'pending', 'sending', 'unknown', 'waiting', 'held', 'error', 'collision', 'diverged', 'synced', 'variance'
);
create type syncd.job_class as enum ('live', 'backfill');
create type syncd.source as enum ('auto', 'manual', 'webhook');
create type syncd.waits_on as enum ('setting', 'connection', 'record', 'document');
create type syncd.call_kind as enum ('single', 'batch');
create type syncd.call_outcome as enum ('sent', 'answered', 'unknown', 'settled', 'abandoned');
create type syncd.direction as enum ('push', 'pull');
create type syncd.log_status as enum ('success', 'error', 'skipped');
create type syncd.fault_class as enum (
    'record', 'variance', 'period', 'stale', 'transient', 'throttle', 'auth', 'company'
);
create type syncd.region as enum ('us', 'ca', 'global');
create type syncd.environment as enum ('sandbox', 'production');
create type syncd.company_state as enum ('disconnected', 'connected', 'needs_reconnect');
"""

# What the product knows of the world outside: filled by sql/, read by everything.
REGISTRY = """
create table syncd.entity (
    entity_type text primary key,
    label text not null,
    qbo_type text not null,
    rank smallint not null,
    toggle text
);
create table syncd.binding (
    binding_id integer generated always as identity primary key,
    source_table text not null,
    entity_type text not null,
    company_column text,
    key_column text not null,
    condition text,
    constraint binding_once unique (source_table, entity_type, key_column)
);
create table syncd.sql_file (
    path text primary key,
    sha256 text not null,
    applied_at timestamptz not null default clock_timestamp()
);
create table syncd.installed_object (
    kind text not null,
    name text not null,
    digest text not null,
    server_version integer not null,
    constraint installed_object_pkey primary key (kind, name)
);
"""

COMPANY = """
create table syncd.company (
    company_id text primary key,
    name text not null constraint company_name_given check (btrim(name) <> ''),
    region syncd.region not null,
    timezone text not null,
    state syncd.company_state not null default 'disconnected',
    environment syncd.environment,
    realm_id text,
    tokens bytea,
    access_expires_at timestamptz,
    refresh_expires_at timestamptz,
    refresh_started_at timestamptz,
    refresh_refused_at timestamptz,
    refreshed_at timestamptz,
    payroll_enabled boolean,
    home_currency text,
    company_info jsonb,
    preferences jsonb,
    connected_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    constraint company_connected_is_whole check (
        state = 'disconnected' or (environment is not null and realm_id is not null and tokens is not null)
    )
);
create unique index company_realm_once on syncd.company (environment, realm_id) where state <> 'disconnected';

create table syncd.sync_settings (
    company_id text primary key references syncd.company on delete cascade,
    enable_sync boolean not null default false,
    auto_customers boolean not null default false,
    auto_invoices boolean not null default false,
    auto_payments boolean not null default false,
    auto_service_items boolean not null default false,
    auto_timesheets boolean not null default false,
    timesheet_start_date date,
    updated_by text not null default session_user,
    updated_at timestamptz not null default clock_timestamp()
);
create table syncd.settings_history (
    history_id bigint generated always as identity primary key,
    company_id text not null references syncd.company on delete cascade,
    changed_at timestamptz not null,
    changed_by text not null,
    snapshot pg_snapshot not null default pg_current_snapshot(),
    settings jsonb not null
);
create index settings_history_at on syncd.settings_history (company_id, changed_at desc, history_id desc);

create table syncd.link (
    company_id text not null,
    entity_type text not null,
    sip_id text not null,
    environment syncd.environment not null,
    realm_id text not null,
    qbo_type text not null,
    qbo_id text,
    sync_token text,
    generation bigint not null default 0,
    fingerprint text,
    document jsonb,
    state syncd.state not null default 'pending',
    note text,
    is_alias boolean not null default false,
    synced_at timestamptz,
    constraint link_pkey primary key (company_id, entity_type, sip_id, environment, realm_id)
);
create unique index link_qbo_once on syncd.link (environment, realm_id, qbo_type, qbo_id)
    where qbo_id is not null and not is_alias;
create index link_variance on syncd.link (company_id) where state = 'variance';
"""

QUEUE = """
create table syncd.outbox (
    signal_id bigint generated always as identity (cache 1) primary key,
    company_id text,
    entity_type text not null,
    entity_id text,
    xid xid8 not null default pg_current_xact_id(),
    signaled_at timestamptz not null default clock_timestamp()
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
create index outbox_xid on syncd.outbox (xid);

create table syncd.outbox_bad (
    signal_id bigint primary key,
    company_id text,
    entity_type text not null,
    entity_id text,
    signaled_at timestamptz not null,
    reason text not null,
    moved_at timestamptz not null default clock_timestamp()
);

create table syncd.worker (
    worker_id uuid primary key,
    host text not null,
    pid integer not null,
    version text not null,
    started_at timestamptz not null default clock_timestamp(),
    alive_until timestamptz not null
);

create table syncd.lane (
    company_id text primary key references syncd.company on delete cascade,
    due_at timestamptz not null default 'infinity',
    not_before timestamptz not null default 'infinity',
    paused_because text,
    owner uuid,
    epoch bigint not null default 0,
    failures integer not null default 0,
    budget jsonb not null default '{}'
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
create index lane_next on syncd.lane (greatest(due_at, not_before));
create index lane_owner on syncd.lane (owner) where owner is not null;

create sequence syncd.job_version;
create sequence syncd.job_ticket;
create table syncd.job (
    company_id text not null,
    entity_type text not null,
    entity_id text not null,
    version bigint not null default nextval('syncd.job_version'),
    ticket bigint not null default nextval('syncd.job_ticket'),
    class syncd.job_class not null default 'live',
    source syncd.source not null default 'auto',
    state syncd.state not null default 'pending',
    due_at timestamptz,
    attempts smallint not null default 0,
    alone smallint not null default 0,
    reason text,
    waits_on syncd.waits_on,
    waits_for_type text,
    waits_for_id text,
    fault_class syncd.fault_class,
    error_code text,
    call_id bigint,
    run_id bigint,
    owed_since timestamptz not null default clock_timestamp(),
    constraint job_pkey primary key (company_id, entity_type, entity_id),
    constraint job_is_open_call check ((state in ('sending', 'unknown')) = (call_id is not null))
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
create index job_ready on syncd.job (company_id, class, ticket) where due_at is null and call_id is null;
create index job_timer on syncd.job (company_id, due_at) where due_at is not null and due_at < 'infinity';
create index job_waits_for on syncd.job (company_id, waits_for_type, waits_for_id) where waits_for_id is not null;

create table syncd.call (
    call_id bigint generated always as identity primary key,
    company_id text not null,
    environment syncd.environment not null,
    realm_id text not null,
    kind syncd.call_kind not null,
    path text not null,
    request_id text not null constraint call_request_once unique,
    body bytea not null,
    outcome syncd.call_outcome not null default 'sent',
    sends smallint not null default 1,
    committed_at timestamptz not null default clock_timestamp(),
    sent_at timestamptz not null default clock_timestamp(),
    answered_at timestamptz,
    http_status smallint,
    intuit_tid text,
    worker_id uuid not null,
    epoch bigint not null
);
create index call_open on syncd.call (company_id, call_id) where outcome in ('sent', 'answered', 'unknown');
create index call_committed on syncd.call (committed_at);

create table syncd.call_item (
    call_id bigint not null references syncd.call on delete cascade,
    bid text not null,
    company_id text not null,
    entity_type text not null,
    entity_id text not null,
    entity_name text not null,
    operation text not null,
    generation bigint not null,
    version bigint not null,
    fingerprint text not null,
    document jsonb not null,
    notes text[] not null default '{}',
    constraint call_item_pkey primary key (call_id, bid)
);
create index call_item_record on syncd.call_item (company_id, entity_type, entity_id);
"""

# A sequence, not an identity column: partitions know no identity before Postgres 17.
LOG = """
create sequence syncd.sync_log_id;
create table syncd.sync_log (
    log_id bigint not null default nextval('syncd.sync_log_id'),
    occurred_at timestamptz not null default clock_timestamp(),
    company_id text not null,
    entity_type text not null,
    entity_id text not null,
    entity_name text not null,
    direction syncd.direction not null,
    status syncd.log_status not null,
    error text,
    note text,
    operation text,
    source syncd.source not null default 'auto',
    run_id bigint,
    attempt smallint,
    next_attempt_at timestamptz,
    qbo_id text,
    request_id text,
    http_status smallint,
    error_code text,
    error_class syncd.fault_class,
    intuit_tid text,
    duration_ms integer,
    worker_id uuid,
    constraint sync_log_pkey primary key (log_id, occurred_at),
    constraint sync_log_error_says_what check ((status = 'success') = (error is null))
) partition by range (occurred_at);
create index sync_log_company on syncd.sync_log (company_id, occurred_at desc, log_id desc);
create index sync_log_record on syncd.sync_log (company_id, entity_type, entity_id, occurred_at desc);
"""


def upgrade() -> None:
    for part in (TYPES, REGISTRY, COMPANY, QUEUE, LOG):
        op.execute(part)
