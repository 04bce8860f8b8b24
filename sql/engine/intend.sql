-- Intend: a call, committed before it is sent, and what is done about one whose answer never came.
--
-- Called by: the daemon's lane (intend, reopen, first_unsettled_create, linked_names), in autocommit.
-- Touches:   link, call, call_item, job; always after the lanes.

-- The intents: calls with their exact bytes, committed before they are sent, at most one of each lane. `calls` has an
-- object for each: company_id, epoch, kind, environment, realm_id, request_id, path, and `items`, one for a record or
-- several for a batch of them: what decide returned (entity_type, entity_id, entity_name, version, generation,
-- operation, qbo_type, fingerprint, turn, turn_after, and document as text) and its `bid` and `notes`. `bodies` has
-- their bytes, in the same order. Returns for each the call and how many seconds to wait before sending it. A lane that
-- is not held (hold_lanes) has no row.
--
-- There is no call, and nothing is done about it, if one of the records or the connection changed since it was decided,
-- or a switch was turned off for one, or if another call of its turn was committed since: whatever QuickBooks was asked
-- for it may be answered otherwise now. Between a verdict and its intent there may be seconds, in which QuickBooks is
-- asked. Then all are decided again. The generation of a link only grows, so no two calls of a record ever share a
-- request id.
create or replace function syncd.intend(worker uuid, calls jsonb, bodies bytea[])
returns table (company_id text, call_id bigint, wait double precision)
language plpgsql rows 8
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    held jsonb;
    good jsonb;
begin
    select jsonb_agg(a.call || jsonb_build_object('nth', a.nth)) into held
    from syncd.hold_lanes(worker, calls) l
    join jsonb_array_elements(calls) with ordinality as a (call, nth) on a.call ->> 'company_id' = l.company_id;

    select jsonb_agg(to_jsonb(o) || jsonb_build_object('places', r.places)) into good
    from jsonb_to_recordset(held) as o (
        company_id text, epoch bigint, kind text, environment syncd.environment, realm_id text, request_id text,
        path text, items jsonb, nth integer)
    cross join lateral (
        select from syncd.company q
        where q.company_id = o.company_id and q.state = 'connected'
              and q.environment = o.environment and q.realm_id = o.realm_id
        limit 1
    ) c
    cross join lateral (select q.* from syncd.sync_settings q where q.company_id = o.company_id limit 1) s
    cross join lateral (
        select array_agg(j.place) as places
        from jsonb_to_recordset(o.items) as i (
            entity_type text, entity_id text, version bigint, generation bigint, turn text, turn_after bigint)
        join syncd.entity e on e.entity_type = i.entity_type
        cross join lateral (
            select q.ctid as place from syncd.job q
            where q.company_id = o.company_id and q.entity_type = i.entity_type and q.entity_id = i.entity_id
                  and q.version = i.version and q.call_id is null
                  and (q.source <> 'auto'
                       or (s.enable_sync
                           and (q.required or e.toggle is null or (to_jsonb(s) ->> e.toggle)::boolean)))
            limit 1
        ) j
        where not exists (
            select from syncd.link k
            where k.company_id = o.company_id and k.entity_type = i.entity_type and k.sip_id = i.entity_id
                  and k.environment = o.environment and k.realm_id = o.realm_id and k.generation <> i.generation)
              and not exists (
                  select from (
                      select b.call_id from syncd.call_item b
                      where b.company_id = o.company_id and b.entity_type = i.entity_type and b.turn = i.turn
                      order by b.call_id desc limit 1
                  ) last
                  where last.call_id is distinct from i.turn_after)
    ) r
    where cardinality(r.places) = jsonb_array_length(o.items);

    return query
    with wanted as materialized (
        select * from jsonb_to_recordset(good) as o (
            company_id text, epoch bigint, kind syncd.call_kind, environment syncd.environment, realm_id text,
            request_id text, path text, items jsonb, nth integer, places tid[])
    ), linked as (
        insert into syncd.link as l (company_id, entity_type, sip_id, environment, realm_id, qbo_type, generation)
        select o.company_id, i.entity_type, i.entity_id, o.environment, o.realm_id, i.qbo_type, i.generation + 1
        from wanted o
        cross join lateral jsonb_to_recordset(o.items) as i (
            entity_type text, entity_id text, qbo_type text, generation bigint)
        order by o.company_id, i.entity_type, i.entity_id
        on conflict on constraint link_pkey do update set generation = excluded.generation
    ), called as (
        insert into syncd.call as c (company_id, environment, realm_id, kind, path, request_id, body, worker_id, epoch)
        select o.company_id, o.environment, o.realm_id, o.kind, o.path, o.request_id, bodies[o.nth], worker, o.epoch
        from wanted o
        returning c.company_id, c.call_id
    ), items as (
        insert into syncd.call_item (call_id, bid, company_id, entity_type, entity_id, entity_name, operation,
                                     generation, version, fingerprint, document, notes, turn)
        select c.call_id, i.bid, o.company_id, i.entity_type, i.entity_id, i.entity_name, i.operation,
               i.generation + 1, i.version, i.fingerprint, i.document::jsonb,
               array(select jsonb_array_elements_text(i.notes)), i.turn
        from called c
        join wanted o on o.company_id = c.company_id
        cross join lateral jsonb_to_recordset(o.items) as i (
            bid text, entity_type text, entity_id text, entity_name text, operation text, generation bigint,
            version bigint, fingerprint text, document text, notes jsonb, turn text)
    ), sending as (
        update syncd.job j set state = 'sending', call_id = c.call_id, due_at = null
        from called c
        join wanted o on o.company_id = c.company_id
        cross join lateral unnest(o.places) as p (place)
        where j.ctid = p.place
    )
    select h.company_id, c.call_id,
           case when c.call_id is not null then syncd.spend(h.company_id, h.kind = 'batch') end
    from jsonb_to_recordset(held) as h (company_id text, kind text)
    left join called c on c.company_id = h.company_id;
