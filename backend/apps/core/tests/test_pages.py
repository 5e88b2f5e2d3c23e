import pytest

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
