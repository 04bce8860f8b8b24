-- Signals: which SIP tables note their changes in the outbox, and the triggers that do it.
--
-- Called by: the files of sql/source (bind), `syncd db upgrade` (install_functions, tables_to_change,
--            install_triggers), DBAs (watch, unwatch), check.sql.
-- Touches:   syncd.binding; creates and drops triggers named zz_syncd_* on SIP's tables and nothing else there.
--
-- A trigger function is generated per binding and event, so that it holds static SQL. It is statement-level and
-- reads transition tables: one firing per statement however many rows. It writes plain outbox rows and cannot
-- make SIP wait: no unique index, no look-up, no network, no exception block. "zz" makes it run after SIP's own
-- triggers, which fire in name order. Then it rings the bell, but only for a daemon that sleeps (bell.sql).
--
-- A statement fires the triggers of the table it names, and of no other: with the rows of all its partitions and
-- inheritance children, if it names the parent. So the parent and each of them have the triggers, and no row is ever
-- noted twice.
--
-- lock_timeout, where it is set: CREATE TRIGGER takes a lock that stops SIP's writers while it WAITS, not only while
-- it is held. A little longer than deadlock_timeout (1 s), after which Postgres cancels an autovacuum that stands in
-- the way; a shorter one would be in vain as long as the autovacuum lasts.

-- Notes a binding. `condition` is SQL over "old" and "new" and must be true whenever either side can matter;
-- on insert "old" is all null, on delete "new" is. It runs inside SIP's statements: nothing in it may be able to fail
-- (no division, no cast of text).
create or replace function syncd.bind(
    source_table text, entity text, key text, company text default null, condition text default null
) returns integer
language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into syncd.binding as b (source_table, entity_type, company_column, key_column, condition)
    values (bind.source_table, bind.entity, bind.company, bind.key, bind.condition)
    on conflict on constraint binding_once do update
    set company_column = excluded.company_column, condition = excluded.condition
    returning b.binding_id;
$$;

