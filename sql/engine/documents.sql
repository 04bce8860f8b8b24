-- Documents: one way to read any record of SIP as the canonical JSON that is compared and sent.
--
-- Called by: sql/entity (register), `syncd db upgrade` (assemble), which generates syncd.documents from the views
--            syncd.document_*, syncd.owners from syncd.source_* and syncd.parts from syncd.parts_*.
--
-- The contract of a view syncd.document_<entity>, one file each in sql/entity:
--     key          SIP's own key, in SIP's own type, so that SIP's index is used
--     company_id   text
--     company_key  the same in SIP's own type, a bare column, so that SIP's index is used; may be left out
--     entity_name  text, the name or number that people know the record by
--     due          boolean, false while the record is in no state that QuickBooks should know of
--     skip         text, why this record is left out although it is due (a sentence), else null
--     missing      record_key[], the records that it refers to and that have no link yet; empty if none
--     unready      text, why it is not whole yet (a sentence): more is expected from SIP in seconds; else null
--     undue        text, may be left out: why it is not due (a sentence), where "withdrawn" would not be true
--     document     jsonb, all that QuickBooks is told of it and nothing else; references are QuickBooks' ids. A key
--                  `refers`, aside, says in words what QuickBooks may find inactive
--
-- A signal may be of something that is no record itself but has some: a timesheet has entries. Then the type is in
-- syncd.expansion, and the view syncd.parts_<type> has key, company_id and part_id (text).

-- What is linked in the realm that its company is connected to: the only ids that a document may name.
create view syncd.linked as
select k.company_id, k.entity_type, k.sip_id, k.qbo_id, k.document
from syncd.link k
join syncd.company c on c.company_id = k.company_id and c.environment = k.environment and c.realm_id = k.realm_id
where k.qbo_id is not null;

-- Makes an entity type known. `rank` says what goes first. `names` are lists that QuickBooks writes one at a time.
-- Of the keys of its documents,
--     mapped  come from mappings, which apply at creation only: an update keeps what was sent last, as long as the key
--             that each names (null: none) has not changed;
--     aside   are for the push module and no reason to send;
--     fixed   can never change: a record that has them is never updated, and one that differs has diverged;
--     turn    names a place that records have in common: those with the same value go one after the other.
create or replace function syncd.register(
    entity text, label text, qbo_type text, rank integer, toggle text default null, names boolean default false,
    mapped jsonb default '{}', aside text[] default '{}', fixed text[] default null, turn text default null
) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into syncd.entity as e (entity_type, label, qbo_type, rank, toggle, names, mapped, aside, fixed, turn)
    values (entity, label, qbo_type, rank, toggle, names, mapped, aside, fixed, turn)
    on conflict (entity_type) do update
    set label = excluded.label, qbo_type = excluded.qbo_type, rank = excluded.rank, toggle = excluded.toggle,
        names = excluded.names, mapped = excluded.mapped, aside = excluded.aside, fixed = excluded.fixed,
        turn = excluded.turn;
$$;

-- Generates syncd.<name>(types, ids), which returns for each pair the `columns` of the row with that key in the view of
-- its type. It looks only into the views of the types asked for, and a session keeps the plan of each.
--
-- The key is compared in SIP's type: a cast on the column would hide SIP's index from the planner. CASE keeps the ids
-- of other entity types, which may not even parse, away from the cast. "offset 0" has the view planned for one record
-- by its key. Joined to the list, a view of more than eight tables would be planned apart from it, since
-- join_collapse_limit is 8, and built for every record there is.
create or replace function syncd.generate(name text, columns text, types text[], views regclass[], selected text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    looks constant text := (
        select string_agg(format(
            E'    if %1$L = any(types) then\n'
            '        return query\n'
            '        select w.entity_type, w.entity_id, %2$s\n'
            '        from unnest(types, ids) as w (entity_type, entity_id)\n'
            '        cross join lateral (\n'
            '            select v.* from %3$s v\n'
            '            where v.key = case when w.entity_type = %1$L then w.entity_id::%4$s end offset 0) d\n'
            '        where w.entity_type = %1$L;\n'
            '    end if;\n',
            t.type, t.selected, t.view, format_type(a.atttypid, a.atttypmod)), '' order by t.nth)
        from unnest(types, views, selected) with ordinality as t (type, view, selected, nth)
        join pg_attribute a on a.attrelid = t.view and a.attname = 'key');
begin
    execute format(
        'create or replace function syncd.%I(types text[], ids text[]) '
        'returns table (entity_type text, entity_id text, %s) '
        'language plpgsql stable rows 30 set search_path = pg_catalog, pg_temp as %L',
        name, columns, E'#variable_conflict use_column\nbegin\n' || coalesce(looks, '') || 'end');
end
$$;

-- Generates syncd.documents: the records asked for, one that is gone has no row; syncd.owners: their companies; and
-- syncd.parts: the records that each of these has.
create or replace function syncd.assemble() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform syncd.generate(
        'documents',
        'company_id text, entity_name text, due boolean, skip text, missing syncd.record_key[], unready text, '
        'document jsonb, undue text',
        array_agg(e.entity_type), array_agg(e.view),
        array_agg('d.company_id, d.entity_name, d.due, d.skip, d.missing, d.unready, d.document, '
                  || case when exists (select from pg_attribute u where u.attrelid = e.view and u.attname = 'undue')
                         then 'd.undue' else 'null::text' end))
    from (
        select entity_type, ('syncd.document_' || entity_type)::regclass as view
        from syncd.entity order by rank, entity_type
    ) e;
    -- Whose a record is, the source view knows without its document.
    perform syncd.generate(
        'owners', 'company_id text', array_agg(e.entity_type),
        array_agg(coalesce(to_regclass('syncd.source_' || e.entity_type),
                           to_regclass('syncd.document_' || e.entity_type))),
        array_agg('d.company_id'::text))
    from (select entity_type from syncd.entity order by rank, entity_type) e;
    perform syncd.generate(
        'parts', 'company_id text, part_type text, part_id text', array_agg(x.entity_type),
        array_agg(('syncd.parts_' || x.entity_type)::regclass),
        array_agg(format('d.company_id, %L::text, d.part_id', x.part_type)))
    from syncd.expansion x;
end
$$;
