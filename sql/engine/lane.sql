-- Lanes and workers: who may work for which company, and until when.
--
-- Called by: the daemon (heartbeat, leave, lease, release, pause, take_turn), in autocommit.
-- Touches:   worker, lane.
--
-- Liveness is one row per daemon; a lane whose owner's row has run out is free. Every write under a lease locks
-- the lane row first and compares owner and epoch (hold_lane): a daemon that lost its lane can still speak, but
-- is not heard.

create or replace function syncd.heartbeat(
    worker uuid, lease interval, host text default '', pid integer default 0, version text default ''
) returns timestamptz
language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into syncd.worker as w (worker_id, host, pid, version, alive_until)
    values (worker, host, pid, version, clock_timestamp() + lease)
    on conflict (worker_id) do update set alive_until = excluded.alive_until
    returning alive_until;
$$;

-- A daemon that ends gives everything back at once.
create or replace function syncd.leave(worker uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform from syncd.lane l where l.owner = worker order by l.company_id for no key update;
    update syncd.lane l set owner = null, due_at = clock_timestamp() where l.owner = worker;
    delete from syncd.worker w
    where w.worker_id = worker or w.alive_until < clock_timestamp() - interval '1 day';
end
$$;

-- Takes up to `slots` lanes that have work, are not paused and belong to nobody alive. `held` are the lanes that
-- the worker knows it has: another lane under its name was given to it by an answer that it never got.
create or replace function syncd.lease(worker uuid, slots integer, held text[] default null)
returns table (company_id text, epoch bigint)
language sql
set search_path = pg_catalog, pg_temp
as $$
    with free as materialized (
        select l.company_id
        from syncd.lane l
        where greatest(l.due_at, l.not_before) <= clock_timestamp()
              and not exists (
                  select from syncd.worker w
                  where w.worker_id = l.owner and w.alive_until > clock_timestamp()
                        and (w.worker_id <> worker or held is null or l.company_id = any(held)))
              and exists (
                  select from syncd.worker w
                  where w.worker_id = worker and w.alive_until > clock_timestamp())
        order by greatest(l.due_at, l.not_before)
        limit slots
        for no key update of l skip locked
    )
    update syncd.lane l set owner = worker, epoch = l.epoch + 1
    from free where l.company_id = free.company_id
    returning l.company_id, l.epoch;
$$;

-- The fence: locks the lane row, then lets only its present owner pass.
create or replace function syncd.hold_lane(company text, worker uuid, held_epoch bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform from syncd.lane l
    where l.company_id = company and l.owner = worker and l.epoch = held_epoch
    for no key update;
    if not found then
        raise exception 'the lane of company % belongs to another daemon now', company using errcode = 'SY001';
    end if;
end
$$;

-- Gives a lane back if nothing is due, and says so; false means: there is more, go on. The lane is locked by one
-- statement and its jobs are read by the next: a job that absorb adds meanwhile is either seen here or finds the
-- lane free and makes it due. A lane with work left goes to the back of the queue, so that a small company does
-- not wait for a large one.
create or replace function syncd.release(company text, worker uuid, held_epoch bigint, leaving boolean)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    next_due timestamptz;
begin
    perform syncd.hold_lane(company, worker, held_epoch);
    select case
        when exists (select from syncd.job j
                     where j.company_id = company and j.due_at is null)
            then clock_timestamp()
        else coalesce((select min(j.due_at) from syncd.job j
                       where j.company_id = company and j.due_at is not null and j.due_at < 'infinity'),
                      'infinity') end
    into next_due;
    if next_due <= clock_timestamp() and not leaving
       and exists (select from syncd.lane l where l.company_id = company and l.not_before <= clock_timestamp()) then
        return false;
    end if;
    update syncd.lane l set owner = null, due_at = next_due where l.company_id = company;
    return true;
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
    set not_before = case when lost_connection then 'infinity' else until end, paused_because = because
    where l.company_id = company;
end
$$;

-- A turn for one request within the realm's budget: how many seconds to wait before sending it. The budget is
-- taken before the request, so that a daemon that dies and comes back does not spend it twice.
--
-- Intuit, "Limits and throttles" (seen 2026-11): 10 requests a second for a realm and app, 500 a minute for a realm.
-- Two at once and then eight a second keep both, however the windows fall.
create or replace function syncd.take_turn(company text, worker uuid, held_epoch bigint) returns double precision
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    spacing constant interval := interval '1 second' / 8;
    spare constant interval := spacing;
    longest constant interval := interval '10 seconds';
    now_ constant timestamptz := clock_timestamp();
    turn timestamptz;
begin
    perform syncd.hold_lane(company, worker, held_epoch);
    -- A clock that was set back must not silence the company for as long.
    select greatest(now_, least(coalesce((l.budget ->> 'next_turn')::timestamptz, now_), now_ + longest)) into turn
    from syncd.lane l where l.company_id = company;
    update syncd.lane l set budget = jsonb_build_object('next_turn', turn + spacing) where l.company_id = company;
    return greatest(0, extract(epoch from turn - spare - now_));
end
$$;
