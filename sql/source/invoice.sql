-- Invoices and their lines: SIP's tables in canonical columns, and what makes one signal.
--
-- Called by: `syncd db upgrade`. Edit this file, and only files of this folder, when SIP's tables differ.
--
-- Not bound: viewed_at, portal_token and what else sharing writes, the amounts that a discount or a percentage was
-- entered as (the stored subtotal, discount, tax and total are what counts), the customer's e-mail and the job's name.

create view syncd.source_invoice as
select
    i.id as key,
    i.organization_id as company_key,
    i.organization_id::text as company_id,
    i.customer_id::text as customer_id,
    i.number,
    i.po_number,
    -- An invoice by amount, or by percent of a job, has no lines of its own.
    i.mode = 'line_items' as by_lines,
    case when i.mode = 'percent' then i.percent end as percent,
    j.name as job_name,
    i.issue_date,
    i.due_date,
    i.tax_rate,
    i.subtotal,
    i.discount,
    i.tax,
    i.total,
    i.service_address,
    i.notes,
    i.terms,
    c.email,
    c.email_unsubscribed,
    i.status in ('sent', 'paid') as issued
from sip.invoices i
join sip.customers c on c.id = i.customer_id
left join sip.jobs j on j.id = i.job_id;

create view syncd.source_invoice_line as
select
    l.invoice_id as invoice_key,
    l.id as key,
    l.position as place,
    l.service_item_id::text as service_item_id,
    l.description,
    l.quantity,
    l.unit_price,
    l.taxable
from sip.invoice_lines l;

-- A draft that stays one never matters. From sent to paid the document stays the same.
select syncd.bind(
    'sip.invoices', entity => 'invoice', key => 'id', company => 'organization_id',
    condition => '(old.status in (''sent'', ''paid'') or new.status in (''sent'', ''paid''))'
                 ' and (old.organization_id, old.customer_id, old.job_id, old.number, old.po_number, old.mode,'
                 ' old.percent, old.issue_date, old.due_date, old.tax_rate, old.subtotal, old.discount, old.tax,'
                 ' old.total, old.service_address, old.notes, old.terms, old.status in (''sent'', ''paid''))'
                 ' is distinct from (new.organization_id, new.customer_id, new.job_id, new.number, new.po_number,'
                 ' new.mode, new.percent, new.issue_date, new.due_date, new.tax_rate, new.subtotal, new.discount,'
                 ' new.tax, new.total, new.service_address, new.notes, new.terms,'
                 ' new.status in (''sent'', ''paid''))');

-- A line tells neither its company nor whether its invoice is a draft: absorb finds out.
select syncd.bind(
    'sip.invoice_lines', entity => 'invoice', key => 'invoice_id',
    condition => '(old.invoice_id, old.position, old.service_item_id, old.description, old.quantity, old.unit_price,'
                 ' old.taxable)'
                 ' is distinct from (new.invoice_id, new.position, new.service_item_id, new.description,'
                 ' new.quantity, new.unit_price, new.taxable)');
