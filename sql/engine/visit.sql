-- Visits: a command that asks QuickBooks and finds the access token too old renews it as a daemon does, under a lease
-- of the company's lane. Intuit refuses the second of two who renew at a time, and may end the connection over it.
--
-- Called by: `syncd map` and `syncd company connect` (ask_turn, visit, end_visit), in autocommit.
-- Touches:   worker, lane, company.

-- Takes the lane for a minute, if no daemon is at work in it, and begins a renewal: the lane's epoch and the tokens. No
-- row while somebody has it; he renews the tokens himself if he needs them. `interrupted_at` as begin_refresh has it.
create or replace function syncd.visit(company text, visitor uuid, host text, pid integer, version text)
returns table (epoch bigint, tokens bytea, interrupted_at timestamptz, started_at timestamptz)
language plpgsql security definer rows 1
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    held bigint;
begin
    perform from syncd.lane l where l.company_id = company for no key update;
    if not exists (select from syncd.company c where c.company_id = company and c.state = 'connected') then
        return;
    end if;
    update syncd.lane l set owner = visitor, epoch = l.epoch + 1
    where l.company_id = company
          and not exists (select from syncd.worker w
                          where w.worker_id = l.owner and w.alive_until > clock_timestamp())
    returning l.epoch into held;
    if held is null then
        return;
    end if;
    perform syncd.heartbeat(visitor, interval '1 minute', host, pid, version);
    return query
    select held, r.tokens, r.interrupted_at, r.started_at from syncd.begin_refresh(company, visitor, held) r;
end
$$;

-- Gives the lane back, with what Intuit gave, if it gave anything. `refused`: it surely gave nothing, so this renewal
-- is no explanation of a connection that turns out to be dead.
create or replace function syncd.end_visit(
    company text, visitor uuid, held_epoch bigint, started timestamptz, fresh bytea, access_expires timestamptz,
    refresh_expires timestamptz, refused boolean
) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform from syncd.lane l where l.company_id = company for no key update;
    if fresh is not null then
        perform syncd.keep_tokens(company, visitor, held_epoch, started, fresh, access_expires, refresh_expires);
    elsif refused then
        update syncd.company c set refresh_started_at = null
        where c.company_id = company and c.refresh_started_at = started;
    end if;
    perform syncd.leave(visitor);
end
$$;

-- Takes one request out of the company's budget, which a command shares with the daemon: what exceeds it QuickBooks
-- answers with a minute's silence for both. How many seconds to wait before asking.
create or replace function syncd.ask_turn(company text) returns double precision
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform from syncd.lane l where l.company_id = company for no key update;
    return syncd.spend(company, false);
end
$$;
