"""
The main job, as a person does it: sign up, think one round of a theme, leave, come back, and find it all there.

tests/stack shows that the parts answer; here they are used together, in both languages.
"""

import re
from urllib.parse import urlsplit

from playwright.sync_api import expect

from .visitor import LANGUAGES

THOUGHTS = {
    "ja": {
        "project": "在庫の数え直しを減らす",
        "category": "改善",
        "theme": "棚卸しのたびに数が合わない",
        "purpose": "数え直しにかかる残業をなくす",
        "success": "誤差が月に三件以下になる",
        "element": "数量の入力画面",
        "struck": "紙の台帳",
        "flow": ["棚の前で数える", "その場で入力する", "差があれば写真を残す"],
        "must": "差の一覧",
        "later": "自動発注",
        "idea": "棚ごとの担当を決める",
        "node": "誤差",
    },
    "en": {
        "project": "Learn to sketch from life",
        "category": "Self-study",
        "theme": "I draw only from photographs",
        "purpose": "Draw what I see, quickly",
        "success": "Thirty sketches in thirty days",
        "element": "A pocket notebook",
        "struck": "An expensive easel",
        "flow": ["Choose a bench", "Draw for five minutes", "Write down one observation"],
        "must": "Pencil and paper",
        "later": "A course",
        "idea": "Meet someone who sketches too",
        "node": "Observation",
    },
}


def write_round(visitor, thoughts):
    visitor.field("step_overview_theme").fill(thoughts["theme"])
    visitor.field("step_overview_purpose").fill(thoughts["purpose"])
    visitor.field("step_overview_success").fill(thoughts["success"])
    visitor.is_saved()

    visitor.go_to("extract")
    visitor.add("step_extract_ui", thoughts["element"])
    visitor.add("step_extract_other", thoughts["struck"])
    visitor.is_saved()

    visitor.go_to("flow")
    for text in thoughts["flow"]:
        visitor.add("step_flow_items", text)
    item = visitor.field("step_item", list=visitor.say("step_flow_items"), number=3)
    expect(item).to_have_value(thoughts["flow"][2])
    item.press("Alt+ArrowUp")
    expect(visitor.field("step_item", list=visitor.say("step_flow_items"), number=2)).to_have_value(thoughts["flow"][2])
    visitor.is_saved()

    visitor.go_to("mvp")
    visitor.add("step_mvp_must", thoughts["must"])
    visitor.add("step_mvp_later", thoughts["later"])
    visitor.is_saved()

    visitor.go_to("expand")
    visitor.field("step_expand_ideas").fill(thoughts["idea"])
    visitor.is_saved()


def finds_round(visitor, thoughts):
    visitor.go_to("overview")
    expect(visitor.field("step_overview_theme")).to_have_value(thoughts["theme"])
    expect(visitor.field("step_overview_purpose")).to_have_value(thoughts["purpose"])
    expect(visitor.field("step_overview_success")).to_have_value(thoughts["success"])
    visitor.go_to("extract")
    expect(visitor.field("step_item", list=visitor.say("step_extract_ui"), number=1)).to_have_value(thoughts["element"])
    visitor.go_to("flow")
    first, second, third = thoughts["flow"]
    for number, text in enumerate([first, third, second], start=1):
        expect(visitor.field("step_item", list=visitor.say("step_flow_items"), number=number)).to_have_value(text)
    visitor.go_to("mvp")
    expect(visitor.field("step_item", list=visitor.say("step_mvp_must"), number=1)).to_have_value(thoughts["must"])
    expect(visitor.field("step_item", list=visitor.say("step_mvp_later"), number=1)).to_have_value(thoughts["later"])
    visitor.go_to("expand")
    expect(visitor.field("step_expand_ideas")).to_have_value(thoughts["idea"])


def make_node(visitor, title, context):
    visitor.button("node_make").click()
    dialog = visitor.page.get_by_role("dialog")
    dialog.get_by_role("textbox", name=visitor.say("node_title"), exact=True).fill(title)
    dialog.get_by_role("textbox", name=visitor.say("node_context"), exact=True).fill(context)
    dialog.get_by_role("button", name=visitor.say("node_create"), exact=True).click()
    expect(visitor.page.get_by_role("link", name=title, exact=True)).to_be_visible()


@LANGUAGES
def test_think_one_round_and_find_it_again(visitors, language):
    visitor, thoughts = visitors(language), THOUGHTS[language]
    visitor.open("/")
    visitor.sees_heading(visitor.say("login_title"))
    expect(visitor.page.locator("html")).to_have_attribute("lang", language)
    visitor.look("login")
    visitor.link("login_sign_up").click()
    visitor.sees_heading(visitor.say("signup_title"))
    visitor.look("signup")

    name = visitor.sign_up()
    expect(visitor.page.get_by_text(visitor.say("home_empty_text"))).to_be_visible()
    visitor.look("home-empty")
    visitor.link("home_empty_new").click()
    visitor.sees_heading(visitor.say("new_project_title"))
    visitor.look("new-project")
    visitor.new_project(thoughts["project"], thoughts["category"])
    round_path = urlsplit(visitor.page.url).path

    write_round(visitor, thoughts)
    for step in ("overview", "extract", "flow", "mvp", "expand"):
        visitor.go_to(step)
        visitor.look(f"round-{step}")
    visitor.go_to("overview")
    make_node(visitor, thoughts["node"], thoughts["success"])

    visitor.page.reload()
    finds_round(visitor, thoughts)

    visitor.log_out(name)
    visitor.log_in(name)
    visitor.sees_heading(visitor.say("home_title"))
    expect(visitor.page.get_by_text(thoughts["project"]).first).to_be_visible()
    visitor.look("home")
    visitor.open(round_path)
    finds_round(visitor, thoughts)

    visitor.open("/nodes")
    visitor.sees_heading(visitor.say("nodes_title"))
    visitor.look("nodes")
    visitor.page.get_by_role("link", name=re.compile(re.escape(thoughts["node"]))).click()
    visitor.page.wait_for_url(re.compile("/nodes/."))
    expect(visitor.field("node_context")).to_have_value(thoughts["success"])
    visitor.look("node")


def test_a_restart_of_everything_loses_nothing(visitors, stack):
    """Of anybody's: one restart, since it takes its time, with someone of each language."""
    rounds = []
    for language, thoughts in THOUGHTS.items():
        visitor = visitors(language)
        name = visitor.sign_up()
        visitor.new_project(thoughts["project"])
        write_round(visitor, thoughts)
        rounds.append((visitor, name, urlsplit(visitor.page.url).path))
        visitor.page.close()

    stack.compose("down")
    stack.compose("up", "-d")
    stack.wait()

    for visitor, name, path in rounds:
        visitor.page = visitor.context.new_page()
        visitor.open(path)
        finds_round(visitor, THOUGHTS[visitor.language])
        assert name in visitor.page.content()
