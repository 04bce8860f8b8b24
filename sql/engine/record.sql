-- Record: what an answer means for the link, the job, the lane and the log, in one transaction.
--
-- Called by: the daemon's dispatch (record, refuse, adopt, postpone), in autocommit.
-- Touches:   job, link, call, sync_log, lane (its pause and count of failures), after the lanes.

-- What follows from a fault: the state of the job, when it is tried again (null: not by itself), whether that used
-- one of the record's three attempts, and whether the whole lane pauses. `tried` counts this attempt.
create or replace function syncd.consequence(
    fault syncd.fault_class, may_help boolean, tried integer, lane_failures integer, told_to_wait interval
) returns table (state syncd.state, wait interval, counts boolean, pauses_lane boolean)
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    select v.state::syncd.state, v.wait, v.counts, v.pauses_lane
    from (values
        ('record', may_help and tried = 1, 'pending', interval '1 minute', true, false),
        ('record', may_help and tried = 2, 'pending', interval '10 minutes', true, false),
        ('record', true, 'error', null, true, false),
        ('stale', may_help, 'pending', interval '0', false, false),
        ('stale', true, 'error', null, false, false),
        ('period', true, 'held', null, false, false),
        -- Full jitter, so that a thousand lanes do not come back in one second.
        ('transient', true, 'pending',
         greatest(told_to_wait, random() * least(300, 2 ^ least(lane_failures + 1, 10)) * interval '1 second'),
         false, true),
        ('throttle', true, 'pending', greatest(told_to_wait, interval '60 seconds'), false, true),
        ('auth', true, 'pending', coalesce(told_to_wait, interval '60 seconds'), false, true),
        ('company', true, 'pending', interval '1 hour', false, true)
    ) as v (fault_class, holds, state, wait, counts, pauses_lane)
    where v.fault_class = fault::text and v.holds
    limit 1;
$$;

-- How many failures in a row a lane has, with one more. Of all that was under way when trouble began each part fails;
-- it is one trouble, the one that the lane pauses for already.
create or replace function syncd.failures_with_this(l syncd.lane) returns integer
language sql volatile
set search_path = pg_catalog, pg_temp
as $$ select case when l.not_before > clock_timestamp() then l.failures else l.failures + 1 end $$;

