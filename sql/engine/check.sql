-- What is installed, as text that can be compared with what should be.
--
-- Called by: `syncd db upgrade` (live_objects, whose answer it keeps; who_holds) and `syncd db check`.
-- Touches:   nothing. All is read from the catalog, because the daemon's role has no right in SIP's schema.

-- Every function, view and trigger in our schema with a digest of its definition. The triggers on SIP's tables, and the
-- guards of their columns, follow what SIP does with its tables: watch_problems looks at them.
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
        where n.nspname = 'syncd' and c.relkind = 'v' and c.relname not like 'guard\_%'
        union all
        select 'trigger', format('%s on %s', t.tgname, t.tgrelid::regclass),
               pg_get_triggerdef(t.oid) || case t.tgenabled when 'O' then '' else ' disabled' end
        from pg_trigger t join pg_class c on c.oid = t.tgrelid
        where c.relnamespace = 'syncd'::regnamespace and not t.tgisinternal and t.tgparentid = 0
    ) o (kind, name, definition);
$$;

-- What keeps changes of SIP's tables from being noted, or would make SIP's writes fail. Only what hits statements that
-- name the table itself keeps the daemon from running: a partition that lacks triggers must not stop every company.
create or replace function syncd.watch_problems() returns table (sentence text, remedy text, fatal boolean)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select p.sentence, p.remedy, p.fatal from syncd.trigger_problems() p
    union all
    select u.sentence || '.', u.remedy, u.fatal
    from (select distinct b.source_table from syncd.binding b) b cross join lateral syncd.uncapturable(b.source_table) u
    union all
    select p.sentence, p.remedy, p.fatal from syncd.table_problems() p
    union all
    select p.sentence, p.remedy, false from syncd.server_problems() p;
$$;

create or replace function syncd.trigger_problems() returns table (sentence text, remedy text, fatal boolean)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select format('Trigger%s %s on %s %s', case when count(*) > 1 then 's' end,
                  string_agg(s.name, ', ' order by array_position(syncd.signal_events(), s.event)), s.relation::regclass,
                  case when count(*) > 1 then 'are ' else 'is ' end
                  || case s.problem
                      when 'left over' then format('left over: it is no part of %s any more.', s.source_table)
                      when 'always' then 'set to fire in sessions that replicate too, whose rows another server sends.'
                      else case s.problem when 'changed' then 'not as syncd made them'
                                          else s.problem end
                           || case when s.is_root then '.' else ': what is written straight into it is not noticed.' end
                  end),
           'Run: syncd db upgrade',
           s.is_root and s.problem in ('missing', 'disabled', 'changed')
    from syncd.trigger_state() s
    where s.problem is not null and syncd.table_named(s.source_table) is not null
    group by s.source_table, s.binding_id, s.relation, s.is_root, s.problem
    order by s.binding_id, s.relation;
$$;

-- What SIP's migrations may have done to the tables.
create or replace function syncd.table_problems() returns table (sentence text, remedy text, fatal boolean)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select format('Table %s, which %s signals come from, ', b.source_table, b.entity_type)
           || case when l.renamed is null then 'does not exist.'
                   else format('is called %s now; its changes are still noted.', l.renamed::regclass) end,
           case when l.renamed is null then 'Correct sql/source.'
                else 'Name it so in sql/source and run: syncd db upgrade' end,
           l.renamed is null
    from syncd.binding b
    left join lateral (
        select s.relation as renamed from syncd.trigger_state() s
        where s.binding_id = b.binding_id and s.event = 'update' and s.problem = 'left over'
        order by s.relation limit 1
    ) l on true
    where syncd.table_named(b.source_table) is null
    union all
    select format('Column %s of %s, which the triggers read, is gone or has another name: every update of the table'
                  ' fails.', c.name, b.source_table),
           format('Correct sql/source and run: syncd db upgrade. Until then: select syncd.unwatch(%L, %L)',
                  b.source_table, b.entity_type),
           true
    from syncd.binding b
    join pg_proc p on p.pronamespace = 'syncd'::regnamespace and p.proname = syncd.signal_function(b, 'update')
    cross join string_to_table(obj_description(p.oid, 'pg_proc'), E'\n') as c (name)
    where syncd.table_named(b.source_table) is not null
          and not exists (
              select from pg_attribute a
              where a.attrelid = syncd.table_named(b.source_table) and a.attname = c.name and not a.attisdropped)
    union all
    select format('View syncd.%s is missing: nothing keeps the columns that triggers read from being dropped.',
                  syncd.guard_view(b)),
           'Run: syncd db upgrade', false
    from syncd.binding b
    where not exists (
        select from pg_class c
        where c.relnamespace = 'syncd'::regnamespace and c.relname = syncd.guard_view(b) and c.relkind = 'v');
