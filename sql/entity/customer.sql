-- Customers: what QuickBooks is told of one, in canonical form.
--
-- Called by: `syncd db upgrade`; read through syncd.documents.

select syncd.register('customer', label => 'Customer', qbo_type => 'Customer', rank => 1, toggle => 'auto_customers',
                      names => true);

create view syncd.document_customer as
select
    s.key,
    s.company_id,
    s.company_key,
    btrim(s.name) as entity_name,
    not s.deleted as due,
    null::text as skip,
    '{}'::syncd.record_key[] as missing,
    null::text as unready,
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
