-- Signals: which SIP tables note their changes in the outbox, and the triggers that do it.
--
-- Called by: the files of sql/source (bind), `syncd db upgrade` (install_triggers), DBAs (watch, unwatch).
-- Touches:   syncd.binding; creates and drops triggers named zz_syncd_* on SIP's tables and nothing else there.
--
-- A trigger function is generated per table and event, so that it holds static SQL. It is statement-level and
-- reads transition tables: one firing per statement however many rows. It writes plain outbox rows and cannot
-- make SIP wait: no unique index, no look-up, no network, no exception block. "zz" makes it run after SIP's own
-- triggers, which fire in name order. Then it rings the bell, but only for a daemon that sleeps (bell.sql).

-- Notes a binding. `condition` is SQL over "old" and "new" and must be true whenever either side can matter;
-- on insert "old" is all null, on delete "new" is.
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

-- Binds and installs at once. Needs the right to create triggers on the table.
create or replace function syncd.watch(
    source_table text, entity text, key text, company text default null, condition text default null
) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    select syncd.install_triggers(
        syncd.bind(watch.source_table, watch.entity, watch.key, watch.company, watch.condition));
$$;

-- The inverse: drops the triggers, their functions and the binding.
create or replace function syncd.unwatch(source_table text, entity text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    bound syncd.binding;
    event text;
begin
    for bound in
        delete from syncd.binding b
        where b.source_table = unwatch.source_table and b.entity_type = unwatch.entity
        returning *
    loop
        foreach event in array array['insert', 'update', 'delete'] loop
            if to_regclass(bound.source_table) is not null then
                execute format('drop trigger if exists %I on %s', syncd.trigger_name(bound, event),
                               bound.source_table);
            end if;
            execute format('drop function if exists syncd.%I()', syncd.signal_function(bound, event));
        end loop;
    end loop;
end
$$;

create or replace function syncd.trigger_name(bound syncd.binding, event text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select format('zz_syncd_%s_%s', bound.binding_id, event) $$;

create or replace function syncd.signal_function(bound syncd.binding, event text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select format('signal_%s_%s', bound.binding_id, event) $$;

-- One side ("old" or "new") of a changed row as company and key.
create or replace function syncd.signal_side(bound syncd.binding, side text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select case when bound.company_column is null then 'null::text'
                else format('%s.%I::text', side, bound.company_column) end
        || format(', %s.%I::text', side, bound.key_column);
$$;

-- The query inside a trigger function: the records that one statement may have changed. An update joins old and
-- new rows by primary key only where it must compare them; both sides signal, because a row that moved from one
-- parent to another changed both.
create or replace function syncd.signal_query(bound syncd.binding, event text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    primary_key constant text := (
        select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
        from pg_index i
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
        where i.indrelid = bound.source_table::regclass and i.indisprimary);
    present constant text := case event when 'delete' then 'old' else 'new' end;
    absent constant text := case event when 'delete' then 'new' else 'old' end;
    -- A thousand lines of one invoice are one signal.
    once constant text := case when primary_key = quote_ident(bound.key_column) then '' else 'distinct ' end;
    changed text;
begin
    if event = 'update' and bound.condition is null then
        changed := format('(select %s from new_rows as new union select %s from old_rows as old)',
                          syncd.signal_side(bound, 'new'), syncd.signal_side(bound, 'old'));
    elsif event = 'update' then
        if primary_key is null then
            raise exception 'table % has no primary key, so its updates cannot be compared', bound.source_table
                using hint = 'Bind it without a condition, or give the table a primary key.';
        end if;
        changed := format(
            '(select distinct s.company, s.key from new_rows as new full join old_rows as old using (%s) '
            'cross join lateral (values (%s), (%s)) as s (company, key) where %s)',
            primary_key, syncd.signal_side(bound, 'new'), syncd.signal_side(bound, 'old'), bound.condition);
    elsif bound.condition is null then
        changed := format('(select %s%s from %s_rows as %s)', once, syncd.signal_side(bound, present), present, present);
    else
        -- The absent side is a row of nulls, taken from the transition table: the owner has no right on SIP's schema.
        changed := format(
            '(select %5$s%1$s from %2$s_rows as %2$s left join (select * from %2$s_rows limit 0) as %3$s on true '
            'where %4$s)',
            syncd.signal_side(bound, present), present, absent, bound.condition, once);
    end if;
    return format('select c.company, %L, c.key from %s as c (company, key) where c.key is not null',
                  bound.entity_type, changed);
end
$$;

-- Creates or replaces the functions and the missing triggers of one binding. The caller sets lock_timeout and
-- repeats: CREATE TRIGGER takes a lock that stops SIP's writers while it WAITS, not only while it is held.
create or replace function syncd.install_triggers(binding integer) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    bound syncd.binding;
    event text;
    transition text;
begin
    select b.* into strict bound from syncd.binding b where b.binding_id = install_triggers.binding;
    if to_regclass(bound.source_table) is null then
        raise exception 'table % does not exist', bound.source_table
            using hint = 'Correct the binding of ' || bound.entity_type || ' in sql/source.';
    end if;
    foreach event in array array['insert', 'update', 'delete'] loop
        transition := case event when 'insert' then 'new table as new_rows'
                                 when 'delete' then 'old table as old_rows'
                                 else 'old table as old_rows new table as new_rows' end;
        -- A wrong column must be found here and not by SIP's next write.
        execute format(
            'with new_rows as (select * from %1$s limit 0), old_rows as (select * from %1$s limit 0) %2$s',
            bound.source_table, syncd.signal_query(bound, event));
        execute format(
            'create or replace function syncd.%I() returns trigger language plpgsql security definer '
            'set search_path = pg_catalog, pg_temp as %L',
            syncd.signal_function(bound, event),
            format(E'#variable_conflict use_column\nbegin\n'
                   '    insert into syncd.outbox (company_id, entity_type, entity_id)\n    %s;\n%s'
                   '    return null;\nend',
                   syncd.signal_query(bound, event), syncd.bell()));
        execute format('revoke all on function syncd.%I() from public', syncd.signal_function(bound, event));
        if not exists (
            select from pg_trigger t
            where t.tgrelid = bound.source_table::regclass and t.tgname = syncd.trigger_name(bound, event)
        ) then
            execute format(
                'create trigger %I after %s on %s referencing %s for each statement '
                'execute function syncd.%I()',
                syncd.trigger_name(bound, event), event, bound.source_table, transition,
                syncd.signal_function(bound, event));
        end if;
        execute format('alter function syncd.%I() owner to syncd_owner', syncd.signal_function(bound, event));
    end loop;
end
$$;
