"""The nouns of a Japanese sentence. Pure: knows neither Django nor the database."""

import re
from collections.abc import Iterator
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sudachipy import Morpheme, Tokenizer

KATAKANA = re.compile(r"[ァ-ヴーｦ-ﾟ]+")
HIRAGANA = re.compile(r"[ぁ-ゖー]+")
ONE_KANJI = re.compile(r"[\u3400-\u9fff]")

# Nouns that tell of nothing by themselves.
WEAK = frozenset(
    """
    うち おかげ かたち くらい こと ころ せい たび ため つもり とおり とき ところ はず ふう ぶん ほう ほか まま もの
    やつ よう わけ コト トキ モノ 事 物 者 所 時 為 様 方 人 側 的 上 下 中 内 外 前 後 間 際 分 他 元 先 形 点 面 例
    件 感 手 目 体 気 何 皆 各 自分 自身 他人 一人 二人 全員 相手 みんな 皆さん 誰か 子 人間 一つ 二つ 三つ ひとつ
    ふたつ 一部 一方 一緒 一番 全体 全部 全般 途中 部分 半分 以上 以下 以外 以内 以前 以後 程度 同様 同士 必要 場合
    状態 状況 理由 意味 問題 課題 関係 内容 方法 方向 目的 目標 結果 原因 影響 対応 対策 可能 実態 現状 事情 大切 大事
    十分 本当 普段 普通 実際 当然 絶対 無理 不安 大変 面倒 完全 簡単 複雑 重要 最大 最小 最低 最高 最適 特別 特定 今
    今回 今後 今日 今年 今月 今週 明日 昨日 去年 来年 来月 来週 先月 先週 前回 次回 毎日 毎回 毎週 毎月 毎年 毎朝 毎晩
    最初 最後 最近 最終 当日 翌日 前日 朝 昼 夜 午前 午後 夕方 日 月 年 週 秒 日々 時々 時点 時期 月初 月末 週末 平日
    休日 春 夏 秋 冬 日曜 月曜 火曜 水曜 木曜 金曜 土曜 日曜日 月曜日 火曜日 水曜日 木曜日 金曜日 土曜日 数 量 質 値
    回 度 順 順番 種類 種 複数 多数 少数 全て すべて いくつ 多く 近く 遠く 右 左 横 隣 逆 別 同じ 次 実施 実行 利用
    使用 活用 開始 終了 完了 中止 継続 変更 変化 追加 削除 増加 減少 改善 向上 検討 確認 決定 決め 設定 作成 準備 整理
    用意 処理 管理 把握 理解 意識 工夫 期待 希望 考え 考え方 思い 気持ち 予定 機会 存在 経験 仕方 やり方 使い方 成功
    失敗 平均 場所 自動 手動 心配 必須 任意 後回し 優先 参考 注意 提案 案 説明 話 感じ 集中 統一 共有 達成 実現 維持
    保持 徹底 導入 適用 手元 中身 名前 終わり 始まり 段階 印象 雰囲気 様子 声 音 色 数字 言葉 裏 表 端 最短 最長 最多
    テーマ パニック
    """.split()  # noqa: SIM905
)
# Nouns of every day, which are about many things.
COMMON = frozenset(
    """
    家 学校 会社 部屋 電気 ガス 水道 電車 写真 画面 先生 生徒 学生 子ども 子供 友達 友人 家族 両親 父親 母親 兄弟 社員
    店員 本人 机 椅子 台所 玄関 階段 教室 会場 建物 道路 天気 音楽 映画 電話 メール パソコン スマホ テレビ ネット
    ボタン ページ ノート メモ カード ペン お金 料理 ご飯 お茶 コーヒー 英語 日本語 文字 文章 資料 会議 仕事 作業 生活
    社会 世界 世の中 国 クラス グループ チーム メンバー スタッフ 社内 社外 場面 移動 左右 上下 前後 趣味 回数 件数
    人数 金額 値段 住所 名称 書類 用紙 記録 記入 入力 出力 表示 保存 登録 連絡 相談 報告 返事 質問 説明 練習 勉強 学習
    計画 計算 判断
    """.split()  # noqa: SIM905
)
# What is no part of a compound at whose beginning or end it stands.
APART = frozenset(
    """
    うち おかげ くらい こと ころ せい たび ため つもり とおり とき ところ どおり はず ふう ぶん ほう ほか まま もの
    やつ よう わけ コト トキ モノ ごと ずつ など 達 たち ら 用 等 中 内 以上 以下 以内 以外 以前 以後 後 前 直後 直前
    際 時 分 的 自分 自身 全員 各自 同士 同様 今回 前回 次回 毎回 各 約 計 合計 大変 完全 本当 普段
    """.split()  # noqa: SIM905
)
POLITE = ("お", "ご", "御", "さん", "様", "さま", "ちゃん", "くん", "君")
COUNTERS = ("助数詞", "助数詞可能")
# So much is one mention of a word worth.
COMPOUND, LONG_COMPOUND, DERIVED, TERM, SINGLE, VAGUE, DONE = 1.6, 1.5, 1.4, 1.1, 1.0, 0.8, 0.5

_lock = Lock()
_tokenizer: "Tokenizer | None" = None


