-- Record: what an answer means for the link, the job, the lane and the log, in one transaction.
--
-- Called by: the daemon's lane round (record, refuse), in autocommit.
-- Touches:   job, link, call, sync_log, lane (its pause and count of failures), after hold_lane.

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

-- Settles one call. `result` holds:
--     outcome       success, variance, fault, unknown, or absent (looked up after an unknown outcome: not there)
--     qbo_id, sync_token                        of the object, where QBO answered with one
--     fault, code, error, may_help, collision   of a fault: its class, QBO's code, the sentence for the log
--     note          text for a success
--     told_to_wait  seconds
--     http_status, intuit_tid, duration_ms      for the log
-- Returns the state the record is in now.
create or replace function syncd.record(
    company text, worker uuid, held_epoch bigint, settled_call bigint, result jsonb
) returns syncd.state
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    ending text := result ->> 'outcome';
    good boolean := ending in ('success', 'variance');
    fault syncd.fault_class := result ->> 'fault';
    sent record;
    then_ record;
    new_state syncd.state;
begin
    perform syncd.hold_lane(company, worker, held_epoch);
    select i.*, c.environment, c.realm_id, c.request_id, j.attempts, j.alone, j.source, j.run_id, j.version as now_version,
           l.failures
    into sent
    from syncd.call c
    join syncd.call_item i using (call_id)
    join syncd.lane l on l.company_id = company
    join syncd.job j on j.company_id = i.company_id and j.entity_type = i.entity_type and j.entity_id = i.entity_id
    where c.call_id = settled_call and c.company_id = company and j.call_id = settled_call;
    if not found then
        -- Settled already: the daemon never heard that its last attempt to record this was committed.
        return coalesce((select j.state from syncd.call_item i
                         join syncd.job j using (company_id, entity_type, entity_id)
                         where i.call_id = settled_call), 'synced');
    end if;

    -- One object cannot be two records: QuickBooks was restored or reset, or answered for another call.
    if good and exists (
        select from syncd.link mine
        join syncd.link k using (environment, realm_id, qbo_type)
        where mine.company_id = company and mine.entity_type = sent.entity_type and mine.sip_id = sent.entity_id
              and mine.environment = sent.environment and mine.realm_id = sent.realm_id
              and k.qbo_id = result ->> 'qbo_id' and not k.is_alias
              and (k.company_id, k.entity_type, k.sip_id) <> (mine.company_id, mine.entity_type, mine.sip_id)
    ) then
        ending := 'fault';
        good := false;
        fault := 'record';
        result := result || jsonb_build_object(
            'outcome', ending, 'fault', fault, 'collision', true, 'may_help', false,
            'error', format('QuickBooks answered with its record %s, which belongs to another record of Service '
                            'Invoice Pro already. Look at it in QuickBooks, put it right there, then run: '
                            'syncd retry %s %s %s', result ->> 'qbo_id', company, sent.entity_type, sent.entity_id),
            'qbo_id', null, 'sync_token', null);
    end if;

    update syncd.call c
    set outcome = case ending when 'unknown' then 'unknown' when 'absent' then 'abandoned'
                       else 'settled' end::syncd.call_outcome,
        answered_at = clock_timestamp(), http_status = (result ->> 'http_status')::smallint,
        intuit_tid = result ->> 'intuit_tid'
    where c.call_id = settled_call;

    if good then
        new_state := case ending when 'success' then 'synced' else 'variance' end;
        update syncd.link k
        set qbo_id = result ->> 'qbo_id', sync_token = result ->> 'sync_token', fingerprint = sent.fingerprint,
            document = sent.document, state = new_state, note = coalesce(result ->> 'error', result ->> 'note'),
            synced_at = clock_timestamp()
        where k.company_id = company and k.entity_type = sent.entity_type and k.sip_id = sent.entity_id
              and k.environment = sent.environment and k.realm_id = sent.realm_id;
        -- By version: an edit that came in while the call was under way keeps its job.
        delete from syncd.job j
        where j.company_id = company and j.entity_type = sent.entity_type and j.entity_id = sent.entity_id
              and j.version = sent.version;
        update syncd.job j
        set state = 'pending', call_id = null, due_at = null, ticket = nextval('syncd.job_ticket')
        where j.company_id = company and j.entity_type = sent.entity_type and j.entity_id = sent.entity_id;
        update syncd.lane l set failures = 0, paused_because = null
        where l.company_id = company and (l.failures > 0 or l.paused_because is not null);
    else
        -- A record that fails alone, again and again, while others pass: the trouble is its own.
        if fault = 'transient' and ending <> 'unknown' and sent.failures = 0 and sent.alone >= 2 then
            fault := 'record';
        end if;
        select * into strict then_ from syncd.consequence(
            fault, (result ->> 'may_help')::boolean, sent.attempts + 1,
            sent.failures, make_interval(secs => (result ->> 'told_to_wait')::double precision));
        new_state := case
            when ending = 'unknown' then 'unknown'
            -- What went out is not what SIP holds now: the newer change has all its attempts before it.
            when sent.version <> sent.now_version then 'pending'
            when (result ->> 'collision')::boolean then 'collision'
            else then_.state end;
        update syncd.link k set sync_token = coalesce(result ->> 'sync_token', k.sync_token)
        where k.company_id = company and k.entity_type = sent.entity_type and k.sip_id = sent.entity_id
              and k.environment = sent.environment and k.realm_id = sent.realm_id and k.qbo_id is not null;
        update syncd.job j
        set state = new_state,
            call_id = case when new_state = 'unknown' then j.call_id end,
            due_at = case
                when new_state not in ('pending', 'unknown') then 'infinity'::timestamptz
                when sent.version <> sent.now_version and new_state = 'pending' then null
                else clock_timestamp() + coalesce(then_.wait, interval '10 minutes') end,
            attempts = case when then_.counts and sent.version = sent.now_version then j.attempts + 1
                            else j.attempts end,
            alone = case when then_.pauses_lane and sent.failures = 0 then j.alone + 1 else j.alone end,
            reason = result ->> 'error', fault_class = fault,
            error_code = result ->> 'code', ticket = nextval('syncd.job_ticket')
        where j.company_id = company and j.entity_type = sent.entity_type and j.entity_id = sent.entity_id;
        if fault = 'auth' and not (result ->> 'may_help')::boolean then
            -- No fresh token helps: somebody took the app's access away.
            update syncd.company c set state = 'needs_reconnect' where c.company_id = company;
            update syncd.lane l set not_before = 'infinity', paused_because = result ->> 'error'
            where l.company_id = company;
        elsif then_.pauses_lane then
            update syncd.lane l
            set failures = l.failures + 1, not_before = clock_timestamp() + then_.wait,
                paused_because = result ->> 'error'
            where l.company_id = company;
        end if;
    end if;

    insert into syncd.sync_log (
        company_id, entity_type, entity_id, entity_name, direction, status, error, note, operation, source, run_id,
        attempt, next_attempt_at, qbo_id, request_id, http_status, error_code, error_class, intuit_tid, duration_ms,
        worker_id)
    select company, sent.entity_type, sent.entity_id, sent.entity_name, 'push',
           case when ending = 'success' then 'success' else 'error' end::syncd.log_status,
           result ->> 'error', result ->> 'note', sent.operation, sent.source, sent.run_id, sent.attempts + 1,
           (select nullif(j.due_at, 'infinity') from syncd.job j
            where not good and j.company_id = company and j.entity_type = sent.entity_type
                  and j.entity_id = sent.entity_id),
           coalesce(result ->> 'qbo_id', k.qbo_id), sent.request_id, (result ->> 'http_status')::smallint,
           result ->> 'code',
           case when ending = 'variance' then 'variance' else fault end,
           result ->> 'intuit_tid', (result ->> 'duration_ms')::integer, worker
    from syncd.link k
    where k.company_id = company and k.entity_type = sent.entity_type and k.sip_id = sent.entity_id
          and k.environment = sent.environment and k.realm_id = sent.realm_id;
    return new_state;
end
$$;

-- A record that cannot be sent at all, found before any call. It stays an error until it changes in SIP.
create or replace function syncd.refuse(
    company text, worker uuid, held_epoch bigint, entity text, id text, name text, decided_version bigint,
    code text, sentence text
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform syncd.hold_lane(company, worker, held_epoch);
    with refused as (
        update syncd.job j
        set state = 'error', due_at = 'infinity', attempts = j.attempts + 1, reason = sentence,
            fault_class = 'record', error_code = code
        where j.company_id = company and j.entity_type = entity and j.entity_id = id
              and j.version = decided_version and j.call_id is null
        returning j.source, j.run_id, j.attempts
    )
    insert into syncd.sync_log (company_id, entity_type, entity_id, entity_name, direction, status, error, source,
                                run_id, attempt, error_code, error_class, worker_id)
    select company, entity, id, name, 'push', 'error', sentence, r.source, r.run_id, r.attempts, code, 'record',
           worker
    from refused r;
end
$$;
