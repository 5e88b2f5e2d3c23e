"""What a person sees and keeps when the server, the network or the login is gone."""

import re

from playwright.sync_api import expect

from .visitor import MOSTLY_JAPANESE

# The browser's own lines about requests that a test lets fail.
NETWORK = ["Failed to load resource", "net::ERR"]


def writes(visitor, text):
    visitor.field("step_overview_theme").fill(text)


def finds(visitor, text):
    # A round opens at the first step in which nothing is written yet.
    visitor.go_to("overview")
    expect(visitor.field("step_overview_theme")).to_have_value(text)


@MOSTLY_JAPANESE
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


@MOSTLY_JAPANESE
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


@MOSTLY_JAPANESE
def test_a_text_over_the_limit_stays_in_its_field_and_says_why(visitors, language):
    visitor = visitors(language)
    visitor.expected = ["422"]
    visitor.sign_up()
    visitor.new_project("Too much of it")
    writes(visitor, "a" * 20_001)
    expect(visitor.page.get_by_text(visitor.say("draft_failed"), exact=True)).to_be_visible()
    expect(visitor.field("step_overview_theme")).to_have_attribute("aria-invalid", "true")
    expect(visitor.field("step_overview_theme")).to_have_value("a" * 20_001)
    # The end of the field is out of sight; the state is not.
    limit = visitor.say("problem_text_length", limit="20,000")
    named = visitor.say("draft_refused_field", name=visitor.say("step_overview_theme"), reason=limit)
    expect(visitor.page.get_by_role("status").get_by_text(named)).to_be_in_viewport()
    visitor.look("round-too-long")
    writes(visitor, "Short enough")
    visitor.is_saved()


@MOSTLY_JAPANESE
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


def second_tab(visitor):
    """The same page in another tab, and its field for what the trouble is."""
    tab = visitor.context.new_page()
    tab.goto(visitor.page.url)
    pain = tab.get_by_role("textbox", name=visitor.say("step_overview_pain"), exact=True)
    expect(pain).to_be_visible()
    return tab, pain


def has_both(visitor):
    """The server has what was written in either tab."""
    visitor.is_saved()
    visitor.page.reload()
    finds(visitor, "Of the first tab")
    expect(visitor.field("step_overview_pain")).to_have_value("Of the second tab")


def keeps_both(visitor):
    """Takes the choices as they are offered: what was written on either side stays."""
    visitor.button("draft_conflict_compare").click()
    visitor.button("draft_sides_save").click()
    has_both(visitor)


@MOSTLY_JAPANESE
def test_a_tab_sees_what_another_one_saves(visitors, language):
    visitor = visitors(language)
    visitor.sign_up()
    visitor.new_project("Two tabs")
    _tab, pain = second_tab(visitor)
    pain.fill("Of the second tab")
    expect(visitor.field("step_overview_pain")).to_have_value("Of the second tab")
    # So that this is no conflict.
    writes(visitor, "Of the first tab")
    has_both(visitor)


@MOSTLY_JAPANESE
def test_a_tab_that_waits_for_a_choice_keeps_its_text_whatever_another_one_writes(visitors, language):
    visitor = visitors(language)
    visitor.expected = [*NETWORK, "409"]
    visitor.sign_up()
    visitor.new_project("Two tabs")
    tab, pain = second_tab(visitor)
    visitor.context.set_offline(True)
    pain.fill("Of the second tab")
    writes(visitor, "Of the first tab")
    visitor.context.set_offline(False)
    # Whichever came second has to choose; the other one writes on.
    title = visitor.say("draft_conflict_title")
    asked = visitor.page.get_by_text(title).or_(visitor.page.get_by_text(visitor.say("draft_saved"), exact=True))
    expect(asked).to_be_visible(timeout=20_000)
    if visitor.page.get_by_text(title).is_visible():
        saved, waits = tab, visitor.page
    else:
        saved, waits = visitor.page, tab
    expect(waits.get_by_text(title)).to_be_visible(timeout=20_000)
    saved.bring_to_front()
    saved.get_by_role("textbox", name=visitor.say("step_overview_success"), exact=True).fill("And on")
    expect(saved.get_by_text(visitor.say("draft_saved"), exact=True)).to_be_visible()
    visitor.page = waits
    waits.bring_to_front()
    waits.reload()
    visitor.go_to("overview")
    expect(waits.get_by_text(title)).to_be_visible()
    visitor.look("round-conflict")
    keeps_both(visitor)
    expect(visitor.field("step_overview_success")).to_have_value("And on")


@MOSTLY_JAPANESE
def test_what_two_tabs_wrote_without_a_network_is_there_after_both_were_closed(visitors, language):
    visitor = visitors(language)
    visitor.expected = [*NETWORK, "409"]
    visitor.sign_up()
    visitor.new_project("Two tabs")
    address = visitor.page.url.removeprefix(visitor.stack.page)
    tab, pain = second_tab(visitor)
    visitor.context.set_offline(True)
    writes(visitor, "Of the first tab")
    expect(visitor.page.get_by_text(visitor.say("draft_waiting"), exact=True)).to_be_visible()
    pain.fill("Of the second tab")
    expect(tab.get_by_text(visitor.say("draft_waiting"), exact=True)).to_be_visible()
    closed = visitor.page
    visitor.page = visitor.context.new_page()
    tab.close()
    closed.close()
    visitor.context.set_offline(False)
    visitor.open(address)
    visitor.go_to("overview")
    expect(visitor.page.get_by_text(visitor.say("draft_conflict_title"))).to_be_visible(timeout=20_000)
    keeps_both(visitor)


@MOSTLY_JAPANESE
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
