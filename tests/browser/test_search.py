"""Search and the list of keys, from anywhere."""

import json
import re

from playwright.sync_api import expect

from .visitor import LANGUAGES

WORDS = {
    "ja": {
        "project": "在庫の数え直しを減らす",
        "text": "数えまちがいが多く、数え直しに時間がかかる",
        "q": "数え直し",
        "loose": "カゾエ",
    },
    "en": {
        "project": "Fewer recounts of the stock",
        "text": "Each recount takes an evening",
        "q": "recount",
        "loose": "RECOUNT",
    },
}


def overlay(visitor):
    return visitor.page.get_by_role("dialog", name=visitor.say("search_title"))


def words_field(visitor):
    return overlay(visitor).get_by_role("combobox")


def results(visitor):
    return overlay(visitor).get_by_role("option")


def asks(visitor, key="/"):
    """By a key, which is heard once the page is there."""
    expect(visitor.button("search_open")).to_be_visible()
    visitor.page.keyboard.press(key)
    expect(words_field(visitor)).to_be_focused()


def begin(visitor):
    """A project with something to find in it; the focus is on nothing that is typed into."""
    words = WORDS[visitor.language]
    visitor.sign_up()
    visitor.new_project(words["project"])
    visitor.field("step_overview_pain").fill(words["text"])
    visitor.is_saved()
    visitor.open("/")
    visitor.sees_heading(visitor.say("home_title"))
    return words


@LANGUAGES
def test_it_works(visitors, language):
    visitor = visitors(language)
    words = begin(visitor)

    asks(visitor)
    visitor.page.keyboard.insert_text(words["q"])
    expect(results(visitor)).to_have_count(2)
    step = results(visitor).filter(has_text=visitor.say("kind_step"))
    expect(step.locator("mark").first).to_have_text(words["q"])
    expect(step).to_contain_text(visitor.say("step_overview"))
    expect(results(visitor).filter(has_text=visitor.say("kind_project"))).to_be_visible()
    visitor.look("search-overlay")

    # By keyboard alone: down to the step, wherever it stands, and in.
    for _ in range(2):
        visitor.page.keyboard.press("ArrowDown")
        chosen = overlay(visitor).locator("[aria-selected=true]")
        expect(chosen).to_have_count(1)
        expect(words_field(visitor)).to_have_attribute("aria-activedescendant", chosen.get_attribute("id"))
        if visitor.say("kind_step") in chosen.inner_text():
            break
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url(re.compile(r"/rounds/.+step=overview"))
    expect(visitor.field("step_overview_pain")).to_have_value(words["text"])
    expect(overlay(visitor)).to_be_hidden()


@LANGUAGES
def test_all_results_have_a_page(visitors, language):
    visitor = visitors(language)
    words = begin(visitor)
    visitor.button("search_open").click()
    words_field(visitor).fill(words["q"])
    words_field(visitor).press("Enter")
    visitor.sees_heading(visitor.say("search_title"))
    found = visitor.page.get_by_role("main").get_by_role("listitem")
    expect(found).to_have_count(2)
    expect(found.locator("mark").first).to_have_text(words["q"])
    visitor.look("search")

    nothing = "zzz-nothing"
    visitor.page.get_by_role("searchbox").fill(nothing)
    visitor.page.get_by_role("searchbox").press("Enter")
    expect(visitor.page.get_by_text(visitor.say("search_nothing_text", q=nothing))).to_be_visible()
    visitor.look("search-nothing")


@LANGUAGES
def test_what_is_too_long_is_kept_and_told(visitors, language):
    visitor = visitors(language)
    begin(visitor)
    long, limit = "数" * 201, visitor.say("search_too_long", limit=200)

    asks(visitor)
    visitor.page.keyboard.insert_text(long)
    expect(overlay(visitor).get_by_text(limit)).to_be_visible()
    expect(words_field(visitor)).to_have_value(long)
    expect(words_field(visitor)).to_have_accessible_description(limit)
    visitor.page.keyboard.press("Enter")
    expect(overlay(visitor)).to_be_visible()
    visitor.look("search-too-long")
    words_field(visitor).press("Backspace")
    expect(overlay(visitor).get_by_text(visitor.say("search_nothing_text", q=long[:200]))).to_be_visible()

    for path in ("/search", "/nodes", "/"):
        visitor.open(f"{path}?q={long}")
        main = visitor.page.get_by_role("main")
        expect(main.get_by_text(limit)).to_be_visible()
        expect(main.get_by_role("searchbox")).to_have_value(long)
        expect(visitor.page.get_by_text(visitor.say("problem_values"))).to_be_hidden()


@LANGUAGES
def test_letters_and_kana_are_equal_in_all_their_forms(visitors, language):
    visitor = visitors(language)
    visitor.sign_up()
    visitor.new_project("ひらがなとカタカナ")
    visitor.open("/")
    asks(visitor, "Control+k")
    words_field(visitor).fill("ヒラガナ")
    expect(results(visitor).first.locator("mark")).to_have_text("ひらがな")
    words_field(visitor).fill("ｶﾀｶﾅ")
    expect(results(visitor).first.locator("mark")).to_have_text("カタカナ")


