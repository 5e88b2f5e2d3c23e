"""
What Chromium lets somebody do who has got markup of his own into a page: nothing. (That the policies are not in the
page's own way shows in every other test here, since none may have written to the console.)
"""

import pytest

DOCUMENTS = ["/login", "/admin/login/", "/api/v1/docs/"]
# The browser's own lines; it tells of a request before it looks whether the policy has it.
BLOCKED = ["Content Security Policy", "elsewhere.example.org"]

INJECT = """
async (expected) => {
    const violations = [];
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) =>
        violations.push(`${effectiveDirective} ${blockedURI}`)
    );
    const add = (name, properties) => {
        const element = Object.assign(document.createElement(name), properties);
        document.body.append(element);
        return element;
    };
    add('script', { textContent: 'window.ran = true' });
    add('script', { src: 'https://elsewhere.example.org/script.js' });
    add('style', { textContent: 'body { display: none }' });
    add('img', { src: 'https://elsewhere.example.org/image.png' });
    add('iframe', { src: 'https://elsewhere.example.org/' });
    add('base', { href: 'https://elsewhere.example.org/' });
    add('form', { action: 'https://elsewhere.example.org/', method: 'post' }).submit();
    await fetch('https://elsewhere.example.org/').catch(() => {});
    const end = Date.now() + 10_000;
    do {
        await new Promise((resolve) => setTimeout(resolve, 300));
    } while (violations.length < expected && Date.now() < end);
    return { violations: violations.sort(), ran: 'ran' in window };
}
"""


@pytest.mark.parametrize("path", DOCUMENTS)
def test_what_was_injected_does_nothing(visitors, path):
    visitor = visitors("ja")
    visitor.open(path)
    visitor.expected = BLOCKED

    violations = [
        "base-uri https://elsewhere.example.org/",
        "connect-src https://elsewhere.example.org/",
        "form-action https://elsewhere.example.org/",
        "frame-src https://elsewhere.example.org",
        "img-src https://elsewhere.example.org/image.png",
        "script-src-elem https://elsewhere.example.org/script.js",
        "script-src-elem inline",
        "style-src-elem inline",
    ]
    assert visitor.page.evaluate(INJECT, len(violations)) == {"violations": violations, "ran": False}
    assert visitor.page.url.endswith(path)


@pytest.mark.parametrize("path", DOCUMENTS)
def test_no_page_can_be_put_into_another(visitors, path):
    visitor = visitors("ja")
    visitor.expected = BLOCKED
    visitor.page.set_content(f'<iframe src="{visitor.stack.page}{path}"></iframe>')

    (frame,) = visitor.page.main_frame.child_frames
    frame.wait_for_load_state()

    assert visitor.stack.page not in frame.url


def test_the_pages_error_page_is_styled(visitors):
    """Its policy names the hash of its one style."""
    visitor = visitors("ja")
    visitor.expected = ["404"]

    visitor.open("/_app/immutable/missing.js")

    assert visitor.page.evaluate("getComputedStyle(document.body).maxWidth") == "608px"
