-- Settling by hand: a person has looked at a record that is otherwise in QuickBooks than in SIP.
--
-- Called by: `syncd settle` (to_settle, let_stand, make_again).
-- Touches:   lane (its lock), job, link, sync_log.
--
-- What was settled is on the link. Of a record that was withdrawn, the fingerprint of what was sent is forgotten: the
-- verdict leaves it alone while it is withdrawn, and compares it with QuickBooks when SIP has it again. Of one that was
-- changed, what SIP has now takes the place of what was sent, so that only the next change differs from it.

-- What QuickBooks has stands: a divergence or variance ends, or the refusal of an update of what QuickBooks no longer
-- has. Returns the state that ended, or null if there is nothing to settle; then nothing is done.
create or replace function syncd.let_stand(company text, entity text, id text, actor text) returns syncd.state
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    ended syncd.state;
begin
    perform from syncd.lane l where l.company_id = company for no key update;
    with known as materialized (
        select v.*, j.place,
               -- As things stand now: what is back in SIP is syncd's to send.
               case when j.state = 'diverged' and v.differs is not null then 'diverged'
                    when j.state = 'error' and j.error_code = 'gone' and j.call_id is null then 'error'
                    when v.linked_as = 'variance' then 'variance' end::syncd.state as ends
        from syncd.judge(array[company], array[entity], array[id]) v
        left join lateral (
            select q.ctid as place, q.state, q.error_code, q.call_id from syncd.job q
            where q.company_id = company and q.entity_type = entity and q.entity_id = id
            limit 1
        ) j on true
        where v.qbo_id is not null
    ), done as (
        -- A variance may have a job for another reason, which goes on.
        delete from syncd.job j using known k where j.ctid = k.place and k.ends in ('diverged', 'error')
    ), linked as (
        update syncd.link l
        set state = 'synced', note = null,
            fingerprint = case when k.ends = 'variance' then l.fingerprint
                               when k.ends = 'diverged' and k.differs = 'withdrawn' then null
                               else k.fingerprint end,
            document = case when k.ends = 'variance' or k.differs = 'withdrawn' then l.document else k.document end
        from known k
        where l.ctid = k.link_place and k.ends is not null
    ), logged as (
        insert into syncd.sync_log (company_id, entity_type, entity_id, entity_name, direction, status, note,
                                    operation, source, qbo_id)
        select company, k.entity_type, k.entity_id, k.entity_name, 'push', 'success',
               format('%s settled it: what QuickBooks has now stands.', actor), 'settle', 'manual', k.qbo_id
        from known k where k.ends is not null
    )
    select k.ends into ended from known k;
    return ended;
end
$$;

-- A record that was deleted in QuickBooks is made anew, the way of every record, once QuickBooks itself has said that
-- it is gone (code `gone`: the daemon asks before each full write). `again`: it had said so, and the object is
-- forgotten; the generation stays and grows, so no request id comes again. `asked`: it has not been asked yet, and is
-- asked now, by an update. Null: neither; then nothing is done.
create or replace function syncd.make_again(company text, entity text, id text, actor text) returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    next_step text;
begin
    perform from syncd.lane l where l.company_id = company for no key update;
    with known as materialized (
        select v.*,
               case when j.state = 'error' and j.error_code = 'gone' and j.call_id is null then 'again'
                    when j.state is null and v.verdict = 'drop' and e.fixed is null then 'asked' end as step
        from syncd.judge(array[company], array[entity], array[id]) v
        join syncd.entity e on e.entity_type = v.entity_type
        left join syncd.job j on j.company_id = company and j.entity_type = entity and j.entity_id = id
        where v.qbo_id is not null and v.differs is null
    ), forgotten as (
        update syncd.link l
        set qbo_id = case k.step when 'asked' then l.qbo_id end,
            sync_token = case k.step when 'asked' then l.sync_token end,
            document = case k.step when 'asked' then l.document end,
            -- Equal to that of no document.
            fingerprint = case k.step when 'asked' then '' end,
            state = case k.step when 'asked' then l.state else 'pending' end,
            note = case k.step when 'asked' then l.note end,
            synced_at = case k.step when 'asked' then l.synced_at end
        from known k
        where l.ctid = k.link_place and k.step is not null
    ), made as (
        insert into syncd.job (company_id, entity_type, entity_id, names, source)
        select company, k.entity_type, k.entity_id, e.names, 'manual'
        from known k join syncd.entity e on e.entity_type = k.entity_type
        where k.step = 'asked'
    ), logged as (
        insert into syncd.sync_log (company_id, entity_type, entity_id, entity_name, direction, status, note,
                                    operation, source, qbo_id)
        select company, k.entity_type, k.entity_id, k.entity_name, 'push', 'success',
               format('%s has it made again: QuickBooks no longer has its %s %s.', actor, k.qbo_type, k.qbo_id),
               'settle', 'manual', k.qbo_id
        from known k where k.step = 'again'
    )
    select k.step into next_step from known k;
    if next_step = 'again' then
        -- By hand, like a push.
        update syncd.job j set source = 'manual'
        where j.company_id = company and j.entity_type = entity and j.entity_id = id;
        perform syncd.again(company, array[entity], array[id]);
    elsif next_step = 'asked' then
        update syncd.lane l set due_at = least(l.due_at, clock_timestamp()) where l.company_id = company;
        perform pg_notify('syncd_lanes', left(company, 1000));
    end if;
    return next_step;
end
$$;

-- The records of a company that a person can settle, the oldest first. Runs with the owner's rights, like explain.
create or replace function syncd.to_settle(company text)
returns table (entity_type text, entity_id text, entity_name text, state syncd.state, since timestamptz, reason text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select e.entity_type, e.entity_id, coalesce(g.entity_name, e.entity_id), e.state, e.owed_since, e.reason
    from syncd.errors e
    left join lateral (
        select s.entity_name from syncd.sync_log s
        where s.company_id = company and s.entity_type = e.entity_type and s.entity_id = e.entity_id
        order by s.occurred_at desc limit 1
    ) g on true
    where e.company_id = company and (e.state in ('diverged', 'variance') or e.error_code = 'gone')
    order by e.owed_since, e.entity_type, e.entity_id;
$$;
