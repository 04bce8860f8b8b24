-- What is installed, as text that can be compared with what should be.
--
-- Called by: `syncd db upgrade` (keeps the answer) and `syncd db check` (compares with it).

-- Every function, view and trigger of ours with a digest of its definition, the triggers on SIP's tables included.
-- Definitions are printed differently by different Postgres versions, hence the version beside each.
create or replace function syncd.live_objects()
returns table (kind text, name text, digest text, server_version integer)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select o.kind, o.name, md5(o.definition), current_setting('server_version_num')::integer / 10000
    from (
        select 'function', p.oid::regprocedure::text, pg_get_functiondef(p.oid)
        from pg_proc p where p.pronamespace = 'syncd'::regnamespace
        union all
        select 'view', format('%I.%I', n.nspname, c.relname), pg_get_viewdef(c.oid)
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'syncd' and c.relkind = 'v'
        union all
        select 'trigger', format('%s on %s', t.tgname, t.tgrelid::regclass),
               pg_get_triggerdef(t.oid) || case t.tgenabled when 'O' then '' else ' disabled' end
        from pg_trigger t join pg_proc p on p.oid = t.tgfoid
        where p.pronamespace = 'syncd'::regnamespace and not t.tgisinternal and t.tgparentid = 0
    ) o (kind, name, definition);
$$;
