"""A person without a network: the app opens, shows what was read, and sends later what was done."""

import contextlib
import re
from statistics import median

import pytest
from playwright.sync_api import Error, expect

from .visitor import MOSTLY_JAPANESE

NETWORK = ["Failed to load resource", "net::ERR", "CORS policy"]


@pytest.fixture
def network(stack):
    """Takes nginx away, as a tunnel does: no emulation of the browser's, whose service worker may not know of it."""

    class Network:
        gone = False

        def goes(self):
            stack.compose("stop", "nginx")
            self.gone = True

        def comes_back(self):
            stack.compose("start", "nginx")
            stack.wait()
            self.gone = False

    network = Network()
    yield network
    if network.gone:
        network.comes_back()


def is_ready_for_it(visitor):
    # No wait_for_function: while it waits, the page's policy forbids how it looks.
    visitor.page.evaluate(
        """() => navigator.serviceWorker.controller ? true : new Promise((taken, failed) => {
            navigator.serviceWorker.addEventListener('controllerchange', () => taken(true));
            setTimeout(failed, 20_000, new Error('no service worker'));
        })"""
    )


def waiting(visitor, count):
    return visitor.link("waiting_count", count=count)


def begins(visitors, language):
    visitor = visitors(language)
    visitor.expected = NETWORK
    visitor.name = visitor.sign_up()
    visitor.new_project("電波の届かない倉庫")
    visitor.field("step_overview_theme").fill("Above ground")
    visitor.is_saved()
    is_ready_for_it(visitor)
    visitor.page.on("dialog", lambda dialog: is_asked(visitor, dialog))
    return visitor


def is_asked(visitor, dialog):
    """Whether to leave the page: never, since this browser keeps what was written."""
    visitor.complaints.append(f"asked {dialog.type}")
    dialog.accept()


@MOSTLY_JAPANESE
def test_it_opens_shows_what_was_read_and_keeps_what_is_written(visitors, network, language):
    visitor = begins(visitors, language)
    where = visitor.page.url.removeprefix(visitor.stack.page)
    network.goes()
    visitor.open(where)
    theme = visitor.field("step_overview_theme")
    expect(theme).to_have_value("Above ground")
    as_of = re.escape(visitor.say("offline_as_of")).replace(re.escape("{when}"), ".+")
    expect(visitor.page.get_by_text(re.compile(as_of))).to_be_visible()
    theme.fill("Written in the tunnel")
    expect(waiting(visitor, 1)).to_be_visible()
    visitor.look("offline-round")
    # Closed and opened again, still without a network.
    visitor.page.close()
    visitor.page = visitor.context.new_page()
    visitor.open(where)
    visitor.go_to("overview")
    expect(theme_of(visitor)).to_have_value("Written in the tunnel")
    # What no page looks after is sent all the same, from whatever page is open.
    visitor.open("/")
    network.comes_back()
    visitor.open("/")
    expect(waiting(visitor, 1)).to_be_hidden(timeout=30_000)
    visitor.open(where)
    visitor.go_to("overview")
    expect(theme_of(visitor)).to_have_value("Written in the tunnel")


# When the page has something to read, in milliseconds since it was asked for.
NOTE_THE_HEADING = """new MutationObserver((_, observer) => {
  if (!document.querySelector('main h1')) return;
  window.seen = performance.now();
  observer.disconnect();
}).observe(document, {childList: true, subtree: true});"""


@MOSTLY_JAPANESE
def test_it_opens_at_once(visitors, network, figure, language):
    visitor = begins(visitors, language)
    where = visitor.page.url.removeprefix(visitor.stack.page)
    visitor.page.add_init_script(NOTE_THE_HEADING)
    network.goes()
    seen = []
    for _ in range(5):
        visitor.open(where)
        expect(theme_of(visitor)).to_have_value("Above ground")
        seen.append(visitor.page.evaluate("window.seen"))
    figure(
        "a page without a network can be read (goal: 300 ms)",
        f"{median(seen):.0f} ms of {min(seen):.0f}–{max(seen):.0f}",
    )
    assert median(seen) < 3000


def theme_of(visitor):
    return visitor.field("step_overview_theme")


