-- Mappings: what SIP's words mean in QuickBooks. What must hold whoever writes a row, and what becomes due by one.
--
-- Called by: the triggers below (on writes of anybody: `syncd map`, a DBA; of links), connect_company; `syncd map`
--            (default_method_name, owed_to_mapping, make_account).
-- Touches:   the map tables, account_wish, lane, job. Where an admin's row has effects on the queue, the function has
--            the owner's rights: the admin has none on these tables.
--
-- A row names an object of one realm by its id, so it belongs to that realm: it stays with it when another realm is
-- connected, and is used for no other. Names of payment methods are SIP's own; they end with the connection.

-- What SIP ships with.
create or replace function syncd.default_method_name(method syncd.payment_method) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select case method::text
        when 'card' then 'Credit Card'
        when 'ach' then 'ACH'
        when 'apple_pay' then 'Credit Card'
        when 'cash' then 'Cash'
        when 'check' then 'Check'
        else 'Other'
    end;
$$;

-- Each table and slot, the refusals that it puts right, the records whose documents it is part of, and the records
-- that syncd makes in QuickBooks by itself to stand in for it. A slot null: all of them.
create or replace function syncd.mapping_uses()
returns table (source text, slot text, codes text[], types text[], stand_ins text[])
language sql immutable rows 8
set search_path = pg_catalog, pg_temp
as $$
    values
        ('account_map', 'income', array['income_account_missing'], array['service_item', 'default_item'],
         array[]::text[]),
        ('account_map', 'expenses', array['expense_account_missing'], array['service_item', 'default_item'], '{}'),
        ('account_map', 'discounts', array['discount_account_missing'], array['invoice'], '{}'),
        ('account_map', 'undeposited_funds', array['deposit_account_missing'], array['payment'], '{}'),
        ('item_map', null, array['item_missing'], array['invoice', 'timesheet_entry'], array['default_item']),
        ('employee_map', null, '{}', array['timesheet_entry'], '{}'),
        ('payment_method_map', null, array['method_missing'], array['payment'], array['payment_method']),
        ('tax_map', null, array['tax_code_missing', 'tax_code_without_rate'], array['invoice'], '{}');
$$;

-- How many records of a company are refused for want of a mapping, or wait for what is to stand in for it.
create or replace function syncd.owed_to_mapping(company text, source text, slot text) returns bigint
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select count(*)
    from syncd.mapping_uses() u
    join syncd.job j
        on j.company_id = company and j.call_id is null
           and ((j.state in ('error', 'held') and j.error_code = any(u.codes))
                or j.waits_for_type = any(u.stand_ins))
    where u.source = owed_to_mapping.source and coalesce(u.slot = owed_to_mapping.slot, true);
$$;

-- Who made the row, and when. `syncd.actor` is the person behind a shared role, as `syncd map` passes it. The lane is
-- locked here, before the row: connect_company locks them in this order.
create or replace function syncd.mapping_stamped() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform from syncd.lane l where l.company_id = new.company_id for no key update;
    new.updated_by := coalesce(nullif(current_setting('syncd.actor', true), ''), session_user);
    new.updated_at := clock_timestamp();
    return new;
end
$$;

-- A row that does not say which realm it is of is of the one connected now.
create or replace function syncd.mapping_placed() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if new.environment is null or new.realm_id is null then
        select c.environment, c.realm_id into new.environment, new.realm_id
        from syncd.company c where c.company_id = new.company_id and c.state <> 'disconnected';
        if new.realm_id is null then
            raise exception 'company "%" is not connected to QuickBooks', new.company_id
                using errcode = 'check_violation',
                      hint = 'A mapping is of one company in QuickBooks; connect it first: syncd company connect.';
        end if;
    end if;
    if coalesce(btrim(new.qbo_id), '') = '' or coalesce(btrim(new.qbo_name), '') = '' then
        raise exception 'a mapping needs the id and the name of what it stands for in QuickBooks'
            using errcode = 'check_violation', hint = 'Both are shown by: syncd map ... suggest.';
    end if;
    return new;
