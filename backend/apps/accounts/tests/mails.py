from django.utils.html import strip_tags


def html_that_says_the_same(message, language) -> str:
    """The HTML of a mail, once it has been seen to say all that its text says."""
    [(html, kind)] = message.alternatives
    assert kind == "text/html"
    assert f'<html lang="{language}">' in html
    said = " ".join(strip_tags(html).split())
    for line in filter(None, message.body.splitlines()):
        assert line in said
    return html
