import time

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from apps.thinking import rounds, search
from apps.thinking.folding import FEW, fold
from apps.thinking.models import Node, Project, Round, Step
from apps.thinking.search import Run, snippet

# Where one character becomes several, several become one, and case or kana differ.
ODD = "aAbＡｂ①㍿㌔ｶﾞｶハﾊﾟかが\u3099ガé e\u0301İßΣσς한ᄒ\u1161\u11abﾡﾂ誤差½…·"
# Of projects the titles are read.
TABLES = ["round", "step", "node"]
TEXT = st.text(st.sampled_from(ODD), max_size=40) | st.text(max_size=30)


def marked(runs) -> str:
    return "".join(f"[{run.text}]" if run.hit else run.text for run in runs)


def found(user, q) -> list:
    return [hit.id for hit in search.search(user, q, 0, 50)[0]]


@pytest.fixture
def make(alice):
    return lambda title, context="": Node.objects.create(owner=alice, title=title, context=context)


@pytest.mark.parametrize(
    ("text", "q"),
    [
        ("測定の誤差", "誤差"),
        ("測定の誤差", "差"),
        ("ごさ", "ゴサ"),
        ("ゴサ", "ごさ"),
        ("ｶﾞｲﾄﾞ", "がいど"),
        ("ガイド", "ｶﾞｲﾄﾞ"),
        ("Shift Handover", "shift h"),
        ("ＳＨＩＦＴ", "shift"),
        ("shift", "ＳＨＩＦＴ"),
        ("㍿の名", "株式"),
        ("①番", "1番"),
        ("café", "CAFE\u0301"),
        ("100% 確実", "0%"),
        ("a_b", "a_"),
        ("a\\b", "\\b"),
        ("it's", "t's"),
        ("改善　提案", "改善 提"),
    ],
)
def test_it_works(alice, make, text, q):
    node = make("題", context=text)
    make("別のもの", context="abc 100 axb")

    assert found(alice, q) == [node.pk]
    assert any(run.hit for run in search.search(alice, q, 0, 50)[0][0].snippet)


@pytest.mark.parametrize("q", ["%", "_", "\\", "%%", "__", "\\\\", "a%c", "a_c", "誤_差", "'", '"', "差誤"])
def test_what_looks_like_a_pattern_is_text(alice, make, q):
    make("誤測差", context="abc")

    assert found(alice, q) == []


def test_newest_change_first(alice, make):
    first, second = make("誤差 一"), make("誤差 二")
    first.save()

    assert found(alice, "誤差") == [first.pk, second.pk]


def test_a_part_and_how_much_there_is_in_all(alice, make):
    first, second, third = [make(f"誤差 {number}") for number in "一二三"]

    def part(start, stop):
        hits, count = search.search(alice, "誤差", start, stop)
        return [hit.id for hit in hits], count

    assert part(0, 2) == ([third.pk, second.pk], 3)
    assert part(2, 4) == ([first.pk], 3)
    assert search.search(alice, "負担", 0, 2) == ([], 0)


@pytest.mark.parametrize(
    ("text", "q", "expected"),
    [
        ("測定の誤差", "誤差", "測定の[誤差]"),
        ("誤差と誤差", "誤差", "[誤差]と[誤差]"),
        ("一行目\n誤差の行\n三行目", "誤差", "[誤差]の行"),
        ("ｶﾞｲﾄﾞとｶﾞｲﾄﾞ", "ガイド", "[ｶﾞｲﾄﾞ]と[ｶﾞｲﾄﾞ]"),
        ("㍿ABC", "会社a", "[㍿A]BC"),
        ("㍿㍿", "社株", "[㍿㍿]"),
        ("ＡＢＣ", "b", "Ａ[Ｂ]Ｃ"),
        ("①②③", "2", "①[②]③"),
        ("cafe\u0301s", "é", "caf[e\u0301]s"),
        ("<b>誤差</b>", "誤差", "<b>[誤差]</b>"),
        ("なし", "誤差", ""),
    ],
)
def test_snippets(text, q, expected):
    assert marked(snippet(text, q)) == expected


def test_a_long_line_is_cut_around_the_first_hit():
    runs = snippet("前" * 1_000 + "誤差" + "後" * 1_000, "誤差")

    assert marked(runs) == "…" + "前" * 30 + "[誤差]" + "後" * 88 + "…"


def test_all_hits_of_the_cut_are_marked():
    assert marked(snippet("誤差" * 1_000, "誤差")) == "[誤差]" * 60 + "…"


def test_a_hit_that_is_longer_than_the_snippet():
    assert snippet("長" * 200, "長" * 200) == [Run("長" * 200, True)]


@given(TEXT, st.data())
def test_every_marked_run_folds_to_what_was_sought(text, data):
    start = data.draw(st.integers(0, len(text)))
    q = text[start : data.draw(st.integers(start, len(text)))] or "a"
    runs = snippet(text, q)

    def plain(text):
        return fold(text).replace("ς", "σ")

    assert all(plain(q) in plain(run.text) for run in runs if run.hit)
    assert not any(plain(q) in plain(run.text) for run in runs if not run.hit)
    lines = [line for line in text.split("\n") if plain(q) in plain(line)]
    assert any(run.hit for run in runs) == bool(lines)
    if lines:
        assert "".join(run.text for run in runs) == lines[0]


