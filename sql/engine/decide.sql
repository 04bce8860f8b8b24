-- Decide: the verdict on each due job of some lanes, carried out; the pushes are the caller's.
--
-- Called by: the daemon's lanes (decide, set_apart), in autocommit.
-- Touches:   job, link, sync_log; always after the lanes.

-- Decides due jobs of lanes, of several at once: in a burst over many companies most of a decision is its beginning.
-- All verdicts but push are carried out here; the pushes are returned, one row each. Of each lane the first row also
-- tells what comes next: `next_floors`, and `again_in`, the seconds until there may be more to decide (0: there is more
-- now; null: not before something happens). It is there, with a null record, even when there is nothing to push. A lane
-- that is not held (hold_lanes) has no row, and nothing is done about it.
--
-- `lanes` has an object for each: company_id, epoch, most, floors and share. A lane has two queues: names (customers,
-- items), which QuickBooks writes one at a time, and the rest. `most` says how many to take of the rest and of the
-- names. Within each, live work goes before backfill, or as its `share` says: "first" (backfill has its turn: by turns
-- with live work, and before it), "none" (only live work may go), "after". A record that failed before is taken alone,
-- as is every record while QuickBooks seems to be in trouble: a call that fails then proves something about one record.
--
-- Jobs are taken by ticket. Tickets are drawn under the lane's lock, so whoever holds the lane knows that none will
-- come at or below the highest it has taken; it gives those back as `floors`, of live rest, live names, backfill rest
-- and backfill names. So a pick does not wade through the dead rows of those that went before, which an old
-- transaction may keep by the hundred thousand. Zeros look at everything, which is always right.
create or replace function syncd.decide(worker uuid, lanes jsonb)
returns table (
    company_id text, entity_type text, entity_id text, entity_name text, version bigint, document jsonb,
    fingerprint text, operation text, qbo_type text, qbo_id text, sync_token text, generation bigint,
    sent_document jsonb, environment syncd.environment, realm_id text, names boolean, turn text, turn_after bigint,
    again_in double precision, next_floors bigint[]
)
language plpgsql rows 30
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    batch_size constant integer := syncd.limit_of('batch_size');
    batches_at_most constant integer := syncd.limit_of('batches_per_minute');
    instant constant timestamptz := clock_timestamp();  -- as in lease: for the index
    held jsonb;
    picks jsonb;
    companies text[];
    types text[];
    ids text[];
