-- Badges: what SIP shows beside each entry of an approved timesheet.
--
-- Called by: SIP's screens and DBAs. Read only. Ask for the entries of a page by entry_id, which is SIP's own key.

-- The badge of a state is that of syncd.db.states.State; a test compares the two.
create view syncd.entry_badges as
select
    s.company_id,
    s.key as entry_id,
    b.badge,
    case when b.badge = 'QB Error' then n.said end as error
from syncd.source_timesheet_entry s
join syncd.sync_settings o on o.company_id = s.company_id
join syncd.company c on c.company_id = s.company_id
-- One by one ("offset 0"): else the view would be built for every entry there is before the page's are taken.
cross join lateral (select v.skip from syncd.document_timesheet_entry v where v.key = s.key offset 0) d
left join lateral (
    select q.state, q.reason from syncd.job q
    where q.company_id = s.company_id and q.entity_type = 'timesheet_entry' and q.entity_id = s.key::text
    limit 1
) j on true
left join lateral (
    select k.state, k.note from syncd.link k
    where k.company_id = s.company_id and k.entity_type = 'timesheet_entry' and k.sip_id = s.key::text
          and k.environment = c.environment and k.realm_id = c.realm_id and k.qbo_id is not null
    limit 1
) l on true
cross join lateral (
    select
        coalesce(j.state, l.state) as state,
        case when j.state is null then l.note else j.reason end as said
) n
cross join lateral (
    select case
        -- Left out for want of a time is no badge, so what is left out is left out for want of an employee.
        when d.skip is not null and s.minutes > 0 then 'Employee Not Mapped'
        when n.state = 'synced' then 'QB Synced'
        when n.state is null or n.state in ('pending', 'sending', 'unknown', 'waiting') then 'QB Pending'
        else 'QB Error'
    end as badge
) b
where
    o.enable_sync and o.auto_timesheets and s.approved and s.work_date >= o.timesheet_start_date
    and (s.minutes > 0 or n.state is not null);
