"""What a first visit costs."""

from urllib.parse import urlsplit

KB = 1000


def test_the_first_page_needs_little_javascript(visitors, figure):
    visitor = visitors("ja")
    scripts = []
    visitor.page.on(
        "requestfinished",
        lambda request: (
            scripts.append(request) if urlsplit(request.url).path.endswith(".js") and request.response().ok else None
        ),
    )
    visitor.open("/")
    visitor.sees_heading(visitor.say("login_title"))
    visitor.page.wait_for_load_state("networkidle")
    # nginx sends the files as they were compressed at build time, so it knows how long they are.
    answers = [request.response().headers for request in scripts]
    assert {answer.get("content-encoding") for answer in answers if int(answer["content-length"]) > KB} == {"gzip"}
    weight = sum(int(answer["content-length"]) for answer in answers)
    figure("compressed JavaScript of the first page (goal: 100 kB)", f"{weight / KB:.1f} kB in {len(scripts)} files")
    assert scripts
    assert weight <= 100 * KB
