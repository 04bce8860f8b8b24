-- Customers: SIP's table in canonical columns, and what makes one signal.
--
-- Called by: `syncd db upgrade`. Edit this file, and only files of this folder, when SIP's tables differ.
--
-- Not bound: notes, the unsubscribed flag and the time stamps, which QuickBooks is not told.

create view syncd.source_customer as
select
    c.id as key,
    c.organization_id as company_key,
    c.organization_id::text as company_id,
    c.name,
    c.email,
    c.phone,
    c.street,
    c.city,
    c.state,
    c.zip,
    c.deleted_at is not null as deleted
from sip.customers c;

select syncd.bind(
    'sip.customers', entity => 'customer', key => 'id', company => 'organization_id',
    condition => '(old.organization_id, old.name, old.email, old.phone, old.street, old.city, old.state, old.zip,'
                 ' old.deleted_at is null)'
                 ' is distinct from (new.organization_id, new.name, new.email, new.phone, new.street, new.city,'
                 ' new.state, new.zip, new.deleted_at is null)');
