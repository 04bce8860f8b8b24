-- The item of what has none: lines of free text, invoices by amount or by percent, time entries. One for each company,
-- made when a document first needs it and the admin has chosen no other.
--
-- Called by: `syncd db upgrade`; read through syncd.documents. No table of SIP is behind it, so nothing signals it.

select syncd.register('default_item', label => 'Service Item', qbo_type => 'Item', rank => 1, names => true,
                      mapped => '{"income_account": null, "expense_account": null}');

create view syncd.document_default_item as
select
    c.company_id as key,
    c.company_id,
    'SIP Services' as entity_name,
    true as due,
    null::text as skip,
    '{}'::syncd.record_key[] as missing,
    null::text as unready,
    jsonb_build_object(
        'name', 'SIP Services',
        'description', null,
        'price', null,
        'taxable', null,
        'income_account', m.qbo_id
    )
    -- Elsewhere an item needs an account for what it costs too.
    || case when c.region = 'us' then '{}' else jsonb_build_object('expense_account', e.qbo_id) end as document
from syncd.company c
left join syncd.account_map m
    on
        m.company_id = c.company_id and m.environment = c.environment and m.realm_id = c.realm_id
        and m.slot = 'income'
left join syncd.account_map e
    on
        e.company_id = c.company_id and e.environment = c.environment and e.realm_id = c.realm_id
        and e.slot = 'expenses';
