-- What the commands for people ask and change, beyond a line or two of SQL.
--
-- Called by: `syncd settings set` (change_settings), `syncd explain` (explain), `syncd retry` (key_of),
--            `syncd log` (log_page).
-- Touches:   sync_settings (and through its triggers lane, job, settings_history); else read only.

-- SIP's key as SIP prints it, or null if the text cannot be such a key: "abc" where keys are numbers names no record
-- and must not end as an error of the database.
create or replace function syncd.key_of(entity text, id text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    key_type constant text := (
        select format_type(a.atttypid, a.atttypmod) from pg_attribute a
        where a.attrelid = to_regclass('syncd.document_' || entity) and a.attname = 'key');
    key text;
begin
    if key_type is null then
        return id;
    end if;
    execute format('select ($1::%s)::text', key_type) into key using id;
    return key;
exception when data_exception then
    return null;
end
$$;

-- Everything that decides whether a record is in QuickBooks, as of now; no row if nobody knows such a record. Runs
-- with the owner's rights, so that readers get the verdict without the documents and bodies it rests on.
create or replace function syncd.explain(company text, entity text, id text)
returns table (
    entity_id text, entity_name text, in_sip boolean, verdict text, verdict_reason text, waits_on syncd.waits_on,
    job_state syncd.state, job_reason text, job_waits_on syncd.waits_on, waits_for_type text, waits_for_id text,
    held_up text, attempts smallint, next_attempt_at timestamptz, owed_since timestamptz, fault_class syncd.fault_class,
    error_code text, qbo_type text, qbo_id text, link_state syncd.state, link_note text, synced_at timestamptz,
    call_outcome syncd.call_outcome, call_operation text, call_sent_at timestamptz, call_sends smallint,
    request_id text, signaled_at timestamptz, differs text, settled_at timestamptz, settled_note text
)
language sql stable security definer rows 1
set search_path = pg_catalog, pg_temp
as $$
    -- Materialized, or else the planner puts the call into each of the comparisons below.
    with k as materialized (select syncd.key_of(entity, id) as key)
    select k.key, coalesce(v.entity_name, logged.entity_name, k.key), d.entity_id is not null, v.verdict, v.reason,
           v.waits_on, j.state, j.reason, j.waits_on, f.entity_type, f.entity_id, h.sentence, j.attempts,
           nullif(j.due_at, 'infinity'), j.owed_since, j.fault_class, j.error_code, l.qbo_type, l.qbo_id, l.state,
           l.note, l.synced_at, c.outcome, i.operation, c.sent_at, c.sends, c.request_id, noted.signaled_at, v.differs,
           settled.occurred_at, settled.note
    from k
    join syncd.company o on o.company_id = company
    left join syncd.judge(array[company], array[entity], array[k.key]) v on true
    left join syncd.documents(array[entity], array[k.key]) d on d.company_id = company
    left join syncd.job j on j.company_id = company and j.entity_type = entity and j.entity_id = k.key
    left join syncd.link l
        on l.company_id = company and l.entity_type = entity and l.sip_id = k.key
           and l.environment = o.environment and l.realm_id = o.realm_id
    left join syncd.call c on c.call_id = j.call_id
    left join syncd.call_item i on i.call_id = j.call_id and i.entity_type = entity and i.entity_id = k.key
    -- What goes first as things stand now, or else when it was decided last.
    left join lateral (
        select (v.goes_first).entity_type, (v.goes_first).entity_id where v.waits_on = 'record'
        union all
        select j.waits_for_type, j.waits_for_id where v.waits_on is distinct from 'record' and j.state = 'waiting'
    ) f on true
    left join lateral (
        select p.sentence from syncd.held_up(company, f.entity_type, f.entity_id) p where f.entity_id is not null
    ) h on true
    left join lateral (
        select s.entity_name from syncd.sync_log s
        where s.company_id = company and s.entity_type = entity and s.entity_id = k.key
        order by s.occurred_at desc limit 1
    ) logged on true
    left join lateral (
        select min(b.signaled_at) from syncd.outbox b
        where b.company_id = company and b.entity_type = entity
              and (b.entity_id = k.key or k.key = any(b.entity_ids))
    ) as noted (signaled_at) on true
    left join lateral (
        select s.occurred_at, s.note from syncd.sync_log s
        where s.company_id = company and s.entity_type = entity and s.entity_id = k.key and s.operation = 'settle'
              and s.occurred_at > coalesce(l.synced_at, '-infinity')
        order by s.occurred_at desc limit 1
    ) settled on true
    where k.key is not null
          and (d.entity_id is not null or j.entity_id is not null or l.sip_id is not null
               or logged.entity_name is not null or noted.signaled_at is not null);
$$;

-- A company's log, newest first. Null leaves a filter out; `text` is looked for anywhere in what people and Intuit's
-- support call the record, whatever its case. `below` is the last row of the page before.
create or replace function syncd.log_page(
    company text, wanted_status syncd.log_status, entity text, since timestamptz, text text,
    below_at timestamptz, below_id bigint, most integer
) returns setof syncd.sync_log
language sql stable rows 25
set search_path = pg_catalog, pg_temp
as $$
    select l.* from syncd.sync_log l
    where l.company_id = company
          and (wanted_status is null or l.status = wanted_status)
          and (entity is null or l.entity_type = entity)
          and l.occurred_at >= coalesce(since, '-infinity')
          and (text is null or strpos(lower(concat_ws(
              ' ', l.entity_name, l.entity_id, l.error, l.note, l.error_code, l.qbo_id, l.request_id, l.intuit_tid
          )), lower(text)) > 0)
          and (l.occurred_at, l.log_id)
              < (coalesce(below_at, 'infinity'), coalesce(below_id, 9223372036854775807))
    order by l.occurred_at desc, l.log_id desc
    limit most;
$$;

-- Changes some settings of one company in the name of `actor` and returns them before and after. Changing nothing
-- leaves no trace. As on SIP's screen, the five switches cannot be moved while Enable Sync is off.
create or replace function syncd.change_settings(company text, changes jsonb, actor text)
returns table (before syncd.sync_settings, after syncd.sync_settings)
language plpgsql rows 1
set search_path = pg_catalog, pg_temp
as $$
begin
    perform set_config('syncd.actor', actor, true);
    select s.* into before from syncd.sync_settings s where s.company_id = company for update;
    if not found then
        return;
    end if;
    after := jsonb_populate_record(before, changes);
    if not (before.enable_sync or after.enable_sync)
       and exists (select from jsonb_object_keys(changes) k where k like 'auto\_%') then
        raise exception 'Enable Sync is off' using errcode = 'object_not_in_prerequisite_state';
    end if;
    update syncd.sync_settings s
    set enable_sync = after.enable_sync, auto_customers = after.auto_customers,
        auto_invoices = after.auto_invoices, auto_payments = after.auto_payments,
        auto_service_items = after.auto_service_items, auto_timesheets = after.auto_timesheets,
        timesheet_start_date = after.timesheet_start_date
    where s.company_id = company and s is distinct from after
    returning s.* into after;
    if not found then
        after := before;
    end if;
    return next;
end
$$;
