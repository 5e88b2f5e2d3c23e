"""What a person sees and keeps when the server, the network or the login is gone."""

import re

import pytest
from playwright.sync_api import expect

# The browser's own lines about requests that a test lets fail.
NETWORK = ["Failed to load resource", "net::ERR"]


def writes(visitor, text):
    visitor.field("step_overview_theme").fill(text)


def finds(visitor, text):
    # A round opens at the first step in which nothing is written yet.
    visitor.go_to("overview")
    expect(visitor.field("step_overview_theme")).to_have_value(text)


@pytest.mark.parametrize("language", ["ja", "en"])
def test_what_is_typed_without_a_network_is_sent_when_it_is_back(visitors, language):
    visitor = visitors(language)
    visitor.expected = NETWORK
    visitor.sign_up()
    visitor.new_project("電波の届かない倉庫")
    visitor.context.set_offline(True)
    writes(visitor, "地下の棚")
    expect(visitor.page.get_by_text(visitor.say("draft_waiting"), exact=True)).to_be_visible()
    visitor.look("round-offline")
    visitor.context.set_offline(False)
    visitor.is_saved()
    visitor.page.reload()
    finds(visitor, "地下の棚")


@pytest.mark.parametrize("language", ["ja", "en"])
def test_what_is_typed_while_the_backend_is_down_survives_a_reload(visitors, stack, language):
    visitor = visitors(language)
    visitor.expected = [*NETWORK, "CORS policy"]
    visitor.sign_up()
    visitor.new_project("A server that goes away")
    stack.compose("stop", "backend")
    try:
        writes(visitor, "Typed while it was away")
        expect(visitor.page.get_by_text(visitor.say("draft_waiting"), exact=True)).to_be_visible()
        visitor.page.on("dialog", lambda dialog: dialog.accept())
        visitor.page.reload()
        # The page is what was read before, and what was typed since.
        finds(visitor, "Typed while it was away")
        expect(visitor.page.get_by_text(visitor.say("offline_show_newest"))).to_be_hidden()
        visitor.look("unreachable")
        other = visitor.context.new_page()
        other.goto(f"{visitor.stack.page}/settings")
        expect(other.get_by_role("heading", level=1, name=visitor.say("settings_title"))).to_be_visible()
        # This was never read.
        other.goto(f"{visitor.stack.page}/trash")
        expect(other.get_by_role("button", name=visitor.say("try_again"))).to_be_visible()
    finally:
        stack.compose("start", "backend")
        stack.wait()
    # All of it comes back alone.
    expect(other.get_by_text(visitor.say("trash_empty_title"))).to_be_visible(timeout=60_000)
    expect(visitor.page.get_by_text(visitor.say("draft_saved"), exact=True)).to_be_visible(timeout=60_000)
    expect(visitor.button("offline_show_newest")).to_be_visible()
    finds(visitor, "Typed while it was away")


@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_text_over_the_limit_stays_in_its_field_and_says_why(visitors, language):
    visitor = visitors(language)
    visitor.expected = ["422"]
    visitor.sign_up()
    visitor.new_project("Too much of it")
    writes(visitor, "a" * 20_001)
    expect(visitor.page.get_by_text(visitor.say("draft_failed"), exact=True)).to_be_visible()
    expect(visitor.field("step_overview_theme")).to_have_attribute("aria-invalid", "true")
    expect(visitor.field("step_overview_theme")).to_have_value("a" * 20_001)
    visitor.look("round-too-long")
    writes(visitor, "Short enough")
    visitor.is_saved()


@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_session_that_ended_asks_for_the_password_and_goes_on_where_it_was(visitors, language):
    visitor = visitors(language)
    visitor.expected = ["401"]
    name = visitor.sign_up()
    visitor.new_project("Left open over the weekend")
    where = visitor.page.url
    visitor.context.clear_cookies()
    visitor.page.reload()
    visitor.sees_heading(visitor.say("login_title"))
    visitor.log_in(name)
    expect(visitor.page).to_have_url(re.compile(re.escape(where.split("?")[0])))
    writes(visitor, "Back again")
    visitor.is_saved()


def test_two_screens_with_one_step_lose_neither_text(visitors):
    visitor = visitors("en")
    visitor.expected = ["409"]
    visitor.sign_up()
    visitor.new_project("Two screens")
    other = visitor.context.new_page()
    other.goto(visitor.page.url)
    theme = other.get_by_role("textbox", name=visitor.say("step_overview_theme"), exact=True)
    theme.fill("Written on the other screen")
    expect(other.get_by_text(visitor.say("draft_saved"), exact=True)).to_be_visible()

    visitor.page.bring_to_front()
    writes(visitor, "Written here")
    expect(visitor.page.get_by_text(visitor.say("draft_conflict_title"))).to_be_visible()
    visitor.button("draft_conflict_compare").click()
    dialog = visitor.page.get_by_role("dialog", name=visitor.say("draft_conflict_title"))
    expect(dialog.get_by_text("Written on the other screen")).to_be_visible()
    visitor.look("round-conflict")
    dialog.get_by_role("radio", name=visitor.say("draft_side_mine")).check()
    visitor.button("draft_sides_save").click()
    visitor.is_saved()
    visitor.page.reload()
    finds(visitor, "Written here")


@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_megabyte_is_kept_and_refused_with_the_limit_in_every_field(visitors, language):
    """As it comes by a slip of the clipboard; a step's own texts are in test_steps.py."""
    visitor = visitors(language)
    visitor.expected = ["413", "422"]
    megabyte = "あ" * 350_000
    visitor.sign_up()

    def refuses(field, limit, place=visitor.page):
        expect(place.get_by_text(visitor.say("problem_text_length", limit=limit)).first).to_be_visible()
        assert field.evaluate("field => field.value.length") == len(megabyte)

    visitor.open("/projects/new")
    title = visitor.field("new_project_name")
    title.fill(megabyte)
    visitor.button("new_project_submit").click()
    refuses(title, "255")
    title.fill("Short enough")
    visitor.button("new_project_submit").click()
    writes(visitor, "To be carried over")
    visitor.is_saved()

    visitor.button("node_make").click()
    dialog = visitor.page.get_by_role("dialog", name=visitor.say("node_new"))
    title = dialog.get_by_role("textbox", name=visitor.say("node_title"), exact=True)
    context = dialog.get_by_role("textbox", name=visitor.say("node_context"), exact=True)
    title.fill(megabyte)
    dialog.get_by_role("button", name=visitor.say("node_create"), exact=True).click()
    refuses(title, "255", dialog)
    title.fill("Short enough")
    context.fill(megabyte)
    dialog.get_by_role("button", name=visitor.say("node_create"), exact=True).click()
    refuses(context, "20,000", dialog)
    context.fill("Short enough")
    dialog.get_by_role("button", name=visitor.say("node_create"), exact=True).click()
    expect(dialog).to_be_hidden()

    visitor.open(visitor.page.url.removeprefix(visitor.stack.page).split("?")[0] + "/summary")
    visitor.button("project_next_round", round=2).click()
    note = visitor.field("round_question")
    note.fill(megabyte)
    visitor.button("project_next_start", round=2).click()
    refuses(note, "20,000")
