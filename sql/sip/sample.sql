-- Sample data for the reference SIP schema (sql/sip/schema.sql), at any size, in a schema of its own.
--
-- Called by the demo, the tests and the benches. Never by `syncd db upgrade`.
--
--     select * from sip_sample.fill(organizations => 2, customers => 200, seed => 1);
--
-- adds two organizations of 200 customers each, with all that belongs to them, and answers with the number of
-- rows per table. Every value is invented: names are composed from lists, e-mail addresses end in
-- example.com, .org or .net, phone numbers are of the 555-01xx range.
--
-- The same arguments give the same rows, ids aside: each value is drawn from a hash of the seed, a topic and
-- the row's place, and no clock is read (`as_of` stands for today). Rows arrive by whole statements, each row
-- is inserted once and not updated later (an organization's next number aside), so that triggers see what an
-- app would cause.
--
-- Applying this file again replaces it.

drop schema if exists sip_sample cascade;
create schema sip_sample;

-- Lists. No entry of one list equals another of the same list when case is ignored: names are unique because
-- their parts are.
create table sip_sample.list (
    name text primary key,
    words text[] not null
);

insert into sip_sample.list (name, words)
select name, string_to_array(btrim(regexp_replace(words, '\s+', ' ', 'g')), ', ')
from (
    values
    ('first_name', '
        Aaron, Abigail, Adele, Aisha, Alan, Alice, Amara, Amélie, Amy, Ana, Andre, Anita, Ann,
        Anton, Ariel, Arjun, Astrid, Audrey, Barbara, Beatriz, Ben, Björn, Brenda, Brian, Bruno,
        Carla, Carmen, Cecil, Chen, Chloé, Clara, Colin, Dana, Darius, Deborah, Diego, Dolores,
        Dwayne, Edith, Eduardo, Elena, Elias, Emeka, Emma, Esther, Eve, Farah, Felix, Fiona,
        François, Gabriel, Gail, George, Gloria, Grace, Hana, Harold, Hassan, Hugo, Ian, Imani,
        Ines, Ingrid, Isaac, Jamal, Jean-Luc, Joan, José, Julia, Kamal, Karen, Keiko, Kevin,
        Lakshmi, Lars, Laura, Leon, Lin, Louise, Luis, Maeve, Malik, Marcus, Maria, Martha, Mary
        Ann, Mei, Miguel, Miriam, Mohamed, Nadia, Naomi, Neil, Nina, Noor, Olga, Oscar, Otis, Pablo,
        Patrice, Paul, Petra, Priya, Quentin, Rachel, Rashid, René, Rosa, Ruth, Samir, Sean, Selma,
        Siobhan, Sofía, Stella, Tamika, Tariq, Thea, Tomás, Ursula, Vera, Victor, Wanda, Wei, Yara,
        Yusuf, Zoë, Zora'),
    ('surname', '
        Abbott, Adair, Ahmed, Alder, Álvarez, Andersson, Archer, Ashby, Baird, Baker, Banerjee,
        Barlow, Beaulieu, Becker, Bell, Bergström, Bishop, Blackwood, Boone, Bouchard, Brandt,
        Brennan, Brooks, Burke, Calloway, Carver, Castillo, Chandra, Chen, Chowdhury, Clarke, Cole,
        Cortez, Côté, Crane, Cruz, Dalton, D''Angelo, Danso, Dawson, De Luca, Delgado, Diaz, Dixon,
        Doyle, Drummond, Dubois, Duncan, Easton, Edwards, Ellis, Emerson, Espinoza, Evans, Farrell,
        Fernández, Finch, Fischer, Fletcher, Flores, Forde, Foster, Fraser, Gagnon, Gallagher,
        Garza, Gibbs, Gill, Goldberg, Gómez, Grant, Greene, Gupta, Haddad, Hale, Hansen, Harper,
        Hayes, Herrera, Hoang, Holt, Hopkins, Hughes, Hunter, Ibrahim, Ingram, Ivanov, Jackson,
        Jensen, Jiménez, Johansen, Kaur, Keller, Kelly, Khan, Kim, Kowalski, Kruger, Lambert,
        Larsen, Laurent, Lavoie, Lee, Lindqvist, Lopez, Lund, Lynch, MacLeod, Maddox, Malone, Marsh,
        Martínez, Mbeki, McCarthy, McKenna, Mehta, Mendoza, Mercer, Meyer, Miller, Mitchell, Moreau,
        Morgan, Müller, Murphy, Nakamura, Nash, Nguyen, Nolan, Novak, Núñez, Nyström, O''Brien,
        O''Connor, Okafor, Olsen, O''Neill, Ortega, Osei, Owens, Palmer, Park, Patel, Pearson,
        Pelletier, Pereira, Petrov, Pham, Porter, Price, Quinn, Ramirez, Rao, Reyes, Rhodes, Rivera,
        Roche, Romero, Rossi, Roy, Russo, Sanders, Santos, Sato, Schmidt, Schneider, Shah, Sharma,
        Silva, Singh, Snyder, Soto, St. James, Stone, Suzuki, Tanaka, Tate, Thibault, Thorne,
        Torres, Tran, Tremblay, Turner, Underhill, Usman, Vance, Vargas, Vasquez, Vega, Villeneuve,
        Vogel, Wagner, Walsh, Ward, Weaver, Webb, Whitaker, Wong, Wood, Wright, Xu, Yamada, Yates,
        Young, Zamora, Zhang, Ziegler'),
    ('trade', '
        Air Conditioning, Appliance Repair, Bakery, Bookkeeping, Cabinets, Carpentry, Catering,
        Chimney Sweeps, Cleaning, Concrete, Dental Office, Doors, Drywall, Electric, Excavating,
        Farm, Fencing, Flooring, Florists, Garage, Glass, Gutters, Handyman, Hardware, Heating, Home
        Care, Inspections, Insulation, Interiors, Irrigation, Janitorial, Landscaping, Lawn Care,
        Locksmiths, Machine Shop, Masonry, Movers, Nursery, Painting, Paving, Pest Control, Pet
        Grooming, Photography, Plastering, Plumbing, Pools, Pressure Washing, Property Management,
        Rentals, Restoration, Roofing, Septic, Sheet Metal, Siding, Snow Removal, Solar, Tile,
        Towing, Tree Service, Upholstery, Veterinary Clinic, Welding, Windows'),
    ('business_form', '
        %1$s %2$s, %1$s''s %2$s, %1$s & Sons %2$s, %1$s Brothers %2$s, %1$s %2$s LLC, %1$s %2$s
        Inc., %1$s & Daughters %2$s, %1$s Family %2$s'),
    ('town', '
        Alder Creek, Amberly, Ash Hollow, Bayfield Junction, Birchmont, Blue Heron, Brackenridge
        Falls, Briar Hill, Cedar Bluffs, Clearbrook Mills, Copper Ridge, Cottonwood Bend, Dovecote,
        Eagle Point Harbor, Elmstead, Fairhollow, Fernvale, Fox Landing, Granite Ford, Gull Harbour,
        Hazel Grove, Hickory Flats, Ironbridge, Juniper Wells, Kettle Lake, Larkspur Heights, Linden
        Falls, Maple Crossing, Marlow Springs, Millrace, North Willow, Oakhaven, Otter Bay, Pebble
        Shore, Pinewater, Quarry Hill, Red Barn, Rosefield, Saint-Aubert-du-Lac, Sand Hollow, Silver
        Birch, Stonegate, Swan River Bend, Tamarack, Three Pines, Upper Fen, Val-des-Érables, Walnut
        Bottom, Westmere, Windy Gap'),
    ('street_name', '
        Aspen, Beech, Bluebird, Bridge, Canal, Cedar, Chapel, Cherry, Church, Clover, College,
        County Road 12, Dogwood, E 4th, Elm, Fern, Foundry, Garden, Harbor, Highland, Hill, Holly,
        King, Lake, Laurel, Main, Maple, Old Post Office, Meadow, Mill, N 18th, Oak, Orchard,
        Park, Pearl, Pine, Queen, Railroad, River, Rue des Érables, School, Spring, State, Sunset,
        Sycamore, Union, Walnut, Washington, Water, Willow'),
    ('street_kind', 'St, Street, Ave, Avenue, Rd, Road, Dr, Lane, Ct, Blvd, Way, Pl'),
    -- state, the first digits of its zip codes, an area code
    ('us_state', '
        AZ 850 480, CA 939 831, CO 803 720, FL 337 727, GA 303 470, ID 837 208, IL 606 312, MA 021
        617, MI 481 734, MN 554 612, NC 275 919, NY 120 518, OH 441 216, OR 972 503, PA 191 215, TN
        372 615, TX 787 512, UT 841 801, VA 232 804, WA 981 206, WI 537 608'),
    -- province, the first letter of its postal codes, an area code
    ('ca_province', 'AB T 403, BC V 604, MB R 204, NB E 506, NS B 902, ON K 613, QC H 514, SK S 306'),
    ('us_tax_rate', '8.25, 7.00, 6.35, 8.50, 9.13, 5.50, 0.00'),
    ('ca_tax_rate', '13.00, 12.00, 5.00, 15.00'),
    ('ideograph', '李美, 王芳, 山田太郎, 佐藤花子, 김민수, 陳大文, 林小雨, 鈴木一郎, 박지은'),
    ('emoji', '🌸, 🔧, 🐾, 😀, 🏡'),
    ('department', 'Warehouse, Unit 2, Main Office, Accounts Payable, North Site, Rental Homes'),
    ('work', '
        Annual inspection, Bathroom remodel, Boiler service, Deck repair, Drain cleaning, Emergency
        call-out, Exterior painting, Fence replacement, Filter change, Floor refinishing, Furnace
        tune-up, Gutter cleaning, Hedge trimming, Interior painting, Kitchen sink repair, Leak
        detection, Lock replacement, Panel upgrade, Patio paving, Roof patch, Sprinkler start-up,
        Stump removal, Water heater install, Window washing'),
    ('extra', '
        Travel, Disposal fee, Parts, Materials, Permit, Labour, Labour after hours, Équipement,
        Rental'),
    ('note', '
        Gate code is with the neighbour, Prefers mornings, Two dogs, Key under the mat, Call before
        coming, Pays by check, Referred by a friend, Ask for the side entrance'),
    ('terms', 'Due on receipt, Net 15, Net 30, Payment due within 30 days. Thank you!'),
    ('prefix', 'INV-, INV-, INV-, JOB, 26/, SI-')
) as lists (name, words);

-- A number from 0 to size - 1, the same for the same seed, topic and n. The two hash functions are Postgres'
-- own and answer alike in all its versions; md5() would cost ten times as much.
create function sip_sample.draw(seed bigint, topic text, n bigint, size bigint) returns bigint
language sql immutable parallel safe
return (hashint8extended(n, hashtextextended(topic collate "C", seed)) & 9223372036854775807) % size;

create function sip_sample.word(words text[], n bigint) returns text
language sql immutable parallel safe
return words[1 + n % cardinality(words)];

create function sip_sample.words(list_name text) returns text[]
language sql stable
return (select words from sip_sample.list where name = list_name);

-- Takes n ids of a table and returns the one before the first. With ids known beforehand a row's children are
-- composed without reading it back, and an id minus this one is the row's place.
create function sip_sample.reserve(target regclass, n bigint) returns bigint
language plpgsql
as $$
declare
    ids constant regclass := pg_get_serial_sequence(target::text, 'id');
    before_first bigint;
begin
    if n = 0 then
        return 0;
    end if;
    before_first := nextval(ids) - 1;
    perform setval(ids, before_first + n);
    return before_first;
end
$$;

-- An hour of a day that does not depend on the session's time zone.
create function sip_sample.moment(day date, minutes bigint) returns timestamptz
language sql immutable parallel safe
return (day + minutes * interval '1 minute') at time zone 'UTC';

-- Every third organization is Canadian. Returns the id before the first.
create function sip_sample.add_organizations(seed bigint, as_of date, n bigint) returns bigint
language plpgsql
as $$
declare
    surnames constant text[] := sip_sample.words('surname');
    trades constant text[] := sip_sample.words('trade');
    towns constant text[] := sip_sample.words('town');
    streets constant text[] := sip_sample.words('street_name');
    prefixes constant text[] := sip_sample.words('prefix');
    terms constant text[] := sip_sample.words('terms');
    us_states constant text[] := sip_sample.words('us_state');
    us_rates constant text[] := sip_sample.words('us_tax_rate');
    ca_provinces constant text[] := sip_sample.words('ca_province');
    ca_rates constant text[] := sip_sample.words('ca_tax_rate');
    before_first constant bigint := sip_sample.reserve('sip.organizations', n);
begin
    insert into sip.organizations (
        id, name, email, phone, website, street, city, state, zip, plan, invoice_prefix, default_tax_rate,
        default_terms, default_hourly_rate, created_at, updated_at
    )
    select
        before_first + i,
        format(
            '%s %s',
            sip_sample.word(surnames, sip_sample.draw(seed, 'organization surname', i, 10000)),
            sip_sample.word(trades, sip_sample.draw(seed, 'organization trade', i, 10000))
        ),
        format('office%s@example.com', i),
        format('(%s) 555-01%s', split_part(place, ' ', 3), lpad((i % 100)::text, 2, '0')),
        format('https://office%s.example.com', i),
        format('%s %s St', 1 + i % 900, sip_sample.word(streets, i)),
        sip_sample.word(towns, sip_sample.draw(seed, 'organization town', i, 10000)),
        split_part(place, ' ', 1),
        split_part(place, ' ', 2) || case when i % 3 = 0 then '1A 0B1' else '01' end,
        'pro',
        sip_sample.word(prefixes, i - 1),
        case
            when i % 3 = 0 then sip_sample.word(ca_rates, i / 3 - 1)
            else sip_sample.word(us_rates, i - 1)
        end::numeric,
        case when i % 4 = 0 then '' else sip_sample.word(terms, i) end,
        45 + 5 * (i % 9),
        sip_sample.moment(as_of - 1000, i),
        sip_sample.moment(as_of - 1000, i)
    from generate_series(1, n) as i
    cross join lateral (
        select case
            when i % 3 = 0 then sip_sample.word(ca_provinces, sip_sample.draw(seed, 'place', i, 10000))
            else sip_sample.word(us_states, sip_sample.draw(seed, 'place', i, 10000))
        end
    ) as home (place);
    return before_first;
end
$$;

-- Six members: two owners, four others of whom the last has left.
create function sip_sample.add_members(
    seed bigint, as_of date, before_organization bigint, n bigint
) returns void
language plpgsql
as $$
declare
    first_names constant text[] := sip_sample.words('first_name');
    surnames constant text[] := sip_sample.words('surname');
    before_first constant bigint := sip_sample.reserve('sip.members', 6 * n);
begin
    insert into sip.members (
        id, organization_id, name, email, role, hourly_rate, active, created_at, updated_at
    )
    select
        before_first + i,
        before_organization + 1 + (i - 1) / 6,
        format(
            '%s %s',
            sip_sample.word(first_names, sip_sample.draw(seed, 'member first name', i, 10000)),
            sip_sample.word(surnames, sip_sample.draw(seed, 'member surname', i, 10000))
        ),
        format('member%s@example.net', i),
        case when i % 6 in (1, 2) then 'owner' else 'member' end,
        case when i % 6 <> 1 then 18 + sip_sample.draw(seed, 'hourly rate', i, 160) * 0.25 end,
        i % 6 <> 0,
        sip_sample.moment(as_of - 990, i),
        sip_sample.moment(as_of - 990, i)
    from generate_series(1, 6 * n) as i;
end
$$;

-- The names of an organization are unique: the k-th customer takes the k-th step of a walk over all
-- combinations of first name and surname (or surname, trade and form of business), which meets each once;
-- the next lap over them adds initials (or a town and a number). The walk's stride is a prime above the
-- length of any list, hence prime to the number of combinations. Oddities are put around a unique name and
-- keep it so.
--
-- Each step of the statement is materialized: merged into one, Postgres would repeat the whole expression of
-- a name at each of its uses, which takes 75 times as long.
--
-- The last name_clashes customers repeat the name of one before them, in the same or another case or with a
-- blank behind it. The `deleted` ones before these are soft-deleted.
create function sip_sample.add_customers(
    seed bigint, as_of date, before_organization bigint, organizations bigint, per_organization bigint,
    name_clashes bigint, deleted bigint
) returns bigint
language plpgsql
as $$
declare
    first_names constant text[] := sip_sample.words('first_name');
    surnames constant text[] := sip_sample.words('surname');
    trades constant text[] := sip_sample.words('trade');
    forms constant text[] := sip_sample.words('business_form');
    towns constant text[] := sip_sample.words('town');
    streets constant text[] := sip_sample.words('street_name');
    street_kinds constant text[] := sip_sample.words('street_kind');
    us_states constant text[] := sip_sample.words('us_state');
    ca_provinces constant text[] := sip_sample.words('ca_province');
    ideographs constant text[] := sip_sample.words('ideograph');
    emojis constant text[] := sip_sample.words('emoji');
    departments constant text[] := sip_sample.words('department');
    notes constant text[] := sip_sample.words('note');
    stride constant bigint := 1000003;
    people constant bigint := cardinality(first_names) * cardinality(surnames);
    businesses constant bigint := cardinality(surnames) * cardinality(trades) * cardinality(forms);
    originals constant bigint := per_organization - name_clashes;
    alive constant bigint := originals - deleted;
    before_first constant bigint := sip_sample.reserve('sip.customers', organizations * per_organization);
begin
    if per_organization > 0 and alive < 1 then
        raise exception 'name_clashes and deleted must leave at least one of % customers', per_organization;
    end if;
    insert into sip.customers (
        id, organization_id, name, email, phone, street, city, state, zip, notes, email_unsubscribed,
        deleted_at, created_at, updated_at
    )
    with place as materialized (
        -- k: the customer's place in the organization. model: the place of the customer whose name it has
        select
            i,
            o,
            k,
            case
                when k > originals then 1 + sip_sample.draw(seed, 'clash with', i, alive)
                else k
            end as model,
            sip_sample.draw(seed, 'walk starts at', o, businesses) as start
        from generate_series(1, organizations * per_organization) as i
        cross join lateral (
            select (i - 1) / per_organization + 1, (i - 1) % per_organization + 1
        ) as in_organization (o, k)
    ),
    walked as materialized (
        select
            *,
            sip_sample.draw(seed + o, 'is business', model, 100) < 35 as is_business,
            sip_sample.draw(seed + o, 'oddity', model, 1000) as oddity,
            (model + start) * stride % people as person,
            (model - 1) / people as person_lap,
            (model + start) * stride % businesses as business,
            (model - 1) / businesses as business_lap
        from place
    ),
    parted as materialized (
        select
            *,
            sip_sample.word(first_names, person) as first_name,
            sip_sample.word(
                surnames,
                case
                    when is_business then business / cardinality(trades) / cardinality(forms)
                    else person / cardinality(first_names)
                end
            ) as surname
        from walked
    ),
    plain as materialized (
        select
            *,
            case
                when is_business then
                    format(
                        sip_sample.word(forms, business / cardinality(trades)),
                        surname,
                        sip_sample.word(trades, business)
                    )
                    || case
                        when business_lap > 0 then ' of ' || sip_sample.word(towns, business_lap)
                        else ''
                    end
                    || case
                        when business_lap >= cardinality(towns)
                            then ' No. ' || (1 + business_lap / cardinality(towns))
                        else ''
                    end
                else
                    first_name
                    || case
                        when person_lap > 26 then ' ' || chr(64 + (person_lap - 1)::integer / 26) || '.'
                        else ''
                    end
                    || case
                        when person_lap > 0 then ' ' || chr(65 + (person_lap - 1)::integer % 26) || '.'
                        else ''
                    end
                    || case
                        when oddity between 100 and 119 then
                            ' & ' || sip_sample.word(first_names, person + 1 + model % 100)
                        else ''
                    end
                    || ' ' || surname
            end as plain_name
        from parted
    ),
    named as materialized (
        select
            *,
            case
                when oddity < 8 then plain_name || ' '
                when oddity < 16 then replace(plain_name, ' ', '  ')
                when oddity < 22 then plain_name || ' (' || sip_sample.word(ideographs, model) || ')'
                when oddity < 24 then plain_name || ' ' || sip_sample.word(emojis, model)
                when oddity < 32 then plain_name || ': ' || sip_sample.word(departments, model)
                when oddity < 36 then
                    rtrim(
                        left(
                            plain_name || repeat(', also known as ' || plain_name, 9),
                            60 + 20 * (oddity - 32)::integer
                        )
                    )
                when oddity < 44 then upper(plain_name collate "C")
                when oddity < 50 then lower(plain_name collate "C")
                else plain_name
            end as model_name
        from plain
    ),
    addressed as materialized (
        select
            *,
            case
                when o % 3 = 0
                    then sip_sample.word(ca_provinces, sip_sample.draw(seed, 'customer place', i, 10000))
                else sip_sample.word(us_states, sip_sample.draw(seed, 'customer place', i, 10000))
            end as home,
            sip_sample.draw(seed, 'address', i, 1000000000) as address,
            sip_sample.draw(seed, 'has address', i, 100) >= 7 as has_address,
            sip_sample.draw(seed, 'e-mail', i, 1000) as email_kind,
            sip_sample.draw(seed, 'phone', i, 1000) as phone_kind,
            sip_sample.moment(as_of - 900, k * 1296000 / per_organization) as created
        from named
    )
    select
        before_first + i,
        before_organization + o,
        case
            when k <= originals then model_name
            else case k % 4
                when 0 then upper(model_name collate "C")
                when 1 then model_name
                when 2 then lower(model_name collate "C")
                else model_name || ' '
            end
        end,
        case
            when email_kind < 80 then null
            when email_kind < 90 then ''
            when email_kind < 93 then format('ask %s@example.com', k)
            else format(
                '%s.%s%s@example.%s',
                left(regexp_replace(lower(first_name collate "C"), '[^a-z]', '', 'g'), 12),
                regexp_replace(lower(surname collate "C"), '[^a-z]', '', 'g'),
                k,
                case when email_kind < 600 then 'com' when email_kind < 850 then 'net' else 'org' end
            )
        end,
        case
            when phone_kind < 60 then null
            when phone_kind < 70 then ''
            when phone_kind < 73 then format('evenings only, ask for %s: %s-555-%s', first_name, area, digits)
            when phone_kind < 400 then format('(%s) 555-%s', area, digits)
            when phone_kind < 700 then format('%s-555-%s', area, digits)
            when phone_kind < 800 then format('%s.555.%s', area, digits)
            when phone_kind < 900 then format('+1 %s 555 %s', area, digits)
            when phone_kind < 980 then format('%s555%s', area, digits)
            else format('%s-555-%s ext. %s', area, digits, 1 + k % 400)
        end,
        case
            when has_address then
                format(
                    '%s %s %s%s',
                    1 + address % 9800,
                    sip_sample.word(streets, address / 9800),
                    sip_sample.word(street_kinds, address / 500000),
                    case address % 17
                        when 0 then format(', Apt %s', 1 + address % 40)
                        when 1 then format(' #%s', 1 + address % 40)
                        when 2 then E'\n' || format('Suite %s', 100 + address % 400)
                        else ''
                    end
                )
        end,
        case when has_address then sip_sample.word(towns, address / 7) end,
        case when has_address then split_part(home, ' ', 1) end,
        case
            when not has_address or address % 31 = 0 then null
            when o % 3 = 0 then
                format(
                    '%s%s%s %s%s%s',
                    split_part(home, ' ', 2),
                    address % 10,
                    substr('ABCEGHJKLMNPRSTVWXYZ', 1 + (address % 20)::integer, 1),
                    address / 10 % 10,
                    substr('ABCEGHJKLMNPRSTVWXYZ', 1 + (address / 20 % 20)::integer, 1),
                    address / 100 % 10
                )
            else
                split_part(home, ' ', 2) || lpad((address % 100)::text, 2, '0')
                || case when address % 12 = 0 then '-' || lpad((address % 10000)::text, 4, '0') else '' end
        end,
        case when address % 6 = 0 then sip_sample.word(notes, address / 6) end,
        email_kind >= 970,
        case when k > alive and k <= originals then sip_sample.moment(as_of - 1, k) end,
        created,
        case when k > alive and k <= originals then sip_sample.moment(as_of - 1, k) else created end
    from addressed
    cross join lateral (
        select split_part(home, ' ', 3), '01' || lpad((address / 3 % 100)::text, 2, '0')
    ) as phone (area, digits)
    order by i;
    return before_first;
end
$$;

-- 24 service items an organization, the last two inactive.
create function sip_sample.add_service_items(
    seed bigint, as_of date, before_organization bigint, organizations bigint
) returns bigint
language plpgsql
as $$
declare
    works constant text[] := sip_sample.words('work');
    per_organization constant bigint := cardinality(works);
    before_first constant bigint := sip_sample.reserve('sip.service_items', organizations * per_organization);
begin
    insert into sip.service_items (
        id, organization_id, name, description, price, taxable, active, created_at, updated_at
    )
    select
        before_first + i,
        before_organization + 1 + (i - 1) / per_organization,
        sip_sample.word(works, i - 1),
        case when i % 3 <> 0 then sip_sample.word(works, i - 1) || ', labour and small parts' end,
        25 + sip_sample.draw(seed, 'item price', i, 95000) * 0.01,
        sip_sample.draw(seed, 'item taxable', i, 100) < 75,
        (i - 1) % per_organization < per_organization - 2,
        sip_sample.moment(as_of - 980, i % 1440),
        sip_sample.moment(as_of - 980, i % 1440)
    from generate_series(1, organizations * per_organization) as i;
    return before_first;
end
$$;

-- One job a customer on average: none, one or two. A tenth of them has no contract total.
create function sip_sample.add_jobs(
    seed bigint, as_of date, before_organization bigint, before_customer bigint, customers bigint,
    per_organization bigint
) returns void
language plpgsql
as $$
declare
    works constant text[] := sip_sample.words('work');
    towns constant text[] := sip_sample.words('town');
    streets constant text[] := sip_sample.words('street_name');
    n constant bigint := (
        select coalesce(sum(sip_sample.draw(seed, 'jobs', c, 3)), 0) from generate_series(1, customers) as c
    );
    before_first constant bigint := sip_sample.reserve('sip.jobs', n);
begin
    insert into sip.jobs (
        id, organization_id, customer_id, name, description, service_address, contract_total, status,
        starts_at, ends_at, all_day, created_at, updated_at
    )
    with job as materialized (
        select row_number() over (order by c, nth) as i, c
        from generate_series(1, customers) as c
        cross join lateral generate_series(1, sip_sample.draw(seed, 'jobs', c, 3)) as nth
    ),
    dated as materialized (
        select *, as_of - 500 + sip_sample.draw(seed, 'job starts', i, 520)::integer as start_date
        from job
    )
    select
        before_first + i,
        before_organization + 1 + (c - 1) / per_organization,
        before_customer + c,
        sip_sample.word(works, sip_sample.draw(seed, 'job work', i, 10000)),
        case when i % 4 = 0 then 'As agreed on site.' end,
        case
            when i % 3 = 0 then
                format(
                    '%s %s St, %s', 1 + i % 900, sip_sample.word(streets, i), sip_sample.word(towns, i / 3)
                )
        end,
        case when i % 10 <> 0 then 200 + sip_sample.draw(seed, 'contract total', i, 1500000) * 0.01 end,
        case
            when sip_sample.draw(seed, 'job cancelled', i, 100) < 5 then 'cancelled'
            when start_date < as_of - 60 then 'completed'
            else 'active'
        end,
        case when i % 7 <> 0 then sip_sample.moment(start_date, 480 + i % 8 * 30) end,
        case when i % 7 <> 0 then sip_sample.moment(start_date, 600 + i % 8 * 30) end,
        i % 5 = 0,
        sip_sample.moment(start_date - 7, 720),
        sip_sample.moment(start_date - 7, 720)
    from dated
    order by i;

    insert into sip.job_members (job_id, member_id)
    select jobs.id, member.id
    from sip.jobs
    join (
        select
            id,
            organization_id,
            active,
            row_number() over (partition by organization_id order by id) as nth
        from sip.members
    ) as member using (organization_id)
    where jobs.id between before_first + 1 and before_first + n
    and member.active
    and sip_sample.draw(seed, 'on the job', (jobs.id - before_first) * 6 + member.nth, 100) < 30;
end
$$;

-- Three invoices a customer on average, none to six: about three in five paid, one in four sent, the others
-- drafts; three in four with lines, the others a fixed amount or a percentage of a job.
--
-- The amounts follow SIP's five rules. Where these leave the rounding open, it is done once per amount, half
-- up to the cent: the sum of quantity times price (not each line), the sum of the taxable lines, the
-- discount, the tax.
create function sip_sample.add_invoices(
    seed bigint, as_of date, before_organization bigint, before_customer bigint, customers bigint,
    per_organization bigint, before_item bigint, with_items boolean
) returns void
language plpgsql
as $$
declare
    works constant text[] := sip_sample.words('work');
    extras constant text[] := sip_sample.words('extra');
    towns constant text[] := sip_sample.words('town');
    streets constant text[] := sip_sample.words('street_name');
    notes constant text[] := sip_sample.words('note');
    items_per_organization constant bigint := cardinality(works);
    n constant bigint := (
        select coalesce(sum(sip_sample.draw(seed, 'invoices', c, 7)), 0)
        from generate_series(1, customers) as c
    );
    before_first constant bigint := sip_sample.reserve('sip.invoices', n);
    before_line bigint;
begin
    create temporary table sip_sample_head on commit drop as
    with head as materialized (
        select row_number() over (order by c, nth) as i, c, 1 + (c - 1) / per_organization as o
        from generate_series(1, customers) as c
        cross join lateral generate_series(1, sip_sample.draw(seed, 'invoices', c, 7)) as nth
    ),
    job as (
        select distinct on (customer_id) customer_id - before_customer as c, id, contract_total
        from sip.jobs
        where customer_id between before_customer + 1 and before_customer + customers
        and contract_total is not null
        order by customer_id, id
    )
    select
        head.*,
        job.id as job_id,
        job.contract_total,
        case
            when draw.mode < 76 or (draw.mode >= 88 and job.id is null) then 'line_items'
            when draw.mode < 88 then 'fixed'
            else 'percent'
        end as mode,
        case when draw.rate < 10 then 0 when draw.rate < 14 then 6.25 else organizations.default_tax_rate end
            as tax_rate,
        case when draw.discount < 12 then 'percent' when draw.discount < 20 then 'fixed' else 'none' end
            as discount_type,
        case when draw.status < 60 then 'paid' when draw.status < 85 then 'sent' else 'draft' end as status,
        as_of - draw.age::integer as issue_date,
        organizations.name as organization_name,
        organizations.invoice_prefix,
        organizations.default_terms
    from head
    join sip.organizations on organizations.id = before_organization + head.o
    left join job on job.c = head.c
    cross join lateral (
        select
            sip_sample.draw(seed, 'mode', i, 100),
            sip_sample.draw(seed, 'rate', i, 100),
            sip_sample.draw(seed, 'discount', i, 100),
            sip_sample.draw(seed, 'status', i, 100),
            sip_sample.draw(seed, 'age', i, 540)
    ) as draw (mode, rate, discount, status, age);

    create temporary table sip_sample_line on commit drop as
    with line as materialized (
        select row_number() over (order by i, position) as line, i, o, position
        from sip_sample_head
        cross join lateral generate_series(1, 1 + sip_sample.draw(seed, 'lines', i, 4)) as position
        where mode = 'line_items'
    ),
    drawn as materialized (
        select
            *,
            sip_sample.draw(seed, 'line item', line, 1000000) as item,
            with_items and sip_sample.draw(seed, 'from list', line, 100) < 60 as from_list,
            sip_sample.draw(seed, 'line kind', line, 100) as kind,
            sip_sample.draw(seed, 'line price', line, 60000) as cents
        from line
    )
    select
        line,
        i,
        position,
        service_items.id as service_item_id,
        coalesce(
            service_items.name,
            sip_sample.word(works, item) || ': ' || sip_sample.word(extras, item / 100)
            || case when kind = 0 then repeat(', as discussed with the owner on site', 12) else '' end
        ) as description,
        case
            when kind < 55 then 1
            when kind < 75 then 1 + item % 9
            when kind < 92 then 0.25 * (1 + item % 31)
            when kind < 97 then 3
            else 0.333333
        end::numeric(14, 6) as quantity,
        case
            when kind between 92 and 93 then 33.333333
            when kind between 94 and 96 then 10.005 + cents * 0.01
            else coalesce(service_items.price, 4 + cents * 0.01)
        end::numeric(14, 6) as unit_price,
        coalesce(service_items.taxable, item % 4 <> 0) as taxable
    from drawn
    left join sip.service_items
        on drawn.from_list
        and service_items.id
            = before_item + 1 + (o - 1) * items_per_organization + item % items_per_organization;

    analyze sip_sample_head, sip_sample_line;

    insert into sip.invoices (
        id, organization_id, customer_id, job_id, number, po_number, mode, amount, percent, issue_date,
        due_date, tax_rate, discount_type, discount_value, subtotal, discount, tax, total, service_address,
        notes, terms, status, sent_at, viewed_at, paid_at, portal_token, branding_snapshot, created_at,
        updated_at
    )
    with line_sum as (
        select
            i,
            round(sum(quantity * unit_price), 2) as subtotal,
            round(coalesce(sum(quantity * unit_price) filter (where taxable), 0), 2) as taxable
        from sip_sample_line
        group by i
    ),
    basis as materialized (
        select
            head.*,
            entered.amount,
            entered.percent,
            coalesce(line_sum.subtotal, entered.amount, share.amount) as subtotal,
            coalesce(line_sum.taxable, entered.amount, share.amount) as taxable,
            sip_sample.draw(seed, 'discount value', i, 40) as discount_draw
        from sip_sample_head as head
        left join line_sum using (i)
        cross join lateral (
            select
                case
                    when mode = 'fixed' then 50 + sip_sample.draw(seed, 'fixed amount', i, 400000) * 0.01
                end::numeric(12, 2),
                case
                    when mode = 'percent' then (array[10, 25, 30, 33.33, 50, 12.5, 100])[1 + i % 7]
                end::numeric(7, 4)
        ) as entered (amount, percent)
        cross join lateral (select round(contract_total * entered.percent / 100, 2)) as share (amount)
    ),
    discounted as materialized (
        select
            *,
            case discount_type
                -- one percentage in forty is the whole: an invoice of 0.00
                when 'percent' then case discount_draw when 0 then 100 else 2.5 * (1 + discount_draw % 10) end
                when 'fixed' then least(5 * (1 + discount_draw), subtotal)
                else 0
            end::numeric(12, 2) as discount_value
        from basis
    ),
    discount as materialized (
        select
            *,
            case discount_type
                when 'percent' then round(subtotal * discount_value / 100, 2)
                else discount_value
            end as discount
        from discounted
    ),
    taxed as materialized (
        select
            *,
            -- the division comes last, so that an exact half cent stays one
            case
                when subtotal = 0 then 0
                else round(taxable * (subtotal - discount) * tax_rate / (subtotal * 100), 2)
            end as tax,
            row_number() over (partition by o order by issue_date, i) as sequence,
            least(issue_date + sip_sample.draw(seed, 'paid after', i, 45)::integer, as_of) as paid_on,
            sip_sample.moment(issue_date, 540 + i % 500) as created
        from discount
    )
    select
        before_first + i,
        before_organization + o,
        before_customer + c,
        case when mode = 'percent' or i % 3 = 0 then job_id end,
        invoice_prefix || lpad(sequence::text, greatest(5, length(sequence::text)), '0'),
        case when i % 7 = 0 then format('PO-%s', 1000 + i % 9000) end,
        mode,
        amount,
        percent,
        issue_date,
        issue_date + (array[0, 15, 30, 30])[1 + i % 4],
        tax_rate,
        discount_type,
        discount_value,
        subtotal,
        discount,
        tax,
        subtotal - discount + tax,
        case
            when i % 5 = 0 then
                format(
                    '%s %s St, %s', 1 + i % 900, sip_sample.word(streets, i), sip_sample.word(towns, i / 5)
                )
        end,
        case when i % 6 = 0 then sip_sample.word(notes, i / 6) end,
        default_terms,
        status,
        case when status <> 'draft' then created + interval '20 minutes' end,
        case when status <> 'draft' and i % 5 <> 1 then created + interval '2 hours' end,
        case when status = 'paid' then sip_sample.moment(paid_on, 1080 + i % 300) end,
        case when status <> 'draft' then md5(format('%s %s', seed, before_first + i)) end,
        case
            when status <> 'draft' then jsonb_build_object('name', organization_name, 'color', '#1f6feb')
        end,
        created,
        case status
            when 'paid' then sip_sample.moment(paid_on, 1080 + i % 300)
            when 'sent' then created + interval '20 minutes'
            else created
        end
    from taxed
    order by i;

    before_line := sip_sample.reserve('sip.invoice_lines', (select count(*) from sip_sample_line));
    insert into sip.invoice_lines (
        id, invoice_id, position, service_item_id, description, quantity, unit_price, taxable
    )
    select
        before_line + line,
        before_first + i,
        position,
        service_item_id,
        description,
        quantity,
        unit_price,
        taxable
    from sip_sample_line
    order by line;

    update sip.organizations
    set next_sequence = issued.invoices + 1
    from (select o, count(*) as invoices from sip_sample_head group by o) as issued
    where organizations.id = before_organization + issued.o;

    drop table sip_sample_head, sip_sample_line;
end
$$;

-- The payment of each paid invoice, one in a hundred refunded since; and on a few sent ones a bank transfer
-- that is pending or a charge that failed.
create function sip_sample.add_payments(
    seed bigint, as_of date, before_organization bigint, organizations bigint
) returns void
language plpgsql
as $$
declare
    before_first bigint;
begin
    create temporary table sip_sample_payment on commit drop as
    select
        row_number() over (order by invoices.id) as i,
        invoices.organization_id,
        invoices.id as invoice_id,
        invoices.total,
        invoices.status as invoice_status,
        invoices.issue_date,
        (invoices.paid_at at time zone 'UTC')::date as paid_on,
        coalesce(invoices.paid_at, invoices.updated_at) as moment,
        attempt
    from sip.invoices
    cross join lateral (
        select sip_sample.draw(seed, 'attempt', invoices.id - min_id.id, 100)
        from (
            select min(id) as id
            from sip.invoices
            where organization_id between before_organization + 1 and before_organization + organizations
        ) as min_id
    ) as drawn (attempt)
    where invoices.organization_id between before_organization + 1 and before_organization + organizations
    and (invoices.status = 'paid' or (invoices.status = 'sent' and attempt < 5));

    before_first := sip_sample.reserve('sip.payments', (select count(*) from sip_sample_payment));

    insert into sip.payments (
        id, organization_id, invoice_id, method, amount, tip, status, charged_on, paid_on, note, recorded_by,
        stripe_payment_intent_id, stripe_charge_id, created_at, updated_at
    )
    with chosen as materialized (
        select
            *,
            case
                when invoice_status = 'sent' then case when attempt < 3 then 'ach' else 'card' end
                when total = 0 then 'other'
                when kind < 45 then 'card'
                when kind < 60 then 'ach'
                when kind < 66 then 'apple_pay'
                when kind < 85 then 'check'
                when kind < 92 then 'cash'
                when kind < 98 then 'zelle'
                else 'other'
            end as method
        from sip_sample_payment
        cross join lateral (select sip_sample.draw(seed, 'method', i, 100)) as drawn (kind)
    ),
    owner as (
        select organization_id, min(id) as id
        from sip.members
        where organization_id between before_organization + 1 and before_organization + organizations
        group by organization_id
    )
    select
        before_first + i,
        organization_id,
        invoice_id,
        method,
        total,
        case
            when invoice_status = 'paid' and method in ('card', 'apple_pay')
                and sip_sample.draw(seed, 'tip', i, 100) < 10
                then round(total * (array[0.10, 0.15, 0.18, 0.20])[1 + i % 4], 2)
            else 0
        end,
        case
            when invoice_status = 'sent' then case when attempt < 3 then 'pending' else 'failed' end
            when attempt = 99 then 'refunded'
            else 'collected'
        end,
        case
            when paid_on is null then issue_date
            when method = 'ach' then greatest(paid_on - 4, issue_date)
            else paid_on
        end,
        paid_on,
        case method when 'check' then format('Check %s', 1000 + i % 9000) when 'other' then 'See file' end,
        case when not online then owner.id end,
        case when online then format('pi_sample_%s_%s', seed, before_first + i) end,
        case when online then format('ch_sample_%s_%s', seed, before_first + i) end,
        moment,
        moment
    from chosen
    left join owner using (organization_id)
    cross join lateral (select method in ('card', 'ach', 'apple_pay')) as stripe (online)
    order by i;

    drop table sip_sample_payment;
end
$$;

-- A timesheet for each member and weekday of the last 30 days, with one to four entries: approved when older
-- than a week (few were sent back), then submitted, the last days still drafts. A third of the hours on jobs
-- was timed.
create function sip_sample.add_timesheets(
    seed bigint, as_of date, before_organization bigint, organizations bigint
) returns void
language plpgsql
as $$
declare
    notes constant text[] := sip_sample.words('work');
    before_sheet bigint;
    before_entry bigint;
    before_timer bigint;
begin
    create temporary table sip_sample_sheet on commit drop as
    select
        row_number() over (order by members.id, day) as i,
        members.organization_id,
        members.id as member_id,
        min(members.id) over (partition by members.organization_id) as owner_id,
        day::date as work_date
    from sip.members
    cross join generate_series(as_of - 29, as_of, interval '1 day') as day
    where members.organization_id between before_organization + 1 and before_organization + organizations
    and extract(isodow from day) < 6;

    before_sheet := sip_sample.reserve('sip.timesheets', (select count(*) from sip_sample_sheet));

    insert into sip.timesheets (
        id, organization_id, member_id, work_date, status, rejection_reason, submitted_at, approved_by,
        approved_at, created_at, updated_at
    )
    select
        before_sheet + i,
        organization_id,
        member_id,
        work_date,
        status,
        case when sent_back then 'Please name the job.' end,
        case when status <> 'draft' then sip_sample.moment(work_date, 1080) end,
        case when status = 'approved' then owner_id end,
        case when status = 'approved' then sip_sample.moment(work_date + 1, 540) end,
        sip_sample.moment(work_date, 1020),
        case status
            when 'approved' then sip_sample.moment(work_date + 1, 540)
            when 'submitted' then sip_sample.moment(work_date, 1080)
            else sip_sample.moment(work_date, 1020)
        end
    from sip_sample_sheet
    cross join lateral (select sip_sample.draw(seed, 'sent back', i, 100) < 4) as drawn (sent_back)
    cross join lateral (
        select case
            when sent_back or work_date > as_of - 2 then 'draft'
            when work_date > as_of - 7 then 'submitted'
            else 'approved'
        end
    ) as stage (status)
    order by i;

    create temporary table sip_sample_entry on commit drop as
    with entry as materialized (
        select
            row_number() over (order by i, nth) as entry,
            i,
            organization_id,
            member_id,
            work_date
        from sip_sample_sheet
        cross join lateral generate_series(1, 1 + sip_sample.draw(seed, 'entries', i, 4)) as nth
    ),
    job as (
        -- the jobs of one organization have ids in a row
        select organization_id, min(id) as first_id, count(*) as n
        from sip.jobs
        where organization_id between before_organization + 1 and before_organization + organizations
        group by organization_id
    )
    select
        entry.*,
        case
            when kind < 55 then 'job_time'
            when kind < 70 then 'travel'
            when kind < 82 then 'admin_office'
            when kind < 88 then 'training'
            when kind < 95 then 'shop_yard'
            else 'other'
        end as entry_type,
        -- one entry in fifty was left at zero
        case
            when kind % 50 = 7 then 0
            else 15 * (1 + sip_sample.draw(seed, 'quarters', entry, 18))
        end as minutes,
        case when kind < 65 then job.first_id + sip_sample.draw(seed, 'job', entry, job.n) end as job_id,
        kind < 18 and kind % 50 <> 7 and job.n is not null as timed
    from entry
    left join job using (organization_id)
    cross join lateral (select sip_sample.draw(seed, 'entry kind', entry, 100)) as drawn (kind);

    before_timer := sip_sample.reserve(
        'sip.timer_entries', (select count(*) from sip_sample_entry where timed)
    );
    insert into sip.timer_entries (
        id, organization_id, job_id, member_id, work_date, started_at, stopped_at, minutes, description,
        billable, imported, created_at, updated_at
    )
    select
        before_timer + row_number() over (order by entry),
        organization_id,
        job_id,
        member_id,
        work_date,
        sip_sample.moment(work_date, 780),
        sip_sample.moment(work_date, 780 + minutes),
        minutes,
        sip_sample.word(notes, entry),
        entry % 9 <> 0,
        true,
        sip_sample.moment(work_date, 780),
        sip_sample.moment(work_date, 780 + minutes)
    from sip_sample_entry
    where timed
    order by entry;

    before_entry := sip_sample.reserve('sip.timesheet_entries', (select count(*) from sip_sample_entry));
    insert into sip.timesheet_entries (
        id, timesheet_id, entry_type, minutes, job_id, notes, timer_entry_id, created_at, updated_at
    )
    select
        before_entry + entry,
        before_sheet + i,
        entry_type,
        minutes,
        job_id,
        case when timed or entry % 3 = 0 then sip_sample.word(notes, entry) end,
        case when timed then before_timer + count(*) filter (where timed) over (order by entry) end,
        sip_sample.moment(work_date, 1020),
        sip_sample.moment(work_date, 1020)
    from sip_sample_entry
    order by entry;

    drop table sip_sample_sheet, sip_sample_entry;
end
$$;

-- Adds organizations with all that belongs to them. Returns the rows added per table.
--
-- customers     customers of EACH organization
-- name_clashes  how many of these repeat an earlier one's name (case and outer blanks ignored); all other
--               names are unique in their organization
-- deleted       how many of these are soft-deleted
-- the booleans  leave a kind of record out. Without jobs no invoice is a percentage of one, without service
--               items all lines are free text, without invoices there are no payments
-- as_of         "today": the latest day of any record
create function sip_sample.fill(
    organizations integer default 1,
    customers integer default 100,
    seed integer default 1,
    name_clashes integer default 0,
    deleted integer default 0,
    service_items boolean default true,
    jobs boolean default true,
    invoices boolean default true,
    payments boolean default true,
    timesheets boolean default true,
    as_of date default '2026-06-30'
) returns table (kind text, added bigint)
language plpgsql
-- the planner expects a million rows of two series and would compile for them, longer than a small fill takes
set jit = off
as $$
declare
    all_customers constant bigint := organizations::bigint * customers;
    before_organization bigint;
    before_customer bigint;
    before_item bigint := 0;
begin
    if organizations < 0 or customers < 0 or name_clashes < 0 or deleted < 0 then
        raise exception 'sip_sample.fill: a count below zero';
    end if;
    before_organization := sip_sample.add_organizations(seed, as_of, organizations);
    perform sip_sample.add_members(seed, as_of, before_organization, organizations);
    before_customer := sip_sample.add_customers(
        seed, as_of, before_organization, organizations, customers, name_clashes, deleted
    );
    if service_items then
        before_item := sip_sample.add_service_items(seed, as_of, before_organization, organizations);
    end if;
    if jobs then
        perform sip_sample.add_jobs(
            seed, as_of, before_organization, before_customer, all_customers, customers
        );
    end if;
    if invoices then
        perform sip_sample.add_invoices(
            seed, as_of, before_organization, before_customer, all_customers, customers, before_item,
            service_items
        );
        if payments then
            perform sip_sample.add_payments(seed, as_of, before_organization, organizations);
        end if;
    end if;
    if timesheets then
        perform sip_sample.add_timesheets(seed, as_of, before_organization, organizations);
    end if;
    return query
    with ours as materialized (
        select o.id from sip.organizations as o
        where o.id between before_organization + 1 and before_organization + fill.organizations
    )
    select 'organizations', count(*) from ours
    union all
    select 'members', count(*) from sip.members as t join ours on ours.id = t.organization_id
    union all
    select 'customers', count(*) from sip.customers as t join ours on ours.id = t.organization_id
    union all
    select 'service_items', count(*) from sip.service_items as t join ours on ours.id = t.organization_id
    union all
    select 'jobs', count(*) from sip.jobs as t join ours on ours.id = t.organization_id
    union all
    select 'invoices', count(*) from sip.invoices as t join ours on ours.id = t.organization_id
    union all
    select 'payments', count(*) from sip.payments as t join ours on ours.id = t.organization_id
    union all
    select 'timesheets', count(*) from sip.timesheets as t join ours on ours.id = t.organization_id;
end
$$;
