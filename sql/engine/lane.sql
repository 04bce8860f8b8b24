-- Lanes and workers: who may work for which company, and until when.
--
-- Called by: the daemon (heartbeat, leave, lease, lanes_wait, release, pause), in autocommit; whatever writes under a
--            lease (hold_lane, hold_lanes), first of all.
-- Touches:   worker, lane; channel syncd_lanes.
--
-- Liveness is one row per daemon; a lane whose owner's row has run out is free. Every write under a lease locks
-- the lane row first and compares owner and epoch: a daemon that lost its lane can still speak, but is not heard.

-- `told` is what the daemon says of itself for `syncd status`: slots, on_duty, polling_because, wakeups by cause.
create or replace function syncd.heartbeat(
    worker uuid, lease interval, host text default '', pid integer default 0, version text default '',
    told jsonb default '{}'
) returns timestamptz
language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into syncd.worker as w (worker_id, host, pid, version, alive_until, slots, on_duty, polling_because,
                                   wakeups)
    values (worker, host, pid, version, clock_timestamp() + lease, coalesce((told ->> 'slots')::integer, 0),
            coalesce((told ->> 'on_duty')::boolean, false), told ->> 'polling_because',
            coalesce(told -> 'wakeups', '{}'))
    on conflict (worker_id) do update
    set alive_until = excluded.alive_until, slots = excluded.slots, on_duty = excluded.on_duty,
        polling_because = excluded.polling_because, wakeups = excluded.wakeups
    returning alive_until;
$$;

