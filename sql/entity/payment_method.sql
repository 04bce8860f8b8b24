-- Payment methods: the names that SIP's methods of payment are mapped to, each made in QuickBooks when a payment first
-- needs it, or taken as QuickBooks has it. QuickBooks does not tell names apart by case, so neither does the key.
--
-- Called by: `syncd db upgrade`; read through syncd.documents. No table of SIP is behind it, so nothing signals it.
--
-- Fixed, for all of it: a method is never updated, and what differs is another method.

select syncd.register('payment_method', label => 'Payment', qbo_type => 'PaymentMethod', rank => 1, names => true,
                      fixed => '{}');

create view syncd.document_payment_method as
select
    m.company_id || '/' || lower(btrim(m.qbo_name)) as key,
    m.company_id,
    min(btrim(m.qbo_name)) as entity_name,
    true as due,
    null::text as skip,
    '{}'::syncd.record_key[] as missing,
    null::text as unready,
    jsonb_build_object('name', min(btrim(m.qbo_name))) as document
from syncd.payment_method_map m
group by m.company_id, lower(btrim(m.qbo_name));
