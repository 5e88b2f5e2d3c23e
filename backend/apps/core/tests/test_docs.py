import re

from django.contrib.staticfiles import finders

URL = "/api/v1/docs/"


def test_it_works(client):
    response = client.get(URL)

    assert response.status_code == 200
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert 'data-schema="/api/v1/schema/"' in response.content.decode()


def test_everything_it_loads_is_on_this_server(client):
    links = re.findall(r'(?:src|href)="([^"]*)"', client.get(URL).content.decode())

    assert len(links) == 5
    for link in links:
        assert link.startswith("/static/")
        assert finders.find(link.removeprefix("/static/")), link


def test_nothing_stands_in_the_page_that_a_strict_policy_refuses(client):
    page = client.get(URL).content.decode()

    assert "<style" not in page
    assert "style=" not in page
    assert re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL) == ["", ""]
