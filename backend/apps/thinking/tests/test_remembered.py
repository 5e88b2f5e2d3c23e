"""What Redis keeps is what would be answered without it, whatever was changed in between."""

import uuid

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import ChangeCount
from apps.core.cache import breaker
from apps.core.remembered import SHARE
from apps.thinking.models import Project, Round, Step
from conftest import PASSWORD, signed_in

API = "/api/v1"
ITEM = {"id": str(uuid.uuid4()), "text": "誤差が出る"}

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("postgresql")]


@pytest.fixture
def project(alice_client):
    """Two rounds, with two nodes that are linked, and a third one."""
    id = alice_client.post(f"{API}/projects/", {"title": "誤差"}).json()["id"]
    for title in ["誤差", "誤差の表", "作業"]:
        assert alice_client.post(f"{API}/nodes/", {"title": title, "project": id}).status_code == 201
    assert alice_client.post(f"{API}/projects/{id}/rounds/", {}).status_code == 201
    return Project.objects.get(pk=id)


@pytest.fixture
def reads(project):
    first, second = project.rounds.all()
    node = project.nodes.get(title="誤差")
    return [
        f"{API}/{path}"
        for path in [
            "projects/",
            "projects/?page_size=1",
            f"projects/{project.pk}/",
            f"projects/{project.pk}/rounds/",
            f"projects/{project.pk}/graph/",
            f"rounds/{first.pk}/",
            f"rounds/{second.pk}/steps/",
            f"rounds/{first.pk}/diff/?with={second.pk}",
            f"steps/{first.steps.get(type='mvp').pk}/",
            f"steps/{first.steps.get(type='overview').pk}/keywords/",
            "nodes/",
            f"nodes/?project={project.pk}",
            f"nodes/{node.pk}/",
            f"links/{node.links_from.union(node.links_to.all()).first().pk}/",
            "search/?q=誤差",
        ]
    ]


def asked(client, reads):
    answers = [client.get(path) for path in reads]
    return {
        path: (answer.status_code, answer.get("ETag"), answer.get("Content-Type"), answer.content.decode())
        for path, answer in zip(reads, answers, strict=True)
    }


def without_what_differs(answers):
    """Of an error each answer has its own id and time."""
    return {path: answer if answer[0] == 200 else answer[0] for path, answer in answers.items()}


def write(client, project, what):
    first, second = project.rounds.all()
    node, other = project.nodes.all()[:2]
    step = first.steps.get(type="mvp")
    overview = first.steps.get(type="overview")
    calls = {
        "a project": ("post", "projects/", {"title": "another"}),
        "its title": ("patch", f"projects/{project.pk}/", {"title": "renamed"}),
        "a project completed": ("post", f"projects/{project.pk}/complete/", {}),
        "a project in the trash": ("delete", f"projects/{project.pk}/", None),
        "a round": ("post", f"projects/{project.pk}/rounds/", {}),
        "a note": ("patch", f"rounds/{first.pk}/", {"note": "誤差"}),
        "a step": ("patch", f"steps/{step.pk}/", {"content": {"must": [ITEM]}}),
        "an overview": ("patch", f"steps/{overview.pk}/", {"content": {"pain": "測定の誤差が大きい"}}),
        "a node": ("post", "nodes/", {"title": "誤差の原因", "project": str(project.pk)}),
        "a node's title": ("patch", f"nodes/{node.pk}/", {"title": "誤差と表"}),
        "a node in the trash": ("delete", f"nodes/{node.pk}/", None),
        "a link": ("post", f"nodes/{node.pk}/links/", {"to": str(project.nodes.last().pk), "weight": 0.9}),
        "an example": ("post", "account/example/", {}),
    }
    method, path, body = calls[what]
    answer = getattr(client, method)(f"{API}/{path}", body)
    assert answer.status_code < 300, answer.content


WRITES = [
    "a project", "its title", "a project completed", "a project in the trash", "a round", "a note", "a step",
    "an overview", "a node", "a node's title", "a node in the trash", "a link", "an example",
]  # fmt: skip