end
$$;

-- What a customer paid cannot be deposited from an account to itself.
create or replace function syncd.account_mapping_checked() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if new.slot in ('undeposited_funds', 'checking') and exists (
        select from syncd.account_map m
        where m.company_id = new.company_id and m.environment = new.environment and m.realm_id = new.realm_id
              and m.slot in ('undeposited_funds', 'checking') and m.slot <> new.slot and m.qbo_id = new.qbo_id)
    then
        raise exception 'account "%" is both Undeposited Funds and Checking Account', new.qbo_name
            using errcode = 'check_violation',
                  hint = 'Payments are kept in the one until they are paid out to the other: choose two accounts.';
    end if;
    return new;
end
$$;

create or replace function syncd.employee_mapping_checked() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    other text;
begin
    if not exists (select from syncd.source_member s
                   where s.company_id = new.company_id and s.key::text = new.member_id) then
        raise exception 'company "%" has no member "%"', new.company_id, new.member_id
            using errcode = 'check_violation', hint = format('See: syncd map employees list %s', new.company_id);
    end if;
    select m.member_id into other
    from syncd.employee_map m
    where m.company_id = new.company_id and m.environment = new.environment and m.realm_id = new.realm_id
          and m.qbo_type = new.qbo_type and m.qbo_id = new.qbo_id and m.member_id <> new.member_id;
    if found then
        raise exception '% "%" is mapped to member "%" already', lower(new.qbo_type), new.qbo_name, coalesce(
            (select s.name from syncd.source_member s
             where s.company_id = new.company_id and s.key::text = other), other)
            using errcode = 'check_violation',
                  hint = format('One person is one member. To take it from there: syncd map employees clear %s %s',
                                new.company_id, other);
    end if;
    return new;
end
$$;

create or replace function syncd.method_mapping_checked() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    new.qbo_name := btrim(new.qbo_name);
    if new.qbo_name ~ '[[:cntrl:]]' then
        raise exception 'a payment method''s name cannot have control characters'
            using errcode = 'check_violation', hint = 'Use letters, digits, blanks and the like.';
    end if;
    return new;
end
$$;

-- A code must tax as SIP does: an invoice's tax is split by its rates. In the United States a code can do without.
create or replace function syncd.tax_mapping_checked() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    wanted numeric := 0;
    comes_to numeric;
begin
    if new.slot <> 'untaxed' then
        if new.slot !~ '^[0-9]{1,3}([.][0-9]+)?$' then
            raise exception '"%" is no tax rate', new.slot
                using errcode = 'check_violation', hint = 'Give a percentage such as 8.25, or untaxed.';
        end if;
        wanted := trim_scale(new.slot::numeric);
        new.slot := wanted::text;
    end if;
    if jsonb_typeof(new.rates) is distinct from 'array' then
        raise exception 'the rates of tax code "%" are no list', new.qbo_name
            using errcode = 'check_violation', hint = 'syncd map tax set reads them from QuickBooks.';
    end if;
    if exists (select from jsonb_array_elements(new.rates) r
               where jsonb_typeof(r -> 'rate_ref') is distinct from 'string'
                     or jsonb_typeof(r -> 'percent') is distinct from 'number') then
        raise exception 'a rate of tax code "%" lacks its rate_ref or its percent', new.qbo_name
            using errcode = 'check_violation', hint = 'syncd map tax set reads them from QuickBooks.';
    end if;
    select coalesce(sum((r ->> 'percent')::numeric), 0) into comes_to from jsonb_array_elements(new.rates) r;
    if comes_to <> wanted
       and (new.rates <> '[]'
            or (select c.region <> 'us' from syncd.company c where c.company_id = new.company_id)) then
        raise exception 'tax code "%" comes to % %% in QuickBooks, not to % %%',
            new.qbo_name, trim_scale(comes_to), wanted
            using errcode = 'check_violation', hint = 'Choose a code whose rates come to what SIP charges.';
    end if;
    return new;
