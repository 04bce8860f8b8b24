-- Service items: what QuickBooks is told of one, in canonical form.
--
-- Called by: `syncd db upgrade`; read through syncd.documents.

select syncd.register('service_item', label => 'Service Item', qbo_type => 'Item', rank => 1,
                      toggle => 'auto_service_items', names => true,
                      mapped => '{"income_account": null, "expense_account": null}');

create view syncd.document_service_item as
select
    s.key,
    s.company_id,
    s.company_key,
    btrim(s.name) as entity_name,
    s.active as due,
    null::text as skip,
    '{}'::syncd.record_key[] as missing,
    null::text as unready,
    jsonb_build_object(
        'name', btrim(s.name),
        'description', nullif(btrim(s.description), ''),
        'price', s.price,
        -- Elsewhere QuickBooks' items have no such field.
        'taxable', case when c.region = 'us' then s.taxable end,
        'income_account', m.qbo_id
    )
    -- Elsewhere an item needs an account for what it costs too.
    || case when c.region = 'us' then '{}' else jsonb_build_object('expense_account', e.qbo_id) end as document
from syncd.source_service_item s
join syncd.company c on c.company_id = s.company_id
left join syncd.account_map m
    on
        m.company_id = c.company_id and m.environment = c.environment and m.realm_id = c.realm_id
        and m.slot = 'income'
left join syncd.account_map e
    on
        e.company_id = c.company_id and e.environment = c.environment and e.realm_id = c.realm_id
        and e.slot = 'expenses';
