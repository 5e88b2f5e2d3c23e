"""A person with a browser."""

import base64
import json
import os
import re
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Error, expect

ROOT = Path(__file__).parents[2]
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
REPORTS = ROOT / "reports" / "browser"
# For a person to look at; to make them takes as long as all the rest.
PICTURES = os.environ.get("PICTURES") == "true"
LOCALES = {"ja": "ja-JP", "en": "en-GB"}
LANGUAGES = pytest.mark.parametrize("language", list(LOCALES))
# Where it takes minutes and the sentences are few, the second language is torture's.
MOSTLY_JAPANESE = pytest.mark.parametrize("language", ["ja", pytest.param("en", marks=pytest.mark.torture)])
# The last one is the size that a visitor has.
SIZES = [(360, 740), (768, 1024), (1280, 720)]
# Where axe looks: the two layouts, each in one of the colours. All six would cost a page half a minute.
EXAMINED = [(360, "light"), (1280, "dark")]
# From here up nothing may be wider than the window.
NARROWEST = (320, 640)
PASSWORD = "sumi-ink-and-washi"
NEW_PASSWORD = "another-brush-and-ink"
# A whole PNG.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
MESSAGES = {
    language: json.loads((ROOT / "frontend" / "messages" / f"{language}.json").read_text()) for language in LOCALES
}


