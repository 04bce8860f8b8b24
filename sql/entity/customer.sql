-- Customers: what QuickBooks is told of one, in canonical form.
--
-- Called by: `syncd db upgrade`; read through syncd.documents.

insert into syncd.entity (entity_type, label, qbo_type, rank, toggle, names)
values ('customer', 'Customer', 'Customer', 1, 'auto_customers', true)
on conflict (entity_type) do update
set label = excluded.label, qbo_type = excluded.qbo_type, rank = excluded.rank, toggle = excluded.toggle,
    names = excluded.names;

create view syncd.document_customer as
select
    s.key,
    s.company_id,
    btrim(s.name) as entity_name,
    not s.deleted as due,
    null::text as skip,
    jsonb_build_object(
        'name', btrim(s.name),
        'email', nullif(btrim(s.email), ''),
        'phone', nullif(btrim(s.phone), ''),
        'street', nullif(btrim(s.street), ''),
        'city', nullif(btrim(s.city), ''),
        'state', nullif(btrim(s.state), ''),
        'zip', nullif(btrim(s.zip), '')
    ) as document
from syncd.source_customer s;
