"""Nodes: tied to one another by themselves, found again in rounds, and what became of them from round to round."""

import re

from playwright.sync_api import expect

from .visitor import LANGUAGES

TEXTS = {
    "ja": {"theme": "検査の誤差を減らす", "nodes": ["誤差", "測定誤差", "温度"], "shared": "誤差"},
    "en": {"theme": "Fewer errors at the bench", "nodes": ["Error", "Error log", "Heat"], "shared": "Error"},
}


def makes(visitor, title, context=""):
    """From the paper of the step that is open."""
    visitor.button("node_make").click()
    dialog = visitor.page.get_by_role("dialog", name=visitor.say("node_new"))
    dialog.get_by_role("textbox", name=visitor.say("node_title"), exact=True).fill(title)
    dialog.get_by_role("textbox", name=visitor.say("node_context"), exact=True).fill(context)
    dialog.get_by_role("button", name=visitor.say("node_create"), exact=True).click()
    expect(chip(visitor, title)).to_be_focused()


def chip(visitor, title):
    return visitor.page.get_by_role("link", name=title, exact=True)


def begins_round(visitor, number):
    """From the round before it, whose steps are on the page."""
    visitor.open(visitor.page.url.removeprefix(visitor.stack.page).split("?")[0] + "/summary")
    visitor.button("project_next_round", round=number).click()
    visitor.button("project_next_start", round=number).click()
    expect(visitor.page.get_by_role("heading", level=1)).to_contain_text(visitor.say("round_title", number=number))


@LANGUAGES
def test_what_became_of_nodes_is_seen_in_their_pages_and_in_the_comparison(visitors, language):
    visitor, texts = visitors(language), TEXTS[language]
    first, second, third = texts["nodes"]
    visitor.sign_up()
    visitor.new_project(texts["theme"])
    visitor.field("step_overview_theme").fill(texts["theme"])
    visitor.is_saved()
    makes(visitor, first)
    makes(visitor, second)

    chip(visitor, first).click()
    visitor.sees_heading(first)
    tied = visitor.page.locator("section[aria-labelledby=links] li")
    expect(tied).to_have_count(1)
    expect(tied).to_contain_text(second)
    expect(tied).to_contain_text(visitor.say("node_link_automatic"))
    expect(tied.get_by_role("paragraph")).to_contain_text(texts["shared"])
    origin = visitor.page.get_by_role("region", name=visitor.say("node_origin"))
    expect(origin.get_by_role("definition").last).to_have_text(visitor.say("round_title", number=1))
    visitor.look("node-tied")

    origin.get_by_role("link", name=re.compile(visitor.say("round_title", number=1))).click()
    expect(visitor.page.get_by_role("tabpanel")).to_be_visible()
    begins_round(visitor, 2)
    makes(visitor, third)
    visitor.page.locator("main a[href^='/projects/']").first.click()
    visitor.page.wait_for_url(re.compile("/projects/"))
    project = visitor.page.url.removeprefix(visitor.stack.page)
    chip(visitor, first).first.click()
    visitor.field("node_title").fill(f"{first} 2")
    visitor.is_saved()
    visitor.open(project)
    chip(visitor, second).first.click()
    visitor.sees_heading(second)
    visitor.button("trash_move").click()
    expect(visitor.button("undo")).to_be_visible()

    visitor.open(f"{project}/compare")
    main = visitor.page.get_by_role("main")
    for title, change in [
        (third, visitor.say("changes_node_born")),
        (f"{first} 2", visitor.say("changes_node_renamed", title=first)),
        (second, visitor.say("changes_node_gone")),
    ]:
        row = main.get_by_role("listitem").filter(has_text=change)
        expect(row).to_have_count(1)
        expect(row).to_contain_text(title)
    visitor.look("compare-nodes")


@LANGUAGES
def test_a_node_that_two_devices_write_is_settled(visitors, language):
    first, second = visitors(language), visitors(language)
    first.expected = second.expected = ["409"]
    name = first.sign_up()
    first.new_project("Two devices")
    makes(first, "Drift")
    chip(first, "Drift").click()
    first.sees_heading("Drift")
    second.open("/login")
    second.log_in(name)
    second.open(first.page.url.removeprefix(first.stack.page))
    second.sees_heading("Drift")
    first.field("node_context").fill("Of the first")
    first.is_saved()
    second.field("node_context").fill("Of the second")

    second.button("draft_conflict_compare").click()
    dialog = second.page.get_by_role("dialog", name=second.say("draft_conflict_title"))
    context = dialog.get_by_role("group", name=second.say("node_context"))
    expect(context.get_by_role("radio", name=second.say("draft_side_both"))).to_be_checked()
    second.look("conflict-node")
    second.button("draft_sides_save").click()
    second.is_saved()
    first.page.reload()
    expect(first.field("node_context")).to_have_value(re.compile("Of the first"))
    expect(first.field("node_context")).to_have_value(re.compile("Of the second"))


@LANGUAGES
def test_an_input_method_composes_in_every_form(visitors, language):
    """In a node's title and context, the note of a round, and the form that begins one: Enter is the input method's."""
    visitor = visitors(language)
    visitor.sign_up()
    visitor.new_project("Composing")
    visitor.field("step_overview_theme").fill("To be carried over")
    visitor.is_saved()
    composes(visitor)
    visitor.button("node_make").click()
    dialog = visitor.page.get_by_role("dialog", name=visitor.say("node_new"))
    title = dialog.get_by_role("textbox", name=visitor.say("node_title"), exact=True)
    composing(visitor, title)
    expect(dialog).to_be_visible()
    title.press("Enter")
    expect(dialog).to_be_hidden()
    chip(visitor, "誤差").click()
    visitor.sees_heading("誤差")
    composing(visitor, visitor.field("node_context"))
    visitor.is_saved()
    assert visitor.writes == 1

    visitor.page.go_back()
    expect(visitor.page.get_by_role("tabpanel")).to_be_visible()
    visitor.open(visitor.page.url.removeprefix(visitor.stack.page).split("?")[0] + "/summary")
    visitor.button("project_next_round", round=2).click()
    composing(visitor, visitor.field("round_question"))
    expect(visitor.button("project_next_start", round=2)).to_be_visible()
    visitor.button("project_next_start", round=2).click()
    expect(visitor.page.get_by_role("heading", level=1)).to_contain_text(visitor.say("round_title", number=2))
    note = visitor.field("round_question")
    expect(note).to_have_value("誤差")
    visitor.writes = 0
    note.fill("")
    visitor.is_saved()
    composing(visitor, note)
    visitor.is_saved()
    assert visitor.writes == 2


def composes(visitor):
    """Counts what is saved from now on."""
    visitor.writes = 0

    def on_request(request):
        visitor.writes += request.method == "PATCH"

    visitor.page.on("request", on_request)


def composing(visitor, field):
    """Types 誤差 as an input method does; meanwhile nothing may be saved or sent."""
    before = visitor.writes
    client = visitor.context.new_cdp_session(visitor.page)
    field.focus()
    for text in ["g", "ご", "ごさ"]:
        client.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})
    for kind in ["rawKeyDown", "keyUp"]:
        client.send(
            "Input.dispatchKeyEvent", {"type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}
        )
    visitor.page.wait_for_timeout(1_200)
    assert visitor.writes == before
    client.send("Input.insertText", {"text": "誤差"})
    expect(field).to_have_value("誤差")
