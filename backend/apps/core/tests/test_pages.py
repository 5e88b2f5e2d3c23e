import pytest
from django.http import HttpResponse, HttpResponseNotModified
from django.test import RequestFactory

from apps.core.pages import PolicyMiddleware

pytestmark = pytest.mark.django_db


def test_the_api_has_no_session(client, alice, django_assert_num_queries):
    """Who is logged in to the admin is nobody there."""
    client.force_login(alice)

    with django_assert_num_queries(0):
        response = client.get("/api/v1/auth/me/")

    assert response.status_code == 401
    assert not hasattr(response.wsgi_request, "session")


def test_the_admin_has_one(client, alice):
    alice.is_staff = alice.is_superuser = True
    alice.save()
    client.force_login(alice)

    request = client.get("/admin/").wsgi_request

    assert request.session.session_key
    assert request.user == alice


@pytest.mark.parametrize("path", ["/admin/login/", "/api/v1/docs/"])
def test_static_files_of_another_host_are_let_in(settings, path):
    settings.STATIC_URL = "https://cdn.example.com/static/"

    response = PolicyMiddleware(lambda request: HttpResponse())(RequestFactory().get(path))

    assert response["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self' https://cdn.example.com; style-src 'self' https://cdn.example.com; "
        "img-src 'self' https://cdn.example.com data:; font-src 'self' https://cdn.example.com; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


@pytest.mark.parametrize(
    ("path", "response"), [("/api/v1/projects/", HttpResponse()), ("/admin/", HttpResponseNotModified())]
)
def test_what_is_no_such_page_has_nginxs_policy(settings, path, response):
    settings.STATIC_URL = "https://cdn.example.com/static/"

    assert "Content-Security-Policy" not in PolicyMiddleware(lambda request: response)(RequestFactory().get(path))