-- What the results of calls mean for each of their records that still waits for one. Changes nothing. `calls` as
-- record has them, each with its lane's `failures`. `place` and `link_place` are the rows of the job and the link;
-- `moved` says that SIP changed the record since it was decided.
create or replace function syncd.settle(calls jsonb)
returns table (
    company_id text, call_id bigint, bid text, entity_type text, entity_id text, entity_name text, operation text,
    request_id text, source syncd.source, run_id bigint, place tid, link_place tid, linked_id text, good boolean,
    moved boolean, ending text, state syncd.state, due_at timestamptz, counts boolean, pauses_lane boolean,
    wait interval, attempts smallint, alone smallint, fault syncd.fault_class, code text, error text, note text,
    may_help boolean, qbo_id text, sync_token text, fingerprint text, document jsonb
)
language plpgsql volatile rows 30
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    with sent as (
        select o.company_id, o.call_id, o.failures, r.*, i.entity_type, i.entity_id, i.entity_name, i.operation,
               i.fingerprint, i.document, c.request_id, c.sent_at, j.place, j.source, j.run_id, j.attempts, j.alone,
               j.version <> i.version as moved, k.link_place, k.linked_id,
               -- One object cannot be two records: QuickBooks was restored or reset, or answered for another call.
               r.outcome in ('success', 'variance')
               and (exists (select from syncd.link o
                            where o.company_id = c.company_id and o.environment = c.environment
                                  and o.realm_id = c.realm_id and o.qbo_type = k.qbo_type and o.qbo_id = r.qbo_id
                                  and not o.is_alias and (o.entity_type, o.sip_id) <> (i.entity_type, i.entity_id))
                    or count(*) filter (where r.outcome in ('success', 'variance'))
                       over (partition by o.call_id, k.qbo_type, r.qbo_id) > 1) as belongs_to_another
        from jsonb_to_recordset(calls) as o (company_id text, call_id bigint, failures integer, results jsonb)
        cross join lateral jsonb_to_recordset(o.results) as r (
            bid text, outcome text, qbo_id text, sync_token text, error text, note text, fault syncd.fault_class,
            code text, may_help boolean, collision boolean, held boolean, told_to_wait double precision)
        join syncd.call_item i on i.call_id = o.call_id and i.bid = r.bid
        join syncd.call c on c.call_id = o.call_id and c.company_id = o.company_id
        cross join lateral (
            select q.ctid as place, q.source, q.run_id, q.attempts, q.alone, q.version from syncd.job q
            where q.company_id = o.company_id and q.entity_type = i.entity_type and q.entity_id = i.entity_id
                  and q.call_id = o.call_id
            limit 1
        ) j
        cross join lateral (
            select q.ctid as link_place, q.qbo_type, q.qbo_id as linked_id from syncd.link q
            where q.company_id = o.company_id and q.entity_type = i.entity_type and q.sip_id = i.entity_id
                  and q.environment = c.environment and q.realm_id = c.realm_id
            limit 1
        ) k
    ), read as (
        select s.*,
               s.outcome in ('success', 'variance') and not s.belongs_to_another as is_good,
               case when s.belongs_to_another then 'fault' else s.outcome end as ends_as,
               case when s.belongs_to_another then 'record'
                    -- Fails alone, again and again, while others pass: the trouble is its own.
                    when s.fault = 'transient' and s.outcome <> 'unknown' and s.failures = 0 and s.alone >= 2
                        then 'record'
                    else s.fault end as class,
               case when s.belongs_to_another
                    then format('QuickBooks answered with its record %s, which belongs to another record of Service '
                                'Invoice Pro already. Look at it in QuickBooks, put it right there, then run: '
                                'syncd retry %s', s.qbo_id,
                                syncd.record_words(s.company_id, s.entity_type, s.entity_id))
                    else syncd.addressed(s.error, s.company_id, s.entity_type, s.entity_id) end as sentence,
               s.may_help and not s.belongs_to_another as may_pass
        from sent s
    )
    select r.company_id, r.call_id, r.bid, r.entity_type, r.entity_id, r.entity_name, r.operation, r.request_id,
           r.source, r.run_id, r.place, r.link_place, r.linked_id, r.is_good, r.moved,
           case r.ends_as when 'early' then 'unknown' else r.ends_as end, v.state,
           case when v.state not in ('pending', 'unknown') then 'infinity'::timestamptz
                when r.ends_as = 'early' then r.sent_at + syncd.longest_request()
                when v.state = 'unknown' then clock_timestamp() + coalesce(f.wait, interval '10 minutes')
                when not r.moved and f.wait > interval '0' then clock_timestamp() + f.wait end,
           coalesce(f.counts, false) and not r.moved and r.held is not true, coalesce(f.pauses_lane, false), f.wait,
           r.attempts, r.alone, r.class, r.code, r.sentence, r.note, r.may_pass,
           case when not r.belongs_to_another then r.qbo_id end,
           case when not r.belongs_to_another then r.sync_token end, r.fingerprint, r.document
    from read r
    left join lateral (
        -- In here the condition keeps the function from being called for what went well.
        select c.* from syncd.consequence(
            r.class, r.may_pass, r.attempts + 1, r.failures, make_interval(secs => r.told_to_wait)
        ) c
        where not r.is_good and r.ends_as not in ('split', 'early')
    ) f on true
    cross join lateral (
        select case
            when r.is_good then case r.ends_as when 'success' then 'synced' else 'variance' end::syncd.state
            when r.ends_as in ('unknown', 'early') then 'unknown'
            when r.ends_as = 'split' then 'pending'
            -- What went out is not what SIP holds now: the newer change has all its attempts before it.
            when r.moved then 'pending'
            when r.collision or r.belongs_to_another then 'collision'
            when r.held and f.state = 'error' then 'held'
            else f.state end as state
    ) v;
end
$$;