-- A daemon that ends gives everything back at once. The others look: they do not know of its timers.
create or replace function syncd.leave(worker uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform from syncd.lane l where l.owner = worker order by l.company_id for no key update;
    update syncd.lane l set owner = null, due_at = clock_timestamp() where l.owner = worker;
    delete from syncd.worker w
    where w.worker_id = worker or w.alive_until < clock_timestamp() - interval '1 day';
    perform pg_notify('syncd_lanes', '');
end
$$;

-- Takes up to `slots` lanes that have work, are not paused and belong to nobody alive, with what is needed to reach
-- each company. `held` are the lanes that the worker knows it has: another lane under its name was given to it by an
-- answer that it never got. `open_calls`: somebody sent calls whose answers are not known; they come first.
create or replace function syncd.lease(worker uuid, slots integer, held text[] default null)
returns table (
    company_id text, epoch bigint, environment text, realm_id text, tokens bytea, access_expires_at timestamptz,
    open_calls boolean
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    -- Asked for each row, the clock could not bound the scan of the index: every lane there is would be read.
    instant constant timestamptz := clock_timestamp();
begin
    return query
    with free as materialized (
        select l.company_id
        from syncd.lane l
        where greatest(l.due_at, l.not_before) <= instant
              and not exists (
                  select from syncd.worker w
                  where w.worker_id = l.owner and w.alive_until > clock_timestamp()
                        and (w.worker_id <> worker or held is null))
              and (held is null or l.company_id <> all(held))
              and exists (
                  select from syncd.worker w
                  where w.worker_id = worker and w.alive_until > clock_timestamp())
        order by greatest(l.due_at, l.not_before)
        limit slots
        for no key update of l skip locked
    ), taken as (
        update syncd.lane l set owner = worker, epoch = l.epoch + 1
        from free
        cross join lateral (
            select q.ctid as place from syncd.lane q where q.company_id = free.company_id limit 1
        ) f
        where l.ctid = f.place
        returning l.company_id, l.epoch
    )
    select t.company_id, t.epoch, c.environment::text, c.realm_id, c.tokens, c.access_expires_at,
           exists (select from syncd.call k
                   where k.company_id = t.company_id and k.outcome in ('sent', 'answered', 'unknown'))
    from taken t
    left join lateral (
        select q.* from syncd.company q where q.company_id = t.company_id and q.state = 'connected' limit 1
    ) c on true;
end
$$;

-- Are there lanes with work that nobody alive serves? Asked by a daemon whose slots are all taken.
create or replace function syncd.lanes_wait() returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from syncd.lane l
        where greatest(l.due_at, l.not_before) <= statement_timestamp()
              and not exists (
                  select from syncd.worker w
                  where w.worker_id = l.owner and w.alive_until > clock_timestamp()));
$$;

-- The fence: locks the lane row, then lets only its present owner pass.
create or replace function syncd.hold_lane(company text, worker uuid, held_epoch bigint) returns syncd.lane
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    held syncd.lane;
begin
    select * into held from syncd.lane l
    where l.company_id = company and l.owner = worker and l.epoch = held_epoch
    for no key update;
    if not found then
        raise exception 'the lane of company % belongs to another daemon now', company using errcode = 'SY001';
    end if;
    return held;
end
$$;

-- The fence for several lanes: locks those rows, in the order in which absorb does, and returns those whose owner
-- `worker` still is. `asked` has company_id and epoch of each. One that somebody has locked is left out, so that no
-- company waits for another's; alone it is waited for. So what is missing is lost only if it was asked for alone.
create or replace function syncd.hold_lanes(worker uuid, asked jsonb) returns setof syncd.lane
language plpgsql rows 8
set search_path = pg_catalog, pg_temp
as $$
begin
    if jsonb_array_length(asked) = 1 then
        return query
        select l.* from jsonb_to_recordset(asked) as a (company_id text, epoch bigint)
        cross join lateral (
            select q.* from syncd.lane q
            where q.company_id = a.company_id and q.owner = worker and q.epoch = a.epoch
            limit 1 for no key update
        ) l;
    else
        return query
        select l.*
        from (select * from jsonb_to_recordset(asked) as a (company_id text, epoch bigint) order by company_id) a
        cross join lateral (
            select q.* from syncd.lane q
            where q.company_id = a.company_id and q.owner = worker and q.epoch = a.epoch
            limit 1 for no key update skip locked
        ) l;
    end if;
end
$$;

-- Gives lanes back in which nothing is due, and says so of each; false means: there is more, go on. `lanes` has an
-- object for each: company_id, epoch, `leaving` (give it back whatever is due), and `floors` as for decide. A lane that
-- is not held has no row. The lanes are locked by one statement and their jobs are read by the next: a job that absorb
-- adds meanwhile is either seen here or finds the lane free and makes it due. A lane with work left goes to the back of
-- the queue, so that a small company does not wait for a large one.
create or replace function syncd.release(worker uuid, lanes jsonb) returns table (company_id text, released boolean)
language plpgsql rows 8
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    held constant jsonb := (
        select jsonb_agg(a.asked || jsonb_build_object('not_before', l.not_before))
        from syncd.hold_lanes(worker, lanes) l
        join jsonb_array_elements(lanes) as a (asked) on a.asked ->> 'company_id' = l.company_id);
begin
    return query
    with looked as materialized (
        select h.company_id, h.leaving, h.not_before, r.place, case
            when exists (select from syncd.job j
                         where j.company_id = h.company_id and j.due_at is null and j.call_id is null
                               and ((j.class = 'live' and not j.names and j.ticket > h.floors[1])
                                    or (j.class = 'live' and j.names and j.ticket > h.floors[2])
                                    or (j.class = 'backfill' and not j.names and j.ticket > h.floors[3])
                                    or (j.class = 'backfill' and j.names and j.ticket > h.floors[4])))
                 or exists (select from syncd.call c
                            join syncd.call_item i on i.call_id = c.call_id
                            join syncd.job j on j.company_id = h.company_id and j.entity_type = i.entity_type
                                 and j.entity_id = i.entity_id and j.call_id = c.call_id and j.due_at is null
                            where c.company_id = h.company_id and c.outcome in ('sent', 'answered', 'unknown'))
                then clock_timestamp()
            else coalesce((select min(j.due_at) from syncd.job j
                           where j.company_id = h.company_id and j.due_at is not null and j.due_at < 'infinity'),
                          'infinity') end as next_due
        from jsonb_to_recordset(held) as h (
            company_id text, leaving boolean, floors bigint[], not_before timestamptz)
        cross join lateral (
            select q.ctid as place from syncd.lane q where q.company_id = h.company_id limit 1
        ) r
    ), judged as materialized (
        select k.*, k.next_due <= clock_timestamp() as due,
               k.leaving or k.next_due > clock_timestamp() or k.not_before > clock_timestamp() as goes
        from looked k
    ), freed as (
        update syncd.lane l set owner = null, due_at = k.next_due
        from judged k
        where l.ctid = k.place and k.goes
    ), told as (
        -- Whoever leaves may not take it again.
        select pg_notify('syncd_lanes', '') from judged k where k.leaving and k.due limit 1
    )
    select k.company_id, k.goes from judged k left join told on true;
end
$$;

-- Nothing goes out for this company before `until`. The reason is what `syncd status` shows.
create or replace function syncd.pause(
    company text, worker uuid, held_epoch bigint, until timestamptz, because text, lost_connection boolean
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform syncd.hold_lane(company, worker, held_epoch);
    if lost_connection then
        update syncd.company c set state = 'needs_reconnect' where c.company_id = company;
    end if;
    update syncd.lane l
    set not_before = case when lost_connection then 'infinity' else until end,
        paused_because = syncd.addressed(because, company)
    where l.company_id = company;
end
$$;
