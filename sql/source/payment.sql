-- Payments: SIP's table in canonical columns, and what makes one signal.
--
-- Called by: `syncd db upgrade`. Edit this file, and only files of this folder, when SIP's tables differ.
--
-- Not bound: the note, which is for the office and told once, the tip, who recorded the payment, and Stripe's ids.

create view syncd.source_payment as
select
    p.id as key,
    p.organization_id as company_key,
    p.organization_id::text as company_id,
    p.invoice_id as invoice_key,
    p.invoice_id::text as invoice_id,
    i.number as invoice_number,
    i.customer_id::text as customer_id,
    -- What settles the invoice. The tip is on top of it, so that the two together are what was charged.
    p.amount,
    p.method,
    p.paid_on,
    p.note,
    p.status = 'collected' as collected
from sip.payments p
join sip.invoices i on i.id = p.invoice_id;

-- One that is pending, or failed, and stays so never matters.
select syncd.bind(
    'sip.payments', entity => 'payment', key => 'id', company => 'organization_id',
    condition => '(old.status = ''collected'' or new.status = ''collected'')'
                 ' and (old.organization_id, old.invoice_id, old.amount, old.method, old.paid_on,'
                 ' old.status = ''collected'')'
                 ' is distinct from (new.organization_id, new.invoice_id, new.amount, new.method, new.paid_on,'
                 ' new.status = ''collected'')');
