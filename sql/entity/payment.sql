-- Payments: what QuickBooks is told of one, in canonical form.
--
-- Called by: `syncd db upgrade`; read through syncd.documents.
--
-- Fixed: a payment is told once. Its note is SIP's own affair afterwards, and for another amount or another invoice a
-- person has to decide what becomes of the payment that QuickBooks has.
-- Aside: what the push module needs to know besides.
-- Payments of one invoice take turns: how much one may settle is clear when the one before it is recorded.

select syncd.register(
    'payment', label => 'Payment', qbo_type => 'Payment', rank => 3, toggle => 'auto_payments',
    aside => '{invoice_number,expected_open,multicurrency,auto_apply_credit}', fixed => '{amount,invoice}',
    turn => 'invoice');

-- By this, and by nothing else, can a payment be found again in QuickBooks, whose field takes 21 characters: the first
-- 80 bits of a hash in the letters of base 32, five bits each (RFC 4648).
create or replace function syncd.payment_reference(company text, payment text) returns text
language sql stable strict
set search_path = pg_catalog, pg_temp
as $$
    select 'SIP-' || string_agg(
        substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 1 + substring(h.bits from 5 * n + 1 for 5)::integer, 1), ''
        order by n)
    from (
        select ('x' || left(encode(sha256(convert_to(company || '/' || payment, 'UTF8')), 'hex'), 20))::bit(80) as bits
    ) h
    cross join generate_series(0, 15) as n;
$$;

create view syncd.document_payment as
select
    s.key,
    s.company_id,
    s.company_key,
    -- A payment has no number of its own.
    btrim(s.invoice_number) as entity_name,
    s.collected as due,
    case when s.amount = 0 then 'The payment is of 0.00: nothing was collected.' end as skip,
    array_remove(
        array[
            case when invoice.qbo_id is null then ('invoice', s.invoice_id)::syncd.record_key end,
            case when customer.qbo_id is null then ('customer', s.customer_id)::syncd.record_key end,
            case
                when named.key is not null and method.qbo_id is null
                    then ('payment_method', named.key)::syncd.record_key
            end
        ],
        null) as missing,
    null::text as unready,
    jsonb_build_object(
        'amount', s.amount,
        'date', s.paid_on,
        'customer', customer.qbo_id,
        'invoice', invoice.qbo_id,
        'invoice_number', btrim(s.invoice_number),
        -- Of what QuickBooks was told the invoice comes to, what it was not told to be paid yet.
        'expected_open', invoice.total - settled.amount,
        'method', method.qbo_id,
        'deposit_account', account.qbo_id,
        'reference', syncd.payment_reference(s.company_id, s.key::text),
        'currency', c.home_currency,
        'multicurrency', coalesce(c.preferences #>> '{CurrencyPrefs,MultiCurrencyEnabled}' = 'true', false),
        'note', nullif(btrim(s.note), ''),
        'auto_apply_credit', coalesce(c.preferences #>> '{SalesFormsPrefs,AutoApplyCredit}' = 'true', false)
    ) as document
from syncd.source_payment s
join syncd.company c on c.company_id = s.company_id
left join lateral (
    select k.qbo_id, (k.document ->> 'total')::numeric as total from syncd.linked k
    where k.company_id = s.company_id and k.entity_type = 'invoice' and k.sip_id = s.invoice_id
    limit 1
) invoice on true
cross join lateral (
    select coalesce(sum((k.document ->> 'amount')::numeric), 0) as amount
    from syncd.source_payment o
    cross join lateral (
        select p.document from syncd.linked p
        where p.company_id = s.company_id and p.entity_type = 'payment' and p.sip_id = o.key::text
        limit 1
    ) k
    where o.invoice_key = s.invoice_key and o.key <> s.key and k.document ->> 'invoice' = invoice.qbo_id
) settled
left join lateral (
    select k.qbo_id from syncd.linked k
    where k.company_id = s.company_id and k.entity_type = 'customer' and k.sip_id = s.customer_id
    limit 1
) customer on true
left join lateral (
    select m.company_id || '/' || lower(btrim(m.qbo_name)) as key from syncd.payment_method_map m
    where m.company_id = s.company_id and m.method::text = s.method
    limit 1
) named on true
left join lateral (
    select k.qbo_id from syncd.linked k
    where k.company_id = s.company_id and k.entity_type = 'payment_method' and k.sip_id = named.key
    limit 1
) method on true
left join lateral (
    select m.qbo_id from syncd.account_map m
    where m.company_id = c.company_id and m.environment = c.environment and m.realm_id = c.realm_id
          and m.slot = 'undeposited_funds'
    limit 1
) account on true;
