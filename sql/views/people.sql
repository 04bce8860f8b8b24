-- What people read: DBAs by SQL, everybody else through `syncd log`, `syncd status` and `syncd explain`.
--
-- Called by: the command line and DBAs. Read only; no token is in any of them.

-- SIP's log screen: its six columns under their exact names, after the columns that select a company's rows.
create view syncd.sync_log_view as
select
    l.company_id,
    l.log_id,
    l.occurred_at,
    l.entity_type,
    l.entity_id,
    e.label as "Entity Type",
    l.entity_name as "Entity Name",
    initcap(l.direction::text) as "Direction",
    initcap(l.status::text) as "Status",
    l.occurred_at as "Timestamp",
    l.error as "Error"
from syncd.sync_log l
join syncd.entity e on e.entity_type = l.entity_type;

-- Records on their way, the oldest first.
create view syncd.pending as
select
    j.company_id,
    j.entity_type,
    j.entity_id,
    case when cut.off then 'waiting'::syncd.state else j.state end as state,
    case when c.state <> 'connected' then 'connection'::syncd.waits_on else j.waits_on end as waits_on,
    case
        when cut.off and c.state = 'needs_reconnect'
            then 'The connection to QuickBooks is lost. It goes when the company is connected again.'
        when cut.off then 'The company is not connected to QuickBooks. It goes when it is connected again.'
        -- Of what waits for another record, also what keeps that one.
        when j.state = 'waiting' and j.waits_on = 'record'
            then concat_ws(' ', j.reason, (
                select h.sentence from syncd.held_up(j.company_id, j.waits_for_type, j.waits_for_id) h))
        else j.reason
    end as reason,
    j.waits_for_type,
    j.waits_for_id,
    j.attempts,
    case when not cut.off then nullif(j.due_at, 'infinity') end as next_attempt_at,
    j.owed_since,
    j.source,
    j.run_id
from syncd.job j
join syncd.company c on c.company_id = j.company_id
-- Nobody decides for a company without a connection, so its jobs stay as they were when it was lost.
cross join lateral (select c.state <> 'connected' and j.call_id is null as off) cut
where j.state in ('pending', 'sending', 'unknown', 'waiting');

-- Records that a person has to look at.
create view syncd.errors as
select
    j.company_id,
    j.entity_type,
    j.entity_id,
    j.state,
    j.reason,
    j.fault_class,
    j.error_code,
    j.attempts,
    j.owed_since
from syncd.job j
where j.state in ('held', 'error', 'collision', 'diverged')
union all
select k.company_id, k.entity_type, k.sip_id, k.state, k.note, 'variance', null, null, k.synced_at
from syncd.link k
join syncd.company c on c.company_id = k.company_id and c.environment = k.environment and c.realm_id = k.realm_id
where k.state = 'variance';

create view syncd.lane_status as
select
    c.company_id,
    c.name,
    c.region,
    c.environment,
    c.realm_id,
    c.state as connection,
    c.refresh_expires_at,
    s.enable_sync,
    w.host || ':' || w.pid as daemon,
    case when l.not_before > clock_timestamp() then l.paused_because end as paused_because,
    case when l.not_before > clock_timestamp() then nullif(l.not_before, 'infinity') end as paused_until,
    q.pending,
    q.unknown,
    q.waiting,
    q.behind_others,
    q.failed,
    q.diverged,
    v.variances,
    q.oldest
from syncd.company c
join syncd.sync_settings s on s.company_id = c.company_id
join syncd.lane l on l.company_id = c.company_id
left join syncd.worker w on w.worker_id = l.owner and w.alive_until > clock_timestamp()
cross join lateral (
    select
        -- Without a connection nothing is on its way but what has been sent.
        count(*) filter (
            where j.state = 'sending' or (j.state = 'pending' and c.state = 'connected')) as pending,
        count(*) filter (where j.state = 'unknown') as unknown,
        count(*) filter (
            where j.state = 'waiting' or (j.state = 'pending' and c.state <> 'connected')) as waiting,
        count(*) filter (
            where j.state = 'waiting' and j.waits_on = 'record' and c.state = 'connected') as behind_others,
        count(*) filter (where j.state in ('held', 'error', 'collision', 'diverged')) as failed,
        count(*) filter (where j.state = 'diverged') as diverged,
        min(j.owed_since) filter (
            where j.state in ('sending', 'unknown') or (j.state = 'pending' and c.state = 'connected')) as oldest
    from syncd.job j
    where j.company_id = c.company_id
) q
cross join lateral (
    select count(*) as variances from syncd.link k
    where k.company_id = c.company_id and k.state = 'variance'
          and k.environment = c.environment and k.realm_id = c.realm_id
) v;

-- The daemons that live, how many lanes each holds, and what has woken it since it started.
create view syncd.daemons as
select
    w.host,
    w.pid,
    w.version,
    w.started_at,
    w.alive_until,
    w.slots,
    (select count(*) from syncd.lane l where l.owner = w.worker_id) as lanes,
    w.on_duty,
    w.polling_because,
    w.wakeups
from syncd.worker w
where w.alive_until > clock_timestamp();

-- One row on what belongs to no company alone.
create view syncd.health as
select
    (select count(*) from syncd.daemons) as daemons,
    (select coalesce(sum(coalesce(cardinality(o.entity_ids), 1)), 0) from syncd.outbox o) as outbox,
    (select min(o.signaled_at) from syncd.outbox o) as oldest_signal,
    (select count(*) from syncd.outbox_bad) as outbox_bad;

-- Who changed which setting, one row for each setting that differs from before. Everything is off before the first.
create view syncd.settings_changes as
select
    h.company_id,
    h.history_id,
    h.changed_at,
    h.changed_by,
    n.setting,
    h.before ->> n.setting as was,
    n.value as became
from (
    select
        s.*,
        lag(s.settings) over (partition by s.company_id order by s.history_id) as before
    from syncd.settings_history s
) h
cross join lateral jsonb_each_text(h.settings) as n (setting, value)
where coalesce(h.before ->> n.setting, 'false') <> coalesce(n.value, 'false');