class Visitor:
    """A person with a browser: one profile, one language, any number of tabs."""

    def __init__(self, stack, context, language):
        self.stack, self.context, self.language = stack, context, language
        self.hosts = {urlsplit(address).hostname for address in (stack.page, stack.api)}
        self.complaints = []
        # What a test brings about on purpose, such as the browser's own line about a 401.
        self.expected = []
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.complaints.append(f"uncaught: {error.error}"))
        context.on("request", self._on_request)
        self.page = context.new_page()

    def _on_console(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(f"console {message.type}: {message.text} ({message.location.get('url')})")

    def _on_request(self, request):
        host = urlsplit(request.url).hostname
        if request.url.startswith(("http:", "https:")) and host not in self.hosts:
            self.complaints.append(f"asked another host: {request.url}")

    def say(self, key, **values):
        """The sentence that the page shows for a key of frontend/messages."""
        sentence = MESSAGES[self.language][key]
        for name, value in values.items():
            sentence = sentence.replace(f"{{{name}}}", str(value))
        return sentence

    def open(self, path="/"):
        address = f"{self.stack.page}{path}"
        try:
            self.page.goto(address)
        except Error as error:
            # Containers that come and go change this machine's network, and Chromium gives up what it was loading.
            if "ERR_NETWORK_CHANGED" not in error.message:
                raise
            self.page.goto(address)

    def button(self, key, **values):
        return self.page.get_by_role("button", name=self.say(key, **values), exact=True)

    def link(self, key, **values):
        return self.page.get_by_role("link", name=self.say(key, **values), exact=True)

    def field(self, key, **values):
        return self.page.get_by_role("textbox", name=self.say(key, **values), exact=True)

    def sees_heading(self, text):
        expect(self.page.get_by_role("heading", level=1, name=text, exact=True)).to_be_visible()

    def look(self, name):
        """Whether the page fits every width, and what axe thinks of it; with `make pictures`, how it looks."""
        self.fits(name, *NARROWEST)
        for width, height in SIZES:
            self.fits(name, width, height)
            for scheme in ("dark", "light"):
                if not PICTURES and (width, scheme) not in EXAMINED:
                    continue
                self.page.emulate_media(color_scheme=scheme)
                self.page.wait_for_timeout(300)
                # A transition under way has colours that the page does not keep; behind another tab it never ends.
                self.page.evaluate(
                    "document.getAnimations().forEach((each) => each instanceof CSSTransition && each.finish())"
                )
                where = f"{name}-{width}-{scheme}"
                if PICTURES:
                    self.page.screenshot(path=REPORTS / self.language / f"{where}.png")
                if (width, scheme) in EXAMINED:
                    self.complaints += [f"axe on {where}: {finding}" for finding in self.examine()]
        self.page.emulate_media(color_scheme="light")

    def fits(self, name, width, height):
        self.page.set_viewport_size({"width": width, "height": height})
        for _moment in range(10):
            if not self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                return
            # What was laid out for the width before.
            self.page.wait_for_timeout(100)
        self.complaints.append(f"wider than the window: {name}-{width}")

    def examine(self):
        """What axe finds."""
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        return [
            f"{violation['id']}, {violation['help']}: {[node['target'] for node in violation['nodes']]}"
            for violation in found
        ]

    def unexpected(self):
        # Containers that come and go beside the browser change this machine's network; the page asks again.
        expected = [*self.expected, "ERR_NETWORK_CHANGED"]
        return [line for line in self.complaints if not any(part in line for part in expected)]

    def sign_up(self, name=None):
        name = name or f"{self.language}-{uuid.uuid4().hex[:8]}"
        self.open("/signup")
        self.field("account_username").fill(name)
        self.field("account_email").fill(f"{name}@example.com")
        self.password.fill(PASSWORD)
        self._submit("signup_submit", name)
        self.sees_heading(self.say("home_title"))
        # Until the shelves have been asked for: a log-out before that would leave a request without a session.
        expect(self.page.get_by_role("heading", level=2, name=self.say("home_empty_title"))).to_be_visible()
        return name

    def log_in(self, name):
        self.field("account_username_or_email").fill(name)
        self.password.fill(PASSWORD)
        self._submit("login_submit", name)

    def _submit(self, key, name):
        """Until the menu has the name; once more if the network changed on the way (see `open`)."""
        self.button(key).click()
        menu = self.page.get_by_role("button", name=re.compile(name))
        unreachable = self.page.get_by_text(self.say("problem_offline"))
        expect(menu.or_(unreachable).first).to_be_visible()
        if unreachable.is_visible():
            self.button(key).click()
            expect(menu).to_be_visible()

    def log_out(self, name):
        self.page.get_by_role("button", name=re.compile(name)).click()
        self.button("menu_log_out").click()
        self.sees_heading(self.say("login_title"))

    def mailed_link(self, name):
        """Where the link in the mail for a forgotten password leads; the stack sends no mail."""
        code = (
            "from apps.accounts.models import User; from apps.accounts.passwords import link_mail; "
            f"print(link_mail(User.objects.get(username='{name}')).body)"
        )
        mail = self.stack.compose("exec", "-T", "backend", "python", "manage.py", "shell", "-c", code).stdout
        return re.search(r"/reset/\S+", mail)[0]

    @property
    def password(self):
        # A password field has no role; its label is its name.
        return self.page.get_by_label(self.say("account_password"), exact=True)

    def new_project(self, title, category=""):
        self.open("/projects/new")
        self.field("new_project_name").fill(title)
        self.field("new_project_category").fill(category)
        self.button("new_project_submit").click()
        self.page.wait_for_url(re.compile("/rounds/"))
        expect(self.page.get_by_role("tabpanel")).to_be_visible()

    def go_to(self, step):
        self.page.get_by_role("tab", name=re.compile(re.escape(self.say(f"step_{step}")))).click()
        expect(self.page.get_by_role("tabpanel").get_by_role("heading", level=2)).to_contain_text(
            self.say(f"step_{step}")
        )

    def item(self, group, number):
        return self.field("step_item", list=self.say(group), number=number)

    def new_item(self, group):
        return self.field("step_item_new", list=self.say(group))

    def add(self, group, text):
        self.new_item(group).fill(text)
        self.new_item(group).press("Enter")

    def take_back(self, key):
        """The button that undoes or redoes; what exactly stands behind the word."""
        return self.page.get_by_role("button", name=re.compile("^" + re.escape(self.say(key))))

    def reach(self, locator):
        """Gives it the focus as a person without a mouse does: by Tab."""
        expect(locator).to_be_visible()
        for _ in range(150):
            if locator.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"no way to {locator} by Tab")

    def press(self, locator, key="Enter"):
        self.reach(locator)
        self.page.keyboard.press(key)

    def type(self, locator, text):
        """In place of what is there."""
        self.reach(locator)
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(text)

    def pasted(self):
        """What is in the clipboard, as a person sees it: no script of a page of ours may read it."""
        page = self.context.new_page()
        page.goto(f"{self.stack.page}/healthz")
        page.evaluate("document.body.append(document.createElement('textarea'))")
        page.locator("textarea").focus()
        page.keyboard.press("ControlOrMeta+v")
        text = page.locator("textarea").input_value()
        page.close()
        return text

    def is_saved(self):
        expect(self.page.get_by_text(self.say("draft_saved"), exact=True)).to_be_visible()
