"""A project's whole way: five rounds, each summed up and compared, to completion and back."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from .visitor import LANGUAGES

WORDS = {
    "ja": {
        "title": "夜勤の引き継ぎを短くする",
        "themes": [
            "引き継ぎが長い",
            "引き継ぎが長くて帰れない",
            "引き継ぎを十分で終える",
            "引き継ぎを紙なしで終える",
            "引き継ぎは五分",
        ],
        "notes": ["口頭が多いと気づいた", "紙が二度書きになっている", "写真で足りる", "誰が読むかで決まる"],
        "flow": ["記録を読む", "現場を歩く", "質問する"],
        "must": "申し送りの一覧",
        "idea": "写真を一枚残す",
        "node": "申し送り",
    },
    "en": {
        "title": "Shorten the night handover",
        "themes": [
            "The handover is long",
            "The handover is too long",
            "A handover in ten minutes",
            "No paper",
            "Five minutes",
        ],
        "notes": ["Most of it is spoken", "Paper is written twice", "A photo would do", "It depends on the reader"],
        "flow": ["Read the log", "Walk the floor", "Ask"],
        "must": "A list of what is open",
        "idea": "Leave one photo",
        "node": "Handover",
    },
}


def write_first_round(visitor, words):
    visitor.field("step_overview_theme").fill(words["themes"][0])
    visitor.is_saved()
    visitor.go_to("extract")
    visitor.add("step_extract_ui", words["must"])
    visitor.is_saved()
    visitor.go_to("flow")
    for text in words["flow"]:
        visitor.add("step_flow_items", text)
    visitor.is_saved()
    visitor.go_to("mvp")
    visitor.add("step_mvp_must", words["must"])
    visitor.is_saved()
    visitor.go_to("expand")
    visitor.field("step_expand_ideas").fill(words["idea"])
    visitor.is_saved()


def round_address(visitor):
    return urlsplit(visitor.page.url).path


def tallied(visitor, step):
    """How much of a step was kept, changed, added and dropped, as the table says."""
    row = visitor.page.get_by_role("row", name=re.compile("^" + re.escape(visitor.say(f"step_{step}"))))
    expect(row).to_be_visible()
    return [int(cell) for cell in row.get_by_role("cell").all_inner_texts()]


@LANGUAGES
def test_five_rounds_to_completion_and_reopened(visitors, language):
    visitor, words = visitors(language), WORDS[language]
    visitor.sign_up()
    visitor.new_project(words["title"], "kaizen")
    write_first_round(visitor, words)
    address = round_address(visitor)
    project = visitor.page.locator("main a[href^='/projects/']").first.get_attribute("href")
    visitor.open(f"{address}/summary")
    visitor.sees_heading(visitor.say("summary_title", number=1))
    expect(visitor.page.get_by_text(words["idea"])).to_be_visible()
    expect(visitor.page.get_by_role("table")).to_be_hidden()
    visitor.look("summary-first")

    for number in range(2, 6):
        visitor.button("project_next_round", round=number).click()
        visitor.field("round_question").fill(words["notes"][number - 2])
        visitor.button("project_next_start", round=number).click()
        expect(visitor.page.get_by_role("heading", level=1)).to_contain_text(visitor.say("round_title", number=number))
        expect(visitor.field("round_question")).to_have_value(words["notes"][number - 2])
        visitor.go_to("overview")
        expect(visitor.field("step_overview_theme")).to_have_value(words["themes"][number - 2])
        visitor.field("step_overview_theme").fill(words["themes"][number - 1])
        visitor.is_saved()
        if number == 2:
            visitor.go_to("flow")
            visitor.field("step_item", list=visitor.say("step_flow_items"), number=3).press("Alt+ArrowUp")
            visitor.is_saved()
        address = round_address(visitor)
        visitor.open(f"{address}/summary")
        visitor.sees_heading(visitor.say("summary_title", number=number))
        expect(visitor.page.get_by_text(words["notes"][number - 2])).to_be_visible()
        assert tallied(visitor, "overview") == [0, 1, 0, 0]
        assert tallied(visitor, "flow") == ([2, 1, 0, 0] if number == 2 else [3, 0, 0, 0])
    visitor.look("summary-fifth")
    expect(visitor.button("project_next_round", round=6)).to_be_hidden()

    visitor.open(f"{project}/compare")
    visitor.page.get_by_label(visitor.say("compare_from")).select_option("1")
    visitor.page.wait_for_url(re.compile("from=1&to=5"))
    overview = visitor.page.get_by_role("region", name=re.compile(visitor.say("step_overview")))
    expect(overview.locator("ins").first).to_be_visible()
    expect(overview.locator("del").first).to_be_visible()
    expect(overview.get_by_role("insertion").first).to_contain_text(visitor.say("changes_inserted_begins").strip())
    expect(overview.get_by_role("deletion").first).to_contain_text(visitor.say("changes_deleted_begins").strip())
    flow = visitor.page.get_by_role("region", name=re.compile(visitor.say("step_flow")))
    moved = visitor.say(
        "changes_move",
        **{"from": visitor.say("changes_position", number=3), "to": visitor.say("changes_position", number=2)},
    )
    expect(flow.get_by_text(moved)).to_be_visible()
    expect(flow.locator("ins, del")).to_have_count(0)
    visitor.look("compare")

    visitor.open(f"{address}/summary")
    visitor.button("project_complete").click()
    visitor.page.wait_for_url(re.compile("/completion$"))
    visitor.sees_heading(words["title"])
    expect(visitor.page.get_by_text(visitor.say("completion_title", rounds=5))).to_be_visible()
    for note in words["notes"]:
        expect(visitor.page.get_by_text(note, exact=True)).to_be_visible()
    expect(visitor.page.get_by_text(words["themes"][4], exact=True)).to_be_visible()
    visitor.look("completion")

    visitor.button("project_reopen").click()
    visitor.page.wait_for_url(re.compile(re.escape(project) + "$"))
    expect(visitor.button("project_pend")).to_be_visible()


@LANGUAGES
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_a_project_became_prints_on_one_sheet(visitors, language, theme, tmp_path):
    visitor = visitors(language, color_scheme=theme)
    visitor.sign_up()
    visitor.button("home_example").click()
    visitor.page.wait_for_url(re.compile("/projects/."))
    visitor.link("project_so_far").click()
    expect(visitor.button("print")).to_be_visible()
    sheet = visitor.page.pdf(path=tmp_path / "sheet.pdf", prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", sheet)) == 1
    # A4 in points.
    assert re.search(rb"/MediaBox\s*\[\s*0 0 (594|595|596)[.\d]* (841|842)[.\d]*", sheet)


@LANGUAGES
def test_what_another_page_has_done_is_explained_and_what_is_possible_now_is_offered(visitors, language):
    visitor = visitors(language)
    visitor.expected = ["400"]
    visitor.sign_up()
    visitor.new_project("二つの画面")
    visitor.field("step_overview_theme").fill("同じもの")
    visitor.is_saved()
    address = f"{round_address(visitor)}/summary"
    visitor.open(address)
    expect(visitor.button("project_pend")).to_be_visible()
    other = visitor.context.new_page()
    other.goto(f"{visitor.stack.page}{address}")
    other.get_by_role("button", name=visitor.say("project_complete"), exact=True).click()
    other.wait_for_url(re.compile("/completion$"))

    visitor.button("project_pend").click()
    expect(visitor.page.get_by_role("alert")).not_to_be_empty()
    expect(visitor.page.get_by_text(visitor.say("project_is_completed"))).to_be_visible()
    visitor.look("summary-refused")
    visitor.button("project_reopen").click()
    expect(visitor.page.get_by_role("alert")).to_be_hidden()
    expect(visitor.page.get_by_text(visitor.say("project_is_active"))).to_be_visible()


@LANGUAGES
def test_an_early_end_by_keyboard_only(visitors, language):
    """From the empty home to a completed project, and reopened, without a mouse."""
    visitor = visitors(language)
    visitor.sign_up()
    visitor.press(visitor.button("home_example"))
    visitor.page.wait_for_url(re.compile("/projects/."))
    expect(visitor.page.get_by_role("heading", level=1)).to_be_focused()
    summary = f"{visitor.say('round_title', number=2)}: {visitor.say('project_round_summary')}"
    visitor.press(visitor.page.get_by_role("link", name=summary, exact=True))
    expect(visitor.page.get_by_role("heading", level=1)).to_be_focused()

    visitor.press(visitor.page.locator("summary").first)
    expect(visitor.page.locator("details[open] ins").first).to_be_visible()
    visitor.press(visitor.button("project_next_round", round=3))
    title = visitor.say("project_next_title", round=3)
    expect(visitor.page.get_by_role("heading", level=2, name=title)).to_be_focused()
    visitor.page.keyboard.press("Escape")
    expect(visitor.button("project_next_round", round=3)).to_be_focused()
    visitor.press(visitor.button("project_pend"))
    expect(visitor.button("project_reopen")).to_be_focused()
    visitor.press(visitor.button("project_complete"))
    visitor.page.wait_for_url(re.compile("/completion$"))
    expect(visitor.page.get_by_role("heading", level=1)).to_be_focused()
    visitor.press(visitor.button("project_reopen"))
    expect(visitor.page.get_by_role("heading", level=1)).to_be_focused()
    expect(visitor.button("project_pend")).to_be_visible()
