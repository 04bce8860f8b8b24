"""A statement of SIP that changes many rows makes one signal of many records; the outbox has one index.

Runs as role `syncd_owner`. Forward only. SIP may write meanwhile, with the triggers as they were.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"

OUTBOX = """
alter table syncd.outbox add column entity_ids text[];
alter table syncd.outbox alter column entity_ids set storage external;
alter table syncd.outbox drop constraint outbox_pkey;
alter table syncd.outbox alter column signal_id set cache 100;
"""

# Several records may be set aside of one signal.
OUTBOX_BAD = """
alter table syncd.outbox_bad drop constraint outbox_bad_pkey;
alter table syncd.outbox_bad alter column signal_id drop not null;
alter table syncd.outbox_bad add column bad_id bigint generated always as identity primary key;
"""


def upgrade() -> None:
    for part in (OUTBOX, OUTBOX_BAD):
        op.execute(part)
