-- Judge: the verdict on records, as things stand now.
--
-- Called by: decide, settle, push and `syncd explain`, in whatever transaction they are.
-- Touches:   nothing.
--
-- Verdicts: push (send it), skip (leave it out, with a log row), wait (not now; parked until what it waits for
-- happens), refuse (it cannot be sent until it changes, with a log row), drop (nothing to do, no log row).

-- The verdict on records, each of the company beside it, as things stand now. Changes nothing. In PL/pgSQL, as all that
-- is called for each round: a session keeps its plan, and to plan this anew takes ten times as long as to carry it out.
-- Of several companies at once: to set the plan up takes as long as to carry it out for thirty records.
create or replace function syncd.judge(companies text[], types text[], ids text[])
returns table (
    company_id text, entity_type text, entity_id text, entity_name text, verdict text, parks_as syncd.state,
    waits_on syncd.waits_on, reason text, document jsonb, fingerprint text, operation text,
    qbo_type text, qbo_id text, sync_token text, generation bigint, sent_document jsonb, linked_as syncd.state,
    link_place tid, goes_first syncd.record_key, missing syncd.record_key[], turn text, turn_after bigint,
    differs text
)
language plpgsql stable rows 30
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    with asked as (
        select * from unnest(companies, types, ids) as w (company_id, entity_type, entity_id)
    ), facts as (
        select w.company_id, w.entity_type, w.entity_id, e.qbo_type, e.aside, e.fixed, lower(btrim(d.document ->> e.turn)) as turn,
               -- What SIP has deleted goes by the name under which it was sent.
               coalesce(d.entity_name, (
                   select i.entity_name from syncd.call_item i
                   where i.company_id = w.company_id and i.entity_type = w.entity_type and i.entity_id = w.entity_id
                   order by i.call_id + 0 desc limit 1), l.document ->> 'name', w.entity_id) as entity_name,
               -- What a mapping says applies at creation only.
               d.document || coalesce((
                   select jsonb_object_agg(m.key, l.document -> m.key)
                   from jsonb_each_text(e.mapped) m
                   where l.qbo_id is not null and jsonb_typeof(l.document -> m.key) <> 'null'
                         and (m.value is null or l.document -> m.value = d.document -> m.value)), '{}') as document,
               -- A customer that somebody deleted is still needed by the invoice that is due, until QuickBooks has it.
               coalesce(d.due or (j.required and e.names and l.qbo_id is null), false) as due,
               d.skip, d.missing, d.unready, d.undue, d.entity_id is not null as there,
               l.qbo_id, l.sync_token, coalesce(l.generation, 0) as generation, l.fingerprint as sent,
               l.document as sent_document, l.state as linked_as, l.place as link_place,
               c.state = 'connected' as connected,
               s.enable_sync and (e.toggle is null or coalesce(j.required, false)
                                  or (to_jsonb(s) ->> e.toggle)::boolean) as switched_on,
               coalesce(j.source, 'auto') <> 'auto' as by_hand, j.unready_since
        from asked w
        join syncd.entity e on e.entity_type = w.entity_type
        cross join lateral (select q.* from syncd.sync_settings q where q.company_id = w.company_id limit 1) s
        cross join lateral (select q.* from syncd.company q where q.company_id = w.company_id limit 1) c
        left join lateral (
            select k.*, k.ctid as place from syncd.link k
            where k.company_id = w.company_id and k.entity_type = w.entity_type and k.sip_id = w.entity_id
                  and k.environment = c.environment and k.realm_id = c.realm_id
            limit 1
        ) l on true
        left join lateral (
            select q.source, q.required, q.unready_since from syncd.job q
            where q.company_id = w.company_id and q.entity_type = w.entity_type and q.entity_id = w.entity_id
            limit 1
        ) j on true
        left join syncd.documents(types, ids) d
            on d.entity_type = w.entity_type and d.entity_id = w.entity_id and d.company_id = w.company_id
    ), printed as (
        select f.*, encode(sha256(convert_to((f.document - f.aside)::text, 'UTF8')), 'hex') as fingerprint,
               (select string_agg(k, ', ') from unnest(f.fixed) k
                where f.sent_document -> k is distinct from f.document -> k) as moved
        from facts f
    ), known as (
        -- `differs`: what QuickBooks has is not what SIP has, and syncd leaves it so. `settled`: a person has looked.
        select p.*,
               case when p.qbo_id is null then null
                    when not (p.there and p.due) then 'withdrawn'
                    when p.moved is not null then 'changed' end as differs,
               p.qbo_id is not null and p.sent is null and p.linked_as <> 'diverged' as settled,
               case when p.there then 'withdrawn' else 'deleted' end as left_by
        from printed p
    )
    select f.company_id, f.entity_type, f.entity_id, f.entity_name, v.verdict, v.parks_as::syncd.state,
           v.waits_on::syncd.waits_on,
           case when v.parks_as = 'diverged'
                    then v.reason || ' When it is as it should be there: syncd settle '
                         || syncd.record_words(f.company_id, f.entity_type, f.entity_id)
                else v.reason end,
           f.document, f.fingerprint,
           case when f.qbo_id is null then 'create' else 'update' end,
           f.qbo_type, f.qbo_id, f.sync_token, f.generation, f.sent_document, f.linked_as, f.link_place,
           coalesce(f.missing[1],
                    case when before.under_way then (f.entity_type, before.entity_id)::syncd.record_key end),
           f.missing, f.turn, before.call_id, f.differs
    from known f
    left join lateral (
        -- Only for what lacks something: the record that goes first, by the name people know it by.
        select replace(m.entity_type, '_', ' ') as label, coalesce(d.entity_name, m.entity_id) as name
        from unnest(f.missing[1:1]) m
        left join syncd.documents(array[m.entity_type], array[m.entity_id]) d on d.company_id = f.company_id
    ) first on true
    left join lateral (
        -- The last call of this turn. No other can be open: none is committed while one is (intend).
        select i.call_id, i.entity_id, format('%s "%s"', replace(i.entity_type, '_', ' '), i.entity_name) as name,
               i.entity_id <> f.entity_id and exists (
                   select from syncd.job q
                   where q.company_id = f.company_id and q.entity_type = i.entity_type and q.entity_id = i.entity_id
                         and q.call_id = i.call_id) as under_way
        from syncd.call_item i
        where f.turn is not null and i.company_id = f.company_id and i.entity_type = f.entity_type and i.turn = f.turn
        -- Plus nothing: in the order of the primary key a plan made of an empty table would read all calls there are.
        order by i.call_id + 0 desc limit 1
    ) before on true
    cross join lateral (
        select * from (values
            (1, not (f.there and f.due) and f.qbo_id is null, 'drop', null, null,
             case when f.there then coalesce(f.undue, 'It is not in a state that QuickBooks should know of.')
                  else 'There is no such record in Service Invoice Pro.' end),
            (2, f.due and f.qbo_id is not null
                and (f.fingerprint = f.sent or (f.fixed is not null and f.moved is null)), 'drop', null, null,
             'QuickBooks has this already.'),
            (3, f.differs = 'withdrawn' and f.settled, 'drop', null, null,
             coalesce(f.undue, format('It was %s in Service Invoice Pro after it had been synced.', f.left_by))
             || ' A person has settled that: what QuickBooks has stands.'),
            (4, not f.connected, 'wait', 'waiting', 'connection', 'The company is not connected to QuickBooks.'),
            (5, not f.switched_on and not f.by_hand, 'wait', 'waiting', 'setting',
             'Automatic sync of this is switched off.'),
            (6, f.differs = 'withdrawn', 'wait', 'diverged', null,
             case when f.undue is not null
                      then format('%s QuickBooks keeps what was sent of it: change it there by hand if it should '
                                  'change too.', f.undue)
                  else format('It was %s in Service Invoice Pro after it had been synced. QuickBooks keeps it as it '
                              'was: change it there by hand if it should go too.', f.left_by) end),
            (7, f.differs = 'changed', 'wait', 'diverged', null,
             format('It was changed in Service Invoice Pro after it had been synced (%s). QuickBooks keeps it as it '
                    'was: change it there by hand if it should change too.', f.moved)),
            (8, f.skip is not null, 'skip', null, null, f.skip),
            (9, cardinality(f.missing) > 0, 'wait', 'waiting', 'record',
             format('It waits for %s "%s", which goes first.', first.label, first.name)),
            (10, f.unready is not null and f.unready_since < clock_timestamp() - interval '60 seconds',
             'refuse', 'error', null, f.unready),
            (11, f.unready is not null, 'wait', 'waiting', 'document', f.unready),
            (12, before.under_way, 'wait', 'waiting', 'record',
             format('It waits for %s, which is on its way: the two go one after the other.', before.name)),
            (13, true, 'push', null, null, null)
        ) as c (place, holds, verdict, parks_as, waits_on, reason)
        where c.holds
        order by c.place
        limit 1
    ) v;
end
$$;
