-- The log's partitions, one a month, made ahead.
--
-- Called by: `syncd db upgrade` and the daemon, at its start and once a day.

create or replace function syncd.make_log_partitions(months_ahead integer default 3) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    month timestamptz;
    partition text;
    made integer := 0;
begin
    for month in
        select m from generate_series(date_trunc('month', now() at time zone 'UTC') at time zone 'UTC',
                                      now() + make_interval(months => months_ahead), interval '1 month') m
    loop
        partition := 'sync_log_' || to_char(month at time zone 'UTC', 'YYYY_MM');
        continue when to_regclass('syncd.' || partition) is not null;
        execute format('create table syncd.%I partition of syncd.sync_log for values from (%L) to (%L)',
                       partition, month, month + interval '1 month');
        made := made + 1;
    end loop;
    return made;
end
$$;
