-- Tax rates that a company uses, in percent: a tax code of QuickBooks is chosen for each. Only looked at, never synced,
-- so nothing is bound to signals. A rate may come more than once.
--
-- Called by: `syncd db upgrade`. Edit this file, and only files of this folder, when SIP's tables differ. `key` is the
-- company's, in SIP's own type.

create view syncd.source_tax_rate as
select
    i.organization_id as key,
    i.tax_rate as rate
from sip.invoices i
union all
select
    o.id as key,
    o.default_tax_rate as rate
from sip.organizations o;
