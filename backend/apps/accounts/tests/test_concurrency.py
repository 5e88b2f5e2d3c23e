"""Many requests at once on one account, on a database that really runs them at once."""

import pytest
from django.contrib.auth.hashers import check_password
from rest_framework.test import APIClient

from apps.accounts import tokens
from apps.accounts.models import Session, User
from apps.thinking import rounds
from apps.thinking.models import Node, NodeLink, Project, Round, Step
from apps.thinking.tests.test_concurrency import at_once, codes, statuses
from conftest import PASSWORD, UserFactory, signed_in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # Mails without a thread, whose connection would stay.
    pytest.mark.usefixtures("postgresql", "immediately"),
]

AUTH = "/api/v1/auth"
NEW = "another-tomato-7-umbrella"


def by(client, request):
    """A request of a client of its own, instead of one that at_once() gives."""
    return lambda _client: request(client)


def test_one_name_is_registered_by_many(db):
    def register(number):
        body = {"username": "Carol"[: 5 - number % 2] + "l" * (number % 2), "password": PASSWORD}
        return lambda client: client.post(f"{AUTH}/register/", {**body, "email": f"carol{number}@example.com"})

    answers = at_once(None, *map(register, range(8)))

    assert statuses(answers) == [201] + [422] * 7
    assert codes(answers) == {"VAL_005"}
    assert User.objects.count() == 1


def test_one_address_is_wanted_by_many():
    clients = [signed_in(UserFactory()) for _ in range(8)]

    answers = at_once(
        None,
        *[by(client, lambda client: client.patch(f"{AUTH}/me/", {"email": "One@example.com"})) for client in clients],
    )

    assert statuses(answers) == [200] + [422] * 7
    assert codes(answers) == {"VAL_005"}
    assert User.objects.filter(email__iexact="one@example.com").count() == 1


def test_what_is_changed_at_once_is_all_changed(alice):
    client = signed_in(alice)
    changes = [
        *[
            lambda client, body=body: client.patch(f"{AUTH}/me/", body)
            for body in ({"theme": "dark"}, {"language": "en"})
        ],
        lambda client: client.patch(f"{AUTH}/me/", {"email": "new@example.com"}),
        lambda client: client.post(f"{AUTH}/password/change/", {"old": PASSWORD, "new": NEW}),
    ]

    answers = at_once(None, *[by(client, change) for change in changes])

    assert statuses(answers) == [200, 200, 200, 204]
    alice.refresh_from_db()
    assert (alice.theme, alice.language, alice.email) == ("dark", "en", "new@example.com")
    assert check_password(NEW, alice.password)


def test_no_session_outlives_a_change_of_the_password(alice):
    for _ in range(5):
        alice.set_password(PASSWORD)
        alice.save()
        mine, *others = [tokens.start_session(alice) for _ in range(4)]
        client = APIClient(headers={"Authorization": f"Bearer {mine.access}"})

        changed, *refreshed = at_once(
            None,
            by(client, lambda client: client.post(f"{AUTH}/password/change/", {"old": PASSWORD, "new": NEW})),
            *[lambda client, pair=pair: client.post(f"{AUTH}/refresh/", {"refresh": pair.refresh}) for pair in others],
        )

        assert changed.status_code == 204
        assert set(statuses(refreshed)) <= {200, 401}
        assert Session.objects.open().count() == 1
        for answer in refreshed:
            if answer.status_code == 200:
                bearer = {"Authorization": f"Bearer {answer.json()['access']}"}
                assert APIClient(headers=bearer).get(f"{AUTH}/me/").status_code == 401
        Session.objects.all().delete()


def test_a_login_is_under_way_while_the_password_changes(alice, monkeypatch):
    """It takes a while to compare passwords, and what was right by then is not any more."""
    mine = signed_in(alice)
    start = tokens.start_session

    def change_first(*arguments):
        monkeypatch.setattr(tokens, "start_session", start)
        assert mine.post(f"{AUTH}/password/change/", {"old": PASSWORD, "new": NEW}).status_code == 204
        return start(*arguments)

    monkeypatch.setattr(tokens, "start_session", change_first)
    answer = APIClient().post(f"{AUTH}/login/", {"username": "alice", "password": PASSWORD})

    assert (answer.status_code, codes([answer])) == (401, {"AUTH_004"})
    assert Session.objects.open().count() == 1


@pytest.fixture
def leaver():
    """Somebody with a project, two nodes in it, and two requests' worth of sessions."""
    user = UserFactory()
    project = rounds.start_project(user, "a")
    one, other = (Node.objects.create(owner=user, title=title, project=project) for title in "bc")
    return user, project, one, other


def of_account(user):
    pair = tokens.start_session(user)
    return [
        lambda client: client.patch(f"{AUTH}/me/", {"theme": "dark"}),
        lambda client: client.post(f"{AUTH}/password/change/", {"old": PASSWORD, "new": NEW}),
        lambda client: client.get(f"{AUTH}/sessions/"),
        lambda client: client.delete(f"{AUTH}/sessions/"),
        lambda client: client.post(f"{AUTH}/totp/"),
        lambda client: client.post(f"{AUTH}/login/", {"username": user.username, "password": PASSWORD}),
        lambda client: client.post(f"{AUTH}/refresh/", {"refresh": pair.refresh}),
    ]


def of_thinking(project, one, other):
    step = project.rounds.get().steps.first()
    return [
        lambda client: client.post("/api/v1/projects/", {"title": "late"}),
        lambda client: client.post("/api/v1/nodes/", {"title": "late", "project": str(project.pk)}),
        lambda client: client.post("/api/v1/nodes/", {"title": "late"}),
        lambda client: client.post(f"/api/v1/nodes/{one.pk}/links/", {"to": str(other.pk)}),
        lambda client: client.post(f"/api/v1/projects/{project.pk}/rounds/"),
        lambda client: client.patch(f"/api/v1/steps/{step.pk}/", {"content": {"theme": "late"}}),
        lambda client: client.delete(f"/api/v1/nodes/{other.pk}/"),
    ]


def leave(client):
    return client.delete(f"{AUTH}/me/", {"password": PASSWORD})


@pytest.mark.parametrize("time", range(5))
def test_an_account_is_deleted_while_it_is_used(leaver, time):
    user, *things = leaver
    client = signed_in(user)
    requests = [*of_account(user), *of_thinking(*things)]

    gone, *answers = at_once(None, *[by(client, request) for request in [leave, *requests]])

    # Deleted, or the password was changed before, and with that the session has ended.
    assert gone.status_code == 204 or (
        gone.status_code in (401, 422) and User.objects.get(pk=user.pk).check_password(NEW)
    ), gone.content
    assert [answer.content for answer in answers if answer.status_code >= 500] == []
    if gone.status_code == 204:
        assert [model.objects.count() for model in (User, Project, Round, Step, Node, NodeLink, Session)] == [0] * 7


def test_an_account_is_deleted_twice(leaver):
    user, *_things = leaver
    client = signed_in(user)

    answers = at_once(None, *[by(client, leave)] * 4)

    # Refused as during an import, not known any more, or deleted by the other.
    assert {204} <= set(statuses(answers)) <= {204, 400, 401}
    assert not User.objects.exists()