-- Binds and installs at once. Needs the right to create triggers on the table, and waits for SIP's writers: try again
-- when it gives up. A table with partitions is locked part by part; `syncd db upgrade` never holds two at once.
create or replace function syncd.watch(
    source_table text, entity text, key text, company text default null, condition text default null
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '1200ms'
as $$
declare
    binding constant integer := syncd.bind(source_table, entity, key, company, condition);
begin
    perform syncd.install_functions(binding);
    perform syncd.install_triggers(binding, t.relation) from syncd.tables_to_change(binding) t;
end
$$;

-- The inverse: drops the triggers wherever they are by now (the table may have been renamed, a partition detached),
-- their functions and the binding.
create or replace function syncd.unwatch(source_table text, entity text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '1200ms'
as $$
declare
    bound syncd.binding;
    made record;
    event text;
begin
    for bound in
        select b.* from syncd.binding b
        where b.source_table = unwatch.source_table and b.entity_type = unwatch.entity
    loop
        for made in
            select t.relation, t.name from syncd.trigger_state() t
            where t.binding_id = bound.binding_id and t.problem is distinct from 'missing'
            order by t.is_root desc, t.relation
        loop
            execute format('drop trigger %I on %s', made.name, made.relation::regclass);
        end loop;
        foreach event in array syncd.signal_events() loop
            execute format('drop function if exists syncd.%I()', syncd.signal_function(bound, event));
        end loop;
        execute format('drop view if exists syncd.%I', syncd.guard_view(bound));
        delete from syncd.binding b where b.binding_id = bound.binding_id;
    end loop;
end
$$;

create or replace function syncd.signal_events() returns text[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select array['insert', 'update', 'delete', 'truncate'] $$;

create or replace function syncd.trigger_name(bound syncd.binding, event text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select format('zz_syncd_%s_%s', bound.binding_id, event) $$;

-- Functions named signal_* are those that write to the outbox and ring.
create or replace function syncd.signal_function(bound syncd.binding, event text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select format(case event when 'truncate' then '%2$s_%1$s' else 'signal_%1$s_%2$s' end, bound.binding_id, event)
$$;

create or replace function syncd.guard_view(bound syncd.binding) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select format('guard_%s', bound.binding_id) $$;

-- A table by its name as bindings give it, null if there is none. By catalog: the daemon's role may not look names up
-- in SIP's schema.
create or replace function syncd.table_named(source_table text) returns oid
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where array[n.nspname::text, c.relname::text] = parse_ident(source_table);
$$;

-- A table with its partitions and inheritance children, at every depth.
create or replace function syncd.family(source_table text) returns setof oid
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with recursive member (relation) as (
        select syncd.table_named(source_table) where syncd.table_named(source_table) is not null
        union
        select i.inhrelid from member m join pg_inherits i on i.inhparent = m.relation
    )
    select m.relation from member m;
$$;

-- Why triggers on these tables would not see every change, or would make SIP's writes fail; nothing if they do well.
create or replace function syncd.uncapturable(source_table text)
returns table (sentence text, remedy text, fatal boolean)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select case
               when c.relkind = 'f' and m.relation <> syncd.table_named(source_table) then
                   format('%s, a part of table %s, is a foreign table: SIP''s writes to it through %2$s fail while '
                          '%2$s has triggers', c.oid::regclass, source_table)
               when c.relkind not in ('r', 'p') or c.relpersistence = 't' then
                   format('%s is a %s, whose changes triggers cannot note', c.oid::regclass,
                          case c.relkind when 'v' then 'view' when 'm' then 'materialized view'
                                         when 'f' then 'foreign table' when 'r' then 'temporary table'
                                         else 'relation of another kind' end)
               else format('%s is a part of table %s, and statements that name %2$s fire no trigger of %1$s',
                           c.oid::regclass, outside.inhparent::regclass)
           end,
           case
               when outside.inhparent is not null then format('Bind %s instead.', outside.inhparent::regclass)
               when c.relkind = 'f' then 'Detach it, or do not bind the table.'
               else 'Bind the table in which the rows are stored.'
           end,
           c.relkind <> 'f' or m.relation = syncd.table_named(source_table)
    from syncd.family(source_table) m (relation)
    join pg_class c on c.oid = m.relation
    left join pg_inherits outside on outside.inhrelid = m.relation
              and outside.inhparent not in (select f.relation from syncd.family(source_table) f (relation))
    where c.relkind not in ('r', 'p') or c.relpersistence = 't' or outside.inhparent is not null;
$$;

-- Every trigger that should be there, and every one of ours that is; `problem` is null where all is well.
create or replace function syncd.trigger_state()
returns table (
    binding_id integer, source_table text, relation oid, is_root boolean, event text, name text, problem text
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with named as (
        select b.binding_id, b.source_table, e.event, syncd.trigger_name(b, e.event) as name,
               syncd.signal_function(b, e.event) as function_name
        from syncd.binding b cross join unnest(syncd.signal_events()) e (event)
    ), wanted as (
        select n.*, f.relation from named n cross join lateral syncd.family(n.source_table) f (relation)
    ), present as (
        select n.*, t.tgrelid as relation, t.tgenabled,
               -- 4 insert, 8 delete, 16 update, 32 truncate; no further bit: after, and for each statement
               t.tgname = n.name and t.tgqual is null
               and (t.tgtype, t.tgoldtable, t.tgnewtable) is not distinct from (
                   case n.event when 'insert' then 4 when 'delete' then 8 when 'update' then 16 else 32 end::smallint,
                   case when n.event in ('update', 'delete') then 'old_rows' end::name,
                   case when n.event in ('insert', 'update') then 'new_rows' end::name) as sound
        from named n
        join pg_proc p on p.pronamespace = 'syncd'::regnamespace and p.proname = n.function_name
        join pg_trigger t on t.tgfoid = p.oid
    )
    select binding_id, source_table, relation, relation = syncd.table_named(source_table), event, name,
           case when p.tgenabled is null then 'missing'
                when w.name is null then 'left over'
                when not p.sound then 'changed'
                when p.tgenabled = 'A' then 'always'
                when p.tgenabled <> 'O' then 'disabled'
           end
    from wanted w
    full join present p using (binding_id, source_table, relation, event, name, function_name);
$$;

-- The tables on which something is to be made, repaired or removed; the parent first, as SIP's statements lock them.
create or replace function syncd.tables_to_change(binding integer) returns table (relation oid, name text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select s.relation, s.relation::regclass::text from syncd.trigger_state() s
    where s.binding_id = tables_to_change.binding and s.problem is not null
    group by s.relation, s.is_root
    order by s.is_root desc, s.relation;
$$;

-- One side ("old" or "new") of a changed row as company and key.
create or replace function syncd.signal_side(bound syncd.binding, side text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select case when bound.company_column is null then 'null::text'
                else format('%s.%I::text', side, bound.company_column) end
        || format(', %s.%I::text', side, bound.key_column);
$$;

-- The columns of a table's primary key, quoted; empty if it has none.
create or replace function syncd.primary_key(bound syncd.binding) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select array(
        select quote_ident(a.attname)
        from pg_index i
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
        where i.indrelid = syncd.table_named(bound.source_table) and i.indisprimary
        order by a.attnum);
$$;

-- Whether each row of a table is a record by itself. With inheritance children a primary key is none.
create or replace function syncd.is_keyed(bound syncd.binding) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select syncd.primary_key(bound) = array[quote_ident(bound.key_column)]
           and (select c.relkind = 'p' or not c.relhassubclass from pg_class c
                where c.oid = syncd.table_named(bound.source_table));
$$;

-- The records that one statement may have changed, as (company, key): the query inside a trigger function. Both sides
-- of an update signal, because a row that moved from one parent to another changed both.
--
-- `many` is false where the statement changed one row: then its old and new row belong together and nothing is joined.
-- Else an update that has to compare them joins them by primary key. By a full join, which is hashed or merged whatever
-- Postgres expects: sessions keep the plan, and a nested loop planned for two rows would later meet a million.
create or replace function syncd.changed_records(
    bound syncd.binding, event text, many boolean, new_rows text default 'new_rows', old_rows text default 'old_rows'
) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    primary_key constant text[] := syncd.primary_key(bound);
    present constant text := case event when 'delete' then 'old' else 'new' end;
    absent constant text := case event when 'delete' then 'new' else 'old' end;
    present_rows constant text := case event when 'delete' then old_rows else new_rows end;
    -- A thousand lines of one invoice are one signal.
    once constant text := case when not many or syncd.is_keyed(bound) then '' else 'distinct ' end;
    compared constant text := coalesce(bound.condition, 'true');
begin
    if event = 'update' and bound.condition is not null and primary_key = '{}' then
        raise exception 'table % has no primary key, so its updates cannot be compared', bound.source_table
            using hint = 'Bind it without a condition, or give the table a primary key.';
    elsif event = 'update' and many and bound.condition is null then
        return format('select %s from %s as new union select %s from %s as old',
                      syncd.signal_side(bound, 'new'), new_rows, syncd.signal_side(bound, 'old'), old_rows);
    elsif event = 'update' then
        return format(
            'select %1$ss.company, s.key from %2$s as new %3$s '
            'cross join lateral (values (true, %4$s), (false, %5$s)) as s (is_new, company, key) '
            'where (s.is_new or (%4$s) is distinct from (%5$s)) and (%6$s)',
            once, new_rows,
            case when many then format('full join %s as old using (%s)', old_rows, array_to_string(primary_key, ', '))
                 else format('cross join %s as old', old_rows) end,
            syncd.signal_side(bound, 'new'), syncd.signal_side(bound, 'old'),
            -- What the join would not bring together has changed.
            case when many or bound.condition is null then compared
                 else (select format('%s or (%s) is distinct from (%s)', compared,
                                     string_agg('new.' || k, ', '), string_agg('old.' || k, ', '))
                       from unnest(primary_key) k) end);
    elsif bound.condition is null then
        return format('select %s%s from %s as %s', once, syncd.signal_side(bound, present), present_rows, present);
    end if;
    -- The absent side is a row of nulls, taken from the transition table: the owner has no right on SIP's schema.
    return format(
        'select %s%s from %3$s as %4$s left join (select * from %3$s limit 0) as %5$s on true where %6$s',
        once, syncd.signal_side(bound, present), present_rows, present, absent, bound.condition);
end
$$;

-- The same records as changed_records has of many updated rows, where a row is the record: first put together, then
-- told to the company that they were of too. To tell it row by row costs as much again (prototypes, docs/speed.md).
create or replace function syncd.changed_by_company(bound syncd.binding) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select format(
        'select s.company, %1$L, g.keys from ('
        'select %2$s as present, %3$s as former, array_agg(%4$I::text) as keys '
        'from new_rows as new full join old_rows as old using (%4$I) where %5$s '
        'group by 1, 2, hashtext(%4$I::text) %% syncd_parts) g '
        'cross join lateral (values (true, g.present), (false, g.former)) as s (is_new, company) '
        'where s.is_new or g.former is distinct from g.present',
        bound.entity_type,
        -- A row that has a new key has one side only.
        case when bound.company_column is null then 'null::text'
             else format('coalesce(new.%1$I, old.%1$I)::text', bound.company_column) end,
        case when bound.company_column is null then 'null::text'
             else format('coalesce(old.%1$I, new.%1$I)::text', bound.company_column) end,
        bound.key_column, bound.condition)
$$;

-- The lines of a trigger function that write the outbox. One row of SIP's is one signal; many are about one for each
-- company and thousand, because each row of the outbox costs as much as SIP's own.
create or replace function syncd.signal_insert(bound syncd.binding, event text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select format(
        E'    select 1 + count(*) / 1000, count(*) <= 1 into syncd_parts, syncd_is_one from %1$s;\n'
        '    if syncd_is_one then\n'
        '        insert into syncd.outbox (company_id, entity_type, entity_id)\n'
        '        select c.company, %2$L, c.key from (%3$s) as c (company, key) where c.key is not null;\n'
        '    else\n'
        '        insert into syncd.outbox (company_id, entity_type, entity_ids)\n'
        '        %4$s;\n'
        '    end if;\n',
        case event when 'delete' then 'old_rows' else 'new_rows' end, bound.entity_type,
        syncd.changed_records(bound, event, false),
        case when event = 'update' and bound.condition is not null and syncd.is_keyed(bound)
            then syncd.changed_by_company(bound)
            else format('select c.company, %L, array_agg(c.key) from (%s) as c (company, key) where c.key is not null '
                        'group by c.company, hashtext(c.key) %% syncd_parts',
                        bound.entity_type, syncd.changed_records(bound, event, true)) end)
$$;

-- What a trigger function does. syncd's own writes to SIP's tables are marked by a setting of their transaction; only
-- of the daemon's role is it believed, since anybody can set it.
create or replace function syncd.signal_body(bound syncd.binding, event text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select E'#variable_conflict use_column\ndeclare\n    syncd_parts bigint;\n    syncd_is_one boolean;\nbegin\n'
        || case event
            -- Without rows there is nothing to signal, and nothing is voided in QuickBooks. A person is told, once for a
            -- transaction that truncates a hundred partitions.
            when 'truncate' then format(
                E'    insert into syncd.outbox_bad (entity_type, signaled_at, reason)\n'
                '    select %1$L, now(), %2$L\n'
                '    where not exists (select from syncd.outbox_bad b\n'
                '                      where b.signaled_at = now() and b.entity_type = %1$L and b.reason = %2$L);\n',
                bound.entity_type,
                format('%s was truncated; what it held stays in QuickBooks as it is', bound.source_table))
            else format(
                E'    if current_setting(''syncd.own_write'', true) = ''on''\n'
                '       and pg_has_role(session_user, ''syncd_daemon'', ''member'') then\n'
                '        return null;\n    end if;\n%s%s',
                syncd.signal_insert(bound, event), syncd.bell())
        end
        || E'    return null;\nend';
$$;

-- Creates or replaces the functions of one binding, after everything has been found that would make SIP's writes fail
-- or go unnoticed.
--
-- The guard is a view that nobody reads. It names what the trigger functions name, which Postgres does not look into:
-- so a column that they read cannot be dropped or change its type before they have gone. A new name it cannot prevent;
-- that is why the names are kept, as the function's comment, for `syncd db check`.
create or replace function syncd.install_functions(binding integer) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '1200ms'
as $$
declare
    bound syncd.binding;
    event text;
    many boolean;
    problem record;
    names text;
begin
    select b.* into strict bound from syncd.binding b where b.binding_id = install_functions.binding;
    if syncd.table_named(bound.source_table) is null then
        raise exception 'table % does not exist', bound.source_table
            using hint = 'Correct the binding of ' || bound.entity_type || ' in sql/source.';
    end if;
    for problem in select u.sentence, u.remedy from syncd.uncapturable(bound.source_table) u loop
        raise exception '%', problem.sentence using hint = problem.remedy;
    end loop;

    foreach event in array syncd.signal_events() loop
        -- A wrong column must be found here and not by SIP's next write.
        if event <> 'truncate' then
            foreach many in array array[false, true] loop
                execute format(
                    'with new_rows as (select * from %1$s limit 0), old_rows as (select * from %1$s limit 0) %2$s',
                    bound.source_table, syncd.changed_records(bound, event, many));
            end loop;
        end if;
        execute format(
            'create or replace function syncd.%I() returns trigger language plpgsql security definer '
            'set search_path = pg_catalog, pg_temp as %L',
            syncd.signal_function(bound, event), syncd.signal_body(bound, event));
        execute format('revoke all on function syncd.%I() from public', syncd.signal_function(bound, event));
    end loop;

    execute format('drop view if exists syncd.%I', syncd.guard_view(bound));
    execute format('create view syncd.%I as select from (%s) q', syncd.guard_view(bound),
                   syncd.changed_records(bound, 'update', true, bound.source_table, bound.source_table));
    execute format('comment on view syncd.%I is %L', syncd.guard_view(bound),
                   format('Not to be read. Keeps the columns of %s that our triggers read from being dropped; before that: '
                          'select syncd.unwatch(%L, %L)', bound.source_table, bound.source_table, bound.entity_type));
    select string_agg(distinct a.attname, E'\n') into names
    from pg_rewrite r
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
    join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    where r.ev_class = format('syncd.%I', syncd.guard_view(bound))::regclass
          and d.refclassid = 'pg_class'::regclass and d.refobjid = syncd.table_named(bound.source_table)
          and d.refobjsubid > 0;
    execute format('comment on function syncd.%I() is %L', syncd.signal_function(bound, 'update'), names);

    foreach event in array syncd.signal_events() loop
        execute format('alter function syncd.%I() owner to syncd_owner', syncd.signal_function(bound, event));
    end loop;
end
$$;

-- Makes, repairs or removes the triggers of one binding on one table. Nothing is locked where nothing is to be done.
create or replace function syncd.install_triggers(binding integer, relation oid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '1200ms'
as $$
declare
    bound syncd.binding;
    found record;
begin
    select b.* into strict bound from syncd.binding b where b.binding_id = install_triggers.binding;
    for found in
        select s.event, s.name, s.problem from syncd.trigger_state() s
        where s.binding_id = install_triggers.binding and s.relation = install_triggers.relation
              and s.problem is not null
    loop
        if found.problem = 'left over' then
            execute format('drop trigger %I on %s', found.name, relation::regclass);
        else
            -- One that was disabled is enabled by this too.
            execute format(
                'create or replace trigger %I after %s on %s %s for each statement execute function syncd.%I()',
                found.name, found.event, relation::regclass,
                case found.event when 'insert' then 'referencing new table as new_rows'
                                 when 'delete' then 'referencing old table as old_rows'
                                 when 'update' then 'referencing old table as old_rows new table as new_rows'
                                 else '' end,
                syncd.signal_function(bound, found.event));
        end if;
    end loop;
end
$$;
