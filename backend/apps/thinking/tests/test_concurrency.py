"""Two requests at once, on a database that really runs them at once."""

import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connection, transaction
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.thinking import images, linking, locks, nodes, rounds, trash
from apps.thinking.api.base import RepeatableCreateMixin
from apps.thinking.models import Node, NodeLink, Project, Step
from apps.thinking.tests.test_api_images import picture
from conftest import PASSWORD, UserFactory

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("postgresql"),
]

IMPORT = "/api/v1/account/import/"
EMPTY = {"format": "thinkring", "version": 1, "projects": [], "nodes": [], "links": []}


def at_once(user, *requests):
    """The answers to requests, each a function of a client, that run at the same time."""

    def run(request):
        client = APIClient()
        client.force_authenticate(user)
        try:
            return request(client)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(run, requests))


def behind_a_lock(row, user, *requests):
    """The same, all of them waiting for the lock on one row before any goes on."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            type(row).objects.select_for_update().get(pk=row.pk)
            answers = pool.submit(at_once, user, *requests)
            wait_until_blocked(len(requests))
        return answers.result()


def wait_until_blocked(number: int):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            # In a transaction PostgreSQL shows the same picture again and again unless asked not to.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0] == number:
                return
        time.sleep(0.02)
    pytest.fail(f"{number} requests did not come to wait")


def statuses(answers):
    return sorted(answer.status_code for answer in answers)


def codes(answers):
    return {answer.json()["error"]["code"] for answer in answers if answer.status_code >= 400}


def test_of_two_writes_that_saw_the_same_version_one_wins(alice, steps):
    step = steps["overview"]

    def write(theme):
        return lambda client: client.patch(
            f"/api/v1/steps/{step.pk}/", {"content": {"theme": theme}}, headers={"If-Match": "1"}
        )

    answers = behind_a_lock(step, alice, write("a"), write("b"))

    assert statuses(answers) == [200, 409]
    assert codes(answers) == {"BIZ_002"}
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    stored = Step.objects.get(pk=step.pk)
    assert stored.version == 2
    assert stored.content == won.json()["content"] == lost.json()["error"]["current"]["content"]


def test_two_writes_without_a_version_are_both_applied(alice, steps):
    step = steps["overview"]

    answers = behind_a_lock(
        step, alice, *[lambda client: client.patch(f"/api/v1/steps/{step.pk}/", {"content": {}})] * 2
    )

    assert statuses(answers) == [200, 200]
    assert Step.objects.get(pk=step.pk).version == 3


def test_two_starts_of_the_next_round(alice, project):
    def start(client):
        return client.post(f"/api/v1/projects/{project.pk}/rounds/")

    answers = behind_a_lock(project, alice, start, start)

    assert statuses(answers) == [201, 201]
    assert sorted(answer.json()["number"] for answer in answers) == [2, 3]
    assert Step.objects.filter(round__project=project).count() == 15


def test_two_starts_that_saw_the_same_version(alice, project):
    def start(client):
        return client.post(f"/api/v1/projects/{project.pk}/rounds/", headers={"If-Match": "1"})

    answers = behind_a_lock(project, alice, start, start)

    assert statuses(answers) == [201, 409]
    assert project.rounds.count() == 2


def test_the_same_start_twice(alice, project):
    body = {"id": str(uuid.uuid4()), "version": 1}

    def start(client):
        return client.post(f"/api/v1/projects/{project.pk}/rounds/", body)

    answers = behind_a_lock(project, alice, start, start)

    assert statuses(answers) == [200, 201]
    assert project.rounds.count() == 2


def test_a_start_and_an_end(alice, project):
    answers = behind_a_lock(
        project,
        alice,
        lambda client: client.post(f"/api/v1/projects/{project.pk}/rounds/", headers={"If-Match": "1"}),
        lambda client: client.post(f"/api/v1/projects/{project.pk}/complete/", headers={"If-Match": "1"}),
    )

    assert len([answer for answer in answers if answer.status_code < 300]) == 1
    assert codes(answers) == {"BIZ_002"}


@pytest.fixture
def nobody_was_first(monkeypatch):
    """Both of two creates find nothing before either of them stores it."""
    barrier = threading.Barrier(2, timeout=10)
    looked = threading.local()
    exists = RepeatableCreateMixin.exists

    def look(view, id):
        found = exists(view, id)
        if not getattr(looked, "once", False):
            looked.once = True
            barrier.wait()
        return found

    monkeypatch.setattr(RepeatableCreateMixin, "exists", look)


@pytest.mark.parametrize(("url", "model"), [("/api/v1/projects/", Project), ("/api/v1/nodes/", Node)])
def test_the_same_create_twice(alice, nobody_was_first, url, model):
    body = {"id": str(uuid.uuid4()), "title": "Once"}

    answers = at_once(alice, *[lambda client: client.post(url, body)] * 2)

    assert statuses(answers) == [200, 201]
    assert answers[0].json() == answers[1].json()
    assert str(model.objects.get().pk) == body["id"]


def test_the_same_id_by_two_people(alice, bob, nobody_was_first):
    body = {"id": str(uuid.uuid4()), "title": "Mine"}

    with ThreadPoolExecutor(2) as pool:
        answers = [
            pool.submit(at_once, user, lambda client: client.post("/api/v1/nodes/", body)) for user in (alice, bob)
        ]
        answers = [answer.result()[0] for answer in answers]

    assert statuses(answers) == [201, 422]
    assert codes(answers) == {"VAL_005"}


def test_steps_and_nodes_written_while_a_round_starts(alice, project, steps):
    """None of them waits for another for ever."""
    requests = [
        lambda client: client.post(f"/api/v1/projects/{project.pk}/rounds/"),
        *[
            lambda client, step=step: client.patch(f"/api/v1/steps/{step.pk}/", {"content": {}})
            for step in steps.values()
        ],
        *[lambda client: client.post("/api/v1/nodes/", {"title": "a", "project": str(project.pk)})] * 3,
    ]

    answers = behind_a_lock(project, alice, *requests)

    assert statuses(answers) == [200] * 5 + [201] * 4


def test_nodes_that_share_a_word_saved_at_once(alice, project):
    """Each links itself to the others, and none waits for another for ever."""
    names = ["誤差", "誤差と負担", "測定誤差", "負担"]
    made = [Node.objects.create(owner=alice, title="a", project=place) for _ in range(2) for place in (project, None)]

    for _ in range(5):
        Node.objects.update(title="a")
        NodeLink.objects.all().delete()
        requests = [
            lambda client, node=node, name=name: client.patch(f"/api/v1/nodes/{node.pk}/", {"title": name})
            for node, name in zip(made, names, strict=True)
        ]
        assert statuses(at_once(alice, *requests)) == [200] * 4

    for node in Node.objects.all():
        linking.relink(node)
    assert NodeLink.objects.count() == 4


def test_the_same_link_twice_and_both_ways_round(alice):
    one, other = (Node.objects.create(owner=alice, title=title) for title in "ab")

    def link(a, b):
        return lambda client: client.post(f"/api/v1/nodes/{a.pk}/links/", {"to": str(b.pk)})

    for _ in range(5):
        NodeLink.objects.all().delete()
        answers = at_once(alice, link(one, other), link(other, one))

        assert statuses(answers) == [200, 201]
        assert answers[0].json() == answers[1].json()


@contextmanager
def an_import(user, monkeypatch):
    """One that has begun, and goes on when the block is left."""
    begun, go_on = threading.Event(), threading.Event()
    one_import = locks.one_import

    def wait(owner):
        one_import(owner)
        begun.set()
        assert go_on.wait(10)

    with ThreadPoolExecutor(1) as pool:
        with monkeypatch.context() as patch:
            patch.setattr(locks, "one_import", wait)
            answers = pool.submit(at_once, user, lambda client: client.post(IMPORT, EMPTY, "json"))
            assert begun.wait(10)
        yield
        go_on.set()
        assert statuses(answers.result()) == [200]


def test_an_import_holds_up_nothing_else(alice, monkeypatch):
    with an_import(alice, monkeypatch):
        [made] = at_once(alice, lambda client: client.post("/api/v1/projects/", {"title": "Meanwhile"}, "json"))
        [changed] = at_once(alice, lambda client: client.patch("/api/v1/auth/me/", {"theme": "dark"}, "json"))

    assert [made.status_code, changed.status_code] == [201, 200]


def test_a_second_import_is_refused_at_once(alice, bob, monkeypatch):
    with an_import(alice, monkeypatch):
        before = time.monotonic()
        second = at_once(alice, lambda client: client.post(IMPORT, EMPTY, "json"))
        waited = time.monotonic() - before
        other = at_once(bob, lambda client: client.post(IMPORT, EMPTY, "json"))

    assert (statuses(second), codes(second)) == ([400], {"BIZ_001"})
    assert waited < 4  # a lock is waited for five seconds
    assert statuses(other) == [200]


def leave(client):
    # A user of its own, as each request has: the deleted one has no id.
    client.force_authenticate(User.objects.get(pk=client.handler._force_user.pk))
    return client.delete("/api/v1/auth/me/", {"password": PASSWORD}, "json")


def test_an_account_is_not_deleted_during_an_import(alice, monkeypatch):
    with an_import(alice, monkeypatch):
        meanwhile = at_once(alice, leave)

    assert codes(meanwhile) == {"BIZ_001"}
    assert statuses(at_once(alice, leave)) == [204]


def writes(project, round, steps, node):
    """What a page saves by itself or by a click."""
    return [
        *[
            lambda client, step=step: client.patch(f"/api/v1/steps/{step.pk}/", {"content": {}})
            for step in steps.values()
        ],
        lambda client: client.patch(f"/api/v1/rounds/{round.pk}/", {"note": uuid.uuid4().hex}),
        lambda client: client.patch(f"/api/v1/nodes/{node.pk}/", {"title": uuid.uuid4().hex}),
        lambda client: client.post("/api/v1/nodes/", {"title": "a", "project": str(project.pk)}),
        lambda client: client.patch(f"/api/v1/projects/{project.pk}/", {"category": uuid.uuid4().hex}),
    ]


def test_an_import_and_what_is_written_meanwhile(alice, as_alice, project, round, steps, node):
    file = json.loads(b"".join(as_alice.get("/api/v1/account/export/?as=json").streaming_content))
    [record] = file["projects"]
    for _ in range(10):
        record["rounds"][0]["note"] = record["rounds"][0]["steps"][0]["content"]["theme"] = uuid.uuid4().hex
        record["nodes"][0]["title"] = uuid.uuid4().hex

        answers = at_once(alice, lambda client: client.post(IMPORT, file, "json"), *writes(project, round, steps, node))

        assert set(statuses(answers)) <= {200, 201}


def test_an_import_of_what_is_deleted_for_good(alice, as_alice, project, node):
    file = json.loads(b"".join(as_alice.get("/api/v1/account/export/?as=json").streaming_content))
    for _ in range(10):
        for mine in Project.objects.owned_by(alice).kept():
            trash.move_to_trash(mine)
        trashed = Project.objects.owned_by(alice).first()

        imported, deleted = at_once(
            alice,
            lambda client: client.post(IMPORT, file, "json"),
            lambda client, pk=trashed.pk: client.delete(f"/api/v1/trash/{pk}/"),
        )

        assert imported.status_code == 200
        assert deleted.status_code in (204, 404)


def test_a_node_is_moved_while_an_import_has_where_it_goes(alice, project, node):
    """It does not keep where the node comes from until the import, which may want that too, is over."""
    there = rounds.start_project(alice, "there")
    body = {"project": str(there.pk), "round": None, "step": None}

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Project.objects.select_for_update().get(pk=there.pk)
            moving = pool.submit(at_once, alice, lambda client: client.patch(f"/api/v1/nodes/{node.pk}/", body))
            wait_until_blocked(1)
            time.sleep(0.1)
            Project.objects.select_for_update(nowait=True).get(pk=project.pk)
        assert statuses(moving.result()) == [200]

    assert Node.objects.get(pk=node.pk).project == there


def test_a_node_is_moved_while_its_writer_waits_for_where_it_was(alice, project, node):
    """Nor does the writer, who has the node by then, wait for an import that has where it went."""
    there = rounds.start_project(alice, "there")
    has_it, is_written = threading.Event(), threading.Event()

    def have_the_other(client):
        with transaction.atomic():
            Project.objects.select_for_update(no_key=True).get(pk=there.pk)
            has_it.set()
            return is_written.wait(timeout=30)

    def write(client):
        answer = client.patch(f"/api/v1/nodes/{node.pk}/", {"title": "written"})
        is_written.set()
        return answer

    with ThreadPoolExecutor(2) as pool:
        having = pool.submit(at_once, alice, have_the_other)
        has_it.wait()
        with transaction.atomic():
            Project.objects.select_for_update().get(pk=project.pk)
            writing = pool.submit(at_once, alice, write)
            wait_until_blocked(1)
            Node.objects.filter(pk=node.pk).update(project=there, round=None, step=None)
        assert statuses(writing.result()) == [200]
        assert having.result() == [True]

    assert Node.objects.filter(pk=node.pk, project=there, title="written").exists()


def test_a_node_is_taken_out_of_a_project_that_is_being_deleted(alice, project, node):
    """As an import does, which has no lock on the project."""
    trash.move_to_trash(project)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            taken = Node.objects.select_for_update().get(pk=node.pk)
            deletion = pool.submit(at_once, alice, lambda client: client.delete(f"/api/v1/trash/{project.pk}/"))
            wait_until_blocked(1)
            nodes.change_node(taken, project=None, round=None, step=None)
        assert statuses(deletion.result()) == [204]

    assert Node.objects.filter(pk=node.pk, project=None).exists()
    assert not Project.objects.filter(pk=project.pk).exists()


def test_a_project_goes_to_the_trash_while_one_of_its_nodes_gets_an_image(alice, project, node, media, monkeypatch):
    replace = images.replace

    def replace_meanwhile(node, image):
        replace(node, image)
        assert statuses(at_once(alice, lambda client: client.delete(f"/api/v1/projects/{project.pk}/"))) == [204]

    monkeypatch.setattr(images, "replace", replace_meanwhile)
    put = at_once(
        alice, lambda client: client.put(f"/api/v1/nodes/{node.pk}/image/", picture(), content_type="image/png")
    )

    assert statuses(put) == [200]
    assert [f"nodes/{file.name}" for file in media.glob("*")] == [Node.objects.get(pk=node.pk).image.name]


def test_an_account_is_deleted_while_it_writes():
    for _ in range(5):
        user = UserFactory()
        project = rounds.start_project(user, "a")
        round = project.rounds.get()
        node = Node.objects.create(owner=user, title="b", project=project)
        steps = {step.type: step for step in round.steps.all()}
        *saves, _create, _change = writes(project, round, steps, node)

        gone, *answers = at_once(user, leave, *saves)

        assert gone.status_code == 204
        assert set(statuses(answers)) <= {200, 404}
