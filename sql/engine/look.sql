-- The look of the daemon on duty: absorb what SIP changed and lease what is due, in one round trip.
--
-- Called by: the daemon's look (look), in autocommit.
-- Touches:   what absorb and lease touch.

-- One row for each lane leased, and one without a lane if there is none; each with what absorb returned. While more
-- signals lie behind a full slice no lane is leased, so that what was written together is sent together; unless the
-- caller has lost `patience`.
create or replace function syncd.look(
    slice integer, since pg_snapshot, worker uuid, everything boolean, slots integer, held text[], patience boolean
)
returns table (
    signals integer, seen text, mine text[], missed integer, company_id text, epoch bigint, open_calls boolean,
    environment text, realm_id text, tokens bytea, access_expires_at timestamptz
)
language plpgsql rows 1
set search_path = pg_catalog, pg_temp
as $$
declare
    absorbed record;
begin
    select a.* into absorbed from syncd.absorb(slice, since, worker, everything) a;
    return query
    select absorbed.signals, absorbed.seen::text, absorbed.mine, absorbed.missed, l.company_id, l.epoch, l.open_calls,
           l.environment, l.realm_id, l.tokens, l.access_expires_at
    from (select 1) as one
    left join syncd.lease(
        worker, case when absorbed.signals >= slice and patience then 0 else slots end, held
    ) l on true;
end
$$;
