-- Companies and settings: what must hold whoever writes a row, and the connection to a realm.
--
-- Called by: the triggers below (on writes of anybody), `syncd company` (connect_company, disconnect_company), the
--            daemon (begin_refresh, keep_tokens, forget_refresh, refuse_refresh, facts_due, keep_facts).
-- Touches:   company, sync_settings, settings_history, lane, job, call, sync_log, payment_method_map. Where an admin's
--            row has such effects, the function has the owner's rights: the admin has none on these tables.

-- A company has a lane and settings from its first moment; everything ships off.
create or replace function syncd.company_added() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into syncd.lane (company_id) values (new.company_id);
    insert into syncd.sync_settings (company_id) values (new.company_id);
    return null;
end
$$;
create or replace trigger company_added after insert on syncd.company
for each row execute function syncd.company_added();

-- A time zone that Postgres does not know would fail every date of the company later. The list of those it knows is
-- read from files, which takes 20 ms: what another company has is known.
create or replace function syncd.company_checked() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (select from syncd.company c where c.timezone = new.timezone)
       and not exists (select from pg_timezone_names z where z.name = new.timezone)
    then
        raise exception 'time zone "%" is not known', new.timezone
            using errcode = 'invalid_parameter_value', hint = 'Use a name such as America/Denver.';
    end if;
    return new;
end
$$;
create or replace trigger company_checked before insert or update of timezone on syncd.company
for each row execute function syncd.company_checked();

-- The day it is for the company; "today" at 00:30 in Denver is not yet today in London.
create or replace function syncd.company_today(company text) returns date
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select (clock_timestamp() at time zone c.timezone)::date from syncd.company c where c.company_id = company;
$$;

-- Stamps each change with who made it, sets the start date when timesheets are first switched on, and refuses a
-- future one. `syncd.actor` is the person behind a shared role, as `syncd settings` passes it.
create or replace function syncd.settings_checked() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    today constant date := syncd.company_today(new.company_id);
begin
    new.updated_by := coalesce(nullif(current_setting('syncd.actor', true), ''), session_user);
    new.updated_at := clock_timestamp();
    if new.auto_timesheets and new.timesheet_start_date is null then
        new.timesheet_start_date := today;
    end if;
    if new.timesheet_start_date > today then
        raise exception 'the timesheet start date % is in the future', new.timesheet_start_date
            using errcode = 'check_violation', hint = format('Today is %s for this company.', today);
    end if;
    return new;
end
$$;
create or replace trigger settings_checked before insert or update on syncd.sync_settings
for each row execute function syncd.settings_checked();

-- Keeps every version, and makes what waited for a switch due again: the next decision obeys the new settings.
-- The lane is locked before its jobs, as everywhere.
create or replace function syncd.settings_changed() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into syncd.settings_history (company_id, changed_at, changed_by, settings)
    values (new.company_id, new.updated_at, new.updated_by,
            to_jsonb(new) - array['company_id', 'updated_at', 'updated_by']);
    perform from syncd.lane l where l.company_id = new.company_id for no key update;
    update syncd.lane l set due_at = least(l.due_at, clock_timestamp()) where l.company_id = new.company_id;
    update syncd.job j
    set state = case when j.call_id is null then 'pending' else j.state end,
        due_at = null, waits_on = null, reason = null, ticket = nextval('syncd.job_ticket')
    where j.company_id = new.company_id and j.waits_on = 'setting';
    perform pg_notify('syncd_lanes', left(new.company_id, 1000));
    return null;
end
$$;
create or replace trigger settings_changed after insert or update on syncd.sync_settings
for each row execute function syncd.settings_changed();

-- Was automatic sync of this data type on when that transaction committed? A change is owed if it was. The settings in
-- force are the latest of which the transaction was not yet visible: it committed after they were made. No clock can
-- tell that, since a transaction may be open for long.
create or replace function syncd.was_on(company text, toggle text, writer xid8) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce((
        select (h.settings ->> 'enable_sync')::boolean
               and (toggle is null or (h.settings ->> toggle)::boolean)
        from syncd.settings_history h
        where h.company_id = company and not pg_visible_in_snapshot(writer, h.snapshot)
        -- Not by the primary key, which would wade through what other companies changed since.
        order by h.history_id + 0 desc
        limit 1), false);
$$;

-- Stores a connection that has been tried, and opens the lane. What was open towards another realm can no longer
-- be settled there: it is closed, with a log row each, and the records are due anew, as is whatever stopped there.
-- Names of payment methods end with it too. The lane is taken from its owner, who may hold tokens, a realm or a refusal
-- of the former connection.
create or replace function syncd.connect_company(
    company text, environment syncd.environment, realm text, tokens bytea,
    access_expires timestamptz, refresh_expires timestamptz, info jsonb, prefs jsonb, currency text, payroll boolean
) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    was syncd.company;
    became syncd.company;
