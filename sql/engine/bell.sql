-- The bell: wakes a sleeping daemon, and costs SIP nothing while one is awake. docs/bell.md has the reasoning.
--
-- Called by: the trigger functions (generated with `bell`), the daemon's doorbell. Functions that make lanes due
--            outside of absorb (settings, connect, retry) notify on syncd_lanes themselves.
-- Touches:   advisory locks (1937337955, 1) "the bell" and (1937337955, 2) "on duty"; channels syncd and syncd_lanes.
--
-- NOTIFY takes a lock of the whole cluster from before the commit until after its flush, so transactions that notify
-- commit one at a time. So a writer first tries the bell's lock, shared. It fails only where a daemon holds or awaits
-- it exclusively, that is, sleeps or falls asleep; only then the writer notifies. A writer that got the lock keeps it
-- until it has committed, and the daemon, which gets its own lock only after that, then looks once more.

-- The lines of a trigger function that ring. Without NOTIFY where transactions may be prepared, because PREPARE
-- TRANSACTION fails after one; the daemon polls there.
create or replace function syncd.bell() returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select case when current_setting('max_prepared_transactions')::integer = 0 then
        E'    if found and not pg_try_advisory_xact_lock_shared(1937337955, 1)\n'
        '       -- A full queue would fail the commit; then the slow look finds the signal.\n'
        '       and pg_notification_queue_usage() < 0.5 then\n'
        '        perform pg_notify(''syncd'', '''');\n    end if;\n'
    else '' end;
$$;

-- Why a writer might not ring, so that no daemon may sleep; null if every one does. The triggers stop ringing before
-- the queue of notifications is full; a daemon polls from earlier on.
create or replace function syncd.mute() returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select case
        when current_setting('max_prepared_transactions')::integer > 0
            then 'max_prepared_transactions is above 0, and PREPARE TRANSACTION fails after a NOTIFY'
        when not (select coalesce(bool_and(p.prosrc like '%pg_notify%'), true) from pg_proc p
                  where p.pronamespace = 'syncd'::regnamespace and p.prorettype = 'trigger'::regtype
                        and p.proname like 'signal\_%')
            then 'the triggers were made while max_prepared_transactions was above 0; run syncd db upgrade'
        when pg_notification_queue_usage() > 0.25
            then 'the queue of notifications fills up; end the session that has listened and stays in a transaction'
    end;
$$;

-- How long a daemon may sleep, in seconds: until a lane that nobody alive owns is due, or an owner's lease ends.
create or replace function syncd.sleep_for(longest double precision) returns double precision
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select greatest(0, least(longest, extract(epoch from least(
        (select greatest(l.due_at, l.not_before) from syncd.lane l
         where l.owner is null order by greatest(l.due_at, l.not_before) limit 1),
        (select min(w.alive_until) from syncd.worker w
         where w.alive_until > clock_timestamp()
               and exists (select from syncd.lane l where l.owner = w.worker_id))
    ) - clock_timestamp())))
$$;

-- Which of the two locks that session has: 2 if it is on duty, 1 if it holds the bell or waits for it. Asked from
-- another session; what a session says of itself proves nothing behind a pooler.
create or replace function syncd.bell_locks(pid integer) returns integer[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(k.objid::integer), '{}')
    from pg_locks k
    where k.locktype = 'advisory' and k.classid = 1937337955 and k.pid = bell_locks.pid
          and k.mode = 'ExclusiveLock' and (k.granted or k.objid = 1)
          and k.database = (select d.oid from pg_database d where d.datname = current_database());
$$;

-- Ends the session that is on duty if the daemon behind it has not extended its lease: a frozen process would else
-- keep everybody's changes waiting. Its session is named after its worker.
create or replace function syncd.unseat() returns integer
language sql
set search_path = pg_catalog, pg_temp
as $$
    select count(*) filter (where pg_terminate_backend(a.pid))::integer
    from pg_locks k
    join pg_stat_activity a on a.pid = k.pid
    where k.locktype = 'advisory' and k.classid = 1937337955 and k.objid = 2 and k.granted
          and k.database = (select d.oid from pg_database d where d.datname = current_database())
          and a.application_name like 'syncd duty %'
          and (pg_has_role(a.usesysid, 'usage') or pg_has_role('pg_signal_backend', 'usage'))
          and not exists (
              select from syncd.worker w
              where a.application_name = 'syncd duty ' || w.worker_id and w.alive_until > clock_timestamp());
$$;
