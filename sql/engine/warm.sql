-- Warm: a session's plans are made before somebody waits for them.
--
-- Called by: the daemon's pool, once for each of its sessions.
-- Touches:   nothing.

-- Asks the questions of a lane's life about no lane and no record. Each session makes its own plans, and to make one
-- takes several times as long as to carry it out; a daemon would pay for that in the middle of its first burst.
create or replace function syncd.warm_up() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    nobody constant uuid := gen_random_uuid();
begin
    perform from syncd.lease(nobody, 0, '{}');
    perform from syncd.decide(nobody, '[]');
    perform from syncd.judge('{}', '{}', '{}');
    perform from syncd.intend(nobody, '[]', '{}');
    perform from syncd.record(nobody, '[]');
    perform from syncd.release(nobody, '[]');
end
$$;