begin
    perform from syncd.lane l where l.company_id = company for no key update;
    select * into was from syncd.company c where c.company_id = company;
    with closed as (
        update syncd.call c set outcome = 'abandoned'
        where c.company_id = company and c.outcome in ('sent', 'answered', 'unknown')
              and (c.environment, c.realm_id) is distinct from (connect_company.environment, realm)
        returning c.call_id, c.request_id
    ), freed as (
        update syncd.job j
        set state = 'pending', call_id = null, due_at = null, ticket = nextval('syncd.job_ticket')
        from closed where j.company_id = company and j.call_id = closed.call_id
    )
    insert into syncd.sync_log (company_id, entity_type, entity_id, entity_name, direction, status, error,
                                operation, request_id)
    select i.company_id, i.entity_type, i.entity_id, i.entity_name, 'push', 'error',
           'The answer of the former QuickBooks company never came, and another company is connected now. '
           'Look in the former company whether this record arrived there.', i.operation, closed.request_id
    from closed join syncd.call_item i using (call_id);

    update syncd.job j set state = 'pending', due_at = null, waits_on = null, reason = null
    where j.company_id = company and j.waits_on = 'connection';
    update syncd.company c
    set state = 'connected', environment = connect_company.environment, realm_id = realm,
        tokens = connect_company.tokens, access_expires_at = access_expires, refresh_expires_at = refresh_expires,
        refresh_started_at = null, refresh_refused_at = null, refreshed_at = clock_timestamp(),
        company_info = info, preferences = prefs, home_currency = currency, payroll_enabled = payroll,
        facts_at = clock_timestamp(), connected_at = clock_timestamp()
    where c.company_id = company
    returning * into became;
    perform syncd.due_again(company, syncd.facts_moved(was, became));
    if (was.environment, was.realm_id) is distinct from (connect_company.environment, realm) then
        -- What stopped, or waits, there tells nothing of here: other names are taken, other records are missing.
        update syncd.job j
        set state = 'pending', due_at = null, attempts = 0, alone = 0, reason = null, fault_class = null,
            error_code = null, waits_on = null, waits_for_type = null, waits_for_id = null, missing = null,
            unready_since = null, ticket = nextval('syncd.job_ticket')
        where j.company_id = company and j.call_id is null and j.due_at is not null;
        delete from syncd.payment_method_map m where m.company_id = company;
    end if;
    if not exists (select from syncd.payment_method_map m where m.company_id = company) then
        insert into syncd.payment_method_map (company_id, method, qbo_name)
        select company, m.method, syncd.default_method_name(m.method)
        from unnest(enum_range(null::syncd.payment_method)) as m (method);
    end if;
    update syncd.lane l
    set not_before = clock_timestamp(), paused_because = null, failures = 0, due_at = clock_timestamp(),
        owner = null, epoch = l.epoch + 1
    where l.company_id = company;
    -- Whoever connects has just asked the realm who it is and what it prefers. What waits here goes at once, and those
    -- two on top of it would be more than Intuit lets pass in a second.
    perform syncd.spend(company, false) from generate_series(1, 2);
    perform pg_notify('syncd_lanes', left(company, 1000));
end
$$;

-- Ends a connection: nothing goes out any more, whoever is at work for the company is refused what it wants to write,
-- and nobody here has the tokens but the caller, who may tell Intuit. What belongs to the realm stays with it: links,
-- mappings by id, and the calls whose answers are not known, which are settled once it is connected again.
create or replace function syncd.disconnect_company(company text)
returns table (tokens bytea, environment syncd.environment, realm_id text, waiting bigint, unknown bigint)
language plpgsql security definer rows 1
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    was syncd.company;
begin
    perform from syncd.lane l where l.company_id = company for no key update;
    select * into was from syncd.company c where c.company_id = company and c.state <> 'disconnected';
    if not found then
        return;
    end if;
    update syncd.company c
    set state = 'disconnected', tokens = null, access_expires_at = null, refresh_expires_at = null,
        refresh_started_at = null, refresh_refused_at = null
    where c.company_id = company;
    update syncd.call c set outcome = 'unknown' where c.company_id = company and c.outcome = 'sent';
    update syncd.job j
    set state = 'unknown', due_at = null,
        reason = 'QuickBooks never answered; it is asked again when it is connected again.'
    where j.company_id = company and j.state = 'sending';
    delete from syncd.payment_method_map m where m.company_id = company;
    update syncd.lane l
    set not_before = 'infinity', paused_because = 'The company is not connected to QuickBooks.', failures = 0,
        owner = null, epoch = l.epoch + 1
    where l.company_id = company;
    return query
    select was.tokens, was.environment, was.realm_id,
           count(*) filter (where j.state in ('pending', 'waiting')), count(*) filter (where j.state = 'unknown')
    from syncd.job j where j.company_id = company;
