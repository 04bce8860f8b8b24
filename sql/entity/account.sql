-- Accounts that an admin has made in QuickBooks for a slot of the mapping, each once. When QuickBooks has one it is
-- chosen (syncd.account_made).
--
-- Called by: `syncd db upgrade`; read through syncd.documents. No table of SIP is behind it, so nothing signals it.
--
-- Fixed, for all of it: an account is QuickBooks' own once it is made. QuickBooks does not tell names apart by case, so
-- neither does the key.

select syncd.register('account', label => 'Account', qbo_type => 'Account', rank => 1, names => true, fixed => '{}');

create view syncd.document_account as
select
    syncd.account_key(w.company_id, w.slot, w.name) as key,
    w.company_id,
    w.name as entity_name,
    true as due,
    null::text as skip,
    '{}'::syncd.record_key[] as missing,
    null::text as unready,
    jsonb_build_object('name', w.name, 'type', w.type, 'sub_type', w.sub_type, 'slot', w.slot) as document
from syncd.account_wish w
join syncd.company c
    on c.company_id = w.company_id and c.environment = w.environment and c.realm_id = w.realm_id;
