-- Decide: the verdict on each due job, and the intent, committed before anything is sent.
--
-- Called by: the daemon's lane round (decide, intend, reopen), in autocommit; `syncd explain` (judge).
-- Touches:   job, link, call, call_item, sync_log; always after the lane (hold_lane).
--
-- Verdicts: push (send it), skip (leave it out, with a log row), wait (not now; parked until what it waits for
-- happens), drop (nothing to do, no log row).

-- The verdict on records of one company as things stand now. Changes nothing.
create or replace function syncd.judge(company text, types text[], ids text[])
returns table (
    entity_type text, entity_id text, entity_name text, verdict text, parks_as syncd.state,
    waits_on syncd.waits_on, reason text, document jsonb, fingerprint text, operation text,
    qbo_type text, qbo_id text, sync_token text, generation bigint, sent_document jsonb, linked_as syncd.state
)
language sql stable rows 30
set search_path = pg_catalog, pg_temp
as $$
    with asked as (
        select * from unnest(types, ids) as w (entity_type, entity_id)
    ), facts as (
        select w.entity_type, w.entity_id, e.qbo_type,
               coalesce(d.entity_name, l.document ->> 'name', w.entity_id) as entity_name,
               d.document, coalesce(d.due, false) as due, d.skip, d.entity_id is not null as there,
               encode(sha256(convert_to(d.document::text, 'UTF8')), 'hex') as fingerprint,
               l.qbo_id, l.sync_token, coalesce(l.generation, 0) as generation, l.fingerprint as sent,
               l.document as sent_document, l.state as linked_as, c.state = 'connected' as connected,
               s.enable_sync and (e.toggle is null or (to_jsonb(s) ->> e.toggle)::boolean) as switched_on,
               coalesce(j.source, 'auto') <> 'auto' as by_hand
        from asked w
        join syncd.entity e on e.entity_type = w.entity_type
        join syncd.sync_settings s on s.company_id = company
        join syncd.company c on c.company_id = company
        left join syncd.link l
            on l.company_id = company and l.entity_type = w.entity_type and l.sip_id = w.entity_id
               and l.environment = c.environment and l.realm_id = c.realm_id
        left join syncd.job j
            on j.company_id = company and j.entity_type = w.entity_type and j.entity_id = w.entity_id
        left join syncd.documents(types, ids) d
            on d.entity_type = w.entity_type and d.entity_id = w.entity_id and d.company_id = company
    )
    select f.entity_type, f.entity_id, f.entity_name, v.verdict, v.parks_as::syncd.state,
           v.waits_on::syncd.waits_on, v.reason, f.document, f.fingerprint,
           case when f.qbo_id is null then 'create' else 'update' end,
           f.qbo_type, f.qbo_id, f.sync_token, f.generation, f.sent_document, f.linked_as
    from facts f
    cross join lateral (
        select * from (values
            (1, not (f.there and f.due) and f.qbo_id is null, 'drop', null, null,
             case when f.there then 'It is not in a state that QuickBooks should know of.'
                  else 'There is no such record in Service Invoice Pro.' end),
            (2, f.fingerprint = f.sent and f.due and f.qbo_id is not null, 'drop', null, null,
             'QuickBooks has this already.'),
            (3, not f.connected, 'wait', 'waiting', 'connection', 'The company is not connected to QuickBooks.'),
            (4, not f.switched_on and not f.by_hand, 'wait', 'waiting', 'setting',
             'Automatic sync of this is switched off.'),
            (5, not (f.there and f.due), 'wait', 'diverged', null,
             format('It was %s in Service Invoice Pro after it had been synced. QuickBooks keeps it as it was: '
                    'change it there by hand if it should go too.',
                    case when f.there then 'withdrawn' else 'deleted' end)),
            (6, f.skip is not null, 'skip', null, null, f.skip),
            (7, true, 'push', null, null, null)
        ) as c (place, holds, verdict, parks_as, waits_on, reason)
        where c.holds
        order by c.place
        limit 1
    ) v;
$$;

-- Decides up to `most` due jobs of a lane. All verdicts but push are carried out here; the pushes are returned.
create or replace function syncd.decide(company text, worker uuid, held_epoch bigint, most integer)
returns table (
    entity_type text, entity_id text, entity_name text, version bigint, document jsonb, fingerprint text,
    operation text, qbo_type text, qbo_id text, sync_token text, generation bigint, sent_document jsonb,
    environment syncd.environment, realm_id text
)
language plpgsql rows 30
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    types text[];
    ids text[];
