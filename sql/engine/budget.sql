-- Budgets: what Intuit lets one realm do, and when the next request of a lane may go.
--
-- Called by: the daemon (take_turn, in autocommit), decide (until_batch), intend (spend).
-- Touches:   lane (next_turn, batches), always under its lock; reads qbo_limit.
--
-- A budget is spent before the request goes out, so that a daemon that dies and comes back does not spend it twice.

-- The limits that syncd keeps, a little below Intuit's. A DBA may set `override`; an upgrade leaves it alone.
insert into syncd.qbo_limit (name, amount, source, seen_on)
values
    ('requests_at_once', 2,
     'Limits and throttles: 10 a second for a realm and app, 500 a minute for a realm. '
     'Two at once and then requests_per_second keep both, however the windows fall.', '2026-11-20'),
    ('requests_per_second', 8, 'As requests_at_once.', '2026-11-20'),
    ('batches_per_minute', 40, 'Limits and throttles: 40 batches a minute for a realm and app.', '2026-11-20'),
    ('batch_size', 30, 'Batch: at most 30 items.', '2026-11-20')
on conflict (name) do update
set amount = excluded.amount, source = excluded.source, seen_on = excluded.seen_on;

create or replace function syncd.limit_of(name text) returns integer
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(q.override, q.amount) from syncd.qbo_limit q where q.name = limit_of.name;
$$;

-- How long until one more batch may go, given when the last ones went. A second more than a minute, because requests
-- may overtake each other on their way.
create or replace function syncd.until_batch(batches timestamptz[]) returns interval
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    most constant integer := syncd.limit_of('batches_per_minute');
begin
    if cardinality(batches) < most then
        return interval '0';
    end if;
    return greatest(interval '0',
                    batches[cardinality(batches) - most + 1] + interval '61 seconds' - clock_timestamp());
end
$$;

-- Spends one request, for a batch or a single record, and says how many seconds to wait before sending it. The lane
-- must be held.
create or replace function syncd.spend(company text, is_batch boolean) returns double precision
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    spacing constant interval := interval '1 second' / syncd.limit_of('requests_per_second');
    spare constant interval := spacing * (syncd.limit_of('requests_at_once') - 1);
    longest constant interval := interval '10 seconds';
    now_ constant timestamptz := clock_timestamp();
    most constant integer := syncd.limit_of('batches_per_minute');
    turn timestamptz;
begin
    -- A clock that was set back must not silence the company for as long.
    select greatest(now_, least(l.next_turn, now_ + longest)) into turn
    from syncd.lane l where l.company_id = company;
    update syncd.lane l
    set next_turn = turn + spacing,
        batches = case when is_batch
            then (l.batches || now_)[greatest(1, cardinality(l.batches) + 2 - most):] else l.batches end
    where l.company_id = company;
    return greatest(0, extract(epoch from turn - spare - now_));
end
$$;

-- The same for a request that no call row stands for: a look-up, or a call that is sent again.
create or replace function syncd.take_turn(company text, worker uuid, held_epoch bigint, is_batch boolean)
returns double precision
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform syncd.hold_lane(company, worker, held_epoch);
    return syncd.spend(company, is_batch);
end
$$;
