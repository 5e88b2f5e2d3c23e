-- What the benchmarks ask for, the same in every run: ids follow from names (pg_temp.id), and no time is today's.
-- :password is a hash, of the password of the accounts that the requests are made as. :people are how many others there
-- are, and :most how many projects the largest account has.

-- What belongs together does so by itself here.
set session_replication_role = replica;
set maintenance_work_mem = '256MB';
begin;

-- Row by row the search index would take as long as all the rest.
create temp table search_indexes as select indexname, indexdef from pg_indexes where indexname like '%\_bigrams';
select format('drop index %I', indexname) from search_indexes \gexec

create function pg_temp.id(name text) returns uuid language sql immutable as $$ select md5(name)::uuid $$;

-- Newest first is in the order of the numbers.
create function pg_temp.moment(number bigint) returns timestamptz language sql immutable as $$
    select timestamptz '2026-01-01 00:00:00.123456Z' - number * interval '1 second'
$$;

create function pg_temp.words(number bigint) returns text language sql immutable as $$
    select case number % 50
        when 0 then '測定誤差を減らすために、検査データの入力を一度で済ませる'
        when 1 then '夜勤の引き継ぎでは、作業者負担が口頭の説明に集まる'
        when 2 then 'The barcode reader is checked every morning'
        else (array[
            '棚の番号を色で分けると、新人でも迷わずに部品を取り出せる',
            '現品票の書き間違いに気づくのが遅れる',
            'Parts that wait between two machines are counted on Friday',
            '段取り替えの順番を、前の日の終わりに決めておく',
            'A drawing that nobody has signed is not on the wall'
        ])[1 + number % 5]
    end || ' ' || number
$$;

create function pg_temp.items(number bigint, many int) returns jsonb language sql immutable as $$
    select coalesce(jsonb_agg(jsonb_build_object('id', pg_temp.id(number || ' item ' || place),
        'text', pg_temp.words(number + place), 'struck', false, 'origin', null) order by place), '[]')
    from generate_series(1, many) as place
$$;

create temp table people (name text primary key, projects int, nodes int);
insert into people values ('small', 50, 10), ('few', 10, 10), ('large', 1000, 0), ('many', :most, 0);
insert into people select 'person-' || place, 50, 2 from generate_series(1, :people) as place;

insert into accounts_user (id, username, email, password, is_superuser, is_staff, is_active, first_name, last_name,
    date_joined, language, theme)
select pg_temp.id(name), name, name || '@example.com', :'password', false, false, true, '', '', pg_temp.moment(0), 'ja',
    'system'
from people;

create temp table places as
select name, place, nodes, pg_temp.id(name) as owner, pg_temp.id(name || ' project ' || place) as project,
    pg_temp.id(name || ' round ' || place) as round
from people, generate_series(1, projects) as place;

insert into thinking_project (id, created_at, updated_at, version, title, category, status, owner_id)
select project, pg_temp.moment(place), pg_temp.moment(place), 1, left(pg_temp.words(place), 60), '改善', 'active', owner
from places;

insert into thinking_round (id, created_at, updated_at, version, number, note, project_id)
select round, pg_temp.moment(place), pg_temp.moment(place), 1, 1, '', project from places;

