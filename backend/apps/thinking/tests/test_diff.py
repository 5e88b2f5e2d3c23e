import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.thinking import content, diff, rounds
from apps.thinking.diff import Place, Run, Strike

TEXT = st.text(st.sampled_from("abc 誤差測定カメラのを。\n\u3099é"), max_size=60) | st.text(max_size=40)


def shown(before, after) -> str:
    """The runs as [-deleted-] and {+inserted+}."""
    marks = {"equal": "{}", "delete": "[-{}-]", "insert": "{{+{}+}}"}
    return "".join(marks[run.op].format(run.text) for run in diff.runs(before, after))


def items(*texts, before=(), struck=()):
    """Items of these texts; one whose text stands in `before` came from there."""
    origins = {item["text"]: item["id"] for item in before}
    return [
        {"id": str(uuid.uuid4()), "text": text, "struck": text in struck, "origin": origins.get(text)} for text in texts
    ]


def flow(*texts, before=None, **more):
    return {"items": items(*texts, before=before["items"] if before else (), **more)}


def test_it_works():
    assert diff.runs("夜勤の引き継ぎが長い。", "夜勤の交代が長い。") == [
        Run("equal", "夜勤の"),
        Run("delete", "引き継ぎ"),
        Run("insert", "交代"),
        Run("equal", "が長い。"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "runs"),
    [
        ("", "", ""),
        ("同じ", "同じ", "同じ"),
        ("", "新しい", "{+新しい+}"),
        ("古い", "", "[-古い-]"),
        ("The shift starts late.", "The shift ends late.", "The shift [-starts-]{+ends+} late."),
        ("スマートフォンで見る", "タブレットで見る", "[-スマートフォン-]{+タブレット+}で見る"),
        ("確認をする", "確認もする", "確認[-を-]{+も+}する"),
        ("誤差測定", "誤差計測", "誤差[-測定-]{+計測+}"),
        ("the old cat", "a new dog", "[-the old cat-]{+a new dog+}"),
        ("一つ目。二つ目。三つ目。", "一つ目。三つ目。", "一つ目。[-二つ目。-]三つ目。"),
        ("確認\n記録", "確認\n記録\n共有", "確認\n記録{+\n共有+}"),
        ("確認\n記録", "共有\n確認\n記録する", "{+共有\n+}確認\n記録{+する+}"),
        ("か\u3099", "か", "[-か\u3099-]{+か+}"),
    ],
)
def test_runs_read_well(before, after, runs):
    assert shown(before, after) == runs


@given(TEXT, TEXT)
def test_runs_make_both_texts(before, after):
    runs = diff.runs(before, after)

    assert "".join(run.text for run in runs if run.op != "insert") == before
    assert "".join(run.text for run in runs if run.op != "delete") == after
    assert all(run.text for run in runs)
    # Between two equal ones stands a change, and what was taken out comes before what was put in.
    kinds = "".join(run.op[0] for run in runs)
    assert not any(pair in kinds for pair in ("ee", "dd", "ii", "id"))


@given(TEXT)
def test_the_same_text_is_one_run(text):
    assert diff.runs(text, text) == ([Run("equal", text)] if text else [])


def test_more_than_can_be_compared_word_by_word():
    before, after = "あい" * 10_000, "うえ" * 10_000

    assert diff.runs(before, after) == [Run("delete", before), Run("insert", after)]


def test_fields_of_texts_and_lists():
    before, after = content.empty("mvp"), content.empty("mvp")
    before["must"], after["must"] = items("一覧", "検索"), items("一覧")

    must, optional, later = diff.compare_step("mvp", [before, after]).fields

    assert must[:3] == ("must", "一覧\n検索", "一覧")
    assert optional == ("optional", "", "", [], [])


def lines(type, contents):
    fields = diff.compare_step(type, contents).fields
    return [
        (line.kind, "".join(f"{SIGNS[run.op]}{run.text}" for run in line.runs))
        for field in fields
        for line in field.lines
    ]


SIGNS = {"equal": "=", "delete": "-", "insert": "+"}


def moves(type, contents):
    return [move[:3] for move in diff.compare_step(type, contents).moves]


def test_a_move_is_no_rewording():
    first = flow("数える", "入力する", "比べる", "報告する")
    last = flow("報告する", "入力する", "比べる", "数える", before=first)

    assert lines("flow", [first, last]) == [
        ("left", "-数える"),
        ("moved", "+報告する"),
        ("kept", "=入力する"),
        ("kept", "=比べる"),
        ("left", "-報告する"),
        ("moved", "+数える"),
    ]