def phrases(sentence: str) -> Iterator[tuple[str, float]]:
    """The compounds and single nouns of a sentence as they are written in it, each with what a mention is worth."""
    morphemes = _morphemes(sentence)
    run: list[Morpheme] = []
    before = None
    for place, morpheme in enumerate(morphemes):
        following = morphemes[place + 1] if place + 1 < len(morphemes) else None
        if _belongs(morpheme, run, following):
            run.append(morpheme)
        else:
            yield from _of_run(sentence, before, run, morpheme)
            before, run = morpheme, []
    yield from _of_run(sentence, before, run, None)


def _morphemes(sentence: str) -> "list[Morpheme]":
    global _tokenizer
    # One tokenizer takes one sentence at a time, and a worker has several threads.
    with _lock:
        if _tokenizer is None:
            # Here, so that only those processes have the dictionary in memory that use it.
            from sudachipy import Dictionary, SplitMode

            _tokenizer = Dictionary(dict="small").tokenizer(mode=SplitMode.C)
        return list(_tokenizer.tokenize(sentence))


def _belongs(morpheme: "Morpheme", run: "list[Morpheme]", following: "Morpheme | None") -> bool:
    """Whether it goes on with the noun before it, or begins one."""
    pos = morpheme.part_of_speech()
    surface = morpheme.surface()
    if run and run[-1].end() != morpheme.begin():
        return False
    if pos[0] == "名詞":
        return pos[1] not in ("数詞", "助動詞語幹") or (
            run == [] and pos[1] == "数詞" and bool(ONE_KANJI.match(surface))
        )
    if pos[0] == "接尾辞":
        return bool(run) and pos[1] == "名詞的"
    follows = following.part_of_speech() if following and following.begin() == morpheme.end() else None
    if pos[0] in ("接頭辞", "形状詞"):
        return follows is not None and follows[0] in ("名詞", "接尾辞")
    if pos[0] == "動詞" and pos[5].startswith("連用形"):
        # 付け方, 貸し出し表, and at the end グラインダー掛け; but not 始め、
        if follows and (follows[0] == "名詞" or follows[1] == "名詞的"):
            return pos[1] == "一般" or follows[0] == "接尾辞"
        return bool(run) and (follows is None or follows[1] in ("格助詞", "係助詞"))
    # A long word of katakana that the dictionary does not have is cut into words of any kind.
    if KATAKANA.fullmatch(surface) and len(surface) > 1:
        return bool(run and KATAKANA.fullmatch(run[-1].surface())) or bool(
            follows and follows[0] == "名詞" and following and KATAKANA.fullmatch(following.surface())
        )
    return False


def _of_run(
    sentence: str, before: "Morpheme | None", run: "list[Morpheme]", after: "Morpheme | None"
) -> Iterator[tuple[str, float]]:
    while run and _is_weak_front(run):
        run = run[1:]
    while run and _is_weak_end(run[-1]):
        run = run[:-1]
        after = None
    if not run:
        return
    word = sentence[run[0].begin() : run[-1].end()]
    if len(word) < 2 or word in WEAK or (HIRAGANA.fullmatch(word) and len(word) < 3):
        return
    yield word, _worth(word, before, run, after)


def _is_weak_front(run: "list[Morpheme]") -> bool:
    pos = run[0].part_of_speech()
    if pos[1] == "数詞":
        # 三原則, but not 三日
        return len(run) == 1 or run[1].part_of_speech()[2] in COUNTERS or run[1].part_of_speech()[0] == "接尾辞"
    return pos[0] == "接尾辞" or run[0].surface()[-1:].isdigit() or pos[2] in COUNTERS or _is_apart(run[0])


def _is_weak_end(morpheme: "Morpheme") -> bool:
    # 連絡先 is a compound.
    return morpheme.part_of_speech()[0] == "接頭辞" or (_is_apart(morpheme) and morpheme.surface() != "先")


def _is_apart(morpheme: "Morpheme") -> bool:
    surface = morpheme.surface()
    return surface in APART or (morpheme.part_of_speech()[2] == "副詞可能" and surface in WEAK)


def _worth(word: str, before: "Morpheme | None", run: "list[Morpheme]", after: "Morpheme | None") -> float:
    # お客様 is one word.
    run = [part for part in run if part.surface() not in POLITE] or run
    if len(run) > 1:
        if run[-1].surface() == "方" and len(run) == 2:
            return VAGUE
        if len(run) == 2 and run[1].part_of_speech()[0] == "接尾辞":
            return DERIVED
        return COMPOUND if len(run) < 4 else LONG_COMPOUND
    if run[0].part_of_speech()[2] == "サ変可能" and _is_done(before, after):
        return DONE
    if run[0].part_of_speech()[2] == "副詞可能" or word in COMMON:
        return VAGUE
    return TERM if len(word) > 3 and KATAKANA.fullmatch(word) else SINGLE


def _is_done(before: "Morpheme | None", after: "Morpheme | None") -> bool:
    """Whether the noun is the verb of its sentence: 調整している, 画面に表示。"""
    if after is None or after.part_of_speech()[0] == "補助記号":
        return before is not None and before.surface() in ("を", "に", "で", "と", "へ")
    return after.normalized_form() in ("為る", "出来る")
