-- Work by hand: try again what a person has put right.
--
-- Called by: `syncd retry`.
-- Touches:   lane, job.

-- Makes records due again that ended in error, hold, collision or divergence. Null names every such record of the
-- company. Returns how many. What has an open call is settled by itself and left alone.
create or replace function syncd.retry(company text, entity text default null, id text default null)
returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    made integer;
begin
    perform from syncd.lane l where l.company_id = company for no key update;
    update syncd.job j
    set state = 'pending', due_at = null, attempts = 0, alone = 0, reason = null, fault_class = null,
        error_code = null, version = nextval('syncd.job_version'), ticket = nextval('syncd.job_ticket')
    where j.company_id = company and j.call_id is null
          and ((entity is null and j.state in ('error', 'held', 'collision', 'diverged'))
               or (j.entity_type = entity and j.entity_id = id));
    get diagnostics made = row_count;
    update syncd.lane l set due_at = least(l.due_at, clock_timestamp())
    where l.company_id = company and made > 0;
    perform pg_notify('syncd_lanes', left(company, 1000));
    return made;
end
$$;
