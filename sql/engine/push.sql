-- Work by hand: push all records of one kind, and what became of them.
--
-- Called by: `syncd push` (pushable, push, run_progress, run_outcomes, run_companions),
--            `syncd settings set` (due_keys), `syncd explain` and view syncd.pending (held_up).
-- Touches:   run, lane, job, company (facts_at); all but push read only.

-- The keys of a company's records of one kind that QuickBooks should know of. Where the view tells the company in SIP's
-- own type (company_key), SIP's index on it serves; else SIP's table is read whole.
create or replace function syncd.due_keys(company text, entity text) returns setof text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    company_type constant text := (
        select format_type(a.atttypid, a.atttypmod) from pg_attribute a
        where a.attrelid = to_regclass('syncd.document_' || entity) and a.attname = 'company_key');
begin
    if not exists (select from syncd.entity e where e.entity_type = entity) then
        return;
    end if;
    if syncd.fits(company, company_type) then
        return query execute format(
            'select d.key::text from syncd.%I d where d.company_key = $1::%s and d.due', 'document_' || entity,
            company_type)
            using company;
    else
        return query execute format(
            'select d.key::text from syncd.%I d where d.company_id = $1 and d.due', 'document_' || entity)
            using company;
    end if;
end
$$;

-- Whether a text is a value of a type, as that type writes it.
create or replace function syncd.fits(value text, type text) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    same boolean := false;
begin
    if type is not null then
        execute format('select ($1::%s)::text = $1', type) into same using value;
    end if;
    return same;
exception when data_exception then
    return false;
end
$$;

-- All records that a push of this kind is about. `there`: QuickBooks has it as it is. `wanted`: it gets a job, since it
-- is not there, or since it has one of former times. What has no link cannot be there, and no verdict is asked for.
create or replace function syncd.pushable(company text, entity text)
returns table (entity_id text, there boolean, wanted boolean)
language sql stable security definer rows 1000
set search_path = pg_catalog, pg_temp
as $$
    with due as materialized (
        select k.key, l.sip_id is not null as linked
        from syncd.due_keys(company, entity) as k (key)
        left join syncd.linked l on l.company_id = company and l.entity_type = entity and l.sip_id = k.key
    ), sliced as materialized (
        -- The verdict is made for a round of a lane; of ten thousand at once it would compare each with each.
        select array_agg(n.key) as ids
        from (select d.key, (row_number() over () - 1) / 100 as slice from due d where d.linked) n
        group by n.slice
    ), known as materialized (
        select v.entity_id
        from sliced s
        cross join lateral syncd.judge(
            array_fill(company, array[cardinality(s.ids)]), array_fill(entity, array[cardinality(s.ids)]), s.ids) v
        where v.verdict = 'drop'
    )
    select d.key, k.entity_id is not null,
           k.entity_id is null or exists (
               select from syncd.job j
               where j.company_id = company and j.entity_type = entity and j.entity_id = d.key)
    from due d
    left join known k on k.entity_id = d.key;
$$;

