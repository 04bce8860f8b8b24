-- Decide: the verdict on each due job, and the intent, committed before anything is sent.
--
-- Called by: the daemon's lane (decide, intend, reopen, first_unsettled_create, linked_names), in autocommit;
--            `syncd explain` (judge).
-- Touches:   job, link, call, call_item, sync_log; always after the lane (hold_lane).
--
-- Verdicts: push (send it), skip (leave it out, with a log row), wait (not now; parked until what it waits for
-- happens), refuse (it cannot be sent until it changes, with a log row), drop (nothing to do, no log row).

-- The verdict on records of one company as things stand now. Changes nothing. In PL/pgSQL, as all that is called for
-- each round: a session keeps its plan, and to plan this anew takes ten times as long as to carry it out.
create or replace function syncd.judge(company text, types text[], ids text[])
returns table (
    entity_type text, entity_id text, entity_name text, verdict text, parks_as syncd.state,
    waits_on syncd.waits_on, reason text, document jsonb, fingerprint text, operation text,
    qbo_type text, qbo_id text, sync_token text, generation bigint, sent_document jsonb, linked_as syncd.state,
    link_place tid, goes_first syncd.record_key, missing syncd.record_key[], turn text, turn_after bigint,
    differs text
)
language plpgsql stable rows 30
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    with asked as (
        select * from unnest(types, ids) as w (entity_type, entity_id)
    ), facts as (
        select w.entity_type, w.entity_id, e.qbo_type, e.aside, e.fixed, lower(btrim(d.document ->> e.turn)) as turn,
               -- What SIP has deleted goes by the name under which it was sent.
               coalesce(d.entity_name, (
                   select i.entity_name from syncd.call_item i
                   where i.company_id = company and i.entity_type = w.entity_type and i.entity_id = w.entity_id
                   order by i.call_id + 0 desc limit 1), l.document ->> 'name', w.entity_id) as entity_name,
               -- What a mapping says applies at creation only.
               d.document || coalesce((
                   select jsonb_object_agg(m.key, l.document -> m.key)
                   from jsonb_each_text(e.mapped) m
                   where l.qbo_id is not null and jsonb_typeof(l.document -> m.key) <> 'null'
                         and (m.value is null or l.document -> m.value = d.document -> m.value)), '{}') as document,
               -- A customer that somebody deleted is still needed by the invoice that is due.
               coalesce(d.due or (j.required and e.names), false) as due,
               d.skip, d.missing, d.unready, d.undue, d.entity_id is not null as there,
               l.qbo_id, l.sync_token, coalesce(l.generation, 0) as generation, l.fingerprint as sent,
               l.document as sent_document, l.state as linked_as, l.place as link_place,
               c.state = 'connected' as connected,
               s.enable_sync and (e.toggle is null or coalesce(j.required, false)
                                  or (to_jsonb(s) ->> e.toggle)::boolean) as switched_on,
               coalesce(j.source, 'auto') <> 'auto' as by_hand, j.unready_since
        from asked w
        join syncd.entity e on e.entity_type = w.entity_type
        join syncd.sync_settings s on s.company_id = company
        join syncd.company c on c.company_id = company
        left join lateral (
            select k.*, k.ctid as place from syncd.link k
            where k.company_id = company and k.entity_type = w.entity_type and k.sip_id = w.entity_id
                  and k.environment = c.environment and k.realm_id = c.realm_id
            limit 1
        ) l on true
        left join lateral (
            select q.source, q.required, q.unready_since from syncd.job q
            where q.company_id = company and q.entity_type = w.entity_type and q.entity_id = w.entity_id
            limit 1
        ) j on true
        left join syncd.documents(types, ids) d
            on d.entity_type = w.entity_type and d.entity_id = w.entity_id and d.company_id = company
    ), printed as (
        select f.*, encode(sha256(convert_to((f.document - f.aside)::text, 'UTF8')), 'hex') as fingerprint,
               (select string_agg(k, ', ') from unnest(f.fixed) k
                where f.sent_document -> k is distinct from f.document -> k) as moved
        from facts f
    ), known as (
        -- `differs`: what QuickBooks has is not what SIP has, and syncd leaves it so. `settled`: a person has looked.
        select p.*,
               case when p.qbo_id is null then null
                    when not (p.there and p.due) then 'withdrawn'
                    when p.moved is not null then 'changed' end as differs,
               p.qbo_id is not null and p.sent is null and p.linked_as <> 'diverged' as settled,
               case when p.there then 'withdrawn' else 'deleted' end as left_by
        from printed p
    )
    select f.entity_type, f.entity_id, f.entity_name, v.verdict, v.parks_as::syncd.state,
           v.waits_on::syncd.waits_on,
           case when v.parks_as = 'diverged'
                    then v.reason || ' When it is as it should be there: syncd settle '
                         || syncd.record_words(company, f.entity_type, f.entity_id)
                else v.reason end,
           f.document, f.fingerprint,
           case when f.qbo_id is null then 'create' else 'update' end,
           f.qbo_type, f.qbo_id, f.sync_token, f.generation, f.sent_document, f.linked_as, f.link_place,
           coalesce(f.missing[1],
                    case when before.under_way then (f.entity_type, before.entity_id)::syncd.record_key end),
           f.missing, f.turn, before.call_id, f.differs
    from known f
    left join lateral (
        -- Only for what lacks something: the record that goes first, by the name people know it by.
        select replace(m.entity_type, '_', ' ') as label, coalesce(d.entity_name, m.entity_id) as name
        from unnest(f.missing[1:1]) m
        left join syncd.documents(array[m.entity_type], array[m.entity_id]) d on d.company_id = company
    ) first on true
    left join lateral (
        -- The last call of this turn. No other can be open: none is committed while one is (intend).
        select i.call_id, i.entity_id, format('%s "%s"', replace(i.entity_type, '_', ' '), i.entity_name) as name,
               i.entity_id <> f.entity_id and exists (
                   select from syncd.job q
                   where q.company_id = company and q.entity_type = i.entity_type and q.entity_id = i.entity_id
                         and q.call_id = i.call_id) as under_way
        from syncd.call_item i
        where f.turn is not null and i.company_id = company and i.entity_type = f.entity_type and i.turn = f.turn
        -- Plus nothing: in the order of the primary key a plan made of an empty table would read all calls there are.
        order by i.call_id + 0 desc limit 1
    ) before on true
    cross join lateral (
        select * from (values
            (1, not (f.there and f.due) and f.qbo_id is null, 'drop', null, null,
             case when f.there then coalesce(f.undue, 'It is not in a state that QuickBooks should know of.')
                  else 'There is no such record in Service Invoice Pro.' end),
            (2, f.due and f.qbo_id is not null
                and (f.fingerprint = f.sent or (f.fixed is not null and f.moved is null)), 'drop', null, null,
             'QuickBooks has this already.'),
            (3, f.differs = 'withdrawn' and f.settled, 'drop', null, null,
             coalesce(f.undue, format('It was %s in Service Invoice Pro after it had been synced.', f.left_by))
             || ' A person has settled that: what QuickBooks has stands.'),
            (4, not f.connected, 'wait', 'waiting', 'connection', 'The company is not connected to QuickBooks.'),
            (5, not f.switched_on and not f.by_hand, 'wait', 'waiting', 'setting',
             'Automatic sync of this is switched off.'),
            (6, f.differs = 'withdrawn', 'wait', 'diverged', null,
             case when f.undue is not null
                      then format('%s QuickBooks keeps what was sent of it: change it there by hand if it should '
                                  'change too.', f.undue)
                  else format('It was %s in Service Invoice Pro after it had been synced. QuickBooks keeps it as it '
                              'was: change it there by hand if it should go too.', f.left_by) end),
            (7, f.differs = 'changed', 'wait', 'diverged', null,
             format('It was changed in Service Invoice Pro after it had been synced (%s). QuickBooks keeps it as it '
                    'was: change it there by hand if it should change too.', f.moved)),
            (8, f.skip is not null, 'skip', null, null, f.skip),
            (9, cardinality(f.missing) > 0, 'wait', 'waiting', 'record',
             format('It waits for %s "%s", which goes first.', first.label, first.name)),
            (10, f.unready is not null and f.unready_since < clock_timestamp() - interval '60 seconds',
             'refuse', 'error', null, f.unready),
            (11, f.unready is not null, 'wait', 'waiting', 'document', f.unready),
            (12, before.under_way, 'wait', 'waiting', 'record',
             format('It waits for %s, which is on its way: the two go one after the other.', before.name)),
            (13, true, 'push', null, null, null)
        ) as c (place, holds, verdict, parks_as, waits_on, reason)
        where c.holds
        order by c.place
        limit 1
    ) v;
