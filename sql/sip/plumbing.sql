-- Two small plumbing businesses in the reference SIP schema, as they are on the evening before the demo's day: one in
-- California, one in British Columbia. Their people, customers, jobs, price lists, and a little of last year's work.
--
-- Called by the demo. Never by `syncd db upgrade`.
--
-- Everything here was written a hundred days ago, so what the day itself writes can be told from it. All of it is
-- invented; e-mail addresses end in example.com, phone numbers are of the 555-01xx range.

insert into sip.organizations (
    name, email, phone, street, city, state, zip, plan, invoice_prefix, next_sequence, default_tax_rate,
    default_terms, default_hourly_rate, created_at, updated_at
)
values
(
    'Lee Plumbing', 'office@lee.example.com', '408-555-0100', '18 Alder St', 'San Jose', 'CA', '95112', 'pro',
    'INV-', 3, 8.5, 'Net 30', 125, now() - interval '900 days', now() - interval '100 days'
),
(
    'Fraser Plumbing & Heating', 'office@fraser.example.com', '604-555-0100', '7 Water St', 'Vancouver', 'BC',
    'V6B 1A1', 'pro', 'FP', 1, 12, 'Due on receipt', 110, now() - interval '900 days', now() - interval '100 days'
);

insert into sip.members (organization_id, name, email, role, hourly_rate, created_at, updated_at)
select o.id, v.name, v.email, v.role, v.hourly_rate, now() - interval '900 days', now() - interval '100 days'
from (
    values
    ('Lee Plumbing', 'Dana Lee', 'dana@lee.example.com', 'owner', null),
    ('Lee Plumbing', 'Marcus Diaz', 'marcus@lee.example.com', 'member', 38.50),
    ('Lee Plumbing', 'Rosa Kim', 'rosa@lee.example.com', 'member', 41.00),
    ('Lee Plumbing', 'Otis Hale', 'otis@lee.example.com', 'member', 24.00),
    ('Fraser Plumbing & Heating', 'Claire Roy', 'claire@fraser.example.com', 'owner', null),
    ('Fraser Plumbing & Heating', 'Samir Singh', 'samir@fraser.example.com', 'member', 36.00)
) as v (organization, name, email, role, hourly_rate)
join sip.organizations o on o.name = v.organization;

insert into sip.customers (
    organization_id, name, email, phone, street, city, state, zip, created_at, updated_at
)
select
    o.id, v.name, v.email, v.phone, v.street, v.city, v.state, v.zip, now() - interval '800 days',
    now() - interval '100 days'
from (
    values
    ('Lee Plumbing', 'Oakhaven Dental Office', 'desk@oakhaven.example.com', '408-555-0111', '210 Oak St', 'San Jose',
     'CA', '95110'),
    ('Lee Plumbing', 'Gloria Mendoza', 'gloria@example.com', '408-555-0112', '9 Elm St', 'Campbell', 'CA', '95008'),
    ('Lee Plumbing', 'Mill Road Bakery', 'orders@millroad.example.com', '408-555-0113', '41 Mill Rd', 'San Jose',
     'CA', '95112'),
    ('Lee Plumbing', 'Harold Nash', null, '408-555-0114', '77 Cedar Ave', 'Santa Clara', 'CA', '95050'),
    ('Lee Plumbing', 'St. James School', 'works@stjames.example.com', '408-555-0115', '1 Chapel Way', 'San Jose',
     'CA', '95125'),
    ('Lee Plumbing', 'Wanda Pearson', 'wanda@example.com', null, '63 Pine Ct', 'Los Gatos', 'CA', '95030'),
    ('Fraser Plumbing & Heating', 'Harbour Rentals', 'rent@harbour.example.com', '604-555-0121', '12 Water St',
     'Vancouver', 'BC', 'V6B 1B3'),
    ('Fraser Plumbing & Heating', 'Amélie Gagnon', 'amelie@example.com', '604-555-0122', '330 King St', 'Burnaby',
     'BC', 'V5C 2K4'),
    ('Fraser Plumbing & Heating', 'Three Pines Veterinary Clinic', 'desk@threepines.example.com', '604-555-0123',
     '8 Pine St', 'Surrey', 'BC', 'V3T 4X1')
) as v (organization, name, email, phone, street, city, state, zip)
join sip.organizations o on o.name = v.organization;