-- What has stopped among the records that these refer to and that QuickBooks does not have: they go first.
create or replace function syncd.stopped_before(company text, entity text, ids text[]) returns syncd.record_key[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- All is well most of the time, and then no document is read.
    if not exists (select from syncd.job j
                   where j.company_id = company and j.entity_type <> entity and j.call_id is null
                         and j.state in ('error', 'held', 'collision', 'waiting')) then
        return '{}';
    end if;
    return array(
        select distinct m::syncd.record_key
        from (
            select array_agg(w.entity_id) as ids
            from unnest(ids) with ordinality as w (entity_id, place)
            group by (w.place - 1) / 100
        ) s
        cross join lateral syncd.documents(array_fill(entity, array[cardinality(s.ids)]), s.ids) d
        cross join lateral unnest(d.missing) m);
end
$$;

-- Makes all of them due, in the name of `actor`: the run, how many records it is about, and how many QuickBooks had
-- already. By hand, so that no switch matters; backfill, so that ten thousand of them never delay an edit; tried anew
-- if they had failed, and so is what goes first. What has an open call is settled and then decided again.
create or replace function syncd.push(
    company text, entity text, actor text, out run_id bigint, out records integer, out already integer
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    ids text[];
    first syncd.record_key[];
    run bigint;
begin
    if not exists (select from syncd.entity e where e.entity_type = entity and e.toggle is not null) then
        raise exception 'there is no push of %', entity using errcode = 'invalid_parameter_value';
    end if;
    -- Before the lane is locked: everybody's changes wait for whoever holds a lane.
    select coalesce(array_agg(p.entity_id order by p.entity_id) filter (where p.wanted), '{}'),
           count(*) filter (where not p.wanted)
    into ids, already
    from syncd.pushable(company, entity) p;
    first := syncd.stopped_before(company, entity, ids);

    perform from syncd.lane l where l.company_id = company for no key update;
    if not exists (select from syncd.company c where c.company_id = company and c.state = 'connected') then
        raise exception 'company % is not connected to QuickBooks', company
            using errcode = 'object_not_in_prerequisite_state';
    end if;
    insert into syncd.run (company_id, entity_type, asked_by, records, already)
    values (company, entity, actor, cardinality(ids), already)
    returning run_id into run;

    -- What an earlier push still has under way is counted by this one from now on.
    update syncd.run r set records = greatest(0, r.records - t.taken)
    from (
        select j.run_id, count(*)::integer as taken
        from unnest(ids) as w (entity_id)
        cross join lateral (
            select q.run_id from syncd.job q
            where q.company_id = company and q.entity_type = entity and q.entity_id = w.entity_id
            limit 1
        ) j
        where j.run_id is not null
        group by j.run_id
    ) t
    where r.run_id = t.run_id and r.entity_type = entity;

    perform syncd.again(company, array(select f.entity_type from unnest(first) f),
                        array(select f.entity_id from unnest(first) f));
    insert into syncd.job as j (company_id, entity_type, entity_id, names, class, source, run_id)
    select company, entity, w.entity_id, e.names, 'backfill', 'manual', run
    from unnest(ids) with ordinality as w (entity_id, place)
    join syncd.entity e on e.entity_type = entity
    order by w.place
    on conflict on constraint job_pkey do update
    set source = 'manual', run_id = excluded.run_id, version = nextval('syncd.job_version'),
        -- An open call is settled first. What is in the queue keeps its place there.
        ticket = case when j.call_id is null and j.due_at is not null then nextval('syncd.job_ticket')
                      else j.ticket end,
        state = case when j.call_id is null then 'pending' else j.state end,
        due_at = case when j.call_id is null then null else j.due_at end,
        waits_on = case when j.call_id is null then null else j.waits_on end,
        attempts = case when j.call_id is null then 0 else j.attempts end,
        alone = case when j.call_id is null then 0 else j.alone end,
        reason = case when j.call_id is null then null else j.reason end,
        fault_class = case when j.call_id is null then null else j.fault_class end,
        error_code = case when j.call_id is null then null else j.error_code end,
        waits_for_type = case when j.call_id is null then null else j.waits_for_type end,
        waits_for_id = case when j.call_id is null then null else j.waits_for_id end,
        missing = case when j.call_id is null then null else j.missing end,
        unready_since = case when j.call_id is null then null else j.unready_since end;

    records := cardinality(ids);
    push.run_id := run;
    if records > 0 then
        -- Perhaps something was switched on in QuickBooks: that is looked at before anything is refused for it again.
        update syncd.company c set facts_at = null where c.company_id = company;
        update syncd.lane l set due_at = least(l.due_at, clock_timestamp()) where l.company_id = company;
        perform pg_notify('syncd_lanes', left(company, 1000));
    end if;
end
$$;

-- Whether something comes of a job by itself, within seconds if all is well. What failed and is tried again in minutes
-- is left to itself, and what waits for a record moves as that one does.
create or replace function syncd.moves(j syncd.job) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when j.call_id is not null then j.waits_on is distinct from 'setting'
        when j.state = 'pending' then
            j.fault_class is distinct from 'record' or j.due_at is null or j.due_at <= clock_timestamp()
        else j.state = 'waiting' and j.waits_on = 'document'
    end;
$$;

-- What keeps a record that others wait for, in sentences about "that one"; it may wait for another itself. No sentence
-- if it is on its way (`moving`). Runs with the owner's rights, like explain.
create or replace function syncd.held_up(company text, entity text, id text, out sentence text, out moving boolean)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    with recursive chain as (
        select 1 as depth, entity as entity_type, id as entity_id
        union all
        select c.depth + 1, j.waits_for_type, j.waits_for_id
        from chain c
        join syncd.job j
            on j.company_id = company and j.entity_type = c.entity_type and j.entity_id = c.entity_id
        where j.state = 'waiting' and j.waits_on = 'record' and c.depth < 10
    ), told as (
        select c.depth, coalesce(syncd.moves(j), false) as moving,
               case
                   when j.entity_id is null then 'That one is not sent: ' || v.reason
                   when j.state = 'waiting' and j.waits_on = 'record' then regexp_replace(j.reason, '^It ', 'That one ')
                   when syncd.moves(j) then null
                   when j.state = 'held' then 'That one is held: ' || j.reason
                   when j.state in ('waiting', 'unknown') then 'That one waits: ' || j.reason
                   when j.state = 'pending' then 'That one failed and is tried again later: ' || j.reason
                   else 'That one failed: ' || j.reason
               end as sentence
        from chain c
        left join syncd.job j
            on j.company_id = company and j.entity_type = c.entity_type and j.entity_id = c.entity_id
        left join lateral (
            -- Without a job: left out, or in no state to be sent.
            select q.reason from syncd.judge(array[company], array[c.entity_type], array[c.entity_id]) q
            where j.entity_id is null
        ) v on true
    )
    select string_agg(t.sentence, ' ' order by t.depth), (array_agg(t.moving order by t.depth desc))[1]
    from told t;
$$;

-- The records of a run that still have a job, and how they stand. Prerequisites are none of them.
create or replace function syncd.run_jobs(run bigint)
returns table (entity_id text, outcome syncd.run_outcome, reason text, next_attempt_at timestamptz)
language sql stable rows 1000
set search_path = pg_catalog, pg_temp
as $$
    with left_over as materialized (
        select j.entity_id, j.company_id, j.state, j.reason, nullif(j.due_at, 'infinity') as due_at, j.waits_for_type,
               j.waits_for_id, syncd.moves(j) as moving, j.state = 'waiting' and j.waits_on = 'record' as behind
        from syncd.run r
        join syncd.job j on j.run_id = r.run_id and j.entity_type = r.entity_type
        where r.run_id = run
    ), ahead as materialized (
        select a.waits_for_type, a.waits_for_id, h.sentence, h.moving
        from (select distinct l.company_id, l.waits_for_type, l.waits_for_id from left_over l where l.behind) a
        cross join lateral syncd.held_up(a.company_id, a.waits_for_type, a.waits_for_id) h
    )
    select l.entity_id,
           case when l.moving or (l.behind and a.moving) then 'moving'
                when l.state in ('waiting', 'unknown') then 'waiting'
                else 'failed' end::syncd.run_outcome,
           concat_ws(' ', l.reason, a.sentence), case when l.state = 'pending' then l.due_at end
    from left_over l
    left join ahead a on l.behind and a.waits_for_type = l.waits_for_type and a.waits_for_id = l.waits_for_id;
$$;

-- How far a run is, and what may keep it from going on.
create or replace function syncd.run_progress(run bigint)
returns table (
    records integer, moving bigint, daemons bigint, connection syncd.company_state, paused_because text,
    paused_until timestamptz
)
language sql stable security definer rows 1
set search_path = pg_catalog, pg_temp
as $$
    select r.records, (select count(*) from syncd.run_jobs(run) j where j.outcome = 'moving'),
           (select count(*) from syncd.worker w where w.alive_until > clock_timestamp()), c.state,
           case when l.not_before > clock_timestamp() then l.paused_because end,
           case when l.not_before > clock_timestamp() then nullif(l.not_before, 'infinity') end
    from syncd.run r
    join syncd.company c on c.company_id = r.company_id
    join syncd.lane l on l.company_id = r.company_id
    where r.run_id = run;
$$;

-- What became of the records of a run, those that fared alike in one row. What has a job is told by it; else the last
-- row of the log tells, and what has neither was there already.
create or replace function syncd.run_outcomes(run bigint)
returns table (
    outcome syncd.run_outcome, records bigint, reason text, example text, next_attempt_at timestamptz
)
language sql stable security definer rows 10
set search_path = pg_catalog, pg_temp
as $$
    with logged as materialized (
        select distinct on (s.entity_id) s.entity_id, s.entity_name, s.status, s.error
        from syncd.run r
        join syncd.sync_log s
            on s.run_id = r.run_id and s.occurred_at >= r.asked_at and s.entity_type = r.entity_type
        where r.run_id = run
        order by s.entity_id, s.occurred_at desc, s.log_id desc
    ), left_over as materialized (
        select j.* from syncd.run_jobs(run) j
    ), known as (
        select l.outcome, l.reason, g.entity_name, l.next_attempt_at
        from left_over l
        left join logged g on g.entity_id = l.entity_id
        union all
        select case g.status when 'success' then 'sent' when 'skipped' then 'skipped'
                             else 'failed' end::syncd.run_outcome,
               g.error, g.entity_name, null
        from logged g
        where not exists (select from left_over l where l.entity_id = g.entity_id)
    )
    select k.outcome, count(*), k.reason, min(k.entity_name), min(k.next_attempt_at)
    from known k
    group by k.outcome, k.reason
    union all
    select 'there', r.already + greatest(0, r.records - (select count(*) from known)), null, null, null
    from syncd.run r
    where r.run_id = run;
$$;

-- What became of the records that went first in a run, since its own records need them: those of a type that fared
-- alike in one row. They are none of the records that the run is about.
create or replace function syncd.run_companions(run bigint)
returns table (entity_type text, outcome syncd.run_outcome, records bigint, reason text, example text)
language sql stable security definer rows 10
set search_path = pg_catalog, pg_temp
as $$
    with logged as materialized (
        select distinct on (s.entity_type, s.entity_id) s.entity_type, s.entity_id, s.entity_name, s.status, s.error
        from syncd.run r
        join syncd.sync_log s
            on s.run_id = r.run_id and s.occurred_at >= r.asked_at and s.entity_type <> r.entity_type
        where r.run_id = run
        order by s.entity_type, s.entity_id, s.occurred_at desc, s.log_id desc
    ), left_over as materialized (
        select j.entity_type, j.entity_id, j.reason,
               case when syncd.moves(j) then 'moving'
                    when j.state in ('waiting', 'unknown') then 'waiting'
                    else 'failed' end::syncd.run_outcome as outcome
        from syncd.run r
        join syncd.job j on j.run_id = r.run_id and j.entity_type <> r.entity_type
        where r.run_id = run
    ), known as (
        select l.entity_type, l.outcome, l.reason, coalesce(g.entity_name, l.entity_id) as name
        from left_over l
        left join logged g using (entity_type, entity_id)
        union all
        select g.entity_type,
               case g.status when 'success' then 'sent' when 'skipped' then 'skipped'
                             else 'failed' end::syncd.run_outcome,
               g.error, g.entity_name
        from logged g
        where not exists (select from left_over l
                          where l.entity_type = g.entity_type and l.entity_id = g.entity_id)
    )
    select k.entity_type, k.outcome, count(*), k.reason, min(k.name)
    from known k
    group by k.entity_type, k.outcome, k.reason;
$$;