end
$$;

-- Decides due jobs of a lane. All verdicts but push are carried out here; the pushes are returned, one row each. The
-- first row also tells what comes next: `next_floors`, and `again_in`, the seconds until there may be more to decide
-- (0: there is more now; null: not before something happens). It is there, with a null record, even when there is
-- nothing to push.
--
-- A lane has two queues: names (customers, items), which QuickBooks writes one at a time, and the rest. `most` says
-- how many to take of the rest and of the names. Within each, live work goes before backfill, or as its `share` says:
-- "first" (backfill has its turn: by turns with live work, and before it), "none" (only live work may go). A record
-- that failed before is taken alone, as is every record while QuickBooks seems to be in trouble: a call that fails then
-- proves something about one record.
--
-- Jobs are taken by ticket. Tickets are drawn under the lane's lock, so whoever holds the lane knows that none will
-- come at or below the highest it has taken; it gives those back as `floors`, of live rest, live names, backfill rest
-- and backfill names. So a pick does not wade through the dead rows of those that went before, which an old
-- transaction may keep by the hundred thousand. Zeros look at everything, which is always right.
create or replace function syncd.decide(
    company text, worker uuid, held_epoch bigint, most integer[], floors bigint[] default '{0,0,0,0}',
    share text[] default '{after,after}'
)
returns table (
    entity_type text, entity_id text, entity_name text, version bigint, document jsonb, fingerprint text,
    operation text, qbo_type text, qbo_id text, sync_token text, generation bigint, sent_document jsonb,
    environment syncd.environment, realm_id text, names boolean, turn text, turn_after bigint,
    again_in double precision, next_floors bigint[]
)
language plpgsql rows 30
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    held constant syncd.lane := syncd.hold_lane(company, worker, held_epoch);
    full_in constant interval := syncd.until_batch(held.batches);
    size constant integer := case when held.failures > 0 or full_in > interval '0' then 1
                                  else syncd.limit_of('batch_size') end;
    rest_most constant integer := least(most[1], size);
    names_most constant integer := least(most[2], size);
    types text[];
    ids text[];
    more boolean;
    answered integer;