end
$$;

-- The tokens of a leased company. `started_at` is committed before Intuit is asked: a daemon that dies in between
-- leaves a trace that explains a dead connection (`interrupted_at`).
create or replace function syncd.begin_refresh(company text, worker uuid, held_epoch bigint)
returns table (tokens bytea, interrupted_at timestamptz, started_at timestamptz)
language plpgsql rows 1
set search_path = pg_catalog, pg_temp
as $$
begin
    perform syncd.hold_lane(company, worker, held_epoch);
    return query
    with before as (
        select c.tokens, c.refresh_started_at from syncd.company c where c.company_id = company
    ), begun as (
        update syncd.company c set refresh_started_at = coalesce(c.refresh_started_at, clock_timestamp())
        where c.company_id = company
        returning c.refresh_started_at
    )
    select before.tokens, before.refresh_started_at, begun.refresh_started_at from before, begun;
end
$$;

-- What Intuit gave, kept before it is used. Also from a daemon that has lost the lane meanwhile, if nobody renewed
-- or replaced the connection since it began: the tokens before are dead, and nobody else has these.
create or replace function syncd.keep_tokens(
    company text, worker uuid, held_epoch bigint, started timestamptz, fresh bytea, access_expires timestamptz,
    refresh_expires timestamptz
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform from syncd.lane l where l.company_id = company for no key update;
    update syncd.company c
    set tokens = fresh, access_expires_at = access_expires, refresh_expires_at = refresh_expires,
        refresh_started_at = null, refresh_refused_at = null, refreshed_at = clock_timestamp()
    where c.company_id = company
          and (c.refresh_started_at = started
               or exists (select from syncd.lane l
                          where l.company_id = company and l.owner = worker and l.epoch = held_epoch));
end
$$;

-- A renewal that surely changed nothing, since Intuit refused it or never heard of it: it is no explanation of a
-- connection that turns out to be dead. One that an earlier renewal's trace covers is not told of.
create or replace function syncd.forget_refresh(company text, worker uuid, held_epoch bigint, started timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform syncd.hold_lane(company, worker, held_epoch);
    update syncd.company c set refresh_started_at = null
    where c.company_id = company and c.refresh_started_at = started;
end
$$;

-- Intuit refused the refresh token. True if this was the second time, a minute or more after the first: then the
-- connection is lost. Outages at Intuit refuse good tokens too.
create or replace function syncd.refuse_refresh(company text, worker uuid, held_epoch bigint) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    final boolean;
begin
    perform syncd.hold_lane(company, worker, held_epoch);
    select c.refresh_refused_at <= clock_timestamp() - interval '50 seconds' into final
    from syncd.company c where c.company_id = company;
    update syncd.company c set refresh_refused_at = coalesce(c.refresh_refused_at, clock_timestamp())
    where c.company_id = company;
    return coalesce(final, false);
end
$$;

-- What QuickBooks tells of a company is read at connect, and again when a record would be refused for it, but not more
-- often than once an hour, or when somebody has said `syncd retry`.
create or replace function syncd.facts_due(company text) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select c.facts_at is null or c.facts_at < clock_timestamp() - interval '1 hour'
    from syncd.company c where c.company_id = company;
$$;

-- The refusals that rest on a fact which is another now.
create or replace function syncd.facts_moved(was syncd.company, became syncd.company) returns text[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(f.code), '{}')
    from (values
        ('payroll_off', to_jsonb(was.payroll_enabled), to_jsonb(became.payroll_enabled)),
        ('sales_tax_off', was.preferences -> 'TaxPrefs', became.preferences -> 'TaxPrefs'),
        ('discount_account_missing', was.preferences #> '{SalesFormsPrefs,AllowDiscount}',
         became.preferences #> '{SalesFormsPrefs,AllowDiscount}'),
        ('auto_apply_credit', was.preferences #> '{SalesFormsPrefs,AutoApplyCredit}',
         became.preferences #> '{SalesFormsPrefs,AutoApplyCredit}')
    ) as f (code, before, after)
    where f.before is distinct from f.after;
$$;

-- Keeps what QuickBooks told of a leased company, and makes due again what was refused for something that is otherwise
-- now. Returns how many records these are.
create or replace function syncd.keep_facts(
    company text, worker uuid, held_epoch bigint, info jsonb, prefs jsonb, currency text, payroll boolean
) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    was syncd.company;
    became syncd.company;
begin
    perform syncd.hold_lane(company, worker, held_epoch);
    select * into was from syncd.company c where c.company_id = company;
    update syncd.company c
    set company_info = info, preferences = prefs, home_currency = currency, payroll_enabled = payroll,
        facts_at = clock_timestamp()
    where c.company_id = company
    returning * into became;
    return syncd.due_again(company, syncd.facts_moved(was, became));
end
$$;
