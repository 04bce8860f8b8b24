-- Members, the users of an organization: whom time entries are of. Only mapped, never synced themselves, so nothing of
-- them is bound to signals.
--
-- Called by: `syncd db upgrade`. Edit this file, and only files of this folder, when SIP's tables differ.

create view syncd.source_member as
select
    m.id as key,
    m.organization_id::text as company_id,
    m.name,
    m.email,
    m.active
from sip.members m;
