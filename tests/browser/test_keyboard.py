"""
Every page without a mouse. The neighbours do single things by keyboard (steps, words, map, search); here each page is
walked from its first control to its last: all that a pointer could use is reached by Tab, in the order of the page,
with the focus to be seen, and nothing holds it.
"""

import re

import pytest
from playwright.sync_api import expect

from .visitor import LANGUAGES

# Run in the page: what a pointer could use. Of a group that arrow keys move in, the one member that Tab reaches.
REACHABLE = """() => {
    const groups = new Set();
    return [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
        .filter((element) => {
            if (element.disabled || element.tabIndex < 0 || element.closest('[inert]')) return false;
            if (!element.checkVisibility({visibilityProperty: true})) return false;
            if (element.type !== 'radio') return true;
            const group = document.querySelector(`input[name="${element.name}"]:checked`) ?? element;
            return group === element;
        })
        .map((element, number) => { element.dataset.walk = number; return element.outerHTML.slice(0, 160); });
}"""
FOCUSED = """() => {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    const seen = [element, ...(element.labels ?? []), element.parentElement].some((part) => {
        const style = getComputedStyle(part);
        return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
    });
    const box = element.getBoundingClientRect();
    const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    return {number: element.dataset.walk ?? null, seen, inside, html: element.outerHTML.slice(0, 160)};
}"""


def walk(visitor, name):
    page = visitor.page
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    controls = None
    # Until nothing is loaded any more.
    while controls != (now := page.evaluate(REACHABLE)):
        controls = now
        page.wait_for_timeout(400)
    assert controls, name
    # To where the page begins, whatever had the focus before.
    page.evaluate("document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')")
    reached = []
    for _ in range(len(controls) + 20):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused is None or (reached and focused["number"] == reached[0]):
            break
        assert focused["seen"], f"{name}: the focus cannot be seen on {focused['html']}"
        assert focused["inside"], f"{name}: the focus is out of sight on {focused['html']}"
        reached.append(focused["number"])
    else:
        pytest.fail(f"{name}: the focus does not leave the page; last {focused['html']}")
    numbers = [int(number) for number in reached if number is not None]
    missed = [html for number, html in enumerate(controls) if number not in numbers]
    assert not missed, f"{name}: not reached by Tab"
    assert numbers == sorted(numbers), f"{name}: the focus jumps: {[controls[number] for number in numbers]}"


@LANGUAGES
def test_every_page_is_walked_by_tab(visitors, language):
    visitor = visitors(language)
    visitor.expected.append("404")
    for path, heading in [("/login", "login_title"), ("/signup", "signup_title"), ("/reset", "reset_title")]:
        visitor.open(path)
        visitor.sees_heading(visitor.say(heading))
        walk(visitor, path)
    visitor.sign_up()
    walk(visitor, "home, empty")
    visitor.button("home_example").click()
    visitor.page.wait_for_url(re.compile("/projects/."))
    project = visitor.page.url.removeprefix(visitor.stack.page)
    walk(visitor, "project")
    round_ = visitor.page.locator(".rounds a").first.get_attribute("href")
    visitor.open("/nodes")
    node = visitor.page.locator("main li a").first.get_attribute("href")
    for step in ("overview", "extract", "flow", "mvp", "expand"):
        visitor.open(f"{round_}?step={step}")
        expect(visitor.page.get_by_role("tabpanel")).to_be_visible()
        walk(visitor, step)
    word = "共有" if language == "ja" else "shelf"
    for path in [
        "/", "/projects/new", f"{round_}/summary", f"{project}/compare", f"{project}/completion", f"{project}/map",
        f"{project}/map?view=list", "/nodes", node, f"/search?q={word}", "/trash", "/settings", "/waiting", "/nowhere",
    ]:  # fmt: skip
        visitor.open(path)
        walk(visitor, path)