-- Three of five are written in; all five in the accounts that are read from, but for every second project of `small`;
-- one in each of the 100,000 projects.
create temp table contents (type text, extent text, pick bigint, content jsonb, text text, filled boolean);
insert into contents
select type, extent, pick, content, coalesce(text, ''), text is not null
from (
    select type, extent, pick, case type
        when 'overview' then jsonb_build_object('theme', pg_temp.words(pick), 'purpose', pg_temp.words(pick + 1),
            'pain', case extent when 'all' then pg_temp.words(pick + 2) else '' end,
            'constraints', case extent when 'all' then pg_temp.words(pick + 3) else '' end,
            'success', case extent when 'all' then pg_temp.words(pick + 4) else '' end)
        when 'extract' then jsonb_build_object('ui', pg_temp.items(pick, case extent when 'one' then 0 else 2 end),
            'operation', pg_temp.items(pick + 10, case extent when 'all' then 2 else 0 end),
            'data', pg_temp.items(pick + 20, case extent when 'all' then 2 else 0 end),
            'judgement', '[]'::jsonb, 'flow', '[]'::jsonb, 'other', '[]'::jsonb)
        when 'flow' then jsonb_build_object('items', pg_temp.items(pick + 30, case extent when 'one' then 0 else 3 end))
        when 'mvp' then jsonb_build_object('must', pg_temp.items(pick + 40, case extent when 'all' then 3 else 0 end),
            'optional', pg_temp.items(pick + 50, case extent when 'all' then 2 else 0 end), 'later', '[]'::jsonb)
        else jsonb_build_object('ideas', case extent when 'all' then pg_temp.words(pick + 5) else '' end,
            'improvements', case extent when 'all' then pg_temp.words(pick + 6) else '' end, 'automation', '') end as content
    from unnest(array['overview', 'extract', 'flow', 'mvp', 'expand']) as type, unnest(array['one', 'three', 'all']) as extent,
        generate_series(0, 49) as pick
) as made
-- As apps/thinking/content.py has it: the parts in their order, a line for each text and item that is not empty.
cross join lateral (
    select string_agg(line, e'\n' order by part, item_place) as text
    from unnest(array['theme', 'purpose', 'pain', 'constraints', 'success', 'ui', 'operation', 'data', 'judgement', 'flow',
            'other', 'items', 'must', 'optional', 'later', 'ideas', 'improvements', 'automation'])
            with ordinality as parts (name, part),
        lateral (
            select content ->> name as line, 1 as item_place where jsonb_typeof(content -> name) = 'string'
            union all
            select item ->> 'text', item_place
            from jsonb_array_elements(case jsonb_typeof(content -> name) when 'array' then content -> name else '[]' end)
                with ordinality as items (item, item_place)
        ) as lines
    where line <> ''
) as texts;
analyze contents;

insert into thinking_step (id, created_at, updated_at, version, type, content, text, filled, round_id)
select pg_temp.id(name || ' ' || type || ' ' || place), pg_temp.moment(place), pg_temp.moment(place), 1, type, content,
    text, filled, round
from places
join contents on pick = place % 50
    and extent = case
        when name in ('few', 'large') or (name = 'small' and place % 2 = 1) then 'all'
        when name = 'many' then 'one'
        else 'three' end;
analyze thinking_step;

-- The first project of `large` has 5,000 nodes, the next eight 500 each, then one 1,000 and one 2,500; the others have
-- what is missing to 50,000.
create temp table born as
select name, owner, project, round, number, pg_temp.id(name || ' node ' || number) as id
from (
    select name, owner, project, round, (place - 1) * nodes + number as number
    from places, generate_series(1, nodes) as number
    union all
    select name, owner, project, round, number
    from generate_series(1, 50000) as number
    join places on name = 'large'
        and place = case
            when number <= 5000 then 1
            when number <= 9000 then 2 + (number - 5001) / 500
            when number <= 10000 then 10
            when number <= 12500 then 11
            else 12 + number % 989 end
) as all_of_them;

insert into thinking_node (id, created_at, updated_at, version, title, context, image, owner_id, project_id, round_id,
    step_id)
select id, pg_temp.moment(number), pg_temp.moment(number), 1, left(pg_temp.words(number), 12) || ' ' || number,
    pg_temp.words(number + 7), '', owner, project, round,
    -- Spread over the five steps.
    (select thinking_step.id from thinking_step where round_id = round and position = 1 + number % 5)
from born;

-- Two from each node: to the next one of its project and to the seventh, around.
insert into thinking_nodelink (id, created_at, updated_at, version, weight, origin, reason, owner_id, from_node_id,
    to_node_id)
select pg_temp.id('link ' || one.id || ' ' || distance), pg_temp.moment(one.place), pg_temp.moment(one.place), 1, 0.5,
    'automatic', '測定誤差', one.owner, one.id, other.id
from (
    select *, row_number() over (partition by project order by number) as place, count(*) over (partition by project) as many
    from born where name in ('small', 'few', 'large')
) as one
cross join unnest(array[1, 7]) as distance
join (
    select project, id, row_number() over (partition by project order by number) as place from born
    where name in ('small', 'few', 'large')
) as other on other.project = one.project and other.place = 1 + (one.place - 1 + distance) % many
where many >= 10;

select indexdef from search_indexes \gexec
commit;
-- One by one: workers would share more memory than the container has for that.
vacuum (analyze, parallel 0);