@given(TEXT)
def test_units_fold_like_the_whole(text):
    units = search._units(text)

    assert "".join(units) == text
    assert "".join(search._fold(unit) for unit in units) == search._fold(text)


@pytest.mark.usefixtures("postgresql")
class TestIndex:
    @pytest.fixture
    def crowd(self, alice, bob):
        """As many rows as make reading each of them the slower way."""
        words = [chr(code) for code in range(0x4E00, 0x4E00 + 200)]
        texts = [words[n % 200] + words[n % 199] + words[n % 197] + words[n % 193] * 40 for n in range(1_000)]
        for user in (alice, bob):
            projects = Project.objects.bulk_create(Project(owner=user, title=text) for text in texts)
            rounds = Round.objects.bulk_create(
                Round(project=project, number=1, note=project.title) for project in projects
            )
            Step.objects.bulk_create(
                Step(round=round, type="flow", content={"items": []}, text=round.note) for round in rounds
            )
            Node.objects.bulk_create(Node(owner=user, title=text[:9], context=text) for text in texts)
        with connection.cursor() as cursor:
            # As autovacuum leaves the tables.
            for table in TABLES:
                cursor.execute(f"SELECT gin_clean_pending_list('{table}_bigrams')")
            cursor.execute("ANALYZE")

    @pytest.mark.parametrize("q", ["誤差", "誤差の", "ごさ", "re", "一丁"])
    def test_two_characters_and_more_are_found_by_it(self, alice, crowd, q, bigram_plans):
        with bigram_plans() as plans:
            search.search(alice, q, 0, 20)

        assert all(f"Bitmap Index Scan on {table}_bigrams" in "".join(plans) for table in TABLES)
        assert "Seq Scan" not in "".join(plans)

    def test_the_list_of_nodes_is_found_by_it(self, as_alice, crowd, bigram_plans):
        with bigram_plans() as plans:
            as_alice.get("/api/v1/nodes/?q=誤差")

        assert "Bitmap Index Scan on node_bigrams" in plans[0]

    def test_one_character_reads_the_rows(self, alice, crowd, bigram_plans):
        with bigram_plans() as plans:
            search.search(alice, "差", 0, 20)

        assert not plans

    def test_it_leaves_the_transaction_as_it_was(self, alice, crowd):
        search.search(alice, "誤差", 0, 20)

        with connection.cursor() as cursor:
            cursor.execute("SHOW enable_seqscan")
            assert cursor.fetchone() == ("on",)


@pytest.mark.parametrize("number", [FEW, FEW + 1])
def test_a_word_in_as_many_rows_as_may_be_is_found_like_any(alice, bob, number):
    for user in (alice, bob):
        Node.objects.bulk_create(Node(owner=user, title="測定誤差") for _ in range(number // 2))
    last = Node.objects.create(owner=alice, title="誤差")
    Node.objects.create(owner=alice, title="差の誤り")

    hits, count = search.search(alice, "誤差", 0, 20)

    assert hits[0].id == last.pk
    assert count == number // 2 + 1


@pytest.mark.usefixtures("postgresql")
class TestWhateverThePlannerBelieves:
    """Not one text's pairs of characters are made to find a word."""

    def long_steps(self, user):
        for project in [rounds.start_project(user, f"長い文 {number}") for number in range(8)]:
            Step.objects.filter(round__project=project).update(text="測定誤差です。" * 1_000)

    def analyze(self):
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    @pytest.mark.parametrize("q", ["誤差", "です", "測定誤差です", "無い"])
    def test_with_statistics_of_before(self, alice, q, bigram_plans):
        rounds.start_project(alice, "短い文")
        self.analyze()
        self.long_steps(alice)

        with bigram_plans() as plans:
            search.search(alice, q, 0, 20)

        assert len(plans) == len(TABLES)

    @pytest.mark.parametrize("q", ["誤差", "です", "測定誤差です", "無い"])
    def test_of_a_word_in_all_rows(self, alice, q, bigram_plans):
        self.long_steps(alice)
        self.analyze()

        with bigram_plans() as plans:
            search.search(alice, q, 0, 20)

        assert len(plans) == len(TABLES)

    def test_of_a_word_in_many_nodes(self, as_alice, alice, bigram_plans):
        Node.objects.bulk_create(Node(owner=alice, title="現品票", context="現品です" * 50) for _ in range(FEW * 4))
        self.analyze()

        with bigram_plans() as plans:
            response = as_alice.get("/api/v1/nodes/?q=現品")

        assert response.data["count"] == FEW * 4
        assert len(plans) == 1

    def test_it_takes_no_longer_than_one_character(self, alice):
        """It was more than a hundred times as long."""
        self.long_steps(alice)

        def taken(q):
            begun = time.perf_counter()
            search.search(alice, q, 0, 1)
            return time.perf_counter() - begun

        assert min(taken("誤差") for _ in range(3)) < 10 * min(taken("差") for _ in range(3))
