"""An entity of the second queue, for tests of the queues themselves: SIP's jobs, which the product sends nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.database import Database

ENTITY = """
    insert into syncd.entity (entity_type, label, qbo_type, rank, toggle)
    values ('errand', 'Errand', 'Errand', 2, null);

    create view syncd.document_errand as
    select j.id as key, j.organization_id::text as company_id, j.name as entity_name, j.status = 'active' as due,
           null::text as skip, '{}'::syncd.record_key[] as missing, null::text as unready,
           jsonb_build_object('name', j.name) as document
    from sip.jobs j;

    select syncd.bind('sip.jobs', entity => 'errand', key => 'id', company => 'organization_id');
    select syncd.install_functions(binding_id) from syncd.binding where entity_type = 'errand';
    select syncd.install_triggers(binding_id, 'sip.jobs'::regclass) from syncd.binding where entity_type = 'errand';
    select syncd.assemble();
"""


def add_errands(database: Database) -> None:
    """Make SIP's jobs records of the type `errand`, which are no names."""
    database.execute(ENTITY)


def add_errand(database: Database, customer: str, name: str, company: str = "1") -> str:
    """One of them; its id."""
    return str(
        database.value(
            "insert into sip.jobs (organization_id, customer_id, name) values (%s, %s, %s) returning id",
            (company, customer, name),
        )
    )