-- Settles records of calls, at most one call of each lane: those that are answered together are recorded together.
-- `calls` has an object for each: company_id, epoch, call_id, `answer` with http_status, intuit_tid and duration_ms,
-- for the log, and `results`, one for each record whose outcome is known by now:
--     bid           the record's place in the call
--     outcome       success, variance, fault, unknown, absent (looked up after an unknown outcome: not there), early
--                   (refused when sent again, and not there; but an earlier send may be at work yet), or split (the
--                   batch was refused as a whole: each goes alone at once, and nothing is logged)
--     qbo_id, sync_token                        of the object, where QBO answered with one
--     fault, code, error, may_help, collision, held   of a fault: its class, QBO's code, the sentence for the log
--     note          text for a success
--     told_to_wait  seconds
-- Returns the state each record is in now, and whether something is due at once because of it. A record that was
-- settled before, by a recording whose commit was never heard of, has no row. Each call has at least one, with a null
-- record if need be; but for those whose lane is not held (hold_lanes), of which nothing is recorded.
create or replace function syncd.record(worker uuid, calls jsonb)
returns table (company_id text, entity_type text, entity_id text, state syncd.state, due boolean)
language plpgsql rows 30
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    heard jsonb;
begin
    select jsonb_agg(jsonb_build_object(
        'company_id', l.company_id, 'failures', l.failures, 'has_reason', l.paused_because is not null,
        'call_id', a.call_id, 'answer', a.answer, 'results', a.results))
    into heard
    from syncd.hold_lanes(worker, calls) l
    join jsonb_to_recordset(calls) as a (company_id text, call_id bigint, answer jsonb, results jsonb)
        on a.company_id = l.company_id;

    return query
    with answered as materialized (
        select o.company_id, o.call_id, o.failures, o.has_reason, (o.answer ->> 'http_status')::smallint as http_status,
               o.answer ->> 'intuit_tid' as intuit_tid, (o.answer ->> 'duration_ms')::integer as duration_ms
        from jsonb_to_recordset(heard) as o (
            company_id text, call_id bigint, failures integer, has_reason boolean, answer jsonb)
    ), settled as materialized (
        select s.*, a.failures, a.http_status, a.intuit_tid, a.duration_ms
        from syncd.settle(heard) s join answered a on a.call_id = s.call_id
    ), known as (
        update syncd.call c
        set http_status = a.http_status, intuit_tid = a.intuit_tid, answered_at = clock_timestamp(),
            outcome = case
                when exists (select from settled s where s.call_id = c.call_id and s.ending = 'unknown') then 'unknown'
                when exists (
                    select from syncd.call_item i
                    cross join lateral (
                        select from syncd.job q
                        where q.company_id = a.company_id and q.entity_type = i.entity_type
                              and q.entity_id = i.entity_id and q.call_id = i.call_id
                        limit 1
                    ) j
                    where i.call_id = c.call_id
                          and i.bid <> all(array(select s.bid from settled s where s.call_id = c.call_id)))
                    then 'answered'
                when exists (select from settled s where s.call_id = c.call_id and s.ending = 'absent')
                    then 'abandoned'
                else 'settled' end::syncd.call_outcome
        from answered a
        where c.call_id = a.call_id and exists (select from settled s where s.call_id = a.call_id)
    ), linked as (
        update syncd.link k
        set qbo_id = s.qbo_id, sync_token = s.sync_token, fingerprint = s.fingerprint, document = s.document,
            state = s.state, note = coalesce(s.error, s.note), synced_at = clock_timestamp()
        from settled s
        where k.ctid = s.link_place and s.good
    ), retokened as (
        update syncd.link k set sync_token = s.sync_token
        from settled s
        where k.ctid = s.link_place and not s.good and s.sync_token is not null and k.qbo_id is not null
    ), done as (
        -- By version: an edit that came in while the call was under way keeps its job.
        delete from syncd.job j
        where j.ctid = any(array(select s.place from settled s where s.good and not s.moved))
    ), kept as (
        update syncd.job j
        set state = case when s.good then 'pending' else s.state end,
            call_id = case when s.state = 'unknown' then j.call_id end,
            due_at = case when not s.good then s.due_at end,
            attempts = case when s.counts then j.attempts + 1 else j.attempts end,
            alone = case when (s.pauses_lane and s.failures = 0) or s.ending = 'split' then j.alone + 1
                         else j.alone end,
            reason = s.error, fault_class = s.fault, error_code = s.code, ticket = nextval('syncd.job_ticket')
        from settled s
        where j.ctid = s.place and not (s.good and not s.moved)
    ), released as (
        -- What waited for one of these is due now; what waited for its turn, however the call ended.
        update syncd.job j
        set state = 'pending', due_at = null, waits_on = null, waits_for_type = null, waits_for_id = null,
            missing = null, reason = null, ticket = nextval('syncd.job_ticket')
        where j.ctid = any(array(
            select q.ctid from settled s
            join syncd.job q
                on q.company_id = s.company_id and q.waits_for_type = s.entity_type and q.waits_for_id = s.entity_id
                   and q.waits_for_id is not null
            where (s.good or (q.entity_type = s.entity_type and s.state <> 'unknown')) and q.call_id is null))
        returning j.company_id
    ), trouble as (
        -- A transient fault beside good answers is the record's own.
        select distinct on (s.call_id) s.*, s.fault = 'auth' and not s.may_help as cut_off from settled s
        where s.pauses_lane
              and (s.fault <> 'transient' or not exists (
                  select from settled o where o.call_id = s.call_id and o.good))
        order by s.call_id, s.wait desc, s.bid
    ), cut_off as (
        -- No fresh token helps: somebody took the app's access away.
        update syncd.company c set state = 'needs_reconnect'
        where c.company_id = any(array(select t.company_id from trouble t where t.cut_off))
    ), paused as (
        update syncd.lane l
        set failures = case when t.bid is null or t.cut_off then 0 else syncd.failures_with_this(l) end,
            not_before = case when t.bid is null then l.not_before
                              when t.cut_off then 'infinity'
                              else greatest(l.not_before, clock_timestamp() + t.wait) end,
            paused_because = case when t.bid is null and l.not_before > clock_timestamp() then l.paused_because
                                  else t.error end
        from answered a
        cross join lateral (
            select q.ctid as place from syncd.lane q where q.company_id = a.company_id limit 1
        ) of_call
        left join trouble t on t.call_id = a.call_id
        where l.ctid = of_call.place
              and (t.bid is not null
                   or ((a.failures > 0 or a.has_reason)
                       and exists (select from settled s where s.call_id = a.call_id and s.good)))
    ), logged as (
        insert into syncd.sync_log (
            company_id, entity_type, entity_id, entity_name, direction, status, error, note, operation, source,
            run_id, attempt, next_attempt_at, qbo_id, request_id, http_status, error_code, error_class, intuit_tid,
            duration_ms, worker_id)
        select s.company_id, s.entity_type, s.entity_id, s.entity_name, 'push',
               case when s.ending = 'success' then 'success' else 'error' end::syncd.log_status,
               s.error, s.note, s.operation, s.source, s.run_id, s.attempts + 1,
               case when not s.good then nullif(coalesce(s.due_at, clock_timestamp()), 'infinity') end,
               coalesce(s.qbo_id, s.linked_id), s.request_id, s.http_status, s.code,
               case when s.ending = 'variance' then 'variance' else s.fault end,
               s.intuit_tid, s.duration_ms, worker
        from settled s
        where s.ending <> 'split'
        order by s.place
    )
    select a.company_id, s.entity_type, s.entity_id, s.state,
           exists (select from released r where r.company_id = a.company_id) or (s.good and s.moved)
           or (s.state = 'pending' and s.due_at is null)
    from answered a left join settled s on s.call_id = a.call_id;
