"""What was deleted, back again or gone for good."""

import re

from playwright.sync_api import expect

from .visitor import LANGUAGES


def deletes_project(visitor, title):
    visitor.new_project(title)
    visitor.open(visitor.page.locator("main a[href^='/projects/']").first.get_attribute("href"))
    visitor.button("trash_move").click()
    expect(visitor.button("undo")).to_be_visible()


def to_trash(visitor):
    """As a person finds it."""
    visitor.page.locator("header").get_by_role("button", name=re.compile(visitor.say("menu_title"))).click()
    visitor.link("trash_title").click()
    visitor.sees_heading(visitor.say("trash_title"))


@LANGUAGES
def test_it_works(visitors, language):
    visitor = visitors(language)
    visitor.sign_up()
    to_trash(visitor)
    expect(visitor.page.get_by_text(visitor.say("trash_empty_title"))).to_be_visible()
    visitor.look("trash-empty")

    deletes_project(visitor, "A" * 200)
    deletes_project(visitor, "Come back")
    to_trash(visitor)
    rows = visitor.page.get_by_role("main").get_by_role("listitem")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Come back")
    expect(rows.first).to_contain_text(visitor.say("kind_project"))
    expect(rows.first).to_contain_text(visitor.say("trash_days", days=30))
    visitor.look("trash")

    visitor.button("trash_restore_of", title="Come back").press("Enter")
    said = visitor.page.get_by_role("status").filter(has_text=visitor.say("trash_restored", title="Come back"))
    expect(said).to_be_focused()
    expect(rows).to_have_count(1)
    visitor.link("trash_open").click()
    expect(visitor.button("project_complete")).to_be_visible()


@LANGUAGES
def test_deleting_for_good_is_asked_once(visitors, language):
    visitor = visitors(language)
    visitor.sign_up()
    deletes_project(visitor, "Once")
    to_trash(visitor)
    delete = visitor.button("trash_delete_of", title="Once")
    delete.click()
    question = visitor.page.get_by_role("dialog", name=visitor.say("trash_ask_title"))
    expect(question).to_contain_text(visitor.say("trash_ask_project", title="Once"))
    visitor.look("trash-question")
    visitor.page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(delete).to_be_focused()

    delete.click()
    expect(question).to_be_visible()
    # Closed, and asked again before the page is told of it.
    delete.evaluate("button => { document.querySelector('dialog[open]').close(); button.click() }")
    question.get_by_role("button", name=visitor.say("trash_delete")).click()
    said = visitor.page.get_by_role("status").filter(has_text=visitor.say("trash_deleted_for_good", title="Once"))
    expect(said).to_be_focused()
    expect(visitor.page.get_by_text(visitor.say("trash_empty_title"))).to_be_visible()
    visitor.page.reload()
    expect(visitor.page.get_by_text(visitor.say("trash_empty_title"))).to_be_visible()


@LANGUAGES
def test_what_another_tab_restored_is_not_there_any_more(visitors, language):
    visitor = visitors(language)
    visitor.expected = ["404"]
    visitor.sign_up()
    deletes_project(visitor, "Elsewhere")
    to_trash(visitor)
    other = visitor.context.new_page()
    other.goto(f"{visitor.stack.page}/trash")
    other.get_by_role("button", name=visitor.say("trash_restore_of", title="Elsewhere")).click()
    expect(other.get_by_text(visitor.say("trash_restored", title="Elsewhere"))).to_be_visible()

    visitor.button("trash_delete_of", title="Elsewhere").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name=visitor.say("trash_delete")).click()
    expect(visitor.page.get_by_role("alert")).to_contain_text(visitor.say("problem_not_found"))
    visitor.open("/")
    expect(visitor.page.get_by_text("Elsewhere").first).to_be_visible()
