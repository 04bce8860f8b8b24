-- Documents: one way to read any record of SIP as the canonical JSON that is compared and sent.
--
-- Called by: `syncd db upgrade` (assemble), which generates syncd.documents from every view syncd.document_*.
--
-- The contract of a view syncd.document_<entity>, one file each in sql/entity:
--     key          SIP's own key, in SIP's own type, so that SIP's index is used
--     company_id   text
--     entity_name  text, the name or number that people know the record by
--     due          boolean, false while the record is in no state that QuickBooks should know of
--     skip         text, why this record is left out although it is due (a sentence), else null
--     document     jsonb, all that QuickBooks is told of it and nothing else

-- Generates syncd.documents(types, ids): the records asked for, pair by pair; one that is gone has no row.
create or replace function syncd.assemble() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    branches text;
begin
    -- The key is compared in SIP's type: a cast on the column would hide SIP's index from the planner. CASE keeps
    -- the ids of other entity types, which may not even parse, away from the cast.
    select string_agg(format(
        'select w.entity_type, w.entity_id, d.company_id, d.entity_name, d.due, d.skip, d.document '
        'from asked w join syncd.%I d on d.key = case when w.entity_type = %L then w.entity_id::%s end',
        'document_' || e.entity_type, e.entity_type, format_type(a.atttypid, a.atttypmod)),
        E'\nunion all ' order by e.rank, e.entity_type)
    into strict branches
    from syncd.entity e
    join pg_attribute a
        on a.attrelid = to_regclass('syncd.document_' || e.entity_type) and a.attname = 'key';

    execute format(
        'create or replace function syncd.documents(types text[], ids text[]) '
        'returns table (entity_type text, entity_id text, company_id text, entity_name text, due boolean, '
        'skip text, document jsonb) language sql stable rows 30 set search_path = pg_catalog, pg_temp as %L',
        E'with asked as (select * from unnest(types, ids) as w (entity_type, entity_id))\n' || branches);
end
$$;