def test_an_item_that_was_reworded_where_it_stands():
    first = flow("数える", "報告する", "帰る")
    last = flow("数える", "報告する", "帰る", before=first)
    last["items"][1]["text"] = "報告して直す"

    assert [kind for kind, _ in lines("flow", [first, last])] == ["kept", "changed", "kept"]
    assert lines("flow", [first, last])[1][1].startswith("=報告")


def test_an_item_that_was_reworded_and_moved():
    first = {**content.empty("mvp"), "must": items("検索", "一覧")}
    last = content.empty("mvp")
    last["must"], last["optional"] = items("一覧", before=first["must"]), items("検索", before=first["must"])
    last["optional"][0]["text"] = "全文検索"

    assert lines("mvp", [first, last]) == [("left", "-検索"), ("kept", "=一覧"), ("moved", "+全文検索")]
    [move] = diff.compare_step("mvp", [first, last]).moves
    assert move.runs == [Run("insert", "全文"), Run("equal", "検索")]


def test_one_item_in_the_place_of_another():
    first, last = flow("一", "二"), flow("三", "二")
    last["items"][1]["origin"] = first["items"][1]["id"]

    assert lines("flow", [first, last]) == [("dropped", "-一"), ("added", "+三"), ("kept", "=二")]


def test_an_item_that_moved_in_the_flow():
    first = flow("一", "二", "三", "四")
    last = flow("二", "三", "一", "四", before=first)

    assert moves("flow", [first, last]) == [("一", Place("items", 1), Place("items", 3))]


def test_what_only_shifted_has_not_moved():
    first = flow("一", "二", "三")
    last = flow("新", "一", "三", before=first)

    assert moves("flow", [first, last]) == []


def test_an_item_is_followed_through_the_rounds_between():
    first = flow("一", "二")
    second = flow("二", "一", before=first)
    third = flow("二", "一", before=second)

    assert moves("flow", [first, second, third]) == [("二", Place("items", 2), Place("items", 1))]


def test_an_item_that_moved_between_columns():
    first = {**content.empty("mvp"), "must": items("一", "二")}
    last = content.empty("mvp")
    last["must"], last["later"] = items("二", before=first["must"]), items("一", before=first["must"])

    assert moves("mvp", [first, last]) == [("一", Place("must", 1), Place("later", 1))]


def test_of_two_copies_one_is_the_item():
    first = flow("一", "二")
    last = flow("二", "二", "一", before=first)

    assert moves("flow", [first, last]) == [("二", Place("items", 2), Place("items", 1))]


def test_an_origin_that_is_not_there():
    last = {"items": [{"id": str(uuid.uuid4()), "text": "一", "struck": True, "origin": str(uuid.uuid4())}]}

    assert moves("flow", [flow("一"), last]) == []
    assert diff.compare_step("flow", [flow("一"), last]).struck == []


def test_items_that_were_struck_out_or_taken_up_again():
    first = flow("一", "二", "三", struck=["二", "三"])
    last = flow("一", "二", "三", "四", before=first, struck=["一", "三", "四"])

    assert diff.compare_step("flow", [first, last]).struck == [
        Strike("一", "items", True),
        Strike("二", "items", False),
    ]


@given(st.permutations("一二三四五六七"))
def test_without_what_moved_the_order_is_the_same(order):
    first = flow(*"一二三四五六七")
    moved = {move[0] for move in moves("flow", [first, flow(*order, before=first)])}

    assert [text for text in order if text not in moved] == [text for text in "一二三四五六七" if text not in moved]
    assert len(moved) < 7


def test_what_changed_since_the_revision_before(alice, bob, steps):
    for person, theme in ((alice, "夜勤"), (bob, "夜勤の交代")):
        rounds.write_step(steps["overview"], content.clean("overview", {"theme": theme}), by=person)
    last, middle, first = steps["overview"].revisions.all()

    [change] = diff.revision_fields(last)
    assert change[:3] == ("theme", "夜勤", "夜勤の交代")
    assert [field.field for field in diff.revision_fields(middle)] == ["theme"]
    assert diff.revision_fields(first) == []


def test_what_was_struck_out_since_the_revision_before(alice, bob, steps):
    items = [{"id": str(uuid.uuid4()), "text": text} for text in "一二"]
    rounds.write_step(steps["flow"], content.clean("flow", {"items": items}), by=alice)
    items[1]["struck"] = True
    rounds.write_step(steps["flow"], content.clean("flow", {"items": items}), by=bob)
    last, middle, first = steps["flow"].revisions.all()

    assert diff.revision_strikes(last) == [Strike("二", "items", True)]
    assert diff.revision_strikes(middle) == diff.revision_strikes(first) == []