@MOSTLY_JAPANESE
def test_what_is_done_waits_in_its_order(visitors, network, language):
    visitor = begins(visitors, language)
    visitor.page.get_by_role("link", name="電波の届かない倉庫").click()
    visitor.page.wait_for_url(re.compile("/projects/"))
    expect(visitor.button("project_pend")).to_be_visible()
    network.goes()
    visitor.button("project_pend").click()
    expect(visitor.page.get_by_text(visitor.say("project_was_pended"))).to_be_visible()
    visitor.open("/projects/new")
    visitor.field("new_project_name").fill("Made in the tunnel")
    visitor.button("new_project_submit").click()
    expect(visitor.page.get_by_text(visitor.say("waiting_queued_title"))).to_be_visible()
    expect(waiting(visitor, 2)).to_be_visible()
    visitor.look("offline-new")
    visitor.link("waiting_see").click()
    expect(visitor.page.get_by_role("listitem")).to_have_count(2)
    expect(visitor.page.get_by_role("listitem").nth(1)).to_contain_text("Made in the tunnel")
    visitor.look("offline-waiting")
    network.comes_back()
    visitor.button("waiting_send").click()
    expect(visitor.page.get_by_text(visitor.say("waiting_none"))).to_be_visible(timeout=60_000)
    visitor.open("/")
    expect(visitor.page.get_by_text("Made in the tunnel").first).to_be_visible()
    expect(visitor.page.get_by_role("heading", name=re.compile(visitor.say("project_pending")))).to_be_visible()


@MOSTLY_JAPANESE
def test_home_is_not_called_empty_when_only_the_example_was_opened(visitors, network, language):
    visitor = visitors(language)
    visitor.expected = NETWORK
    visitor.sign_up()
    visitor.button("home_example").click()
    visitor.page.wait_for_url(re.compile("/projects/"))
    is_ready_for_it(visitor)
    network.goes()
    visitor.open("/")
    expect(visitor.page.get_by_text(visitor.say("home_not_read"))).to_be_visible()
    expect(visitor.page.get_by_text(visitor.say("home_empty_title"))).to_be_hidden()
    visitor.look("offline-home")


@MOSTLY_JAPANESE
def test_a_new_project_tells_only_what_holds_now(visitors, network, language):
    visitor = begins(visitors, language)
    network.goes()
    visitor.open("/projects/new")
    visitor.field("new_project_name").fill("Made in the tunnel")
    visitor.button("new_project_submit").click()
    expect(visitor.page.get_by_text(visitor.say("problem_queued"))).to_be_visible()
    network.comes_back()
    expect(visitor.page.get_by_text(visitor.say("waiting_none"))).to_be_visible(timeout=60_000)
    expect(visitor.page.get_by_text(visitor.say("problem_queued"))).to_be_hidden()
    expect(visitor.page.get_by_text(visitor.say("waiting_queued_title"))).to_be_hidden()
    expect(visitor.button("offline_show_newest")).to_be_hidden()


@MOSTLY_JAPANESE
def test_a_text_that_waits_says_where_it_was_written(visitors, network, language):
    visitor = begins(visitors, language)
    network.goes()
    theme_of(visitor).fill("Written in the tunnel")
    waiting(visitor, 1).click()
    step = [visitor.say("round_title", number=1), visitor.say("step_overview")]
    place = " · ".join([visitor.say("kind_step"), "電波の届かない倉庫", *step])
    expect(visitor.page.get_by_text(place, exact=True)).to_be_visible()
    visitor.link("waiting_open").click()
    expect(theme_of(visitor)).to_have_value("Written in the tunnel")


@MOSTLY_JAPANESE
def test_what_the_server_refuses_says_why_and_may_be_given_up(visitors, network, language):
    visitor = begins(visitors, language)
    where = visitor.page.url.removeprefix(visitor.stack.page)
    visitor.page.get_by_role("link", name="電波の届かない倉庫").click()
    visitor.page.wait_for_url(re.compile("/projects/"))
    project = visitor.page.url.removeprefix(visitor.stack.page)
    expect(visitor.button("project_pend")).to_be_visible()
    network.goes()
    visitor.button("project_pend").click()
    expect(visitor.page.get_by_text(visitor.say("project_was_pended"))).to_be_visible()
    visitor.open(where)
    theme_of(visitor).fill("Written for nothing")
    expect(waiting(visitor, 2)).to_be_visible()
    visitor.page.close()
    network.comes_back()

    elsewhere = visitors(language)
    elsewhere.open("/login")
    elsewhere.log_in(visitor.name)
    elsewhere.open(project)
    elsewhere.button("trash_move").click()
    expect(elsewhere.button("undo")).to_be_visible()

    visitor.page = visitor.context.new_page()
    visitor.open("/waiting")
    main = visitor.page.get_by_role("main")
    expect(main.get_by_text(visitor.say("waiting_gone"))).to_be_visible()
    expect(main).to_contain_text(visitor.say("waiting_refused", reason=""))
    expect(main).to_contain_text("Written for nothing")
    expect(main.get_by_text(visitor.say("waiting_kept"))).to_be_visible()
    expect(visitor.button("waiting_send")).to_be_hidden()
    visitor.look("waiting-refused")
    for left in (1, 0):
        visitor.button("waiting_drop").first.click()
        expect(visitor.button("waiting_drop")).to_have_count(left)
    expect(main.get_by_text(visitor.say("waiting_none"))).to_be_visible()
    visitor.page.reload()
    expect(main.get_by_text(visitor.say("waiting_none"))).to_be_visible()


