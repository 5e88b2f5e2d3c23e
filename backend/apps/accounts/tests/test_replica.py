"""Heavy reads from a replica. Here it is the same database; tests/scaling/test_database.py has a real one."""

import pytest
from django.conf import settings
from django.db import OperationalError, ProgrammingError, connections, transaction
from django.test.utils import CaptureQueriesContext

from apps.accounts import replica
from apps.accounts.models import ChangeCount

API = "/api/v1"

pytestmark = [
    pytest.mark.skipif("replica" not in settings.DATABASES, reason="needs DATABASE_REPLICA_URL"),
    pytest.mark.django_db(transaction=True, databases=[*settings.DATABASES]),
]


@pytest.fixture(autouse=True)
def nobody_is_away(monkeypatch):
    monkeypatch.setattr(replica.breaker, "_open_until", 0.0)


@pytest.fixture
def project(alice_client):
    id = alice_client.post(f"{API}/projects/", {"title": "誤差"}).json()["id"]
    for title in ["誤差", "誤差の表"]:
        alice_client.post(f"{API}/nodes/", {"title": title, "project": id})
    alice_client.post(f"{API}/projects/{id}/rounds/", {})
    return id


@pytest.fixture
def heavy(alice_client, project):
    first, second = (row["id"] for row in alice_client.get(f"{API}/projects/{project}/rounds/").json()["results"])
    steps = alice_client.get(f"{API}/rounds/{first}/steps/").json()["results"]
    return [
        f"{API}/projects/{project}/graph/",
        f"{API}/search/?q=誤差",
        f"{API}/rounds/{first}/diff/?with={second}",
        f"{API}/steps/{steps[0]['id']}/keywords/",
    ]


def asked_of_the_server(client, path):
    """How many statements about what is read were not given to the replica, and how many were."""
    with CaptureQueriesContext(connections["default"]) as server, CaptureQueriesContext(connections["replica"]) as copy:
        assert client.get(path).status_code == 200
    return sum("thinking_" in query["sql"] for query in server), sum("thinking_" in query["sql"] for query in copy)


def test_what_is_heavy_is_read_from_it(alice_client, heavy):
    for path in heavy:
        server, copy = asked_of_the_server(alice_client, path)
        assert server == 0, path
        assert copy > 0, path


def test_what_is_not_is_not(alice_client, project):
    server, copy = asked_of_the_server(alice_client, f"{API}/projects/{project}/")

    assert (server > 0, copy) == (True, 0)


def test_who_has_written_what_it_does_not_know_yet_is_answered_by_the_server(alice_client, heavy, monkeypatch):
    counts = ChangeCount.objects
    monkeypatch.setattr(replica, "_knows_all", lambda request: counts.get(user=request.user).changes > 1_000_000)

    for path in heavy:
        server, copy = asked_of_the_server(alice_client, path)
        assert server > 0, path
        assert copy == 0, path


def test_it_is_behind_by_the_count_of_changes(alice, alice_client, heavy, rf):
    class Asked:
        user = alice
        auth = type("Session", (), {"changes": ChangeCount.objects.get(user=alice).changes})

    assert replica._knows_all(Asked)
    Asked.auth.changes += 1
    assert not replica._knows_all(Asked)


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("terminating connection due to conflict with recovery"),
        ProgrammingError('relation "thinking_refusedkeyword" does not exist'),
    ],
)
def test_one_that_fails_is_not_asked_for_a_while(alice_client, heavy, monkeypatch, caplog, error):
    asked = []

    def fail(request):
        asked.append(request)
        raise error

    monkeypatch.setattr(replica, "_knows_all", fail)

    for path in heavy:
        server, _ = asked_of_the_server(alice_client, path)
        assert server > 0, path
    assert len(asked) == 1
    assert f"the replica does not answer ({error}" in caplog.text


def test_what_takes_too_long_there_is_not_asked_again(alice_client, heavy, monkeypatch):
    def wait(request):
        with connections["replica"].cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 50")
            cursor.execute("SELECT pg_sleep(5)")

    monkeypatch.setattr(replica, "_knows_all", transaction.atomic(using="replica")(wait))

    with CaptureQueriesContext(connections["default"]) as server:
        assert alice_client.get(heavy[1]).status_code == 503
    assert not any("thinking_" in query["sql"] for query in server)
    assert not replica.breaker.is_open
