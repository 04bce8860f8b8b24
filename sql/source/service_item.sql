-- Service items: SIP's table in canonical columns, and what makes one signal.
--
-- Called by: `syncd db upgrade`. Edit this file, and only files of this folder, when SIP's tables differ.
--
-- Not bound: the time stamps. An item that is inactive and stays so signals too: an invoice may wait for it.

create view syncd.source_service_item as
select
    i.id as key,
    i.organization_id as company_key,
    i.organization_id::text as company_id,
    i.name,
    i.description,
    i.price,
    i.taxable,
    i.active
from sip.service_items i;

select syncd.bind(
    'sip.service_items', entity => 'service_item', key => 'id', company => 'organization_id',
    condition => '(old.organization_id, old.name, old.description, old.price, old.taxable, old.active)'
                 ' is distinct from (new.organization_id, new.name, new.description, new.price, new.taxable,'
                 ' new.active)');