end
$$;

-- The records of a lane that wait for an answer nobody is waiting for: somebody else sent them, or the answer was lost
-- and their time has come. `place` is the job's.
create or replace function syncd.unsettled(company text, worker uuid, held_epoch bigint)
returns table (
    call_id bigint, environment syncd.environment, realm_id text, sends smallint, committed_at timestamptz,
    sent_at timestamptz, place tid, source syncd.source
)
language sql stable rows 1
set search_path = pg_catalog, pg_temp
as $$
    select c.call_id, c.environment, c.realm_id, c.sends, c.committed_at, c.sent_at, j.place, j.source
    from syncd.call c
    join syncd.call_item i on i.call_id = c.call_id
    cross join lateral (
        select q.ctid as place, q.source, q.state from syncd.job q
        where q.company_id = company and q.entity_type = i.entity_type and q.entity_id = i.entity_id
              and q.call_id = c.call_id and (q.due_at is null or q.due_at <= clock_timestamp())
        limit 1
    ) j
    where c.company_id = company and c.outcome in ('sent', 'answered', 'unknown')
          and (j.state = 'unknown' or c.worker_id <> worker or c.epoch <> held_epoch);
$$;

-- So long after its `sent_at` a request must have ended at QuickBooks: Intuit ends it after 120 seconds (REST API
-- features), and it waits ten for its turn at most (spend).
create or replace function syncd.longest_request() returns interval
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select interval '150 seconds' $$;

-- The oldest call of a lane whose answer is not known and whose time has come, marked as being sent again, with a row
-- for each of its records that waits for the answer. What this worker has under way is none of them. While Enable Sync
-- is off nothing is sent, not even again: such calls stay unknown until it is on. Nor is it while the lane pauses.
--
-- A batch is sent again whole: fewer items under the same id would be another request, and executed once more.
--
-- `looks` says that sending it once more proves nothing: its id may be forgotten by now, or what comes back each time
-- may be a remembered failure. Then QuickBooks is asked whether it holds the records, but not before every send of it
-- must have ended there: a create that is still at work would be missed, and made twice. So it is with one that is sent
-- again and refused: `ended` says that every earlier send of it must have ended, so that what QuickBooks has shows
-- whether it was done.
create or replace function syncd.reopen(company text, worker uuid, held_epoch bigint)
returns table (
    call_id bigint, kind text, path text, request_id text, body bytea, sends smallint, looks boolean, ended boolean,
    names boolean, bid text, entity_type text, entity_id text, entity_name text, operation text, document jsonb,
    sent_document jsonb, qbo_id text
)
language plpgsql rows 1
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    -- Intuit documents no time for its memory of request ids.
    replay_memory constant interval := interval '10 minutes';
    sends_before_looking constant integer := 4;
    longest_request constant interval := syncd.longest_request();
    held constant syncd.lane := syncd.hold_lane(company, worker, held_epoch);
    chosen bigint;
    looking boolean;
    over boolean;