begin
    perform syncd.hold_lane(company, worker, held_epoch);
    select array_agg(p.entity_type), array_agg(p.entity_id) into types, ids
    from (
        (select j.entity_type, j.entity_id from syncd.job j
         where j.company_id = company and j.due_at <= clock_timestamp() and j.call_id is null
         order by j.due_at limit most)
        union
        (select j.entity_type, j.entity_id from syncd.job j
         where j.company_id = company and j.due_at is null and j.call_id is null
         order by j.class, j.ticket limit most)
    ) p;
    if types is null then
        return;
    end if;
    return query
    with judged as materialized (
        select v.*, j.version, j.source, j.run_id, j.class, j.ticket, o.environment, o.realm_id
        from syncd.judge(company, types, ids) v
        join syncd.job j
            on j.company_id = company and j.entity_type = v.entity_type and j.entity_id = v.entity_id
        join syncd.company o on o.company_id = company
    ), done as (
        delete from syncd.job j using judged v
        where j.company_id = company and j.entity_type = v.entity_type and j.entity_id = v.entity_id
              and v.verdict in ('drop', 'skip')
    ), parked as (
        update syncd.job j
        set state = v.parks_as, waits_on = v.waits_on, reason = v.reason, due_at = 'infinity'
        from judged v
        where j.company_id = company and j.entity_type = v.entity_type and j.entity_id = v.entity_id
              and v.verdict = 'wait'
    ), logged as (
        insert into syncd.sync_log (company_id, entity_type, entity_id, entity_name, direction, status, error,
                                    source, run_id, qbo_id, worker_id)
        select company, v.entity_type, v.entity_id, v.entity_name, 'push',
               case v.verdict when 'skip' then 'skipped' else 'error' end::syncd.log_status, v.reason,
               v.source, v.run_id, v.qbo_id, worker
        from judged v
        where v.verdict = 'skip' or (v.parks_as = 'diverged' and v.linked_as <> 'diverged')
    ), relinked as (
        -- Remembered on the link, so that one divergence is one log row, and forgotten when the record is back.
        update syncd.link k set state = case v.verdict when 'wait' then 'diverged' else 'synced' end::syncd.state
        from judged v
        where k.company_id = company and k.entity_type = v.entity_type and k.sip_id = v.entity_id
              and k.environment = v.environment and k.realm_id = v.realm_id
              and (v.parks_as = 'diverged' or (v.verdict = 'drop' and v.linked_as = 'diverged'))
    )
    select v.entity_type, v.entity_id, v.entity_name, v.version, v.document, v.fingerprint, v.operation,
           v.qbo_type, v.qbo_id, v.sync_token, v.generation, v.sent_document, v.environment, v.realm_id
    from judged v
    join syncd.entity e on e.entity_type = v.entity_type
    where v.verdict = 'push'
    order by e.rank, v.class, v.ticket;
end
$$;

-- The intent: one record's call with its exact bytes, committed before it is sent. Null if the record changed
-- since it was decided, so that it is decided again; the generation of the link only grows, so that no two calls
-- of a record ever share a request id.
create or replace function syncd.intend(
    company text, worker uuid, held_epoch bigint, entity text, id text, name text, decided_version bigint,
    decided_generation bigint, operation text, qbo_type text, request text, path text, body bytea,
    fingerprint text, document jsonb, notes text[]
) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    call_id bigint;
    realm record;
begin
    perform syncd.hold_lane(company, worker, held_epoch);
    perform from syncd.job j
    where j.company_id = company and j.entity_type = entity and j.entity_id = id
          and j.version = decided_version and j.call_id is null;
    if not found then
        return null;
    end if;
    select c.environment, c.realm_id into realm from syncd.company c
    where c.company_id = company and c.state = 'connected';
    if not found then
        return null;
    end if;

    insert into syncd.link as l (company_id, entity_type, sip_id, environment, realm_id, qbo_type, generation)
    values (company, entity, id, realm.environment, realm.realm_id, qbo_type, 1)
    on conflict on constraint link_pkey do update set generation = l.generation + 1
    where l.generation = decided_generation;
    if not found then
        return null;
    end if;

    insert into syncd.call as c (company_id, environment, realm_id, kind, path, request_id, body, worker_id, epoch)
    values (company, realm.environment, realm.realm_id, 'single', path, request, body, worker, held_epoch)
    returning c.call_id into call_id;
    insert into syncd.call_item (call_id, bid, company_id, entity_type, entity_id, entity_name, operation,
                                 generation, version, fingerprint, document, notes)
    values (call_id, '1', company, entity, id, name, operation,
            decided_generation + 1, decided_version, fingerprint, document, notes);
    update syncd.job j set state = 'sending', call_id = intend.call_id, due_at = null
    from (select call_id) as intend
    where j.company_id = company and j.entity_type = entity and j.entity_id = id;
    return call_id;