begin
    with ours as materialized (
        select l.company_id, l.failures, l.not_before, l.batches, a.most, a.floors, a.share
        from syncd.hold_lanes(worker, lanes) l
        join jsonb_to_recordset(lanes) as a (company_id text, most integer[], floors bigint[], share text[])
            on a.company_id = l.company_id
    ), measured as (
        select o.*, clock_timestamp() < o.not_before as paused,
               case when cardinality(o.batches) >= batches_at_most then syncd.until_batch(o.batches)
                    else interval '0' end as full_in
        from ours o
    ), sized as (
        select m.*, case when m.failures > 0 or m.full_in > interval '0' then 1 else batch_size end as size
        from measured m
    )
    select jsonb_agg(jsonb_build_object(
        'company_id', z.company_id, 'floors', z.floors,
        'rest_most', case when z.paused then 0 else least(z.most[1], z.size) end,
        'names_most', case when z.paused then 0 else least(z.most[2], z.size) end,
        -- What requests are left are for live work.
        'share', case when z.full_in > interval '0' then '{none,none}' else z.share end,
        'full_in', nullif(extract(epoch from z.full_in), 0),
        'paused_for', case when z.paused
            then nullif(extract(epoch from z.not_before - clock_timestamp()), 'infinity') end,
        'paused', z.paused))
    into held from sized z;

    -- What was put off is queued again when its time has come, at the end: another record goes first each time.
    update syncd.job j set due_at = null, ticket = nextval('syncd.job_ticket')
    where j.ctid = any(array(
        select q.place from jsonb_to_recordset(held) as h (company_id text, paused boolean)
        cross join lateral (
            select w.ctid as place from syncd.job w
            where w.company_id = h.company_id and w.due_at is not null and w.due_at < 'infinity'
                  and w.due_at <= instant and w.call_id is null
            order by w.due_at limit 100
        ) q
        where not h.paused));

    select jsonb_agg(jsonb_build_object(
        'company_id', h.company_id, 'types', p.types, 'ids', p.ids, 'next_floors', p.next_floors,
        'again_in', case
            when h.paused then h.paused_for
            when p.more then 0
            else least(h.full_in, (
                select greatest(0.001, extract(epoch from j.due_at - clock_timestamp())) from syncd.job j
                where j.company_id = h.company_id and j.due_at is not null and j.due_at < 'infinity'
                order by j.due_at limit 1)) end))
    into picks
    from jsonb_to_recordset(held) as h (
        company_id text, floors bigint[], rest_most integer, names_most integer, share text[], full_in numeric,
        paused_for numeric, paused boolean)
    cross join lateral (
        with ready as (
            (select j.entity_type, j.entity_id, j.class, j.names, j.ticket, j.attempts + j.alone as failed,
                    row_number() over (order by j.ticket) as nth
             from syncd.job j
             where j.company_id = h.company_id and j.class = 'live' and not j.names and j.ticket > h.floors[1]
                   and j.due_at is null and j.call_id is null
             order by j.ticket limit h.rest_most)
            union all
            (select j.entity_type, j.entity_id, j.class, j.names, j.ticket, j.attempts + j.alone as failed,
                    row_number() over (order by j.ticket) as nth
             from syncd.job j
             where j.company_id = h.company_id and j.class = 'live' and j.names and j.ticket > h.floors[2]
                   and j.due_at is null and j.call_id is null
             order by j.ticket limit h.names_most)
            union all
            (select j.entity_type, j.entity_id, j.class, j.names, j.ticket, j.attempts + j.alone as failed,
                    row_number() over (order by j.ticket) as nth
             from syncd.job j
             where j.company_id = h.company_id and j.class = 'backfill' and not j.names and j.ticket > h.floors[3]
                   and j.due_at is null and j.call_id is null and h.share[1] <> 'none'
             order by j.ticket limit h.rest_most)
            union all
            (select j.entity_type, j.entity_id, j.class, j.names, j.ticket, j.attempts + j.alone as failed,
                    row_number() over (order by j.ticket) as nth
             from syncd.job j
             where j.company_id = h.company_id and j.class = 'backfill' and j.names and j.ticket > h.floors[4]
                   and j.due_at is null and j.call_id is null and h.share[2] <> 'none'
             order by j.ticket limit h.names_most)
        ), ranked as (
            select r.*, row_number() over queue as place, bool_or(r.failed > 0) over queue as retried
            from ready r
            window queue as (partition by r.names order by
                case when h.share[case when r.names then 2 else 1 end] = 'first' then r.nth end,
                (r.class = 'backfill') <> (h.share[case when r.names then 2 else 1 end] = 'first'), r.ticket)
        ), picked as (
            select r.* from ranked r
            where r.place <= case when r.names then h.names_most else h.rest_most end
                  and (r.place = 1 or not r.retried)
        )
        select array_agg(p.entity_type) as types, array_agg(p.entity_id) as ids,
               array[greatest(h.floors[1], max(p.ticket) filter (where p.class = 'live' and not p.names)),
                     greatest(h.floors[2], max(p.ticket) filter (where p.class = 'live' and p.names)),
                     greatest(h.floors[3], max(p.ticket) filter (where p.class = 'backfill' and not p.names)),
                     greatest(h.floors[4], max(p.ticket) filter (where p.class = 'backfill' and p.names))]
                   as next_floors,
               count(*) < (select count(*) from ranked)
                   or (h.rest_most > 0 and count(*) filter (where not p.names) = h.rest_most)
                   or (h.names_most > 0 and count(*) filter (where p.names) = h.names_most) as more
        from picked p
    ) p;

    select array_agg(p.company_id), array_agg(r.entity_type), array_agg(r.entity_id) into companies, types, ids
    from jsonb_to_recordset(picks) as p (company_id text, types text[], ids text[])
    cross join lateral unnest(p.types, p.ids) as r (entity_type, entity_id);
    if types is null then
        for company_id, again_in, next_floors in
            select p.company_id, p.again_in, p.next_floors
            from jsonb_to_recordset(picks) as p (company_id text, again_in double precision, next_floors bigint[])
        loop
            return next;
        end loop;
        return;
    end if;

    return query
    with judged as materialized (
        select v.*, j.version, j.source, j.run_id, j.class, j.names, j.ticket, j.place, o.environment, o.realm_id
        from syncd.judge(companies, types, ids) v
        cross join lateral (
            select q.ctid as place, q.version, q.source, q.run_id, q.class, q.names, q.ticket from syncd.job q
            where q.company_id = v.company_id and q.entity_type = v.entity_type and q.entity_id = v.entity_id
            limit 1
        ) j
        cross join lateral (
            select q.environment, q.realm_id from syncd.company q where q.company_id = v.company_id limit 1
        ) o
    ), done as (
        delete from syncd.job j
        where j.ctid = any(array(select v.place from judged v where v.verdict in ('drop', 'skip')))
    ), parked as (
        update syncd.job j
        set state = v.parks_as, waits_on = v.waits_on, reason = v.reason,
            due_at = case when v.waits_on = 'document' then clock_timestamp() + interval '2 seconds'
                          else 'infinity' end,
            unready_since = case when v.waits_on = 'document' then coalesce(j.unready_since, clock_timestamp()) end,
            waits_for_type = case when v.waits_on = 'record' then (v.goes_first).entity_type end,
            waits_for_id = case when v.waits_on = 'record' then (v.goes_first).entity_id end,
            missing = case when v.waits_on = 'record' and cardinality(v.missing) > 0 then to_jsonb(v.missing) end,
            attempts = case when v.verdict = 'refuse' then j.attempts + 1 else j.attempts end,
            fault_class = case when v.verdict = 'refuse' then 'record' end::syncd.fault_class
        from judged v
        where j.ctid = v.place and v.verdict in ('wait', 'refuse')
    ), logged as (
        insert into syncd.sync_log (company_id, entity_type, entity_id, entity_name, direction, status, error,
                                    source, run_id, qbo_id, worker_id)
        select v.company_id, v.entity_type, v.entity_id, v.entity_name, 'push',
               case v.verdict when 'skip' then 'skipped' else 'error' end::syncd.log_status, v.reason,
               v.source, v.run_id, v.qbo_id, worker
        from judged v
        where v.verdict = 'refuse'
              -- An entry that is written and then approved is left out twice, and said to be once.
              or (v.verdict = 'skip' and not (v.source = 'auto' and exists (
                  select from (
                      select s.status, s.error from syncd.sync_log s
                      where s.company_id = v.company_id and s.entity_type = v.entity_type
                            and s.entity_id = v.entity_id
                      order by s.occurred_at desc limit 1
                  ) before
                  where before.status = 'skipped' and before.error = v.reason)))
              or (v.parks_as = 'diverged' and v.linked_as <> 'diverged')
    ), relinked as (
        -- Remembered on the link, so that one divergence is one log row, and forgotten when the record is back.
        -- What was settled while it was withdrawn is known again, too.
        update syncd.link k
        set state = case v.verdict when 'wait' then 'diverged' else 'synced' end::syncd.state,
            fingerprint = case v.verdict when 'drop' then coalesce(k.fingerprint, v.fingerprint)
                                         else k.fingerprint end
        from judged v
        where k.ctid = v.link_place
              and (v.parks_as = 'diverged'
                   or (v.verdict = 'drop' and v.differs is null
                       and (v.linked_as = 'diverged' or k.fingerprint is null)))
    ), pushes as (
        select v.*, e.rank from judged v join syncd.entity e on e.entity_type = v.entity_type
        where v.verdict = 'push'
    ), soon as (
        select w.company_id, min(case w.waits_on when 'record' then 0 when 'document' then 2 end) as again_in
        from judged w where w.verdict = 'wait' group by w.company_id
    )
    select p.company_id, v.entity_type, v.entity_id, v.entity_name, v.version, v.document, v.fingerprint, v.operation,
           v.qbo_type, v.qbo_id, v.sync_token, v.generation, v.sent_document, v.environment, v.realm_id,
           v.names, v.turn, v.turn_after, least(p.again_in, w.again_in), p.next_floors
    from jsonb_to_recordset(picks) as p (company_id text, again_in double precision, next_floors bigint[])
    left join pushes v on v.company_id = p.company_id
    left join soon w on w.company_id = p.company_id
    order by p.company_id, v.rank, v.class, v.ticket;
    perform syncd.require(companies, types, ids);
