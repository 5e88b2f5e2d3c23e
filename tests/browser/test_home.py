"""A newcomer's first minute, and finding one project among several."""

import re

import pytest
from playwright.sync_api import expect

from .visitor import LANGUAGES


@LANGUAGES
def test_the_empty_home_says_what_a_round_is_and_offers_an_example_and_a_blank_start(visitors, language):
    visitor = visitors(language)
    visitor.sign_up()
    for step in ("overview", "extract", "flow", "mvp", "expand"):
        expect(visitor.page.get_by_text(visitor.say(f"step_{step}_hint"), exact=True)).to_be_visible()
    expect(visitor.page.get_by_text(visitor.say("home_first_rounds"))).to_be_visible()
    expect(visitor.link("home_empty_new")).to_be_visible()
    visitor.look("home-first-minute")

    visitor.button("home_example").click()
    visitor.page.wait_for_url(re.compile("/projects/."))
    title = visitor.page.get_by_role("heading", level=1).inner_text()
    assert bool(re.search("[ぁ-ん]", title)) is (language == "ja")
    expect(
        visitor.page.get_by_role("link", name=re.compile(visitor.say("round_title", number=2))).first
    ).to_be_visible()
    visitor.look("project-example")

    # It is a project like any other, deleted too; then home offers it again.
    visitor.open("/")
    expect(visitor.page.get_by_role("link", name=title).first).to_be_visible()
    expect(visitor.button("home_example")).to_be_hidden()
    visitor.page.get_by_role("link", name=title).first.click()
    visitor.button("trash_move").click()
    visitor.sees_heading(visitor.say("trash_moved"))
    visitor.link("project_to_home").click()
    visitor.button("home_example").click()
    expect(visitor.page.get_by_role("heading", level=1, name=title)).to_be_visible()


@LANGUAGES
def test_the_example_says_why_it_cannot_be_opened(visitors, language):
    visitor = visitors(language)
    visitor.expected = ["500"]
    visitor.sign_up()
    visitor.page.route("**/account/example/", lambda route: route.fulfill(status=500, body="{}"))
    visitor.button("home_example").click()
    expect(visitor.page.get_by_role("alert")).to_have_text(visitor.say("problem_server"))


@pytest.mark.parametrize(
    ("language", "titles", "q"),
    [
        ("ja", ["サーバーの置き場所", "週末の過ごしかた", "サーバーの名前"], "さーばー"),
        ("en", ["A server at home", "Weekends", "Names of servers"], "SERVER"),
    ],
)
def test_projects_stand_by_status_and_are_found_by_a_part_of_their_title(visitors, language, titles, q):
    visitor = visitors(language)
    visitor.sign_up()
    for title in titles:
        visitor.new_project(title)
    visitor.page.locator("main a[href^='/projects/']").first.click()
    visitor.button("project_pend").click()
    expect(visitor.button("project_reopen")).to_be_visible()

    visitor.open("/")
    expect(visitor.page.get_by_role("region", name=re.compile(visitor.say("project_pending")))).to_contain_text(
        titles[2]
    )
    go_on = visitor.say("project_go_on", round=1, step=1, name=visitor.say("step_overview"))
    expect(visitor.page.get_by_role("link", name=go_on)).to_be_visible()
    visitor.look("home-shelves")

    search = visitor.page.get_by_role("searchbox", name=visitor.say("home_search"))
    search.fill(q)
    expect(visitor.page.get_by_role("status").filter(has_text=visitor.say("home_found", count=2))).to_be_attached()
    expect(visitor.page.get_by_text(titles[0])).to_be_visible()
    expect(visitor.page.get_by_text(titles[1])).to_be_hidden()
    expect(search).to_be_focused()
    visitor.look("home-found")
    visitor.page.reload()
    expect(search).to_have_value(q)
    expect(visitor.page.get_by_text(titles[1])).to_be_hidden()

    search.fill("zzz")
    expect(visitor.page.get_by_text(visitor.say("home_search_nothing", q="zzz"))).to_be_visible()
    visitor.look("home-found-nothing")
    search.press("Escape")
    expect(search).to_have_value("")
    expect(visitor.page.get_by_role("link", name=go_on)).to_be_visible()
