"""The tables of schema `syncd` as SQLAlchemy Core metadata: what `alembic check` compares the database with.

The migrations create them; the functions in `sql/` fill them. Column comments are in `sql/comments.sql`.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Sequence,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import (
    ARRAY,
    BIGINT,
    BOOLEAN,
    BYTEA,
    ENUM,
    JSONB,
    TIMESTAMP,
)
from sqlalchemy.types import UserDefinedType

from syncd.db import states

SCHEMA = "syncd"
metadata = MetaData(schema=SCHEMA)
_time = TIMESTAMP(timezone=True)
_clock = text("clock_timestamp()")


class Xid8(UserDefinedType[int]):
    """Postgres' 64-bit transaction id, for which SQLAlchemy has no type of its own."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


class PgSnapshot(UserDefinedType[str]):
    """Which transactions had committed at a moment; SQLAlchemy has no type of its own for it."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "pg_snapshot"


def _enum(values: type[states.Values]) -> ENUM:
    return ENUM(*values, name=values.sql_name(), schema=SCHEMA, create_type=False, metadata=metadata)


entity = Table(
    "entity",
    metadata,
    Column("entity_type", Text, primary_key=True),
    Column("label", Text, nullable=False),
    Column("qbo_type", Text, nullable=False),
    Column("rank", SmallInteger, nullable=False),
    Column("toggle", Text),
    Column("names", BOOLEAN, nullable=False, server_default=text("false")),
    Column("mapped", JSONB, nullable=False, server_default="{}"),
    Column("aside", ARRAY(Text), nullable=False, server_default="{}"),
    Column("fixed", ARRAY(Text)),
    Column("turn", Text),
)

expansion = Table(
    "expansion",
    metadata,
    Column("entity_type", Text, primary_key=True),
    Column("part_type", Text, nullable=False),
)

qbo_limit = Table(
    "qbo_limit",
    metadata,
    Column("name", Text, primary_key=True),
    Column("amount", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("seen_on", Date, nullable=False),
    Column("override", Integer),
    CheckConstraint("amount > 0 and override > 0", name="qbo_limit_positive"),
)

binding = Table(
    "binding",
    metadata,
    Column("binding_id", Integer, Identity(always=True), primary_key=True),
    Column("source_table", Text, nullable=False),
    Column("entity_type", Text, nullable=False),
    Column("company_column", Text),
    Column("key_column", Text, nullable=False),
    Column("condition", Text),
    UniqueConstraint("source_table", "entity_type", "key_column", name="binding_once"),
)

sql_file = Table(
    "sql_file",
    metadata,
    Column("path", Text, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("applied_at", _time, nullable=False, server_default=_clock),
)

installed_object = Table(
    "installed_object",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("server_version", Integer, nullable=False),
)

company = Table(
    "company",
    metadata,
    Column("company_id", Text, primary_key=True),
    Column("name", Text, CheckConstraint("btrim(name) <> ''", name="company_name_given"), nullable=False),
    Column("region", _enum(states.Region), nullable=False),
    Column("timezone", Text, nullable=False),
    Column("state", _enum(states.CompanyState), nullable=False, server_default="disconnected"),
    Column("environment", _enum(states.Environment)),
    Column("realm_id", Text),
    Column("tokens", BYTEA),
    Column("access_expires_at", _time),
    Column("refresh_expires_at", _time),
    Column("refresh_started_at", _time),
    Column("refresh_refused_at", _time),
    Column("refreshed_at", _time),
    Column("payroll_enabled", BOOLEAN),
    Column("home_currency", Text),
    Column("company_info", JSONB),
    Column("preferences", JSONB),
    Column("facts_at", _time),
    Column("connected_at", _time),
    Column("created_at", _time, nullable=False, server_default=_clock),
    CheckConstraint(
        "state = 'disconnected' or (environment is not null and realm_id is not null and tokens is not null)",
        name="company_connected_is_whole",
    ),
    Index(
        "company_realm_once",
        "environment",
        "realm_id",
        unique=True,
        postgresql_where=text("state <> 'disconnected'"),
    ),
)

sync_settings = Table(
    "sync_settings",
    metadata,
    Column("company_id", Text, ForeignKey(company.c.company_id, ondelete="CASCADE"), primary_key=True),
    Column("enable_sync", BOOLEAN, nullable=False, server_default=text("false")),
    Column("auto_customers", BOOLEAN, nullable=False, server_default=text("false")),
    Column("auto_invoices", BOOLEAN, nullable=False, server_default=text("false")),
    Column("auto_payments", BOOLEAN, nullable=False, server_default=text("false")),
    Column("auto_service_items", BOOLEAN, nullable=False, server_default=text("false")),
    Column("auto_timesheets", BOOLEAN, nullable=False, server_default=text("false")),
    Column("timesheet_start_date", Date),
    Column("updated_by", Text, nullable=False, server_default=text("session_user")),
    Column("updated_at", _time, nullable=False, server_default=_clock),
)

settings_history = Table(
    "settings_history",
    metadata,
    Column("history_id", BIGINT, Identity(always=True), primary_key=True),
    Column("company_id", Text, ForeignKey(company.c.company_id, ondelete="CASCADE"), nullable=False),
    Column("changed_at", _time, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("snapshot", PgSnapshot, nullable=False, server_default=text("pg_current_snapshot()")),
    Column("settings", JSONB, nullable=False),
    Index("settings_history_at", "company_id", text("changed_at desc"), text("history_id desc")),
)

account_map = Table(
    "account_map",
    metadata,
    Column("company_id", Text, ForeignKey(company.c.company_id, ondelete="CASCADE"), primary_key=True),
    Column("environment", _enum(states.Environment), primary_key=True),
    Column("realm_id", Text, primary_key=True),
    Column("slot", _enum(states.AccountSlot), primary_key=True),
    Column("qbo_id", Text, nullable=False),
    Column("qbo_name", Text, nullable=False),
    Column("updated_by", Text, nullable=False, server_default=text("session_user")),
    Column("updated_at", _time, nullable=False, server_default=_clock),
)

account_wish = Table(
    "account_wish",
    metadata,
    Column("company_id", Text, ForeignKey(company.c.company_id, ondelete="CASCADE"), primary_key=True),
    Column("environment", _enum(states.Environment), primary_key=True),
    Column("realm_id", Text, primary_key=True),
    Column("slot", _enum(states.AccountSlot), primary_key=True),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("sub_type", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", _time, nullable=False, server_default=_clock),
)

item_map = Table(
    "item_map",
    metadata,
    Column("company_id", Text, ForeignKey(company.c.company_id, ondelete="CASCADE"), primary_key=True),
    Column("environment", _enum(states.Environment), primary_key=True),
    Column("realm_id", Text, primary_key=True),
    Column("slot", _enum(states.ItemSlot), primary_key=True),
    Column("qbo_id", Text, nullable=False),
    Column("qbo_name", Text, nullable=False),
    Column("updated_by", Text, nullable=False, server_default=text("session_user")),
    Column("updated_at", _time, nullable=False, server_default=_clock),
)

employee_map = Table(
    "employee_map",
    metadata,
    Column("company_id", Text, ForeignKey(company.c.company_id, ondelete="CASCADE"), primary_key=True),
    Column("environment", _enum(states.Environment), primary_key=True),
    Column("realm_id", Text, primary_key=True),
    Column("member_id", Text, primary_key=True),
    Column(
        "qbo_type",
        Text,
        CheckConstraint("qbo_type in ('Employee', 'Vendor')", name="employee_map_kind"),
        nullable=False,
    ),
    Column("qbo_id", Text, nullable=False),
    Column("qbo_name", Text, nullable=False),
    Column("updated_by", Text, nullable=False, server_default=text("session_user")),
    Column("updated_at", _time, nullable=False, server_default=_clock),
    UniqueConstraint(
        "company_id", "environment", "realm_id", "qbo_type", "qbo_id", name="employee_map_one_to_one"
    ),
)

payment_method_map = Table(
    "payment_method_map",
    metadata,
    Column("company_id", Text, ForeignKey(company.c.company_id, ondelete="CASCADE"), primary_key=True),
    Column("method", _enum(states.PaymentMethod), primary_key=True),
    Column("qbo_name", Text, nullable=False),
    Column("updated_by", Text, nullable=False, server_default=text("session_user")),
    Column("updated_at", _time, nullable=False, server_default=_clock),
    CheckConstraint("btrim(qbo_name) <> '' and char_length(qbo_name) <= 31", name="payment_method_map_name"),
)

tax_map = Table(
    "tax_map",
    metadata,
    Column("company_id", Text, ForeignKey(company.c.company_id, ondelete="CASCADE"), primary_key=True),
    Column("environment", _enum(states.Environment), primary_key=True),
    Column("realm_id", Text, primary_key=True),
    Column("slot", Text, primary_key=True),
    Column("qbo_id", Text, nullable=False),
    Column("qbo_name", Text, nullable=False),
    Column("rates", JSONB, nullable=False, server_default="[]"),
    Column("updated_by", Text, nullable=False, server_default=text("session_user")),
    Column("updated_at", _time, nullable=False, server_default=_clock),
    CheckConstraint(
        "slot = 'untaxed' or slot ~ '^(0|[1-9][0-9]{0,2})([.][0-9]{0,3}[1-9])?$'", name="tax_map_slot"
    ),
)

run = Table(
    "run",
    metadata,
    Column("run_id", BIGINT, Identity(always=True), primary_key=True),
    Column("company_id", Text, ForeignKey(company.c.company_id, ondelete="CASCADE"), nullable=False),
    Column("entity_type", Text, nullable=False),
    Column("asked_by", Text, nullable=False, server_default=text("session_user")),
    Column("asked_at", _time, nullable=False, server_default=_clock),
    Column("records", Integer, nullable=False, server_default="0"),
    Column("already", Integer, nullable=False, server_default="0"),
)

link = Table(
    "link",
    metadata,
    Column("company_id", Text, primary_key=True),
    Column("entity_type", Text, primary_key=True),
    Column("sip_id", Text, primary_key=True),
    Column("environment", _enum(states.Environment), primary_key=True),
    Column("realm_id", Text, primary_key=True),
    Column("qbo_type", Text, nullable=False),
    Column("qbo_id", Text),
    Column("sync_token", Text),
    Column("generation", BIGINT, nullable=False, server_default="0"),
    Column("fingerprint", Text),
    Column("document", JSONB),
    Column("state", _enum(states.State), nullable=False, server_default="pending"),
    Column("note", Text),
    Column("is_alias", BOOLEAN, nullable=False, server_default=text("false")),
    Column("synced_at", _time),
    Index(
        "link_qbo_once",
        "company_id",
        "environment",
        "realm_id",
        "qbo_type",
        "qbo_id",
        unique=True,
        postgresql_where=text("qbo_id is not null and not is_alias"),
    ),
    Index("link_variance", "company_id", postgresql_where=text("state = 'variance'")),
)

outbox = Table(
    "outbox",
    metadata,
    Column("signal_id", BIGINT, Identity(always=True, cache=100), nullable=False),
    Column("company_id", Text),
    Column("entity_type", Text, nullable=False),
    Column("entity_id", Text),
    Column("xid", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    Column("signaled_at", _time, nullable=False, server_default=_clock),
    Column("entity_ids", ARRAY(Text)),
    Index("outbox_xid", "xid"),
)

outbox_bad = Table(
    "outbox_bad",
    metadata,
    Column("signal_id", BIGINT),
    Column("company_id", Text),
    Column("entity_type", Text, nullable=False),
    Column("entity_id", Text),
    Column("signaled_at", _time, nullable=False),
    Column("reason", Text, nullable=False),
    Column("moved_at", _time, nullable=False, server_default=_clock),
    Column("bad_id", BIGINT, Identity(always=True), primary_key=True),
)

worker = Table(
    "worker",
    metadata,
    Column("worker_id", Uuid, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("started_at", _time, nullable=False, server_default=_clock),
    Column("alive_until", _time, nullable=False),
    Column("slots", Integer, nullable=False, server_default="0"),
    Column("on_duty", BOOLEAN, nullable=False, server_default=text("false")),
    Column("polling_because", Text),
    Column("wakeups", JSONB, nullable=False, server_default="{}"),
)

lane = Table(
    "lane",
    metadata,
    Column("company_id", Text, ForeignKey(company.c.company_id, ondelete="CASCADE"), primary_key=True),
    Column("due_at", _time, nullable=False, server_default="infinity"),
    Column("not_before", _time, nullable=False, server_default="infinity"),
    Column("paused_because", Text),
    Column("owner", Uuid),
    Column("epoch", BIGINT, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("next_turn", _time, nullable=False, server_default="-infinity"),
    Column("batches", ARRAY(_time), nullable=False, server_default="{}"),
)
Index("lane_next", func.greatest(lane.c.due_at, lane.c.not_before))
Index("lane_owner", lane.c.owner, postgresql_where=lane.c.owner.isnot(None))

job_version = Sequence("job_version", metadata=metadata, schema=SCHEMA)
job_ticket = Sequence("job_ticket", metadata=metadata, schema=SCHEMA)
job = Table(
    "job",
    metadata,
    Column("company_id", Text, primary_key=True),
    Column("entity_type", Text, primary_key=True),
    Column("entity_id", Text, primary_key=True),
    Column("version", BIGINT, nullable=False, server_default=job_version.next_value()),
    Column("ticket", BIGINT, nullable=False, server_default=job_ticket.next_value()),
    Column("class", _enum(states.JobClass), nullable=False, server_default="live"),
    Column("names", BOOLEAN, nullable=False, server_default=text("false")),
    Column("source", _enum(states.Source), nullable=False, server_default="auto"),
    Column("state", _enum(states.State), nullable=False, server_default="pending"),
    Column("due_at", _time),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("alone", SmallInteger, nullable=False, server_default="0"),
    Column("reason", Text),
    Column("waits_on", _enum(states.WaitsOn)),
    Column("waits_for_type", Text),
    Column("waits_for_id", Text),
    Column("fault_class", _enum(states.FaultClass)),
    Column("error_code", Text),
    Column("call_id", BIGINT),
    Column("run_id", BIGINT),
    Column("owed_since", _time, nullable=False, server_default=_clock),
    Column("required", BOOLEAN, nullable=False, server_default=text("false")),
    Column("unready_since", _time),
    Column("missing", JSONB),
    CheckConstraint("(state in ('sending', 'unknown')) = (call_id is not null)", name="job_is_open_call"),
    Index(
        "job_ready",
        "company_id",
        "class",
        "names",
        "ticket",
        postgresql_where=text("due_at is null and call_id is null"),
    ),
    Index(
        "job_timer",
        "company_id",
        "due_at",
        postgresql_where=text("due_at is not null and due_at < 'infinity'"),
    ),
    Index(
        "job_waits_for",
        "company_id",
        "waits_for_type",
        "waits_for_id",
        postgresql_where=text("waits_for_id is not null"),
    ),
    Index("job_run", "run_id", postgresql_where=text("run_id is not null")),
)

call = Table(
    "call",
    metadata,
    Column("call_id", BIGINT, Identity(always=True), primary_key=True),
    Column("company_id", Text, nullable=False),
    Column("environment", _enum(states.Environment), nullable=False),
    Column("realm_id", Text, nullable=False),
    Column("kind", _enum(states.CallKind), nullable=False),
    Column("path", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("body", BYTEA, nullable=False),
    Column("outcome", _enum(states.CallOutcome), nullable=False, server_default="sent"),
    Column("sends", SmallInteger, nullable=False, server_default="1"),
    Column("committed_at", _time, nullable=False, server_default=_clock),
    Column("sent_at", _time, nullable=False, server_default=_clock),
    Column("answered_at", _time),
    Column("http_status", SmallInteger),
    Column("intuit_tid", Text),
    Column("worker_id", Uuid, nullable=False),
    Column("epoch", BIGINT, nullable=False),
    UniqueConstraint("request_id", name="call_request_once"),
    Index(
        "call_open",
        "company_id",
        "call_id",
        postgresql_where=text("outcome in ('sent', 'answered', 'unknown')"),
    ),
    Index("call_committed", "committed_at"),
)

call_item = Table(
    "call_item",
    metadata,
    Column("call_id", BIGINT, ForeignKey(call.c.call_id, ondelete="CASCADE"), primary_key=True),
    Column("bid", Text, primary_key=True),
    Column("company_id", Text, nullable=False),
    Column("entity_type", Text, nullable=False),
    Column("entity_id", Text, nullable=False),
    Column("entity_name", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("generation", BIGINT, nullable=False),
    Column("version", BIGINT, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("document", JSONB, nullable=False),
    Column("notes", ARRAY(Text), nullable=False, server_default="{}"),
    Column("turn", Text),
    Index("call_item_record", "company_id", "entity_type", "entity_id"),
    Index(
        "call_item_turn",
        "company_id",
        "entity_type",
        "turn",
        "call_id",
        postgresql_where=text("turn is not null"),
    ),
)

sync_log_id = Sequence("sync_log_id", metadata=metadata, schema=SCHEMA)
sync_log = Table(
    "sync_log",
    metadata,
    Column("log_id", BIGINT, primary_key=True, server_default=sync_log_id.next_value()),
    Column("occurred_at", _time, primary_key=True, server_default=_clock),
    Column("company_id", Text, nullable=False),
    Column("entity_type", Text, nullable=False),
    Column("entity_id", Text, nullable=False),
    Column("entity_name", Text, nullable=False),
    Column("direction", _enum(states.Direction), nullable=False),
    Column("status", _enum(states.LogStatus), nullable=False),
    Column("error", Text),
    Column("note", Text),
    Column("operation", Text),
    Column("source", _enum(states.Source), nullable=False, server_default="auto"),
    Column("run_id", BIGINT),
    Column("attempt", SmallInteger),
    Column("next_attempt_at", _time),
    Column("qbo_id", Text),
    Column("request_id", Text),
    Column("http_status", SmallInteger),
    Column("error_code", Text),
    Column("error_class", _enum(states.FaultClass)),
    Column("intuit_tid", Text),
    Column("duration_ms", Integer),
    Column("worker_id", Uuid),
    CheckConstraint("(status = 'success') = (error is null)", name="sync_log_error_says_what"),
    Index("sync_log_company", "company_id", text("occurred_at desc"), text("log_id desc")),
    Index("sync_log_record", "company_id", "entity_type", "entity_id", text("occurred_at desc")),
    Index("sync_log_run", "run_id", "occurred_at", postgresql_where=text("run_id is not null")),
    postgresql_partition_by="range (occurred_at)",
)