end
$$;

-- Makes jobs of what these records wait for, whatever the toggle of those says: they go first. A record pushed by hand
-- has its prerequisites pushed by hand, in the same run. In a statement of its own: a record may be parked and required
-- in one decision.
create or replace function syncd.require(companies text[], types text[], ids text[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    if not exists (
        select from unnest(companies, types, ids) as w (company_id, entity_type, entity_id)
        cross join lateral (
            select from syncd.job j
            where j.company_id = w.company_id and j.entity_type = w.entity_type and j.entity_id = w.entity_id
                  and j.missing is not null
            limit 1
        ) q)
    then
        return;
    end if;
    with waiting as materialized (
        select q.ctid as place, q.company_id, q.missing, q.class, q.source, q.run_id
        from unnest(companies, types, ids) as w (company_id, entity_type, entity_id)
        cross join lateral (
            select j.ctid, j.company_id, j.missing, j.class, j.source, j.run_id from syncd.job j
            where j.company_id = w.company_id and j.entity_type = w.entity_type and j.entity_id = w.entity_id
                  and j.missing is not null
            limit 1
        ) q
    ), wanted as (
        select w.company_id, m.entity_type, m.entity_id, e.names, min(w.class) as class, max(w.source) as source,
               max(w.run_id) as run_id
        from waiting w
        cross join lateral jsonb_to_recordset(w.missing) as m (entity_type text, entity_id text)
        join syncd.entity e on e.entity_type = m.entity_type
        group by w.company_id, m.entity_type, m.entity_id, e.names
    ), known as (
        update syncd.job j set missing = null
        from waiting w
        where j.ctid = w.place and not exists (
            select from wanted p
            where j.company_id = p.company_id and j.entity_type = p.entity_type and j.entity_id = p.entity_id)
    )
    insert into syncd.job as j (company_id, entity_type, entity_id, names, class, source, run_id, required)
    select p.company_id, p.entity_type, p.entity_id, p.names, p.class, p.source, p.run_id, true from wanted p
    order by p.company_id, p.entity_type, p.entity_id
    on conflict on constraint job_pkey do update
    set required = true, class = least(j.class, excluded.class), source = greatest(j.source, excluded.source),
        run_id = coalesce(j.run_id, excluded.run_id), missing = null,
        state = case when j.waits_on = 'setting' and j.call_id is null then 'pending' else j.state end,
        due_at = case when j.waits_on = 'setting' and j.call_id is null then null else j.due_at end,
        reason = case when j.waits_on = 'setting' and j.call_id is null then null else j.reason end,
        -- In the other queue its old ticket may lie behind what has been taken there, and would be passed over.
        ticket = case when (j.waits_on = 'setting' and j.call_id is null) or j.class > excluded.class
                          then nextval('syncd.job_ticket')
                      else j.ticket end,
        waits_on = case when j.waits_on = 'setting' and j.call_id is null then null else j.waits_on end;
end
$$;

-- The way out when a verdict cannot be given: a row of SIP is such that what sql/source makes of it fails. The records
-- that are due are judged one by one, those that decide may have tried among them; on which it fails, those are errors,
-- and the others go on. Returns how many: none means that the trouble is another one.
create or replace function syncd.set_apart(company text, worker uuid, held_epoch bigint) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    due record;
    because text;
    apart integer := 0;
begin
    perform syncd.hold_lane(company, worker, held_epoch);
    for due in
        select q.* from unnest(enum_range(null::syncd.job_class)) as c (class), (values (true), (false)) n (names)
        cross join lateral (
            select j.ctid as place, j.* from syncd.job j
            where j.company_id = company and j.class = c.class and j.names = n.names and j.due_at is null
                  and j.call_id is null
            order by j.ticket limit 100
        ) q
    loop
        begin
            perform from syncd.judge(array[company], array[due.entity_type], array[due.entity_id]);
            continue;
        exception
            -- Anything else is no record's fault: a deadlock, a lack of resources, a view that is wrong for all.
            when data_exception or cardinality_violation or raise_exception then
                because := format(
                    'Service Invoice Pro''s row of it, or what syncd''s views make of that, cannot be read: %s. Put it '
                    'right, then run: syncd retry %s',
                    sqlerrm, syncd.record_words(company, due.entity_type, due.entity_id));
        end;
        update syncd.job j
        set state = 'error', due_at = 'infinity', reason = because, fault_class = 'record',
            error_code = 'unreadable', attempts = j.attempts + 1
        where j.ctid = due.place;
        insert into syncd.sync_log (company_id, entity_type, entity_id, entity_name, direction, status, error,
                                    source, run_id, attempt, error_code, error_class, worker_id)
        values (company, due.entity_type, due.entity_id, due.entity_id, 'push', 'error', because, due.source,
                due.run_id, due.attempts + 1, 'unreadable', 'record', worker);
        apart := apart + 1;
    end loop;
    return apart;
end
$$;