@pytest.mark.usefixtures("redis")
class TestReads:
    @pytest.mark.parametrize("what", WRITES)
    def test_what_was_changed_is_seen_at_once(self, alice_client, project, reads, settings, what):
        before = asked(alice_client, reads)
        assert asked(alice_client, reads) == before

        write(alice_client, project, what)

        remembered = asked(alice_client, reads)
        again = asked(alice_client, reads)
        settings.REDIS_HOST = ""
        fresh = asked(alice_client, reads)
        assert without_what_differs(remembered) == without_what_differs(again) == without_what_differs(fresh)
        assert without_what_differs(fresh) != without_what_differs(before)

    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE thinking_project SET title = 'by hand', updated_at = now()",
            "DELETE FROM thinking_nodelink",
            "UPDATE thinking_step SET content = jsonb_set(content, '{must}', '[]') WHERE type = 'mvp'",
        ],
    )
    def test_by_hand_too(self, alice_client, project, reads, settings, sql):
        asked(alice_client, reads)
        with connection.cursor() as cursor:
            cursor.execute(sql)

        remembered = asked(alice_client, reads)
        settings.REDIS_HOST = ""
        assert without_what_differs(remembered) == without_what_differs(asked(alice_client, reads))

    def test_the_database_is_not_asked_again(self, alice_client, reads, django_assert_num_queries):
        asked(alice_client, reads)

        # The session, once each; and the count of calls is off here.
        with django_assert_num_queries(len(reads)):
            asked(alice_client, reads)

    def test_a_304_as_before(self, alice_client, reads):
        for path in reads[:2]:
            etag = alice_client.get(path)["ETag"]
            assert alice_client.get(path, headers={"If-None-Match": etag}).status_code == 304

    def test_what_is_refused_is_not_kept(self, alice_client, project):
        path = f"{API}/search/?q="
        first, second = (alice_client.get(path) for _ in range(2))

        assert first.status_code == second.status_code == 422
        assert first.json()["error"]["request_id"] != second.json()["error"]["request_id"]

    def test_nobody_is_given_what_is_somebody_elses(self, alice_client, bob_client, reads):
        asked(alice_client, reads)

        answers = asked(bob_client, [path for path in reads if "?" not in path])
        assert {answer[0] for answer in answers.values()} == {200, 404}
        assert bob_client.get(f"{API}/nodes/").json()["count"] == 0

    def test_what_it_has_kept_goes_with_the_release(self, alice_client, project, settings):
        path = f"{API}/projects/{project.pk}/"
        alice_client.get(path)
        settings.COMMIT = "another"

        assert alice_client.get(path).json()["title"] == "誤差"

    def test_what_was_kept_is_not_of_a_future_that_a_restore_has_undone(self, alice, alice_client, project):
        path = f"{API}/projects/{project.pk}/"

        def rename(title):
            assert alice_client.patch(path, {"title": title}).status_code == 200
            return ChangeCount.objects.get(user=alice).changes

        counted = rename("before")
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE backup AS SELECT * FROM accounts_changecount")
        again = rename("undone")
        assert alice_client.get(path).json()["title"] == "undone"
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM accounts_changecount")
            cursor.execute("INSERT INTO accounts_changecount SELECT * FROM backup")
            cursor.execute("DROP TABLE backup")
        assert ChangeCount.objects.get(user=alice).changes == counted

        assert rename("after") == again
        assert alice_client.get(path).json()["title"] == "after"

    @pytest.mark.parametrize(
        ("setting", "value"),
        [("COMMIT", "unknown"), ("REDIS_HOST", "")],
        ids=["of an unknown release", "without Redis"],
    )
    def test_nothing_is_kept(self, alice_client, reads, settings, setting, value):
        setattr(settings, setting, value)
        asked(alice_client, reads)

        with CaptureQueriesContext(connection) as queries:
            asked(alice_client, reads)
        assert len(queries) > len(reads)

    def test_it_leaves_room_for_what_is_counted(self, alice_client, reads):
        client = cache.in_redis(lambda redis: redis._cache.get_client(None, write=True))
        limit = client.config_get("maxmemory")["maxmemory"]
        client.config_set("maxmemory", int(client.info("memory")["used_memory"] / SHARE))
        try:
            kept = client.dbsize()
            asked(alice_client, reads)
            assert client.dbsize() == kept
        finally:
            client.config_set("maxmemory", limit)
        asked(alice_client, reads)
        assert client.dbsize() == kept + len(reads)

    def test_while_redis_is_away(self, alice_client, project, reads, settings, monkeypatch):
        kept = asked(alice_client, reads)
        monkeypatch.setattr(breaker, "_open_until", float("inf"))

        assert asked(alice_client, reads) == kept
        write(alice_client, project, "its title")
        monkeypatch.setattr(breaker, "_open_until", 0.0)
        assert asked(alice_client, reads) != kept


class TestCounting:
    """What says that something was changed."""

    def count(self, user):
        return ChangeCount.objects.filter(user=user).values_list("changes", flat=True).first() or 0

    @pytest.mark.parametrize("what", WRITES)
    def test_each_write_is_counted(self, alice, bob, alice_client, project, what):
        before = self.count(alice)

        write(alice_client, project, what)

        assert self.count(alice) > before
        assert self.count(bob) == 0

    def test_once_a_transaction(self, alice, alice_client, project):
        before = self.count(alice)

        with transaction.atomic():
            project.nodes.update(context="words")
            Step.objects.filter(round__project=project).update(text="words")
            Round.objects.filter(project=project).update(note="words")

        assert self.count(alice) == before + 1

    def test_nothing_is_counted_of_what_is_undone(self, alice, project):
        before = self.count(alice)

        with transaction.atomic():
            project.nodes.update(context="words")
            transaction.set_rollback(True)

        assert self.count(alice) == before

    def test_who_gets_something_of_somebody_else(self, alice, bob, project):
        before = self.count(alice)
        with transaction.atomic():
            for table in ["project", "node", "nodelink"]:
                with connection.cursor() as cursor:
                    cursor.execute(f"UPDATE thinking_{table} SET owner_id = %s", [bob.pk])  # noqa: S608

        assert (self.count(alice), self.count(bob)) == (before + 1, 1)

    def test_it_goes_with_the_account(self, alice, project):
        client = signed_in(alice)
        assert self.count(alice)

        assert client.delete(f"{API}/auth/me/", {"password": PASSWORD}).status_code == 204

        assert not ChangeCount.objects.exists()
