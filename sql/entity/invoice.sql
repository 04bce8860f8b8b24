-- Invoices: what QuickBooks is told of one, in canonical form.
--
-- Called by: `syncd db upgrade`; read through syncd.documents.
--
-- What is chosen in mappings is in a document only if the invoice needs it: then it was there when the invoice was
-- sent, and choosing it later is no reason to send the invoice again.
--
-- Aside, since no invoice that was sent is sent again because the customer has a new e-mail, or because sales tax was
-- set up in QuickBooks: but the first push says them, and so does every push for another reason.
-- A look-up by key finds one row at most, and has no other place than a join:
-- noqa: disable=AM09,ST05

select syncd.register(
    'invoice', label => 'Invoice', qbo_type => 'Invoice', rank => 2, toggle => 'auto_invoices',
    mapped => '{"discount_account": null, "default_item": null, "tax_code": "rate", "untaxed_code": null,'
              ' "rates": "rate"}',
    aside => '{email,email_unsubscribed,multicurrency,sales_tax}', turn => 'number');

create view syncd.document_invoice as
select
    s.key,
    s.company_id,
    s.company_key,
    btrim(s.number) as entity_name,
    s.issued as due,
    null::text as skip,
    array_remove(
        array[case when customer.qbo_id is null then ('customer', s.customer_id)::syncd.record_key end]
        || sold.missing
        || case
            when sold.bare and other.qbo_id is null and sent.document ->> 'default_item' is null
                then ('default_item', s.company_id)::syncd.record_key
        end,
        null) as missing,
    case
        when s.by_lines and sold.lines is null
            then format('Invoice %s has no lines, and its subtotal is %s. Give it its lines in SIP.',
                        btrim(s.number), s.subtotal)
        -- However a line is rounded, it is less than a cent off.
        when s.by_lines and abs(s.subtotal - sold.come_to) > 0.01 * sold.number
            then format('The lines of invoice %s come to %s, and its subtotal is %s. Correct it in SIP.',
                        btrim(s.number), sold.come_to, s.subtotal)
    end as unready,
    jsonb_build_object(
        'number', s.number,
        'date', s.issue_date,
        'due_date', s.due_date,
        'customer', customer.qbo_id,
        'currency', c.home_currency,
        'multicurrency', coalesce(c.preferences #>> '{CurrencyPrefs,MultiCurrencyEnabled}' = 'true', false),
        'sales_tax', told.sales_tax,
        'rate', trim_scale(s.tax_rate),
        'tax_code', taxed.qbo_id,
        'untaxed_code', untaxed.qbo_id,
        'rates', taxed.rates,
        'discount_account', discounts.qbo_id,
        'default_item', other.qbo_id,
        'lines', coalesce(sold.lines, '[]'),
        'subtotal', s.subtotal,
        'discount', s.discount,
        'tax', s.tax,
        'total', s.total,
        'po_number', nullif(btrim(s.po_number), ''),
        'notes', nullif(btrim(s.notes), ''),
        'terms', nullif(btrim(s.terms), ''),
        'service_address', nullif(btrim(s.service_address), ''),
        'email', nullif(btrim(s.email), ''),
        'email_unsubscribed', s.email_unsubscribed
    ) as document
from syncd.source_invoice s
join syncd.company c on c.company_id = s.company_id
left join lateral (
    select k.document from syncd.linked k
    where k.company_id = s.company_id and k.entity_type = 'invoice' and k.sip_id = s.key::text
    limit 1
) sent on true
left join lateral (
    select k.qbo_id from syncd.linked k
    where k.company_id = s.company_id and k.entity_type = 'customer' and k.sip_id = s.customer_id
    limit 1
) customer on true
cross join lateral (
    -- QuickBooks leaves PartnerTaxEnabled out where tax is not automated, and says false where it would be but is not
    -- set up yet.
    select case
        when c.region <> 'us' then 'codes'
        when c.preferences #>> '{TaxPrefs,UsingSalesTax}' = 'false' then 'off'
        when c.preferences #>> '{TaxPrefs,PartnerTaxEnabled}' = 'false' then 'off'
        when c.preferences #>> '{TaxPrefs,PartnerTaxEnabled}' = 'true' then 'automated'
        else 'manual'
    end as sales_tax
) told
cross join lateral (
    select
        jsonb_agg(
            jsonb_build_object('item', coalesce(item.qbo_id, kept.qbo_id)) || l.line order by l.place, l.key) as lines,
        count(*) as number,
        sum(l.amount) as come_to,
        coalesce(bool_or(l.taxable), false) as taxable,
        coalesce(bool_or(not l.taxable), false) as untaxed,
        coalesce(bool_or(l.service_item_id is null and kept.qbo_id is null), false) as bare,
        array_agg(distinct row('service_item', l.service_item_id)::syncd.record_key)
            filter (where l.service_item_id is not null and item.qbo_id is null) as missing
    from (
        select
            n.place, n.key, n.service_item_id, n.taxable,
            round(n.quantity * n.unit_price, 2) as amount,
            jsonb_build_object(
                'description', n.description, 'quantity', n.quantity, 'unit_price', n.unit_price,
                'taxable', n.taxable) as line
        from syncd.source_invoice_line n
        where n.invoice_key = s.key and s.by_lines
        union all
        -- SIP taxes an invoice by amount or by percent as a whole.
        select
            1 as place, s.key, null::text as service_item_id, true as taxable, s.subtotal as amount,
            jsonb_build_object(
                'description', case
                    when s.percent is not null then format('%s %% of %s', trim_scale(s.percent), s.job_name)
                    else coalesce(s.job_name, 'Fixed amount')
                end,
                'quantity', 1, 'unit_price', s.subtotal, 'taxable', true) as line
        where not s.by_lines
    ) l
    left join lateral (
        select k.qbo_id from syncd.linked k
        where k.company_id = s.company_id and k.entity_type = 'service_item' and k.sip_id = l.service_item_id
        limit 1
    ) item on true
    left join lateral (
        -- SIP forgets which item a line had when the item is deleted. The line that was sent still has it.
        select was.line ->> 'item' as qbo_id from jsonb_array_elements(sent.document -> 'lines') was (line)
        where l.service_item_id is null and was.line - 'item' = l.line
        limit 1
    ) kept on true
) sold
left join lateral (
    select coalesce(
        (select m.qbo_id from syncd.item_map m
         where m.company_id = c.company_id and m.environment = c.environment and m.realm_id = c.realm_id
               and m.slot = 'lines'),
        (select k.qbo_id from syncd.linked k
         where k.company_id = c.company_id and k.entity_type = 'default_item' and k.sip_id = c.company_id)) as qbo_id
    where sold.bare
) other on true
left join lateral (
    select m.qbo_id, m.rates from syncd.tax_map m
    where m.company_id = c.company_id and m.environment = c.environment and m.realm_id = c.realm_id
          and m.slot = trim_scale(s.tax_rate)::text
          and (told.sales_tax = 'codes' and sold.taxable or told.sales_tax = 'manual' and s.tax <> 0)
) taxed on true
left join lateral (
    select m.qbo_id from syncd.tax_map m
    where m.company_id = c.company_id and m.environment = c.environment and m.realm_id = c.realm_id
          and m.slot = 'untaxed' and told.sales_tax = 'codes' and sold.untaxed
) untaxed on true
left join lateral (
    select m.qbo_id from syncd.account_map m
    where m.company_id = c.company_id and m.environment = c.environment and m.realm_id = c.realm_id
          and m.slot = 'discounts' and s.discount <> 0
          and c.preferences #>> '{SalesFormsPrefs,AllowDiscount}' is distinct from 'false'
) discounts on true;