@MOSTLY_JAPANESE
def test_a_deletion_is_undone_without_a_network(visitors, network, language):
    visitor = begins(visitors, language)
    visitor.open("/")
    visitor.page.get_by_role("main").get_by_role("link", name="電波の届かない倉庫").first.click()
    visitor.page.wait_for_url(re.compile("/projects/"))
    project = visitor.page.url.removeprefix(visitor.stack.page)
    expect(visitor.button("trash_move")).to_be_visible()
    network.goes()
    visitor.button("trash_move").click()
    expect(waiting(visitor, 1)).to_be_visible()
    visitor.button("undo").click()
    expect(visitor.button("project_pend")).to_be_visible()
    expect(waiting(visitor, 1)).to_be_hidden()
    visitor.open("/")
    expect(visitor.page.get_by_role("main")).to_contain_text("電波の届かない倉庫")
    visitor.open(project)
    expect(visitor.button("project_pend")).to_be_visible()
    network.comes_back()
    visitor.open(project)
    expect(visitor.button("project_pend")).to_be_visible()


@MOSTLY_JAPANESE
def test_nothing_stays_after_a_log_out(visitors, network, language):
    visitor = begins(visitors, language)
    where = visitor.page.url.removeprefix(visitor.stack.page)
    visitor.page.route("**/api/v1/steps/**", lambda route: route.abort())
    theme_of(visitor).fill("Never sent")
    expect(visitor.page.get_by_text(visitor.say("draft_waiting"), exact=True)).to_be_visible()
    menu = visitor.page.get_by_role("button", name=re.compile(visitor.name))
    menu.click()
    visitor.button("menu_log_out").click()
    question = visitor.page.get_by_role("dialog", name=visitor.say("draft_log_out_title"))
    expect(question).to_contain_text(visitor.say("draft_log_out", count=1))
    question.get_by_role("button", name=visitor.say("cancel")).click()
    expect(theme_of(visitor)).to_have_value("Never sent")
    menu.click()
    visitor.button("menu_log_out").click()
    question.get_by_role("button", name=visitor.say("menu_log_out")).click()
    visitor.sees_heading(visitor.say("login_title"))

    first = ["電波の届かない倉庫", "Above ground", "Never sent", visitor.name]
    assert [word for word in first if word in visitor.page.evaluate(EVERYTHING_KEPT)] == []
    visitor.page.go_back()
    visitor.sees_heading(visitor.say("login_title"))
    assert [word for word in first if word in visitor.page.content()] == []

    visitor.sign_up()
    assert [word for word in first if word in visitor.page.evaluate(EVERYTHING_KEPT)] == []
    network.goes()
    visitor.open(where)
    expect(visitor.button("try_again").first).to_be_visible()
    assert [word for word in first if word in visitor.page.content()] == []
    visitor.page.go_back()
    expect(visitor.page.get_by_role("heading", level=1).first).to_be_visible()
    assert [word for word in first if word in visitor.page.content()] == []


EVERYTHING_KEPT = """async () => {
  const asked = (request) => new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
  const kept = [{...localStorage}, {...sessionStorage}];
  for (const {name} of await indexedDB.databases()) {
    const database = await asked(indexedDB.open(name));
    for (const store of database.objectStoreNames)
      kept.push(await asked(database.transaction(store).objectStore(store).getAll()));
    database.close();
  }
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      if (!request.url.includes('/_app/')) kept.push(await (await cache.match(request)).text());
    }
  }
  return JSON.stringify(kept);
}"""


@MOSTLY_JAPANESE
def test_a_crash_right_after_a_key_loses_nothing(visitors, language):
    visitor = begins(visitors, language)
    where = visitor.page.url.removeprefix(visitor.stack.page)
    visitor.page.route("**/api/v1/steps/**", lambda route: route.abort())
    visitor.field("step_overview_theme").press_sequentially(" and a last key")
    with visitor.page.expect_event("crash"), contextlib.suppress(Error):
        # The page is gone before it could leave in order.
        visitor.page.goto("chrome://crash")
    visitor.page = visitor.context.new_page()
    visitor.open(where)
    visitor.go_to("overview")
    expect(theme_of(visitor)).to_have_value(re.compile("and a last key"))


@MOSTLY_JAPANESE
def test_it_can_be_installed(visitors, language):
    visitor = visitors(language)
    visitor.open("/login")
    is_ready_for_it(visitor)
    session = visitor.context.new_cdp_session(visitor.page)
    manifest = session.send("Page.getAppManifest")
    assert manifest["url"].endswith("/manifest.webmanifest")
    assert manifest["errors"] == []
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # The profile of a test is an incognito one.
    assert [error["errorId"] for error in errors if error["errorId"] != "in-incognito"] == []