begin
    update syncd.job j set state = 'unknown', due_at = o.sent_at + longest_request
    from syncd.unsettled(company, worker, held_epoch) o
    where j.ctid = o.place and o.sent_at > clock_timestamp() - longest_request
          and (o.sends >= sends_before_looking or o.committed_at < clock_timestamp() - replay_memory);
    update syncd.job j
    set state = 'unknown', due_at = 'infinity', waits_on = 'setting',
        reason = 'QuickBooks never answered; it is asked again when Enable Sync is on.'
    from syncd.unsettled(company, worker, held_epoch) o
    where j.ctid = o.place and o.source = 'auto'
          and exists (select from syncd.sync_settings s where s.company_id = company and not s.enable_sync);
    if held.not_before > clock_timestamp() then
        return;
    end if;
    select o.call_id, o.sends >= sends_before_looking or o.committed_at < clock_timestamp() - replay_memory,
           o.sent_at <= clock_timestamp() - longest_request
    into chosen, looking, over
    from syncd.unsettled(company, worker, held_epoch) o
    join syncd.company p
        on p.company_id = company and p.state = 'connected'
           and p.environment = o.environment and p.realm_id = o.realm_id
    order by o.call_id
    limit 1;
    if chosen is null then
        return;
    end if;
    update syncd.call c
    set outcome = 'unknown', worker_id = worker, epoch = held_epoch,
        sends = case when looking then c.sends else c.sends + 1 end,
        sent_at = case when looking then c.sent_at else clock_timestamp() end
    where c.call_id = chosen;
    return query
    with again as (
        update syncd.job j set state = 'sending', due_at = null
        where j.ctid = any(array(
            select q.ctid from syncd.call_item i
            cross join lateral (
                select w.ctid from syncd.job w
                where w.company_id = company and w.entity_type = i.entity_type and w.entity_id = i.entity_id
                      and w.call_id = chosen
                limit 1
            ) q
            where i.call_id = chosen))
        returning j.entity_type, j.entity_id, j.names
    )
    select c.call_id, c.kind::text, c.path, c.request_id, c.body, c.sends, looking, over, a.names,
           i.bid, i.entity_type, i.entity_id, i.entity_name, i.operation, i.document, l.document,
           l.qbo_id
    from again a
    join syncd.call_item i
        on i.call_id = chosen and i.entity_type = a.entity_type and i.entity_id = a.entity_id
    join syncd.call c on c.call_id = chosen
    left join syncd.link l
        on l.company_id = company and l.entity_type = i.entity_type and l.sip_id = i.entity_id
           and l.environment = c.environment and l.realm_id = c.realm_id;
end
$$;

-- When the first create of a record was committed whose answer never came: an object made since then, equal in
-- all that was sent, may be ours. So it is with what is left of a batch that was sent again and is answered in part.
create or replace function syncd.first_unsettled_create(company text, entity text, id text) returns timestamptz
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select min(c.committed_at)
    from syncd.call_item i
    join syncd.call c using (call_id)
    join syncd.company o on o.company_id = c.company_id
        and o.environment = c.environment and o.realm_id = c.realm_id
    where i.company_id = company and i.entity_type = entity and i.entity_id = id
          and i.operation = 'create'
          and (c.outcome in ('unknown', 'abandoned') or (c.outcome = 'answered' and c.sends > 1));
$$;

-- Which SIP records of a company own these QBO objects, with the names they go by. Another company may have been
-- connected to the realm before: what its records are called is nobody else's business, and none of it is in force.
create or replace function syncd.linked_names(company text, qbo_types text[], qbo_ids text[])
returns table (qbo_type text, qbo_id text, entity_name text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with linked as (
        select k.qbo_type, k.qbo_id, k.entity_type, k.sip_id, k.document
        from unnest(qbo_types, qbo_ids) as w (qbo_type, qbo_id)
        join syncd.company c on c.company_id = company
        join syncd.link k
            on k.company_id = company and k.environment = c.environment and k.realm_id = c.realm_id
               and k.qbo_type = w.qbo_type and k.qbo_id = w.qbo_id
    )
    select l.qbo_type, l.qbo_id, coalesce(d.entity_name, l.document ->> 'name', l.sip_id)
    from linked l
    left join syncd.documents((select array_agg(x.entity_type) from linked x),
                              (select array_agg(x.sip_id) from linked x)) d
        on d.entity_type = l.entity_type and d.entity_id = l.sip_id;
$$;