insert into sip.jobs (
    organization_id, customer_id, name, service_address, contract_total, created_at, updated_at
)
select
    c.organization_id, c.id, v.name, v.service_address, v.contract_total, now() - interval '120 days',
    now() - interval '100 days'
from (
    values
    ('St. James School', 'Boiler room', '1 Chapel Way, San Jose, rear entrance', 18400),
    ('Gloria Mendoza', 'Kitchen', null, 4200),
    ('Harbour Rentals', 'Unit 5 repiping', '12 Water St, unit 5, Vancouver', 9600)
) as v (customer, name, service_address, contract_total)
join sip.customers c on c.name = v.customer;

insert into sip.service_items (
    organization_id, name, description, price, taxable, active, created_at, updated_at
)
select
    o.id, v.name, v.description, v.price, v.taxable, v.active, now() - interval '500 days',
    now() - interval '100 days'
from (
    values
    ('Lee Plumbing', 'Drain cleaning', 'Main line, up to 100 ft', 135.00, true, true),
    ('Lee Plumbing', 'Camera inspection', 'With a recording', 100.00, true, true),
    ('Lee Plumbing', 'Labor', null, 25.00, false, true),
    ('Lee Plumbing', 'Water heater install', '50 gallons, with haul-away', 1861.08, true, true),
    ('Lee Plumbing', 'Maintenance plan', 'Two visits a year, billed monthly', 49.00, true, true),
    ('Lee Plumbing', 'Septic pumping', 'Not offered any more', 420.00, true, false),
    ('Fraser Plumbing & Heating', 'Boiler service', 'Entretien de chaudière', 189.00, true, true),
    ('Fraser Plumbing & Heating', 'Washer', 'Rubber, half an inch', 10.05, true, true),
    ('Fraser Plumbing & Heating', 'Permit', 'City of Vancouver', 75.00, false, true)
) as v (organization, name, description, price, taxable, active)
join sip.organizations o on o.name = v.organization;

-- Last year's work. Nothing of it goes to QuickBooks by itself.
insert into sip.invoices (
    organization_id, customer_id, number, issue_date, due_date, tax_rate, subtotal, tax, total, terms, status,
    sent_at, paid_at, created_at, updated_at
)
select
    c.organization_id, c.id, v.number, v.issued as issue_date, v.issued + 30, 8.5, v.subtotal, v.tax,
    v.subtotal + v.tax, 'Net 30', v.status, v.issued as sent_at, case v.status when 'paid' then v.issued + 9 end,
    v.issued as created_at, now() - interval '100 days'
from (
    values
    ('Wanda Pearson', 'INV-00001', current_date - 130, 135.00, 11.48, 'paid'),
    ('Mill Road Bakery', 'INV-00002', current_date - 110, 270.00, 22.95, 'sent')
) as v (customer, number, issued, subtotal, tax, status)
join sip.customers c on c.name = v.customer;

insert into sip.invoice_lines (invoice_id, service_item_id, description, quantity, unit_price, taxable)
select i.id as invoice_id, s.id as service_item_id, s.name, i.subtotal / s.price, s.price, s.taxable
from sip.invoices i
join sip.service_items s on s.organization_id = i.organization_id and s.name = 'Drain cleaning';

insert into sip.payments (
    organization_id, invoice_id, method, amount, status, charged_on, paid_on, note, created_at, updated_at
)
select
    i.organization_id, i.id, 'check', i.total, 'collected', i.paid_at::date, i.paid_at::date, 'Check 1042', i.paid_at,
    now() - interval '100 days'
from sip.invoices i
where i.status = 'paid';
