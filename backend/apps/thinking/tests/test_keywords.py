import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.thinking.english import singular
from apps.thinking.keywords import SENTENCE_LENGTH, context, keywords, terms

BACKEND = Path(__file__).parents[3]


class TestTerms:
    def test_it_works(self):
        text = "ロットの取り違えは、測定誤差より負担が大きい。QF-12 と barcode reader を使う。"

        assert terms(text) == ["ロット", "取り違え", "測定誤差", "負担", "QF", "barcode", "reader"]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", []),
            ("取り違え", ["取り違え"]),
            ("試し打ちのあとの打ち合わせ", ["試し打ち", "打ち合わせ"]),
            ("芯出しを先にする", ["芯出し"]),
            ("測定し、書く", ["測定"]),
            ("見て書く", []),
            ("誤差、誤差、誤差", ["誤差"]),
            ("ﾃﾞｰﾀとデータ", ["データ"]),
            ("ー", []),
            ("コーヒー", ["コーヒー"]),
            ("人々の佐々木", ["人々", "佐々木"]),
            ("Paper and PAPER", ["Paper"]),
            ("Maya's paper, Maya’s notes", ["Maya", "paper", "notes"]),
            ("I don't", []),
            ("naïve Größe", ["naïve", "Größe"]),
            ("H2O x", ["H2O"]),
            ("自分の場合", []),
            ("検査データ", ["検査", "データ"]),
        ],
    )
    def test_words(self, text, expected):
        assert terms(text) == expected

    @given(st.text())
    def test_any_text(self, text):
        words = terms(text)

        assert len({word.lower() for word in words}) == len(words)
        assert all(len(word) > 1 for word in words)


def words(text: str) -> list[str]:
    return [keyword.word for keyword in keywords(text, 10)]


class TestKeywords:
    def test_it_works(self):
        found = keywords("検査記録を紙から移す。誤記が多い。", 10)

        assert [(keyword.word, keyword.context) for keyword in found] == [
            ("検査記録", "検査記録を紙から移す。"),
            ("誤記", "誤記が多い。"),
        ]
        assert found[0].score > found[1].score

    def test_a_plural_is_a_mention_of_its_word(self):
        assert [keyword.word for keyword in keywords("The gouges are blunt. Sharpen the gouge.", 10)] == ["gouges"]

    def test_the_limit(self):
        assert [keyword.word for keyword in keywords("検査記録を紙から移す。誤記が多い。", 1)] == ["検査記録"]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", []),
            ("これはそれ。", []),
            ("測定誤差", ["測定誤差"]),
            ("毎日の検査記録", ["検査記録"]),
            ("三原則で行く", ["三原則"]),
            ("三日で終える", []),
            ("緊急連絡先を貼る", ["緊急連絡先"]),
            ("グラインダー掛けに時間がかかる", ["グラインダー掛け"]),
            ("ﾊﾞｰｺｰﾄﾞﾘｰﾀﾞｰで読む", ["ﾊﾞｰｺｰﾄﾞﾘｰﾀﾞｰ"]),
            ("ヒヤリハットを数える", ["ヒヤリハット"]),
            ("いつも調整している", []),
            ("誤差、誤差、ごさ", ["誤差"]),
            # Among words that are worth the same the one that is mentioned more often comes first.
            ("納期と原価。原価", ["原価", "納期"]),
        ],
    )
    def test_japanese(self, text, expected):
        assert words(text) == expected

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("It is what it is.", []),
            ("We lost the count sheets again.", ["count sheets"]),
            ("A small web app", ["web app"]),
            ("Green wood warps.", ["Green wood"]),
            ("Lorries block the gate.", ["Lorries", "gate"]),
            ("Sharpen the gouge.", ["gouge"]),
            ("When the machine stops, record crash reports.", ["crash reports"]),
            ("Volunteers donated blankets.", ["Volunteers", "blankets"]),
            ("The donated blankets", ["donated blankets"]),
            # Of every day: a paper is about nothing.
            ("The paper in the office", []),
            ("A draft. The drafts", ["draft"]),
            ("Maya’s prototype", ["prototype"]),
            ("Tear-out on the end grain", ["end grain", "Tear-out"]),
        ],
    )
    def test_english(self, text, expected):
        assert words(text) == expected

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("検査記録を移す。\nThe count sheets get lost.", ["検査記録", "count sheets"]),
            ("Googleアナリティクスを見る", ["Googleアナリティクス"]),
            ("合言葉は we lost the count sheets again だ", ["count sheets", "合言葉"]),
        ],
    )
    def test_both(self, text, expected):
        assert words(text) == expected

    @given(st.text() | st.text("検査記録ﾃﾞｰﾀ ab.。\n'’-ﷺ🗾\U00020000が゙"))
    def test_any_text(self, text):
        found = keywords(text, 10)

        assert len(found) <= 10
        assert [keyword.score for keyword in found] == sorted((keyword.score for keyword in found), reverse=True)
        for keyword in found:
            assert keyword.word == keyword.word.strip() != ""
            assert keyword.word in keyword.context
            assert keyword.context in text
            assert keyword.word in (context(text, keyword.word) or "")

    @pytest.mark.parametrize(
        "part", ["漢", "あ", "ア", "日本 ", "ﷺ日", "a", "a.", "a-", "a'", "word ", ". ", "!", " ", "検査。\n"]
    )
    def test_a_megabyte(self, part):
        text = part * (1_000_000 // len(part))
        begin = time.process_time()

        keywords(text, 10)
        context(text, part)

        assert time.process_time() - begin < 10

    def test_several_threads(self):
        texts = [f"{name}の検査記録を移す。{name}の誤記が多い。" * 20 for name in ("溶接", "塗装", "組立", "出荷")]
        expected = [words(text) for text in texts]

        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(words, texts * 25))

        assert found == expected * 25

    def test_the_dictionary_is_loaded_when_it_is_needed(self):
        code = """
import sys
from apps.thinking.keywords import keywords
keywords("The count sheets get lost.", 10)
assert "sudachipy" not in sys.modules
keywords("検査記録", 10)
assert "sudachipy" in sys.modules
"""
        subprocess.run([sys.executable, "-c", code], cwd=BACKEND, check=True, timeout=60)


class TestContext:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("誤差がある。誤記が多い。紙。", "誤記が多い。"),
            ("一行目\n 誤記 \n三行目", "誤記"),
            ("First. The誤記 is v1.2 here. Last.", "The誤記 is v1.2 here."),
            ("誤記", "誤記"),
            ("誤差", None),
        ],
    )
    def test_it_works(self, text, expected):
        assert context(text, "誤記") == expected

    def test_a_very_long_sentence(self):
        found = context("長" * 5_000 + "誤記" + "長" * 5_000, "誤記")

        assert found == "長" * SENTENCE_LENGTH + "誤記" + "長" * SENTENCE_LENGTH


@pytest.mark.parametrize(
    ("word", "form"),
    [
        *(
            ("sheets", "sheet"),
            ("sheet", "sheet"),
            ("meetings", "meeting"),
            ("class", "class"),
            ("bus", "bus"),
            ("s", "s"),
        ),
        *(("torque wrenches", "torque wrench"), ("torque wrench", "torque wrench"), ("classes", "class")),
        *(("caches", "cach"), ("cache", "cach"), ("boxes", "box")),
    ],
)
def test_singular(word, form):
    assert singular(word) == form
