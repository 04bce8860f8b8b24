-- Work by hand: try again what a person has put right.
--
-- Called by: `syncd retry`; due_again by whatever gives a company what its records lacked (company.sql).
-- Touches:   lane, job, company (facts_at).

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
    -- Perhaps something was switched on in QuickBooks: that is looked at before anything is refused for it again.
    update syncd.company c set facts_at = null where c.company_id = company and made > 0;
    update syncd.lane l set due_at = least(l.due_at, clock_timestamp())
    where l.company_id = company and made > 0;
    perform pg_notify('syncd_lanes', left(company, 1000));
    return made;
end
$$;

-- Makes due again what was refused for one of these reasons, with all its attempts. Returns how many records these are.
create or replace function syncd.due_again(company text, codes text[]) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    made integer;
begin
    perform from syncd.lane l where l.company_id = company for no key update;
    update syncd.job j
    set state = 'pending', due_at = null, attempts = 0, alone = 0, reason = null, fault_class = null,
        error_code = null, version = nextval('syncd.job_version'), ticket = nextval('syncd.job_ticket')
    where j.company_id = company and j.call_id is null and j.state in ('error', 'held') and j.error_code = any(codes);
    get diagnostics made = row_count;
    if made > 0 then
        update syncd.lane l set due_at = least(l.due_at, clock_timestamp()) where l.company_id = company;
        perform pg_notify('syncd_lanes', left(company, 1000));
    end if;
    return made;
end
$$;