end
$$;

-- A record that is not sent, for a reason found before any call. It stays as it `ends` (error, held or collision) until
-- it or what it lacked changes, or somebody tries again; only an error uses an attempt, and one that may pass by itself
-- (`may_help`) is tried as often as one that QuickBooks refuses. Nothing is done, and SY002 raised, if it changed since
-- it was decided: nobody else would decide it again.
create or replace function syncd.refuse(
    company text, worker uuid, held_epoch bigint, entity text, id text, name text, decided_version bigint,
    ends syncd.state, fault syncd.fault_class, may_help boolean, code text, sentence text
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    said constant text := syncd.addressed(sentence, company, entity, id);
begin
    perform syncd.hold_lane(company, worker, held_epoch);
    with tried as (
        select q.ctid as place, c.state, c.wait
        from syncd.job q
        left join lateral (
            select f.state, f.wait from syncd.consequence(fault, may_help, q.attempts + 1, 0, null) f
            where ends = 'error' and may_help
        ) c on true
        where q.company_id = company and q.entity_type = entity and q.entity_id = id
              and q.version = decided_version and q.call_id is null
    ), refused as (
        update syncd.job j
        set state = coalesce(t.state, ends), due_at = coalesce(clock_timestamp() + t.wait, 'infinity'),
            reason = said, fault_class = fault, error_code = code,
            attempts = case when ends = 'error' then j.attempts + 1 else j.attempts end
        from tried t
        where j.ctid = t.place
        returning j.source, j.run_id, j.attempts, j.due_at
    )
    insert into syncd.sync_log (company_id, entity_type, entity_id, entity_name, direction, status, error, source,
                                run_id, attempt, next_attempt_at, error_code, error_class, worker_id)
    select company, entity, id, name, 'push', 'error', said, r.source, r.run_id, r.attempts,
           nullif(r.due_at, 'infinity'), code, fault, worker
    from refused r;
    if not found then
        raise exception 'a record of company % changed since it was decided', company using errcode = 'SY002';
    end if;
end
$$;

-- Links a record to what QuickBooks holds of it already, without a call. `decided` is what decide returned of it, with
-- its document as text. SY002 if it changed since. What is taken by its name may have been another record's, until
-- somebody gave it this name in QuickBooks: that one is no longer there, and is made anew when it is next needed.
create or replace function syncd.adopt(
    company text, worker uuid, held_epoch bigint, decided jsonb, found_id text, found_token text, remark text
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform syncd.hold_lane(company, worker, held_epoch);
    update syncd.link l
    set qbo_id = null, sync_token = null, document = null, fingerprint = null, state = 'pending', note = null,
        synced_at = null
    from syncd.company c
    where c.company_id = company and l.company_id = company and l.environment = c.environment
          and l.realm_id = c.realm_id and l.qbo_type = decided ->> 'qbo_type' and l.qbo_id = found_id
          and not l.is_alias
          and (l.entity_type, l.sip_id) <> (decided ->> 'entity_type', decided ->> 'entity_id');
    with d as (
        select * from jsonb_to_record(decided) as d (
            entity_type text, entity_id text, entity_name text, version bigint, qbo_type text, fingerprint text,
            document text)
    ), done as (
        delete from syncd.job j using d
        where j.company_id = company and j.entity_type = d.entity_type and j.entity_id = d.entity_id
              and j.version = d.version and j.call_id is null
        returning j.entity_type, j.entity_id, j.source, j.run_id, j.attempts
    ), linked as (
        insert into syncd.link as l (company_id, entity_type, sip_id, environment, realm_id, qbo_type, qbo_id,
                                     sync_token, fingerprint, document, state, note, synced_at)
        select company, d.entity_type, d.entity_id, c.environment, c.realm_id, d.qbo_type, found_id, found_token,
               d.fingerprint, d.document::jsonb, 'synced', remark, clock_timestamp()
        from done join d using (entity_type, entity_id) join syncd.company c on c.company_id = company
        on conflict on constraint link_pkey do update
        set qbo_id = excluded.qbo_id, sync_token = excluded.sync_token, fingerprint = excluded.fingerprint,
            document = excluded.document, state = excluded.state, note = excluded.note,
            synced_at = excluded.synced_at
    ), released as (
        update syncd.job j
        set state = 'pending', due_at = null, waits_on = null, waits_for_type = null, waits_for_id = null,
            missing = null, reason = null, ticket = nextval('syncd.job_ticket')
        from done
        where j.company_id = company and j.waits_for_type = done.entity_type and j.waits_for_id = done.entity_id
              and j.waits_for_id is not null and j.call_id is null
    )
    insert into syncd.sync_log (company_id, entity_type, entity_id, entity_name, direction, status, note, operation,
                                source, run_id, attempt, qbo_id, worker_id)
    select company, d.entity_type, d.entity_id, d.entity_name, 'push', 'success', remark, 'adopt', done.source,
           done.run_id, done.attempts + 1, found_id, worker
    from done join d using (entity_type, entity_id);
    if not found then
        raise exception 'a record of company % changed since it was decided', company using errcode = 'SY002';
    end if;
end
$$;

-- QuickBooks could not be asked what has to be known before a call: the lane pauses as after a call that failed so.
create or replace function syncd.postpone(
    company text, worker uuid, held_epoch bigint, fault syncd.fault_class, told_to_wait double precision, because text
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    held constant syncd.lane := syncd.hold_lane(company, worker, held_epoch);
begin
    update syncd.lane l
    set failures = syncd.failures_with_this(l),
        paused_because = syncd.addressed(because, company),
        not_before = greatest(l.not_before, clock_timestamp() + c.wait)
    from syncd.consequence(fault, true, 1, held.failures, make_interval(secs => told_to_wait)) c
    where l.company_id = company;
end
$$;
