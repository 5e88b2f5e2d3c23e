"""
People in a real Chromium, in front of the production stack, through nginx and TLS.

Each `visitor` has a browser profile of its own and speaks one language; sentences are looked up where the page has them
(frontend/messages), so that a test says what it does and not how it is worded. At the end of a test nothing may have
been written to the console, no other host may have been asked, and axe may have found nothing serious on the pages
that the test looked at.
"""

import contextlib

import pytest

from .chromium import launched
from .visitor import LOCALES, REPORTS, Visitor


@pytest.fixture(scope="session")
def browser(stack, chromium):
    with launched(stack, chromium) as browser:
        yield browser


@pytest.fixture
def visitors(browser, stack, request):
    """Makes visitors, and looks at the end whether any of their browsers complained."""
    with contextlib.ExitStack() as closing:
        made = []

        def visitor(language="ja", **options):
            context = browser.new_context(locale=LOCALES[language], timezone_id="Asia/Tokyo", **options)
            context.set_default_timeout(20_000)
            closing.callback(context.close)
            made.append(Visitor(stack, context, language))
            return made[-1]

        yield visitor
        if request.node.stash.get(FAILED, False):
            for number, visitor in enumerate(made):
                REPORTS.mkdir(parents=True, exist_ok=True)
                visitor.page.screenshot(path=REPORTS / f"failed-{request.node.name}-{number}.png")
        complaints = [line for visitor in made for line in visitor.unexpected()]
    assert complaints == []


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report
