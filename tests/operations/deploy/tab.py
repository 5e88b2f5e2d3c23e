"""A tab in Chromium, in which somebody goes on writing whatever happens to the server."""

import contextlib
import re

from playwright.sync_api import expect

from browser.chromium import launched
from browser.visitor import LOCALES, Visitor

# The page asks for the release every five minutes (pollInterval in frontend/svelte.config.js).
UNTIL_IT_ASKS = "05:01"


class Tab:
    def __init__(self, server, context, language):
        self.visitor = Visitor(server, context, language)
        self.page = self.visitor.page
        self.page.clock.install()
        self.sentences = 0
        self.visitor.sign_up()
        self.visitor.new_project("Written during a deploy")
        self.round = self.page.url
        self.write()

    @property
    def field(self):
        return self.visitor.field("step_overview_theme")

    def write(self):
        self.sentences += 1
        self.field.fill(f"Sentence {self.sentences}")
        self.page.wait_for_timeout(1500)

    def goes_on(self):
        """A page that was never opened opens from the old release, the next from the new one, and all is saved."""
        self.visitor.is_saved()
        self.page.evaluate("window.opened = 'before the deploy'")
        self.visitor.link("nodes_title").click()
        self.visitor.sees_heading(self.visitor.say("nodes_title"))
        assert self.page.evaluate("window.opened") == "before the deploy"
        with self.page.expect_response(re.compile("/_app/version.json")):
            self.page.clock.fast_forward(UNTIL_IT_ASKS)
        self.visitor.link("header_home").click()
        self.visitor.sees_heading(self.visitor.say("home_title"))
        # Waits, since the old page may be on its way out still.
        self.page.wait_for_function("window.opened === undefined")
        self.page.goto(self.round)
        expect(self.field).to_have_value(f"Sentence {self.sentences}")
        assert self.sentences > 1
        assert self.visitor.unexpected() == []


@contextlib.contextmanager
def tab(server, program, language):
    with launched(server, program) as browser:
        context = browser.new_context(locale=LOCALES[language])
        context.set_default_timeout(20_000)
        yield Tab(server, context, language)
