-- Work by hand: try again what a person has put right.
--
-- Called by: `syncd retry` (retry), push (again); due_again by whatever gives a company what its records lacked
--            (company.sql, mapping.sql).
-- Touches:   lane, job, company (facts_at).

-- Makes jobs due again that have stopped, or that are put off: these, and whatever they wait for. Returns how many.
-- What is in the queue stays there; what has an open call is settled by itself. The lane must be locked.
create or replace function syncd.again(company text, types text[], ids text[]) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    made integer;
begin
    with recursive wanted as (
        select w.entity_type, w.entity_id from unnest(types, ids) as w (entity_type, entity_id)
        union
        select j.waits_for_type, j.waits_for_id
        from wanted w
        join syncd.job j
            on j.company_id = company and j.entity_type = w.entity_type and j.entity_id = w.entity_id
        where j.waits_for_id is not null
    )
    update syncd.job j
    set state = 'pending', due_at = null, attempts = 0, alone = 0, reason = null, fault_class = null,
        error_code = null, waits_on = null, waits_for_type = null, waits_for_id = null, missing = null,
        unready_since = null, version = nextval('syncd.job_version'), ticket = nextval('syncd.job_ticket')
    from wanted w
    where j.company_id = company and j.entity_type = w.entity_type and j.entity_id = w.entity_id
          and j.call_id is null and j.due_at is not null;
    get diagnostics made = row_count;
    if made > 0 then
        -- Perhaps something was switched on in QuickBooks: that is looked at before anything is refused for it again.
        update syncd.company c set facts_at = null where c.company_id = company;
        update syncd.lane l set due_at = least(l.due_at, clock_timestamp()) where l.company_id = company;
        perform pg_notify('syncd_lanes', left(company, 1000));
    end if;
    return made;
end
$$;

-- Makes a record due again, or with null every record of the company that ended in error, hold or
-- collision; and with each what it waits for. Returns how many. To what has diverged a retry does nothing: that is
-- settled (settle.sql), or ends when SIP has the record again.
create or replace function syncd.retry(company text, entity text default null, id text default null)
returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform from syncd.lane l where l.company_id = company for no key update;
    if entity is not null then
        return syncd.again(company, array[entity], array[id]);
    end if;
    return (
        select syncd.again(company, coalesce(array_agg(j.entity_type), '{}'), coalesce(array_agg(j.entity_id), '{}'))
        from syncd.job j
        where j.company_id = company and j.state in ('error', 'held', 'collision'));
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