begin
    if held.not_before > clock_timestamp() then
        again_in := nullif(extract(epoch from held.not_before - clock_timestamp()), 'infinity');
        next_floors := floors;
        return next;
        return;
    end if;
    if full_in > interval '0' then
        share := '{none,none}';  -- what requests are left are for live work
    end if;

    -- What was put off is queued again when its time has come, at the end: another record goes first each time.
    update syncd.job j set due_at = null, ticket = nextval('syncd.job_ticket')
    where j.ctid = any(array(
        select q.ctid from syncd.job q
        where q.company_id = company and q.due_at is not null and q.due_at < 'infinity'
              and q.due_at <= clock_timestamp() and q.call_id is null
        order by q.due_at limit 100));

    with ready as (
        (select j.entity_type, j.entity_id, j.class, j.names, j.ticket, j.attempts + j.alone as failed,
                row_number() over (order by j.ticket) as nth
         from syncd.job j
         where j.company_id = company and j.class = 'live' and not j.names and j.ticket > floors[1]
               and j.due_at is null and j.call_id is null
         order by j.ticket limit rest_most)
        union all
        (select j.entity_type, j.entity_id, j.class, j.names, j.ticket, j.attempts + j.alone as failed,
                row_number() over (order by j.ticket) as nth
         from syncd.job j
         where j.company_id = company and j.class = 'live' and j.names and j.ticket > floors[2]
               and j.due_at is null and j.call_id is null
         order by j.ticket limit names_most)
        union all
        (select j.entity_type, j.entity_id, j.class, j.names, j.ticket, j.attempts + j.alone as failed,
                row_number() over (order by j.ticket) as nth
         from syncd.job j
         where j.company_id = company and j.class = 'backfill' and not j.names and j.ticket > floors[3]
               and j.due_at is null and j.call_id is null and share[1] <> 'none'
         order by j.ticket limit rest_most)
        union all
        (select j.entity_type, j.entity_id, j.class, j.names, j.ticket, j.attempts + j.alone as failed,
                row_number() over (order by j.ticket) as nth
         from syncd.job j
         where j.company_id = company and j.class = 'backfill' and j.names and j.ticket > floors[4]
               and j.due_at is null and j.call_id is null and share[2] <> 'none'
         order by j.ticket limit names_most)
    ), ranked as (
        select r.*, row_number() over queue as place, bool_or(r.failed > 0) over queue as retried
        from ready r
        window queue as (partition by r.names order by
            case when share[case when r.names then 2 else 1 end] = 'first' then r.nth end,
            (r.class = 'backfill') <> (share[case when r.names then 2 else 1 end] = 'first'), r.ticket)
    ), picked as (
        select r.* from ranked r
        where r.place <= case when r.names then names_most else rest_most end and (r.place = 1 or not r.retried)
    )
    select array_agg(p.entity_type), array_agg(p.entity_id),
           array[greatest(floors[1], max(p.ticket) filter (where p.class = 'live' and not p.names)),
                 greatest(floors[2], max(p.ticket) filter (where p.class = 'live' and p.names)),
                 greatest(floors[3], max(p.ticket) filter (where p.class = 'backfill' and not p.names)),
                 greatest(floors[4], max(p.ticket) filter (where p.class = 'backfill' and p.names))],
           count(*) < (select count(*) from ranked)
               or (rest_most > 0 and count(*) filter (where not p.names) = rest_most)
               or (names_most > 0 and count(*) filter (where p.names) = names_most)
    into types, ids, next_floors, more
    from picked p;
    if more then
        again_in := 0;
    else
        again_in := (
            select greatest(0.001, extract(epoch from j.due_at - clock_timestamp())) from syncd.job j
            where j.company_id = company and j.due_at is not null and j.due_at < 'infinity'
            order by j.due_at limit 1);
        if full_in > interval '0' then
            again_in := least(again_in, extract(epoch from full_in));
        end if;
    end if;
    if types is null then
        return next;
        return;
    end if;

    return query
    with judged as materialized (
        select v.*, j.version, j.source, j.run_id, j.class, j.names, j.ticket, j.place, o.environment, o.realm_id
        from syncd.judge(company, types, ids) v
        cross join lateral (
            select q.ctid as place, q.version, q.source, q.run_id, q.class, q.names, q.ticket from syncd.job q
            where q.company_id = company and q.entity_type = v.entity_type and q.entity_id = v.entity_id
            limit 1
        ) j
        join syncd.company o on o.company_id = company
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
        select company, v.entity_type, v.entity_id, v.entity_name, 'push',
               case v.verdict when 'skip' then 'skipped' else 'error' end::syncd.log_status, v.reason,
               v.source, v.run_id, v.qbo_id, worker
        from judged v
        where v.verdict = 'refuse'
              -- An entry that is written and then approved is left out twice, and said to be once.
              or (v.verdict = 'skip' and not (v.source = 'auto' and exists (
                  select from (
                      select s.status, s.error from syncd.sync_log s
                      where s.company_id = company and s.entity_type = v.entity_type and s.entity_id = v.entity_id
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
    )
    select v.entity_type, v.entity_id, v.entity_name, v.version, v.document, v.fingerprint, v.operation,
           v.qbo_type, v.qbo_id, v.sync_token, v.generation, v.sent_document, v.environment, v.realm_id,
           v.names, v.turn, v.turn_after,
           case when exists (select from judged w where w.verdict = 'wait' and w.waits_on = 'record') then 0
                when exists (select from judged w where w.verdict = 'wait' and w.waits_on = 'document')
                    then least(again_in, 2)
                else again_in end,
           next_floors
    from (select 1) as one
    left join pushes v on true
    order by v.rank, v.class, v.ticket;
    get diagnostics answered = row_count;
    if answered < cardinality(types) or cardinality(types) = 1 then
        perform syncd.require(company, types, ids);
    end if;
end
$$;

-- Makes jobs of what these records wait for, whatever the toggle of those says: they go first. A record pushed by hand
-- has its prerequisites pushed by hand, in the same run. In a statement of its own: a record may be parked and required
-- in one decision.
create or replace function syncd.require(company text, types text[], ids text[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    if not exists (
        select from unnest(types, ids) as w (entity_type, entity_id)
        cross join lateral (
            select from syncd.job j
            where j.company_id = company and j.entity_type = w.entity_type and j.entity_id = w.entity_id
                  and j.missing is not null
            limit 1
        ) q)
    then
        return;
    end if;
    with waiting as materialized (
        select q.ctid as place, q.missing, q.class, q.source, q.run_id
        from unnest(types, ids) as w (entity_type, entity_id)
        cross join lateral (
            select j.ctid, j.missing, j.class, j.source, j.run_id from syncd.job j
            where j.company_id = company and j.entity_type = w.entity_type and j.entity_id = w.entity_id
                  and j.missing is not null
            limit 1
        ) q
    ), wanted as (
        select m.entity_type, m.entity_id, e.names, min(w.class) as class, max(w.source) as source,
               max(w.run_id) as run_id
        from waiting w
        cross join lateral jsonb_to_recordset(w.missing) as m (entity_type text, entity_id text)
        join syncd.entity e on e.entity_type = m.entity_type
        group by m.entity_type, m.entity_id, e.names
    ), known as (
        update syncd.job j set missing = null
        from waiting w
        where j.ctid = w.place and not exists (
            select from wanted p
            where j.company_id = company and j.entity_type = p.entity_type and j.entity_id = p.entity_id)
    )
    insert into syncd.job as j (company_id, entity_type, entity_id, names, class, source, run_id, required)
    select company, p.entity_type, p.entity_id, p.names, p.class, p.source, p.run_id, true from wanted p
    order by p.entity_type, p.entity_id
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

-- The intent: a call with its exact bytes, committed before it is sent, for one record or a batch of them. `items`
-- holds for each what decide returned (entity_type, entity_id, entity_name, version, generation, operation, qbo_type,
-- fingerprint, turn, turn_after, and document as text) and its `bid` and `notes`. Returns the call and how many seconds
-- to wait before sending it.
--
-- Nothing is done, and SY002 raised, if one of the records or the connection changed since it was decided, or if
-- another call of its turn was committed since: whatever QuickBooks was asked for it may be answered otherwise now.
-- Then all are decided again. The generation of a link only grows, so no two calls of a record ever share a request id.
create or replace function syncd.intend(
    company text, worker uuid, held_epoch bigint, call_kind syncd.call_kind, environment syncd.environment,
    realm_id text, request text, path text, body bytea, items jsonb, out call_id bigint, out wait double precision
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    wanted constant integer := jsonb_array_length(items);
    ready tid[];
    linked integer;
begin
    perform syncd.hold_lane(company, worker, held_epoch);
    select array_agg(j.place) into ready
    from jsonb_to_recordset(items) as i (entity_type text, entity_id text, version bigint)
    cross join lateral (
        select q.ctid as place from syncd.job q
        where q.company_id = company and q.entity_type = i.entity_type and q.entity_id = i.entity_id
              and q.version = i.version and q.call_id is null
        limit 1
    ) j;
    with grown as (
        insert into syncd.link as l (company_id, entity_type, sip_id, environment, realm_id, qbo_type, generation)
        select company, i.entity_type, i.entity_id, c.environment, c.realm_id, i.qbo_type, i.generation + 1
        from jsonb_to_recordset(items) as i (entity_type text, entity_id text, qbo_type text, generation bigint)
        join syncd.company c
            on c.company_id = company and c.state = 'connected'
               and c.environment = intend.environment and c.realm_id = intend.realm_id
        order by i.entity_type, i.entity_id
        on conflict on constraint link_pkey do update set generation = excluded.generation
        where l.generation = excluded.generation - 1
        returning 1
    )
    select count(*) into linked from grown;
    if linked < wanted or coalesce(cardinality(ready), 0) < wanted or exists (
        select from jsonb_to_recordset(items) as i (entity_type text, turn text, turn_after bigint)
        cross join lateral (
            select b.call_id from syncd.call_item b
            where b.company_id = company and b.entity_type = i.entity_type and b.turn = i.turn
            order by b.call_id desc limit 1
        ) last
        where last.call_id is distinct from i.turn_after
    ) then
        raise exception 'a record of company % changed since it was decided', company using errcode = 'SY002';
    end if;

    insert into syncd.call as c (company_id, environment, realm_id, kind, path, request_id, body, worker_id, epoch)
    values (company, intend.environment, intend.realm_id, call_kind, intend.path, request, intend.body, worker,
            held_epoch)
    returning c.call_id into intend.call_id;
    insert into syncd.call_item (call_id, bid, company_id, entity_type, entity_id, entity_name, operation,
                                 generation, version, fingerprint, document, notes, turn)
    select intend.call_id, i.bid, company, i.entity_type, i.entity_id, i.entity_name, i.operation,
           i.generation + 1, i.version, i.fingerprint, i.document::jsonb,
           array(select jsonb_array_elements_text(i.notes)), i.turn
    from jsonb_to_recordset(items) as i (
        bid text, entity_type text, entity_id text, entity_name text, operation text, generation bigint,
        version bigint, fingerprint text, document text, notes jsonb, turn text);
    update syncd.job j set state = 'sending', call_id = intend.call_id, due_at = null
    where j.ctid = any(ready);
    intend.wait := syncd.spend(company, call_kind = 'batch');
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

-- The oldest call of a lane whose answer is not known and whose time has come, marked as being sent again, with a row
-- for each of its records that waits for the answer. What this worker has under way is none of them. While Enable Sync
-- is off nothing is sent, not even again: such calls stay unknown until it is on. Nor is it while the lane pauses.
--
-- A batch is sent again whole: fewer items under the same id would be another request, and executed once more.
--
-- `looks` says that sending it once more proves nothing: its id may be forgotten by now, or what comes back each time
-- may be a remembered failure. Then QuickBooks is asked whether it holds the records, but not before every send of it
-- must have ended there: a create that is still at work would be missed, and made twice.
create or replace function syncd.reopen(company text, worker uuid, held_epoch bigint)
returns table (
    call_id bigint, kind text, path text, request_id text, body bytea, sends smallint, looks boolean, names boolean,
    bid text, entity_type text, entity_id text, entity_name text, operation text, document jsonb,
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
    -- Intuit ends a request after 120 seconds (REST API features).
    longest_request constant interval := interval '150 seconds';
    held constant syncd.lane := syncd.hold_lane(company, worker, held_epoch);
    chosen bigint;
    looking boolean;
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
    select o.call_id, o.sends >= sends_before_looking or o.committed_at < clock_timestamp() - replay_memory
    into chosen, looking
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
    select c.call_id, c.kind::text, c.path, c.request_id, c.body, c.sends, looking, a.names,
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
