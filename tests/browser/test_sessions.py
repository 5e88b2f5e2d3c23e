"""Who is logged in, in which tab, and in which language."""

import re

import pytest
from playwright.sync_api import expect

from .visitor import LANGUAGES


@LANGUAGES
def test_two_tabs_do_not_log_each_other_out(visitors, language):
    visitor = visitors(language)
    name = visitor.sign_up()
    tabs = [visitor.page, *(visitor.context.new_page() for _ in range(3))]
    for _ in range(3):
        # Every reload needs a fresh access token, and all of them ask with one cookie.
        for tab in tabs:
            tab.goto(visitor.stack.page, wait_until="commit")
        for tab in tabs:
            expect(tab.get_by_role("heading", level=1, name=visitor.say("home_title"), exact=True)).to_be_visible()

    visitor.log_out(name)
    for tab in tabs[1:]:
        expect(tab.get_by_role("heading", level=1, name=visitor.say("login_title"), exact=True)).to_be_visible()


@pytest.mark.parametrize(("language", "chosen", "name_of_it"), [("ja", "en", "English"), ("en", "ja", "日本語")])
def test_the_language_is_the_accounts(visitors, language, chosen, name_of_it):
    visitor = visitors(language)
    name = visitor.sign_up()
    visitor.page.get_by_role("button", name=re.compile(name)).click()
    # A choice's label stands over its radio button.
    visitor.page.get_by_text(name_of_it, exact=True).click()
    visitor.language = chosen
    visitor.sees_heading(visitor.say("home_title"))
    expect(visitor.page.locator("html")).to_have_attribute("lang", chosen)

    elsewhere = visitors(language)
    elsewhere.open("/login")
    elsewhere.log_in(name)
    elsewhere.language = chosen
    elsewhere.sees_heading(elsewhere.say("home_title"))


@LANGUAGES
def test_a_wrong_password_says_so_and_keeps_the_name(visitors, language):
    visitor = visitors(language)
    visitor.expected = ["401"]
    visitor.open("/login")
    visitor.field("account_username_or_email").fill("nobody")
    visitor.password.fill("not-the-password")
    visitor.button("login_submit").click()
    expect(visitor.page.get_by_text(visitor.say("problem_credentials"))).to_be_visible()
    expect(visitor.field("account_username_or_email")).to_have_value("nobody")
    visitor.look("login-refused")


@pytest.mark.parametrize("path", ["/rounds/not-a-round", "/no/such/page", "/projects/not-a-project", "/nodes/nothing"])
@LANGUAGES
def test_not_found(visitors, path, language):
    visitor = visitors(language)
    visitor.expected = ["404", "422"]
    visitor.sign_up()
    visitor.open(path)
    visitor.sees_heading(visitor.say("not_found_title"))
    visitor.look("not-found")


@LANGUAGES
def test_another_accounts_project_is_not_found(visitors, language):
    alice, bob = visitors(language), visitors(language)
    bob.expected = ["404"]
    alice.sign_up()
    alice.new_project("Alice's own")
    bob.sign_up()
    bob.page.goto(alice.page.url)
    bob.sees_heading(bob.say("not_found_title"))
