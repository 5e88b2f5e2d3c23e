from threading import Barrier, Thread

import pytest
from django.db import connections
from rest_framework.test import APIClient

from apps.accounts.api.serializers import RegisterSerializer
from apps.accounts.models import Session, User
from conftest import PASSWORD, refused

URL = "/api/v1/auth/register/"
ALICE = {"username": "alice", "email": "alice@example.com", "password": PASSWORD}


@pytest.mark.django_db
def test_it_works(client, cookie):
    response = client.post(URL, ALICE)

    assert response.status_code == 201
    user = User.objects.get()
    assert response.json()["user"] == {
        "id": str(user.pk),
        "username": "alice",
        "email": "alice@example.com",
        "language": "ja",
        "theme": "system",
    }
    assert set(response.json()) == {"access", "user"}
    assert user.check_password(PASSWORD)
    assert not user.is_staff
    assert Session.objects.get().user == user
    assert cookie(response).value

    me = client.get("/api/v1/auth/me/", headers={"Authorization": f"Bearer {response.json()['access']}"})
    assert me.json()["username"] == "alice"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("accepted", "language"),
    [(None, "ja"), ("ja", "ja"), ("en-US,en;q=0.9", "en"), ("de, en;q=0.5", "en"), ("de", "ja")],
)
def test_the_language_is_that_of_the_browser(client, accepted, language):
    headers = {"Accept-Language": accepted} if accepted else {}

    assert client.post(URL, ALICE, headers=headers).json()["user"]["language"] == language


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["思考太郎", "a", "a.b+c-d_e", "Ünal", "x" * 150])
def test_names(client, name):
    assert client.post(URL, {**ALICE, "username": name}).json()["user"]["username"] == name


@pytest.mark.django_db
def test_full_width_letters_are_the_same_letters(client):
    assert client.post(URL, {**ALICE, "username": "ａｌｉｃｅ"}).json()["user"]["username"] == "alice"

    refused(client.post(URL, {**ALICE, "email": "other@example.com"}), 422, "VAL_005", "username")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("username", None, "VAL_001"),
        ("username", "", "VAL_001"),
        ("username", " ", "VAL_001"),
        ("username", "alice@example.com", "VAL_002"),
        ("username", "alice bob", "VAL_002"),
        ("username", "al\nice", "VAL_002"),
        ("username", "<alice>", "VAL_002"),
        ("username", "⑴", "VAL_002"),
        ("username", "a\0", "VAL_002"),
        ("username", ["alice"], "VAL_002"),
        ("username", "x" * 151, "VAL_003"),
        ("email", None, "VAL_001"),
        ("email", "", "VAL_001"),
        ("email", "alice", "VAL_002"),
        ("email", "alice@", "VAL_002"),
        ("email", "a" * 250 + "@example.com", "VAL_003"),
        ("password", None, "VAL_001"),
        ("password", "", "VAL_001"),
        ("password", "short-9", "VAL_004"),
        ("password", "a1!" * 43, "VAL_003"),
        ("password", "password123", "VAL_005"),
        ("password", "3141592653589", "VAL_005"),
        ("password", "alice@example.com", "VAL_005"),
        ("password", "tomato\0umbrella", "VAL_002"),
    ],
)
def test_what_is_refused(client, field, value, code):
    body = {**ALICE, field: value}
    if value is None:
        del body[field]

    reason = refused(client.post(URL, body), 422, code, field)["details"][0]["reason"]

    assert not reason.isascii(), "told in Japanese"
    assert not User.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("own", [{"username": "tomato-9-umbrel"}, {"email": "tomato-9-umbrella@example.com"}])
def test_a_password_like_the_persons_own_data(client, own):
    refused(client.post(URL, {**ALICE, **own}), 422, "VAL_005", "password")


@pytest.mark.django_db
def test_everything_that_is_the_matter_is_said_at_once(client):
    response = client.post(URL, {"username": "a b", "email": "x", "password": "short"})

    details = refused(response, 422, "VAL_002")["details"]
    assert [detail["field"] for detail in details] == ["username", "email", "password"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"), [("username", "alice"), ("username", "ALICE"), ("email", "Alice@Example.COM")]
)
def test_what_is_taken(client, alice, field, value):
    body = {"username": "other", "email": "other@example.com", "password": PASSWORD, field: value}

    refused(client.post(URL, body), 422, "VAL_005", field)

    assert User.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["username", "email"])
def test_taken_between_check_and_write(client, alice, monkeypatch, field):
    """As when two register at once: the check finds nothing, the database refuses, and checked again it is clear."""
    check = RegisterSerializer._refuse_taken
    skipped = []

    def blind_at_first(self, name, *arguments):
        if name in skipped:
            check(self, name, *arguments)
        skipped.append(name)

    monkeypatch.setattr(RegisterSerializer, "_refuse_taken", blind_at_first)
    body = {"username": "other", "email": "other@example.com", "password": PASSWORD, field: getattr(alice, field)}

    refused(client.post(URL, body), 422, "VAL_005", field)

    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("postgresql")
def test_two_at_once():
    barrier = Barrier(2)
    statuses = []

    def register():
        barrier.wait()
        statuses.append(APIClient().post(URL, ALICE).status_code)
        connections.close_all()

    threads = [Thread(target=register) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [201, 422]
    assert User.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("body", [[], "alice", 5, None])
def test_a_body_that_is_no_object(client, body):
    assert client.post(URL, body, format="json").status_code == 422


@pytest.mark.django_db
def test_json_only(client):
    refused(client.post(URL, ALICE, format="multipart"), 415, "REQ_002")
    refused(client.generic("POST", URL, "{", content_type="application/json"), 400, "VAL_002")
    refused(client.get(URL), 405, "REQ_001")


@pytest.mark.django_db
def test_unknown_fields_change_nothing(client):
    client.post(URL, {**ALICE, "is_staff": True, "is_superuser": True, "id": "x", "theme": "dark"})

    user = User.objects.get()
    assert (user.is_staff, user.is_superuser, user.theme) == (False, False, "system")
