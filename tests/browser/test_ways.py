"""Where the focus and the browser's Back lead, and what can be taken back."""

import re

import pytest
from playwright.sync_api import expect

from .visitor import LANGUAGES


def project_address(visitor):
    return visitor.page.locator("main a[href^='/projects/']").first.get_attribute("href")


def opens_project(visitor, title):
    visitor.new_project(title)
    address = project_address(visitor)
    visitor.field("step_overview_theme").fill("Something to carry over")
    visitor.is_saved()
    visitor.open(address)
    expect(visitor.button("project_complete")).to_be_visible()


@LANGUAGES
def test_back_goes_to_the_step_before_and_then_to_where_the_project_was_asked_for(visitors, language):
    visitor = visitors(language)
    visitor.sign_up()
    visitor.link("home_empty_new").click()
    visitor.field("new_project_name").fill("There and back")
    visitor.button("new_project_submit").click()
    expect(visitor.page.get_by_role("tabpanel")).to_be_visible()
    expect(visitor.page.get_by_role("heading", level=1)).to_be_focused()

    visitor.field("step_overview_theme").fill("Typed just before")
    visitor.button("round_next_step", name=visitor.say("step_extract")).click()
    expect(visitor.page.get_by_role("heading", level=2, name=re.compile(visitor.say("step_extract")))).to_be_focused()
    visitor.page.go_back()
    expect(visitor.page.get_by_role("heading", level=2, name=re.compile(visitor.say("step_overview")))).to_be_focused()
    expect(visitor.field("step_overview_theme")).to_have_value("Typed just before")
    visitor.is_saved()
    visitor.page.go_back()
    visitor.sees_heading(visitor.say("home_title"))
    expect(visitor.page.get_by_text("There and back").first).to_be_visible()


@LANGUAGES
def test_what_is_done_with_a_project_can_be_undone_and_keeps_the_focus(visitors, language):
    visitor = visitors(language)
    visitor.sign_up()
    opens_project(visitor, "A" * 200)
    visitor.look("project-long-title")

    visitor.button("project_complete").click()
    expect(visitor.page.get_by_role("status").filter(has_text=visitor.say("project_was_completed"))).to_be_focused()
    visitor.look("project-completed")
    visitor.button("undo").click()
    expect(visitor.page.locator("main .next a:focus")).to_be_visible()
    expect(visitor.button("project_complete")).to_be_visible()

    visitor.button("project_pend").click()
    expect(visitor.page.get_by_role("status").filter(has_text=visitor.say("project_was_pended"))).to_be_focused()
    # A completion that is taken back leaves a pending project pending.
    visitor.button("project_complete").click()
    visitor.button("undo").click()
    expect(visitor.button("undo")).to_be_hidden()
    expect(visitor.page.locator("li[aria-current]")).to_have_text(visitor.say("project_pending"))
    visitor.button("project_reopen").click()
    expect(visitor.page.locator("main .next a:focus")).to_be_visible()

    visitor.button("trash_move").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_be_focused()
    visitor.button("undo").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_be_focused()
    expect(visitor.button("project_complete")).to_be_visible()


@LANGUAGES
def test_the_next_round_is_begun_or_put_off_without_losing_the_focus(visitors, language):
    visitor = visitors(language)
    visitor.sign_up()
    opens_project(visitor, "もう一周")
    begin = visitor.button("project_next_round", round=2)
    begin.click()
    title = visitor.say("project_next_title", round=2)
    expect(visitor.page.get_by_role("heading", level=2, name=title)).to_be_focused()
    visitor.page.keyboard.press("Escape")
    expect(begin).to_be_focused()
    begin.click()
    visitor.button("project_next_cancel").click()
    expect(begin).to_be_focused()

    begin.click()
    visitor.field("round_question").fill("棚の番号が足りない")
    visitor.button("project_next_start", round=2).click()
    expect(visitor.page.get_by_role("heading", level=1)).to_be_focused()
    expect(visitor.page.get_by_role("heading", level=1)).to_contain_text(visitor.say("round_title", number=2))
    saved = visitor.page.get_by_text(visitor.say("draft_saved"), exact=True)
    expect(saved).to_be_hidden()
    visitor.field("round_question").fill("棚の番号が足りないことが多い")
    visitor.is_saved()
    visitor.field("step_overview_theme").fill("棚の番号")
    visitor.is_saved()
    visitor.look("round-second")


# In one language: it plays no part in this.
def test_after_a_log_out_the_menu_is_closed(visitors):
    visitor = visitors("en")
    visitor.log_out(visitor.sign_up())
    expect(visitor.page.locator("#menu")).to_be_hidden()


@LANGUAGES
def test_a_pasted_list_becomes_items_and_can_be_taken_back(visitors, language):
    visitor = visitors(language)
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visitor.sign_up()
    visitor.new_project("A shopping list")
    visitor.go_to("flow")
    blank = visitor.new_item("step_flow_items")
    blank.focus()
    visitor.page.evaluate("navigator.clipboard.writeText('Bread\\r\\n\\r\\nButter\\nJam')")
    visitor.page.keyboard.press("ControlOrMeta+V")
    for number, text in enumerate(["Bread", "Butter", "Jam"], start=1):
        expect(visitor.field("step_item", list=visitor.say("step_flow_items"), number=number)).to_have_value(text)
    expect(visitor.field("step_item", list=visitor.say("step_flow_items"), number=3)).to_be_focused()
    visitor.is_saved()
    visitor.look("round-pasted")
    visitor.page.get_by_role("button", name=re.compile(visitor.say("undo"))).click()
    expect(visitor.field("step_item", list=visitor.say("step_flow_items"), number=1)).to_be_hidden()


@pytest.mark.parametrize("path", ["/nodes", "/"])
@LANGUAGES
def test_a_page_that_cannot_be_loaded_has_a_heading_and_a_way_on(visitors, path, language):
    visitor = visitors(language)
    visitor.expected = ["500"]
    visitor.sign_up()
    visitor.page.route(re.compile(r"/api/v1/(nodes|projects)/\?"), lambda route: route.fulfill(status=500, body="{}"))
    visitor.open(path)
    expect(visitor.page.get_by_role("heading", level=1)).to_be_visible()
    expect(visitor.button("try_again")).to_be_visible()
    visitor.look("failed" + path.replace("/", "-"))
    visitor.page.unroute_all()
    visitor.button("try_again").click()
    expect(visitor.button("try_again")).to_be_hidden()


# In one language: it plays no part in this: what counts is the height of the window.
def test_a_low_window_leaves_the_paper_its_room(visitors):
    visitor = visitors("ja")
    visitor.sign_up()
    visitor.new_project("拡大して読む")
    footer = visitor.page.get_by_role("tabpanel").locator("footer")
    expect(footer).to_have_css("position", "sticky")
    visitor.page.set_viewport_size({"width": 640, "height": 360})
    expect(footer).to_have_css("position", "static")