end
$$;

-- What was refused for want of the mapping, or waits for what was to stand in for it, is due; nothing else is sent by
-- this. What was decided a moment ago without it must not be refused for it now: a new version sends it back.
create or replace function syncd.mapping_changed() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    written constant jsonb := to_jsonb(new);
    used record;
begin
    if not exists (
        select from syncd.company c
        where c.company_id = new.company_id
              and (written ->> 'realm_id' is null
                   or (c.environment::text = written ->> 'environment' and c.realm_id = written ->> 'realm_id')))
    then
        return null;
    end if;
    for used in
        select u.* from syncd.mapping_uses() u
        where u.source = tg_table_name and coalesce(u.slot = written ->> 'slot', true)
    loop
        perform syncd.due_again(new.company_id, used.codes);
        update syncd.job j
        set state = 'pending', due_at = null, waits_on = null, waits_for_type = null, waits_for_id = null,
            missing = null, reason = null, attempts = 0, alone = 0, fault_class = null, error_code = null,
            version = nextval('syncd.job_version'), ticket = nextval('syncd.job_ticket')
        where j.company_id = new.company_id and j.call_id is null and j.waits_for_type = any(used.stand_ins);
        -- What still needs a stand-in asks for it again.
        delete from syncd.job j
        where j.company_id = new.company_id and j.call_id is null and j.entity_type = any(used.stand_ins);
        update syncd.job j set version = nextval('syncd.job_version')
        where j.company_id = new.company_id and j.due_at is null and j.call_id is null
              and j.entity_type = any(used.types);
    end loop;
    update syncd.lane l set due_at = least(l.due_at, clock_timestamp()) where l.company_id = new.company_id;
    perform pg_notify('syncd_lanes', left(new.company_id, 1000));
    return null;
end
$$;

-- Triggers of one event fire in the order of their names: a row has its realm before it is checked.
create or replace trigger mapping_1_stamped before insert or update on syncd.account_map
for each row execute function syncd.mapping_stamped();
create or replace trigger mapping_1_stamped before insert or update on syncd.item_map
for each row execute function syncd.mapping_stamped();
create or replace trigger mapping_1_stamped before insert or update on syncd.employee_map
for each row execute function syncd.mapping_stamped();
create or replace trigger mapping_1_stamped before insert or update on syncd.payment_method_map
for each row execute function syncd.mapping_stamped();
create or replace trigger mapping_1_stamped before insert or update on syncd.tax_map
for each row execute function syncd.mapping_stamped();

create or replace trigger mapping_2_placed before insert or update on syncd.account_map
for each row execute function syncd.mapping_placed();
create or replace trigger mapping_2_placed before insert or update on syncd.item_map
for each row execute function syncd.mapping_placed();
create or replace trigger mapping_2_placed before insert or update on syncd.employee_map
for each row execute function syncd.mapping_placed();
create or replace trigger mapping_2_placed before insert or update on syncd.tax_map
for each row execute function syncd.mapping_placed();

create or replace trigger mapping_3_checked before insert or update on syncd.account_map
for each row execute function syncd.account_mapping_checked();
create or replace trigger mapping_3_checked before insert or update on syncd.employee_map
for each row execute function syncd.employee_mapping_checked();
create or replace trigger mapping_3_checked before insert or update on syncd.payment_method_map
for each row execute function syncd.method_mapping_checked();
create or replace trigger mapping_3_checked before insert or update on syncd.tax_map
for each row execute function syncd.tax_mapping_checked();

create or replace trigger mapping_changed after insert or update on syncd.account_map
for each row execute function syncd.mapping_changed();
create or replace trigger mapping_changed after insert or update on syncd.item_map
for each row execute function syncd.mapping_changed();
create or replace trigger mapping_changed after insert or update on syncd.employee_map
for each row execute function syncd.mapping_changed();
create or replace trigger mapping_changed after insert or update on syncd.payment_method_map
for each row execute function syncd.mapping_changed();
create or replace trigger mapping_changed after insert or update on syncd.tax_map
for each row execute function syncd.mapping_changed();

