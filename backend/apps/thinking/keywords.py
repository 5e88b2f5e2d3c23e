"""Words out of text: quickly, for links, and well chosen, for nodes. Pure: knows neither Django nor the database."""

import re
import unicodedata
from collections.abc import Iterator
from math import log2
from typing import NamedTuple

from apps.thinking import english, japanese

KANJI = r"[々〆\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
# Nouns made of verbs (試し打ち, 芯出し), runs of kanji, of katakana, of Latin letters (with digits after them, with an
# apostrophe between them). 測定し is a verb; what a particle follows, or nothing, is not.
RUN = re.compile(
    rf"{KANJI}[いきぎしちにびみりえけげせねべめれ]{KANJI}+(?:わせ|[いきぎしちにびみりえけげせてねべめれ])?"
    rf"|{KANJI}{{2,}}[きしちみり](?=[のをがは]|$)"
    rf"|{KANJI}{{2,}}"
    r"|[ァ-ヴ][ァ-ヴー]+"
    r"|[A-Za-zÀ-ÖØ-öø-ɏ][A-Za-zÀ-ÖØ-öø-ɏ0-9]*(?:['’][A-Za-z]+)?"
)
# What is written about everything, and tells of nothing.
STOP_WORDS = frozenset(
    """
    a about after again all also always am an and any are aren't as at back be because been before being both but by
    can can't cannot come could couldn't did didn't do does doesn't doing don't done down each else even ever every few
    first for from get gets go goes going got had has hasn't have haven't having he her here hers him his how i i'd
    i'll i'm i've if in into is isn't it it's its just keep kept last least less let let's like made make makes many may
    me might mine more most much must my need needs never new next no none nor not nothing now of off often on once one
    only or other our out over own per put rather really same say says see shall she should shouldn't since so some
    something still such take than that that's the their them then there there's these they thing things this those
    though three through to too two under until up upon us use used using very want was wasn't way we we're were what
    when where which while who whom whose why will with within without won't would yes yet you your
    コト モノ トキ 以上 以下 以前 以後 一人 一回 一度 一方 一番 一緒 何度 何回 何人 今回 今日 今年 今月 今週 今後 他人
    全体 全部 全員 全然 前回 次回 最初 最後 最近 明日 昨日 毎日 毎回 毎週 毎月 自分 自身 必要 場合 時間 時々 時点 部分
    途中 普段 本当 結局 結果 内容 方法 方向 大切 大事 十分 可能 程度 同時 同様 相手 実際 当然 絶対 理由 意味 問題 関係
    """.split()  # noqa: SIM905
)

# A text goes to the Japanese dictionary if it has one of these, but for English of three words and more.
JAPANESE = re.compile(r"[ぁ-ヿ々〆\u3400-\u9fff\uf900-\ufaffｦ-ﾟ\U00020000-\U0003ffff]")
ENGLISH = re.compile(r"[A-Za-z][A-Za-z0-9'’-]*(?:,? [A-Za-z0-9][A-Za-z0-9'’-]*){2,}")
SENTENCE = re.compile(r"[^\n。．！？!?.]+(?:[.!?](?!\s)[^\n。．！？!?.]*)*[。．！？!?.]*")
SENTENCE_END = re.compile(r"[\n。．！？!?]+|\.+(?=\s|$)")
# So much is looked at: of a text, and at once. The dictionary takes 49,149 bytes, and a character may become eighteen.
LOOKED_AT = 50_000
SENTENCE_LENGTH = 500
WORD_LENGTH = 50
# What comes at a text's end is worth so much less; and a word that is worth less than that is not offered.
LATE = 0.1
WEAK = 0.85


class Keyword(NamedTuple):
    word: str
    context: str  # the sentence in which it comes first
    score: float


def terms(text: str) -> list[str]:
    """The words of a text as they are written in it, each once, in the order in which they come."""
    found: dict[str, str] = {}
    for run in RUN.findall(unicodedata.normalize("NFKC", text)):
        word = run.replace("’", "'").removesuffix("'s")
        if len(word) > 1 and word.lower() not in STOP_WORDS:
            found.setdefault(word.lower(), word)
    return list(found.values())


def keywords(text: str, limit: int) -> list[Keyword]:
    """The words of a text that could become nodes, best first, as they are written in it; fewer, if others are weak.

    What counts: whether it is a compound, how often it is mentioned, and how early.
    """
    text = text[:LOOKED_AT]
    found: dict[str, Keyword] = {}
    mentions: dict[str, int] = {}
    for place, sentence in _sentences(text):
        for word, worth in _phrases(sentence):
            if len(word) > WORD_LENGTH:
                continue
            key = english.singular(_fold(word))
            mentions[key] = mentions.get(key, 0) + 1
            score = worth * (1 - LATE * place / len(text))
            known = found.setdefault(key, Keyword(word, sentence, score))
            if score > known.score:
                found[key] = known._replace(score=score)
    scored = [
        keyword._replace(score=round(keyword.score * (1 + 0.5 * log2(mentions[key])), 3))
        for key, keyword in found.items()
    ]
    best = sorted((keyword for keyword in scored if keyword.score >= WEAK), key=lambda keyword: -keyword.score)
    return best[:limit]


def context(text: str, word: str) -> str | None:
    """The sentence of a text in which a word first stands."""
    place = text.find(word)
    if place < 0:
        return None
    first, last = max(0, place - SENTENCE_LENGTH), place + len(word) + SENTENCE_LENGTH
    first = max([first, *(end.end() for end in SENTENCE_END.finditer(text, first, place))])
    end = SENTENCE_END.search(text, place + len(word), last)
    return text[first : end.end() if end else last].strip()


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    for match in SENTENCE.finditer(text):
        for place in range(match.start(), match.end(), SENTENCE_LENGTH):
            if sentence := text[place : min(place + SENTENCE_LENGTH, match.end())].strip():
                yield place, sentence


def _phrases(sentence: str) -> Iterator[tuple[str, float]]:
    if not JAPANESE.search(sentence):
        return english.phrases(sentence)
    return _phrases_of_both(sentence)


def _phrases_of_both(sentence: str) -> Iterator[tuple[str, float]]:
    for part in ENGLISH.findall(sentence):
        yield from english.phrases(part)
    yield from japanese.phrases(ENGLISH.sub("。", sentence))


def _fold(text: str) -> str:
    # Not as folding.py does it for the search, which may find too much: もも and モモ are two words to choose from.
    return unicodedata.normalize("NFKC", text).casefold()
