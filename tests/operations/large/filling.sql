-- :projects projects, ten a person, as people would have written them: three rounds of five steps, eight revisions of
-- each step, thirty nodes and fifty links. Words are made at random, few of them often used and many seldom.

-- What belongs together does so by itself here, and each restore checks all of the keys.
set session_replication_role = replica;
set maintenance_work_mem = '256MB';

-- Row by row the search index would take as long as all the rest.
create temp table search_indexes as select indexname, indexdef from pg_indexes where indexname like '%\_bigrams';
select format('drop index %I', indexname) from search_indexes \gexec

create temp table words (place int primary key, word text);
insert into words
select place, (
    select string_agg(chr(case (place + letter) % 3
        when 0 then 12449 + floor(86 * random())::int
        else 19968 + floor(2500 * power(random(), 2))::int end), '')
    from generate_series(1, 1 + place % 4) as letter
)
from generate_series(1, 4000) as place;

create temp table sentences (place int primary key, sentence text);
insert into sentences
select place, (
    select string_agg((select word from words where words.place = pick) || substr('のをにはがでと', 1 + pick % 7, 1), '')
    from (select 1 + floor(4000 * power(random(), 3))::int as pick from generate_series(1, 5 + place % 5)) as picked
) || '。'
from generate_series(1, 20000) as place;
analyze words, sentences;

create function pg_temp.prose(number int) returns text language sql volatile as $$
    select string_agg((select sentence from sentences where place = pick), '')
    from (select 1 + floor(20000 * random())::int as pick from generate_series(1, number)) as picked
$$;

create function pg_temp.items(number int) returns jsonb language sql volatile as $$
    select jsonb_agg(jsonb_build_object(
        'id', gen_random_uuid(), 'text', pg_temp.prose(1), 'struck', random() < 0.1, 'origin', null))
    from generate_series(1, number)
$$;

create temp table contents (type text, pick int, content jsonb, text text, primary key (type, pick));
insert into contents
select type, pick, content, (
    select string_agg(case jsonb_typeof(value)
        when 'string' then value #>> '{}'
        else (select string_agg(item ->> 'text', e'\n') from jsonb_array_elements(value) as item) end, e'\n')
    from jsonb_each(content)
)
from (
    select type, pick, case type
        when 'overview' then jsonb_build_object('theme', pg_temp.prose(1), 'purpose', pg_temp.prose(2),
            'pain', pg_temp.prose(3), 'constraints', pg_temp.prose(2), 'success', pg_temp.prose(2))
        when 'extract' then jsonb_build_object('ui', pg_temp.items(2), 'operation', pg_temp.items(2),
            'data', pg_temp.items(2), 'judgement', pg_temp.items(1), 'flow', pg_temp.items(2), 'other', pg_temp.items(1))
        when 'flow' then jsonb_build_object('items', pg_temp.items(8))
        when 'mvp' then jsonb_build_object('must', pg_temp.items(3), 'optional', pg_temp.items(3),
            'later', pg_temp.items(2))
        else jsonb_build_object('ideas', pg_temp.prose(4), 'improvements', pg_temp.prose(3),
            'automation', pg_temp.prose(2)) end as content
    from unnest(array['overview', 'extract', 'flow', 'mvp', 'expand']) as type, generate_series(1, 2000) as pick
    offset 0
) as made;
analyze contents;

insert into accounts_user (id, username, email, password, is_superuser, is_staff, is_active, first_name, last_name,
    date_joined, language, theme)
select gen_random_uuid(), 'person-' || place, 'person-' || place || '@example.com', '!', false, false, true, '', '',
    now(), 'ja', 'system'
from generate_series(1, :projects / 10) as place;

insert into thinking_project (id, created_at, updated_at, version, title, category, status, owner_id)
select gen_random_uuid(), now(), now(), 1, left(pg_temp.prose(1), 60), '', 'active', id
from accounts_user, generate_series(1, 10)
where username like 'person-%';

insert into thinking_round (id, created_at, updated_at, version, number, note, project_id)
select gen_random_uuid(), now(), now(), 1, number, pg_temp.prose(2), id
from thinking_project, generate_series(1, 3) as number;

insert into thinking_step (id, created_at, updated_at, version, type, content, text, filled, round_id)
select gen_random_uuid(), now(), now(), 8, type, content, text, true, round
from (
    select id as round, type, 1 + floor(2000 * random())::int as pick
    from thinking_round, unnest(array['overview', 'extract', 'flow', 'mvp', 'expand']) as type
    offset 0
) as chosen
join contents using (type, pick);
analyze thinking_project, thinking_round, thinking_step;

insert into thinking_steprevision (version, content, begun_at, written_at, step_id, written_by_id)
select sitting, content, now(), now(), step, owner
from (
    select thinking_step.id as step, type, owner_id as owner, sitting, 1 + floor(2000 * random())::int as pick
    from thinking_step
    join thinking_round on thinking_round.id = round_id
    join thinking_project on thinking_project.id = project_id, generate_series(1, 8) as sitting
    offset 0
) as chosen
join contents using (type, pick);

insert into thinking_node (id, created_at, updated_at, version, title, context, image, owner_id, project_id, round_id,
    step_id)
select gen_random_uuid(), now(), now(), 1, left(pg_temp.prose(1), 12), pg_temp.prose(2), '', owner_id, project_id,
    round_id, thinking_step.id
from thinking_step
join thinking_round on thinking_round.id = round_id
join thinking_project on thinking_project.id = project_id, generate_series(1, 2);

with numbered as (
    select id, owner_id, project_id, row_number() over (partition by project_id order by id) as place from thinking_node
)
insert into thinking_nodelink (id, created_at, updated_at, version, weight, origin, reason, owner_id, from_node_id,
    to_node_id)
select gen_random_uuid(), now(), now(), 1, 0.5, 'automatic', left(pg_temp.prose(1), 8), one.owner_id, one.id, other.id
from numbered as one
join numbered as other on other.project_id = one.project_id and other.place in (one.place + 1, one.place + 7);

select indexdef from search_indexes \gexec
-- One by one: workers would share more memory than the container has for that.
vacuum (analyze, parallel 0);
