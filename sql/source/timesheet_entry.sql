-- Timesheets and their entries: SIP's tables in canonical columns, and what makes them signal.
--
-- Called by: `syncd db upgrade`. Edit this file, and only files of this folder, when SIP's tables differ.
--
-- Not bound: timers, whose times count once they are entries of a timesheet, and jobs and members: QuickBooks is told
-- what they were called when the entry was sent.

create view syncd.source_timesheet_entry as
select
    e.id as key,
    e.timesheet_id as timesheet_key,
    t.organization_id as company_key,
    t.organization_id::text as company_id,
    t.member_id::text as member_id,
    m.name as member_name,
    t.work_date,
    t.status = 'approved' as approved,
    -- As SIP's screens say it.
    case e.entry_type
        when 'job_time' then 'Job Time'
        when 'travel' then 'Travel'
        when 'admin_office' then 'Admin / Office'
        when 'training' then 'Training'
        when 'shop_yard' then 'Shop / Yard'
        else 'Other'
    end as entry_type,
    e.minutes,
    j.name as job_name,
    j.customer_id::text as customer_id,
    e.notes
from sip.timesheet_entries e
join sip.timesheets t on t.id = e.timesheet_id
join sip.members m on m.id = t.member_id
left join sip.jobs j on j.id = e.job_id;

-- A timesheet signals all its entries. One that is not approved, and stays so, never matters.
select syncd.bind(
    'sip.timesheets', entity => 'timesheet', key => 'id', company => 'organization_id',
    condition => '(old.status = ''approved'' or new.status = ''approved'')'
                 ' and (old.organization_id, old.member_id, old.work_date, old.status = ''approved'')'
                 ' is distinct from (new.organization_id, new.member_id, new.work_date, new.status = ''approved'')');

-- An entry tells neither its company nor whether its timesheet is approved: absorb finds out.
select syncd.bind(
    'sip.timesheet_entries', entity => 'timesheet_entry', key => 'id',
    condition => '(old.timesheet_id, old.entry_type, old.minutes, old.job_id, old.notes)'
                 ' is distinct from (new.timesheet_id, new.entry_type, new.minutes, new.job_id, new.notes)');
