-- Time entries: what QuickBooks is told of one, in canonical form, and which entries a timesheet has.
--
-- Called by: `syncd db upgrade`; read through syncd.documents and syncd.parts.
--
-- Mapped: who worked, as long as SIP names the same member, and what the time is booked as.
-- Aside: what the push module needs to know besides, the member, by which a worker stays, and who that is by name, for
-- the sentence when QuickBooks refuses what the entry refers to.

select syncd.register(
    'timesheet_entry', label => 'Timesheet Entry', qbo_type => 'TimeActivity', rank => 2,
    toggle => 'auto_timesheets', mapped => '{"worker": "member", "worker_type": "member", "refers": "member",'
                                            ' "item": null}',
    aside => '{member,payroll,refers}');

insert into syncd.expansion (entity_type, part_type) values ('timesheet', 'timesheet_entry')
on conflict (entity_type) do update set part_type = excluded.part_type;

create view syncd.parts_timesheet as
select s.timesheet_key as key, s.company_id, s.key::text as part_id
from syncd.source_timesheet_entry s;

create view syncd.document_timesheet_entry as
select
    s.key,
    s.company_id,
    s.company_key,
    format('%s, %s, %s', btrim(s.member_name), to_char(s.work_date, 'YYYY-MM-DD'), spent.time) as entity_name,
    -- One that QuickBooks has and that is emptied is withdrawn.
    coalesce(s.approved and s.work_date >= o.timesheet_start_date, false)
    and (s.minutes > 0 or sent.document is null) as due,
    case
        when s.minutes = 0 then 'The entry has no time.'
        when worker.qbo_id is null and not coalesce(sent.document ->> 'member' = s.member_id, false)
            then format(
                'Employee not mapped: QuickBooks does not know yet who %1$s is. Run: syncd map employees set %2$s %3$s '
                'EMPLOYEE, then: syncd push %2$s timesheet-entries',
                btrim(s.member_name), s.company_id, s.member_id)
    end as skip,
    array_remove(
        array[
            case
                when s.customer_id is not null and customer.qbo_id is null
                    then ('customer', s.customer_id)::syncd.record_key
            end,
            case
                when item.qbo_id is null and sent.document ->> 'item' is null
                    then ('default_item', s.company_id)::syncd.record_key
            end
        ],
        null) as missing,
    null::text as unready,
    case
        when s.approved and s.work_date < o.timesheet_start_date
            then format('It is dated %s, before the start date of timesheet sync, %s.', s.work_date,
                        o.timesheet_start_date)
        when s.approved and o.timesheet_start_date is null then 'Timesheet sync has no start date.'
    end as undue,
    jsonb_build_object(
        'date', s.work_date,
        'minutes', s.minutes,
        'worker', worker.qbo_id,
        'worker_type', worker.qbo_type,
        'customer', customer.qbo_id,
        'item', item.qbo_id,
        'entry_type', s.entry_type,
        'job', nullif(btrim(s.job_name), ''),
        'notes', nullif(btrim(s.notes), ''),
        'tag', format('[sip %s]', s.key),
        'payroll', c.payroll_enabled,
        'member', s.member_id,
        'refers', case
            when worker.qbo_id is not null
                then format(
                    '%s "%s". If somebody else is meant: syncd map employees set %s %s EMPLOYEE',
                    lower(worker.qbo_type), worker.qbo_name, syncd.as_typed(s.company_id),
                    syncd.as_typed(s.member_id))
        end
    ) as document
from syncd.source_timesheet_entry s
join syncd.company c on c.company_id = s.company_id
join syncd.sync_settings o on o.company_id = s.company_id
cross join lateral (
    -- 1 h 30 min
    select concat_ws(
        ' ',
        case when s.minutes >= 60 then format('%s h', s.minutes / 60) end,
        case when s.minutes % 60 > 0 or s.minutes = 0 then format('%s min', s.minutes % 60) end) as time
) spent
left join lateral (
    select k.document from syncd.linked k
    where k.company_id = s.company_id and k.entity_type = 'timesheet_entry' and k.sip_id = s.key::text
    limit 1
) sent on true
left join lateral (
    select m.qbo_type, m.qbo_id, m.qbo_name from syncd.employee_map m
    where m.company_id = c.company_id and m.environment = c.environment and m.realm_id = c.realm_id
          and m.member_id = s.member_id
    limit 1
) worker on true
left join lateral (
    select k.qbo_id from syncd.linked k
    where k.company_id = s.company_id and k.entity_type = 'customer' and k.sip_id = s.customer_id
    limit 1
) customer on true
left join lateral (
    select coalesce(
        (select m.qbo_id from syncd.item_map m
         where m.company_id = c.company_id and m.environment = c.environment and m.realm_id = c.realm_id
         -- 'lines' stands before 'time' in the type: what is chosen for time goes first.
         order by m.slot desc limit 1),
        (select k.qbo_id from syncd.linked k
         where k.company_id = c.company_id and k.entity_type = 'default_item' and k.sip_id = c.company_id)) as qbo_id
) item on true;
