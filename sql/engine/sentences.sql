-- Sentences: the commands that they name, with the words that somebody can paste.
--
-- Called by: judge (record_words); refuse, settle, postpone and pause (addressed).

-- A word as a shell takes it.
create or replace function syncd.as_typed(word text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select case when word ~ '^[[:alnum:]_.:@/-]+$' then word
                else '''' || replace(word, '''', '''\''''') || '''' end;
$$;

-- How a command is told which record it is about: 9 service-item 7
create or replace function syncd.record_words(company text, entity text, id text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select concat_ws(' ', syncd.as_typed(company), replace(entity, '_', '-'), syncd.as_typed(id));
$$;

-- A sentence on a record whose commands name it. What makes sentences of QuickBooks' answers and of documents knows
-- neither company nor record: it writes `syncd retry`, `syncd settle`, `syncd map accounts`, `syncd map tax set COMPANY
-- 9.13 CODE` or `syncd company connect`, and what is missing is filled in here, once, where the sentence is recorded. A
-- full stop behind a command that ends the sentence would be copied along, and is left out. Without a record the
-- sentence is about the company.
create or replace function syncd.addressed(sentence text, company text, entity text default null, id text default null)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select case when strpos(sentence, 'syncd ') = 0 then sentence else
        -- What goes in may hold anything, so it does not go through an expression.
        replace(replace(replace(
            regexp_replace(regexp_replace(regexp_replace(regexp_replace(
                sentence,
                '(syncd (?:retry|explain|settle))(?:\.$|(?=[.,;]|$))', E'\\1 \u0001', 'g'),
                '(syncd map [a-z-]+ [a-z]+) COMPANY\M', E'\\1 \u0002', 'g'),
                '(syncd map [a-z-]+)(?:\.$|(?=[.,;]|$))', E'\\1 list \u0002', 'g'),
                '(syncd company connect)(?:\.$|(?=[.,;]|$))', E'\\1 \u0002 --environment \u0003 < tokens.json', 'g'),
            E'\u0001', case when entity is null then concat_ws(' ', syncd.as_typed(company), '--all-errors')
                            else syncd.record_words(company, entity, id) end),
            E'\u0002', syncd.as_typed(company)),
            E'\u0003', coalesce((select c.environment::text from syncd.company c where c.company_id = company),
                                'production'))
    end;
$$;