@LANGUAGES
def test_a_slash_in_a_field_is_a_slash(visitors, language):
    visitor = visitors(language)
    visitor.sign_up()
    visitor.new_project("Either/or")
    pain = visitor.field("step_overview_pain")
    pain.press_sequentially("this/that?")
    expect(pain).to_have_value("this/that?")
    expect(visitor.page.get_by_role("dialog")).to_have_count(0)

    pain.press("Control+k")
    expect(words_field(visitor)).to_be_focused()
    visitor.page.keyboard.press("Escape")
    expect(overlay(visitor)).to_be_hidden()
    expect(pain).to_be_focused()


@LANGUAGES
def test_nothing_opens_or_is_sought_while_composing(visitors, language):
    visitor = visitors(language)
    words = begin(visitor)
    for key in ["/", "?"]:
        visitor.page.evaluate(
            "key => document.body.dispatchEvent("
            "new KeyboardEvent('keydown', {key, isComposing: true, bubbles: true, cancelable: true}))",
            key,
        )
        visitor.page.evaluate(
            "key => document.body.dispatchEvent("
            "new KeyboardEvent('keydown', {key, keyCode: 229, bubbles: true, cancelable: true}))",
            key,
        )
    expect(visitor.page.get_by_role("dialog")).to_have_count(0)

    asked = []
    visitor.page.on("request", lambda request: asked.append(request.url) if "/search/?" in request.url else None)
    asks(visitor)
    input_method = visitor.context.new_cdp_session(visitor.page)
    for reading in ["か", "かぞ", "かぞえ"]:
        input_method.send("Input.imeSetComposition", {"text": reading, "selectionStart": 3, "selectionEnd": 3})
    # What Enter confirms is the reading, not the search.
    words_field(visitor).dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
    visitor.page.wait_for_timeout(500)
    assert asked == []
    expect(overlay(visitor)).to_be_visible()
    input_method.send("Input.insertText", {"text": words["q"]})
    expect(results(visitor)).to_have_count(2)
    assert len(asked) == 1


@LANGUAGES
def test_a_late_answer_does_not_replace_a_newer_one(visitors, language):
    visitor = visitors(language)
    visitor.sign_up()
    visitor.new_project("First")
    visitor.new_project("Second")
    visitor.open("/")
    held = []

    def hold(route):
        if "q=First" in route.request.url:
            held.append(route)
        else:
            route.continue_()

    visitor.page.route(re.compile(r"/api/v1/search/"), hold)
    asks(visitor)
    words_field(visitor).fill("First")
    visitor.page.wait_for_timeout(500)
    words_field(visitor).fill("Second")
    expect(results(visitor)).to_have_count(1)
    assert len(held) == 1
    expect(results(visitor)).to_contain_text("Second")


@LANGUAGES
def test_what_is_typed_is_shown_and_never_run(visitors, language):
    visitor = visitors(language)
    visitor.sign_up()
    nasty = "<img src=x onerror=alert(1)> needle"
    visitor.new_project(nasty)
    visitor.open("/")
    asks(visitor)
    words_field(visitor).fill("<img")
    expect(results(visitor)).to_contain_text(nasty)
    expect(overlay(visitor).locator("img")).to_have_count(0)


@LANGUAGES
def test_a_search_that_fails_says_so_and_can_be_repeated(visitors, language):
    visitor = visitors(language)
    visitor.expected = ["503"]
    words = begin(visitor)
    body = json.dumps({"error": {"code": "SRV_002", "type": "server_error", "message": "", "details": []}})
    visitor.page.route(re.compile(r"/api/v1/search/"), lambda route: route.fulfill(status=503, body=body))
    asks(visitor)
    words_field(visitor).fill(words["q"])
    expect(overlay(visitor).get_by_role("alert")).to_contain_text(visitor.say("problem_database"))
    visitor.look("search-failed")
    visitor.page.unroute_all()
    overlay(visitor).get_by_role("button", name=visitor.say("try_again")).click()
    expect(results(visitor)).to_have_count(2)


@LANGUAGES
def test_the_list_of_keys(visitors, language):
    visitor = visitors(language)
    visitor.sign_up()
    keys = visitor.page.get_by_role("dialog", name=visitor.say("keys_title"))
    visitor.page.keyboard.press("?")
    expect(keys).to_be_visible()
    expect(keys).to_contain_text(visitor.say("keys_step_move"))
    visitor.look("keys")

    # Speech input may press them by accident; Ctrl and K stay.
    keys.get_by_role("checkbox").uncheck()
    dialog = keys.element_handle()
    visitor.page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    # A busy browser tells of its end when it has left the page already.
    dialog.dispatch_event("close")
    visitor.page.keyboard.press("?")
    visitor.page.keyboard.press("/")
    visitor.page.wait_for_timeout(300)
    expect(visitor.page.get_by_role("dialog")).to_have_count(0)
    visitor.page.keyboard.press("Control+k")
    expect(words_field(visitor)).to_be_focused()
