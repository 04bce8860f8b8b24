-- Absorb: turns signals into jobs, one per record however often it changed.
--
-- Called by: the daemon's look (absorb, set_aside), in autocommit.
-- Touches:   outbox (deletes what it took), outbox_bad, lane, job; in this order everywhere. Channel syncd_lanes.

-- A signal of many records becomes one of each.
create or replace function syncd.one_by_one(taken syncd.outbox[]) returns syncd.outbox[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select array_agg((t.signal_id, t.company_id, t.entity_type, r.id, t.xid, t.signaled_at, null)::syncd.outbox)
    from unnest(taken) t
    cross join unnest(coalesce(t.entity_ids, array[t.entity_id])) r (id);
$$;

-- Signals of a table that does not name the company take it from the record, or, if that is gone, from its link.
create or replace function syncd.with_company(taken syncd.outbox[]) returns syncd.outbox[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with unknown as (
        select distinct u.entity_type, u.entity_id from unnest(taken) u where u.company_id is null
    ), known as materialized (
        select o.* from (
            select array_agg(n.entity_type) as types, array_agg(n.entity_id) as ids from unknown n
        ) w
        cross join lateral syncd.owners(w.types, w.ids) o
    )
    select array_agg(
        (t.signal_id, coalesce(t.company_id, k.company_id, l.company_id), t.entity_type, t.entity_id, t.xid,
         t.signaled_at, null)::syncd.outbox)
    from unnest(taken) t
    left join known k on t.company_id is null and k.entity_type = t.entity_type and k.entity_id = t.entity_id
    left join lateral (
        select k.company_id from syncd.link k
        where t.company_id is null and k.entity_type = t.entity_type and k.sip_id = t.entity_id
        limit 1
    ) l on true;
$$;

-- Signals of what has records, and is none itself, become signals of those.
create or replace function syncd.with_parts(taken syncd.outbox[]) returns syncd.outbox[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with wholes as (
        select t.* from unnest(taken) t
        where t.entity_id is not null
              and exists (select from syncd.expansion x where x.entity_type = t.entity_type)
    ), asked as (
        select array_agg(n.entity_type) as types, array_agg(n.entity_id) as ids
        from (select distinct w.entity_type, w.entity_id from wholes w) n
    ), signals as (
        select t.* from unnest(taken) t
        where t.entity_id is null or t.entity_type not in (select x.entity_type from syncd.expansion x)
        union all
        select w.signal_id, coalesce(p.company_id, w.company_id), p.part_type, p.part_id, w.xid, w.signaled_at, null
        from asked
        cross join lateral syncd.parts(asked.types, asked.ids) p
        join wholes w on w.entity_type = p.entity_type and w.entity_id = p.entity_id
    )
    select array_agg(
        (s.signal_id, s.company_id, s.entity_type, s.entity_id, s.xid, s.signaled_at, null)::syncd.outbox)
    from signals s;
$$;

-- Takes signals of `slice` records, or of more if the last one is of many. Returns of how many records they were, how
-- many jobs came of them, the snapshot that the next look may begin from, and which lanes that `worker` holds got work;
-- other daemons are told of theirs. A signal is dropped if its company is not ours, or if its toggle was off when the
-- change was committed and no other record waits for it.
--
-- `since` is the snapshot of the last look whose slice was not full: only what was not visible to it is looked at,
-- which stays cheap however many dead rows an old transaction keeps. Null looks at everything. A transaction may take
-- its id long before it commits, so it is sought by id among those that were running then (xip), and all that began
-- later (>= xmax). Rows that another look took and gave back are in no difference: after an error, or when somebody
-- else may have looked, the next look is a full one. With `everything` too, and then `missed` counts what the look
-- that saw `since` should have found: it stays 0 as long as this reasoning holds.
--
-- Without waiting for the disk: what a crash takes back is the whole of it, and the signals are there again.
create or replace function syncd.absorb(
    slice integer, since pg_snapshot default null, worker uuid default null, everything boolean default false,
    out signals integer, out jobs integer, out seen pg_snapshot, out mine text[], out missed integer
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    places tid[];
    records integer[];
    taken syncd.outbox[];
    companies text[];
begin
    perform set_config('synchronous_commit', 'off', true);
    -- Before the look, so that what becomes visible in between is looked for again and never missed.
    seen := pg_current_snapshot();
    -- By xid, and deleted by place: the outbox is analysed while it is empty, and a plan made of that would walk all of
    -- it through every dead row.
    if since is null or everything then
        select array_agg(p.place), array_agg(p.records) into places, records
        from (
            select o.ctid as place, coalesce(cardinality(o.entity_ids), 1) as records from syncd.outbox o
            order by o.xid limit slice for update skip locked
        ) p;
    else
        with began_later as materialized (
            select o.ctid as place, coalesce(cardinality(o.entity_ids), 1) as records from syncd.outbox o
            where o.xid >= pg_snapshot_xmax(since)
            order by o.xid limit slice for update skip locked
        ), were_running as materialized (
            select o.ctid as place, coalesce(cardinality(o.entity_ids), 1) as records from syncd.outbox o
            where o.xid = any(array(select pg_snapshot_xip(since)))
            order by o.xid limit slice for update skip locked
        )
        select array_agg(p.place), array_agg(p.records) into places, records
        from (select b.* from began_later b union all select w.* from were_running w) p;
    end if;
    with counted as (
        select p.place, sum(p.records) over (order by p.nth) - p.records as before
        from unnest(places, records) with ordinality as p (place, records, nth)
    ), gone as (
        delete from syncd.outbox o
        where o.ctid = any(array(select c.place from counted c where c.before < slice))
        returning o
    )
    select array_agg(gone.o) into taken from gone;
    if exists (select from unnest(taken) t where t.entity_ids is not null) then
        taken := syncd.one_by_one(taken);
    end if;
    signals := coalesce(cardinality(taken), 0);
    missed := (select count(*) from unnest(taken) t where pg_visible_in_snapshot(t.xid, since));
    jobs := 0;
    if signals >= slice then
        seen := case when not everything then since end;  -- more may lie behind it
    end if;
    if signals = 0 then
        return;
    end if;

    if exists (select from unnest(taken) t join syncd.expansion x on x.entity_type = t.entity_type) then
        taken := syncd.with_parts(taken);
    end if;
    if exists (select from unnest(taken) t where t.company_id is null) then
        taken := syncd.with_company(taken);
    end if;

    insert into syncd.outbox_bad (signal_id, company_id, entity_type, entity_id, signaled_at, reason)
    select t.signal_id, t.company_id, t.entity_type, t.entity_id, t.signaled_at,
           case when t.entity_id is null then 'the key column was null'
                else 'no entity of this type is installed' end
    from unnest(taken) t
    where t.entity_id is null or not exists (select from syncd.entity e where e.entity_type = t.entity_type);

    -- Lanes first, so that whoever finishes a lane right now sees either the job or the due time.
    perform from (select distinct t.company_id from unnest(taken) t order by t.company_id) c
    cross join lateral (
        select from syncd.lane l where l.company_id = c.company_id limit 1 for no key update
    ) l;

    with owed as materialized (
        -- Once for each transaction, however many rows it wrote.
        select w.company_id, w.entity_type, w.xid
        from (
            select distinct t.company_id, t.entity_type, t.xid, e.toggle
            from unnest(taken) t join syncd.entity e on e.entity_type = t.entity_type
        ) w
        cross join lateral (select from syncd.lane l where l.company_id = w.company_id limit 1) l
        where syncd.was_on(w.company_id, w.toggle, w.xid)
    ), made as (
        insert into syncd.job as j (company_id, entity_type, entity_id, names, owed_since, required)
        select t.company_id, t.entity_type, t.entity_id, e.names, min(t.signaled_at), bool_and(o.xid is null)
        from unnest(taken) t
        join syncd.entity e on e.entity_type = t.entity_type
        left join owed o on o.company_id = t.company_id and o.entity_type = t.entity_type and o.xid = t.xid
        where t.entity_id is not null
              and (o.xid is not null
                   -- What waits for one of its own kind waits its turn, and needs nothing of it.
                   or exists (select from syncd.job w
                              where w.company_id = t.company_id and w.waits_for_type = t.entity_type
                                    and w.waits_for_id = t.entity_id and w.waits_for_id is not null
                                    and w.entity_type <> w.waits_for_type))
        group by t.company_id, t.entity_type, t.entity_id, e.names
        order by t.company_id, t.entity_type, t.entity_id
        on conflict on constraint job_pkey do update
        set version = nextval('syncd.job_version'),
            -- A record that is in the queue keeps its place, or an edit every second would keep it waiting.
            ticket = case when j.due_at is null and j.call_id is null and j.class = 'live' then j.ticket
                          else nextval('syncd.job_ticket') end,
            class = 'live',
            -- An open call is settled first, whatever changed meanwhile; else the change makes it due at once.
            state = case when j.call_id is null then 'pending' else j.state end,
            due_at = case when j.call_id is null then null else j.due_at end,
            -- What an open call waits for, it still waits for: a switch must find it to release it.
            waits_on = case when j.call_id is null then null else j.waits_on end,
            attempts = 0, alone = 0, reason = null, waits_for_type = null, waits_for_id = null,
            fault_class = null, error_code = null, missing = null, unready_since = null,
            required = j.required or excluded.required
        returning j.company_id
    )
    select count(*), array_agg(distinct made.company_id) into jobs, companies from made;

    -- A lane that somebody serves is due already, and its row is not written again.
    update syncd.lane l set due_at = clock_timestamp()
    from unnest(companies) as c (company_id)
    cross join lateral (
        select q.ctid as place from syncd.lane q
        where q.company_id = c.company_id and q.due_at > clock_timestamp() limit 1
    ) o
    where l.ctid = o.place;
    select array_agg(l.company_id) into mine
    from unnest(companies) as c (company_id)
    cross join lateral (
        select q.company_id from syncd.lane q where q.company_id = c.company_id and q.owner = worker limit 1
    ) l;
    perform pg_notify('syncd_lanes', left(l.company_id, 1000))
    from unnest(companies) as c (company_id)
    cross join lateral (
        select q.company_id, q.owner from syncd.lane q where q.company_id = c.company_id and q.owner <> worker limit 1
    ) l
    where exists (select from syncd.worker w where w.worker_id = l.owner and w.alive_until > clock_timestamp());
end
$$;

-- The way out when even a slice of one fails: the oldest signal is set aside with the reason, and the others go on. It
-- is the one that a look of everything takes first, and it is tried once more: another daemon may have been quicker,
-- and what is set aside for no reason is a change that never arrives. One of many records is taken apart first, so that
-- only the bad one of them is set aside. Returns what was, or null: look again.
create or replace function syncd.set_aside(because text) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    oldest record;
begin
    select o.ctid as place, o.signal_id, o.entity_ids is not null as many into oldest
    from syncd.outbox o order by o.xid limit 1 for update skip locked;
    begin
        perform syncd.absorb(1, everything => true);
        return null;
    exception
        -- Whatever has nothing to do with the signal ends the statement: a deadlock, a lack of resources, a shutdown.
        when transaction_rollback or insufficient_resources or operator_intervention or system_error then
            raise;
        when others then
            null;
    end;
    if oldest.many then
        with gone as (
            delete from syncd.outbox o where o.ctid = oldest.place returning o.*
        )
        insert into syncd.outbox (company_id, entity_type, entity_id, xid, signaled_at)
        select g.company_id, g.entity_type, r.id, g.xid, g.signaled_at
        from gone g cross join unnest(g.entity_ids) r (id);
        return null;
    end if;
    with gone as (
        delete from syncd.outbox o where o.ctid = oldest.place returning o.*
    )
    insert into syncd.outbox_bad (signal_id, company_id, entity_type, entity_id, signaled_at, reason)
    select g.signal_id, g.company_id, g.entity_type, g.entity_id, g.signaled_at, because from gone g;
    return oldest.signal_id;
end
$$;
