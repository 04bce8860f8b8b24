"""Records of one place in QuickBooks take turns; a realm may belong to one company after another; accounts are made.

Runs as role `syncd_owner`. Forward only.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

# What an older daemon has under way has its turn too.
TURNS = """
alter table syncd.entity add column turn text;
alter table syncd.call_item add column turn text;
update syncd.call_item i
set turn = lower(btrim(i.document ->> case i.entity_type when 'payment' then 'invoice' else 'number' end))
from syncd.call c
where c.call_id = i.call_id and i.entity_type in ('payment', 'invoice')
      and c.outcome in ('sent', 'answered', 'unknown');
create index call_item_turn on syncd.call_item (company_id, entity_type, turn, call_id) where turn is not null;
"""

# Within a company one object is one record. Links of a company that had the realm before are no other's business.
LINKS = """
drop index syncd.link_qbo_once;
create unique index link_qbo_once on syncd.link (company_id, environment, realm_id, qbo_type, qbo_id)
    where qbo_id is not null and not is_alias;
"""

# What is to be made in QuickBooks for a slot of the mapping.
ACCOUNTS = """
create table syncd.account_wish (
    company_id text not null references syncd.company (company_id) on delete cascade,
    environment syncd.environment not null,
    realm_id text not null,
    slot syncd.account_slot not null,
    name text not null,
    type text not null,
    sub_type text not null,
    asked_by text not null,
    asked_at timestamptz not null default clock_timestamp(),
    primary key (company_id, environment, realm_id, slot)
);
"""


def upgrade() -> None:
    for part in (TURNS, LINKS, ACCOUNTS):
        op.execute(part)