-- How the account that is to be made for a slot is called in the queue.
create or replace function syncd.account_key(company text, slot syncd.account_slot, name text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select company || '/' || slot || '/' || lower(name);
$$;

-- Has an account made in QuickBooks for a slot, in the name of `actor`, the way all records go: as a job, whose call is
-- committed before it is sent. A former wish for the slot ends unless its call is out. Returns its key in the queue.
create or replace function syncd.make_account(
    company text, slot syncd.account_slot, name text, type text, sub_type text, actor text
) returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    wish constant text := syncd.account_key(company, slot, name);
begin
    perform from syncd.lane l where l.company_id = company for no key update;
    insert into syncd.account_wish as w (company_id, environment, realm_id, slot, name, type, sub_type, asked_by)
    select company, c.environment, c.realm_id, make_account.slot, make_account.name, make_account.type,
           make_account.sub_type, actor
    from syncd.company c where c.company_id = company and c.state = 'connected'
    on conflict on constraint account_wish_pkey do update
    set name = excluded.name, type = excluded.type, sub_type = excluded.sub_type, asked_by = excluded.asked_by,
        asked_at = clock_timestamp();
    if not found then
        raise exception 'company % is not connected to QuickBooks', company
            using errcode = 'object_not_in_prerequisite_state';
    end if;
    delete from syncd.job j
    where j.company_id = company and j.entity_type = 'account' and j.call_id is null
          and starts_with(j.entity_id, syncd.account_key(company, make_account.slot, ''));
    insert into syncd.job (company_id, entity_type, entity_id, names, source)
    select company, e.entity_type, wish, e.names, 'manual' from syncd.entity e where e.entity_type = 'account'
    on conflict do nothing;
    update syncd.lane l set due_at = least(l.due_at, clock_timestamp()) where l.company_id = company;
    perform pg_notify('syncd_lanes', left(company, 1000));
    return wish;
end
$$;

-- An account that was to be made is there: it is chosen, and what lacked it is due. Not if another was wished for
-- since.
create or replace function syncd.account_made() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    wish syncd.account_wish;
begin
    select w.* into wish from syncd.account_wish w
    where w.company_id = new.company_id and w.environment = new.environment and w.realm_id = new.realm_id
          and syncd.account_key(w.company_id, w.slot, w.name) = new.sip_id;
    if found then
        perform set_config('syncd.actor', wish.asked_by, true);
        insert into syncd.account_map (company_id, environment, realm_id, slot, qbo_id, qbo_name)
        values (wish.company_id, wish.environment, wish.realm_id, wish.slot, new.qbo_id, wish.name)
        on conflict on constraint account_map_pkey do update
        set qbo_id = excluded.qbo_id, qbo_name = excluded.qbo_name;
    end if;
    return null;
end
$$;
create or replace trigger account_made after update of qbo_id on syncd.link
for each row when (new.entity_type = 'account' and old.qbo_id is null and new.qbo_id is not null)
execute function syncd.account_made();

-- Whoever chooses another account wants none made any more.
create or replace function syncd.account_chosen() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from syncd.account_wish w
    where w.company_id = new.company_id and w.environment = new.environment and w.realm_id = new.realm_id
          and w.slot = new.slot
          and not exists (
              select from syncd.link k
              where k.company_id = w.company_id and k.environment = w.environment and k.realm_id = w.realm_id
                    and k.entity_type = 'account' and k.qbo_id = new.qbo_id
                    and k.sip_id = syncd.account_key(w.company_id, w.slot, w.name));
    if found then
        delete from syncd.job j
        where j.company_id = new.company_id and j.entity_type = 'account' and j.call_id is null
              and starts_with(j.entity_id, syncd.account_key(new.company_id, new.slot, ''));
    end if;
    return null;
end
$$;
create or replace trigger account_chosen after insert or update on syncd.account_map
for each row execute function syncd.account_chosen();