end
$$;

-- The oldest call of a lane whose answer is not known and whose time has come, marked as being sent again. While
-- Enable Sync is off nothing is sent, not even again: such calls stay unknown until it is on.
--
-- `looks` says that sending it once more proves nothing: its id may be forgotten by now, or what comes back each time
-- may be a remembered failure. Then QuickBooks is asked whether it holds the record, but not before every send of it
-- must have ended there: a create that is still at work would be missed, and made twice.
create or replace function syncd.reopen(company text, worker uuid, held_epoch bigint)
returns table (
    call_id bigint, path text, request_id text, body bytea, sends smallint, looks boolean,
    entity_type text, entity_id text, entity_name text, operation text, sent_document jsonb,
    qbo_id text
)
language plpgsql rows 1
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    -- Intuit documents no time for its memory of request ids.
    replay_memory constant interval := interval '10 minutes';
    sends_before_looking constant integer := 4;
    -- Intuit ends a request after 120 seconds (REST API features).
    longest_request constant interval := interval '150 seconds';
begin
    perform syncd.hold_lane(company, worker, held_epoch);
    update syncd.job j set state = 'unknown', due_at = c.sent_at + longest_request
    from syncd.call c
    where j.company_id = company and c.call_id = j.call_id and (j.due_at is null or j.due_at <= clock_timestamp())
          and (c.sends >= sends_before_looking or c.committed_at < clock_timestamp() - replay_memory)
          and c.sent_at > clock_timestamp() - longest_request;
    update syncd.job j
    set state = 'unknown', due_at = 'infinity', waits_on = 'setting',
        reason = 'QuickBooks never answered; it is asked again when Enable Sync is on.'
    from syncd.sync_settings s
    where j.company_id = company and s.company_id = company and not s.enable_sync and j.source = 'auto'
          and j.call_id is not null and (j.due_at is null or j.due_at <= clock_timestamp());
    return query
    with oldest as materialized (
        select c.call_id,
               c.sends >= sends_before_looking or c.committed_at < clock_timestamp() - replay_memory as looks
        from syncd.call c
        join syncd.company o
            on o.company_id = company and o.state = 'connected'
               and o.environment = c.environment and o.realm_id = c.realm_id
        join syncd.call_item i on i.call_id = c.call_id
        join syncd.job j
            on j.company_id = company and j.entity_type = i.entity_type and j.entity_id = i.entity_id
               and j.call_id = c.call_id
        where c.company_id = company and c.outcome in ('sent', 'answered', 'unknown')
              and (j.due_at is null or j.due_at <= clock_timestamp())
        order by c.call_id
        limit 1
    ), again as (
        update syncd.call c
        set outcome = 'unknown', worker_id = worker, epoch = held_epoch,
            sends = case when oldest.looks then c.sends else c.sends + 1 end,
            sent_at = case when oldest.looks then c.sent_at else clock_timestamp() end
        from oldest where c.call_id = oldest.call_id
        returning c.*, oldest.looks
    )
    select a.call_id, a.path, a.request_id, a.body, a.sends, a.looks,
           i.entity_type, i.entity_id, i.entity_name, i.operation, l.document, l.qbo_id
    from again a
    join syncd.call_item i using (call_id)
    left join syncd.link l
        on l.company_id = company and l.entity_type = i.entity_type and l.sip_id = i.entity_id
           and l.environment = a.environment and l.realm_id = a.realm_id;
end
$$;

-- When the first create of a record was committed whose answer never came: an object made since then, equal in
-- all that was sent, may be ours.
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
          and i.operation = 'create' and c.outcome in ('unknown', 'abandoned');
$$;

-- Which SIP records of a company own these QBO objects, with the names they go by.
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
            on k.environment = c.environment and k.realm_id = c.realm_id
               and k.qbo_type = w.qbo_type and k.qbo_id = w.qbo_id
    )
    select l.qbo_type, l.qbo_id, coalesce(d.entity_name, l.document ->> 'name', l.sip_id)
    from linked l
    left join syncd.documents((select array_agg(x.entity_type) from linked x),
                              (select array_agg(x.sip_id) from linked x)) d
        on d.entity_type = l.entity_type and d.entity_id = l.sip_id;
$$;