$$;

-- What the server's settings do to the triggers.
create or replace function syncd.server_problems() returns table (sentence text, remedy text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select case when syncd.bell() = '' then
               'The triggers notify, and max_prepared_transactions is above 0 now: PREPARE TRANSACTION fails for SIP'
               ' where they do.'
           else
               'The triggers do not notify, because max_prepared_transactions was above 0 when they were made; now it is'
               ' 0, and the daemon polls without need.'
           end,
           'Run: syncd db upgrade'
    from pg_proc p
    where p.pronamespace = 'syncd'::regnamespace and p.proname like 'signal\_%'
          and p.prorettype = 'trigger'::regtype and (p.prosrc like '%pg_notify%') = (syncd.bell() = '')
    having count(*) > 0
    union all
    select case when s.setrole = 0 then 'Everybody writes' else format('Role %s writes', s.setrole::regrole) end
           || ' with session_replication_role = replica, under which no trigger fires.',
           format('Take it back: alter %s reset session_replication_role',
                  case when s.setrole = 0 then format('database %I', current_database())
                       when s.setdatabase = 0 then format('role %s', s.setrole::regrole)
                       else format('role %s in database %I', s.setrole::regrole, current_database()) end)
    from pg_db_role_setting s
    where s.setdatabase in (0, (select d.oid from pg_database d where d.datname = current_database()))
          and 'session_replication_role=replica' = any(s.setconfig)
    union all
    select format('%s is filled by subscription %s, whose rows fire no trigger.', r.srrelid::regclass, n.subname),
           'Let syncd work where SIP writes.'
    from syncd.binding b
    cross join lateral syncd.family(b.source_table) f (relation)
    join pg_subscription_rel r on r.srrelid = f.relation
    join pg_subscription n on n.oid = r.srsubid;
$$;

-- Who keeps a table from getting its triggers, as a clause for `syncd db upgrade`; null if nobody does any more.
create or replace function syncd.who_holds(relation oid) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select case when k.pid is null then format('prepared transaction %L', x.gid)
                else format('process %s (%s)', k.pid,
                            concat_ws(', ', coalesce('role ' || a.usename, a.backend_type), nullif(a.application_name, ''))) end
        || to_char(clock_timestamp() - coalesce(a.xact_start, x.prepared), '", at it for "HH24:MI:SS')
    from pg_locks k
    left join pg_stat_activity a on a.pid = k.pid
    -- A prepared transaction has no process; its locks, the one on its own id among them, share a virtual id.
    left join pg_locks own on k.pid is null and own.pid is null and own.locktype = 'transactionid'
              and own.virtualtransaction = k.virtualtransaction
    left join pg_prepared_xacts x on x.transaction = own.transactionid
    where k.locktype = 'relation' and k.relation = who_holds.relation and k.granted
          and k.database = (select d.oid from pg_database d where d.datname = current_database())
          and k.pid is distinct from pg_backend_pid()
    order by k.mode in ('AccessShareLock', 'RowShareLock'), coalesce(a.xact_start, x.prepared)
    limit 1;
$$;
