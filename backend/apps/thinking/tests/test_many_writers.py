"""Many requests at once on one thing: what was answered with 200 or 201 is there, once, and in an order."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta

import pytest

from apps.thinking import history, linking, nodes, rounds
from apps.thinking.api.views import ProjectViewSet
from apps.thinking.models import Node, NodeLink, Project, Round
from apps.thinking.tests.test_api_exchange import exported
from apps.thinking.tests.test_api_images import picture
from apps.thinking.tests.test_concurrency import IMPORT, at_once, behind_a_lock, codes, statuses
from conftest import refused

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("postgresql"),
]

WRITERS = 12


@pytest.fixture
def every_write_is_a_revision(monkeypatch):
    monkeypatch.setattr(history, "ONE_SITTING", timedelta(0))


@pytest.fixture
def just_before(monkeypatch):
    """Does something before a function is called for the first time; what that gave is in the list."""

    def meanwhile(owner, name, something):
        gave = []
        function = getattr(owner, name)

        def call(*arguments, **named):
            monkeypatch.setattr(owner, name, function)
            gave.extend(something())
            return function(*arguments, **named)

        monkeypatch.setattr(owner, name, call)
        return gave

    return meanwhile


def write(step, theme, **headers):
    return lambda client: client.patch(f"/api/v1/steps/{step.pk}/", {"content": {"theme": theme}}, headers=headers)


def post(url, body=None, **headers):
    return lambda client: client.post(url, body or {}, headers=headers)


def versions(answers):
    return sorted(answer.json()["version"] for answer in answers if answer.status_code < 300)


def test_each_write_of_a_step_is_answered_with_its_own_version(alice, steps, every_write_is_a_revision):
    step = steps["overview"]
    themes = [f"theme {number}" for number in range(WRITERS)]

    answers = behind_a_lock(step.round.project, alice, *[write(step, theme) for theme in themes])

    assert statuses(answers) == [200] * WRITERS
    assert [answer.json()["content"]["theme"] for answer in answers] == themes
    assert [answer["ETag"] for answer in answers] == [f'"{answer.json()["version"]}"' for answer in answers]
    assert versions(answers) == list(range(2, WRITERS + 2))
    written = {1: ""} | {answer.json()["version"]: answer.json()["content"]["theme"] for answer in answers}
    assert {revision.version: revision.content["theme"] for revision in step.revisions.all()} == written
    step.refresh_from_db()
    assert (step.version, step.content["theme"]) == (WRITERS + 1, written[WRITERS + 1])


@pytest.mark.parametrize("method", ["patch", "post"], ids=["a write", "a change"])
def test_what_is_written_next_is_not_answered(alice, project, just_before, method):
    """A page takes the version from the answer, and would overwrite what it has never seen."""
    url = f"/api/v1/projects/{project.pk}/"
    next_one = ThreadPoolExecutor(1)

    def write_next():
        written = next_one.submit(at_once, alice, lambda client: client.patch(url, {"title": "Theirs"}))
        # It has to wait, or is done by now.
        wait([written], timeout=0.5)
        return [written]

    pending = just_before(ProjectViewSet, "get_written", write_next)
    target = url if method == "patch" else f"{url}pend/"

    [mine] = at_once(alice, lambda client: getattr(client, method)(target, {"category": "Mine"}))

    assert (mine.json()["title"], mine.json()["version"]) == (project.title, 2)
    assert pending[0].result()[0].json()["version"] == 3


def test_of_many_writes_that_saw_the_same_version_one_wins(alice, steps):
    step = steps["overview"]
    requests = [write(step, f"theme {number}", **{"If-Match": "1"}) for number in range(WRITERS)]

    answers = behind_a_lock(step.round.project, alice, *requests)

    assert statuses(answers) == [200] + [409] * (WRITERS - 1)
    [won] = [answer.json() for answer in answers if answer.status_code == 200]
    lost = [answer.json()["error"] for answer in answers if answer.status_code == 409]
    assert {error["code"] for error in lost} == {"BIZ_002"}
    assert all(error["current"] == won for error in lost)
    step.refresh_from_db()
    assert (step.version, step.content) == (2, won["content"])


def test_whoever_goes_on_from_what_was_answered_overwrites_nobody(alice, steps, every_write_is_a_revision):
    """As the pages do, which take the version from the answer to their own write."""
    step = steps["overview"]

    def go_on(name):
        def requests(client):
            said, version = [], None
            for number in range(5):
                headers = {"If-Match": str(version)} if version else {}
                answer = write(step, f"{name}{number}", **headers)(client)
                assert answer.status_code in (200, 409), answer.content
                if answer.status_code == 409:
                    version = answer.json()["error"]["current"]["version"]
                else:
                    version = answer.json()["version"]
                    said.append((version, f"{name}{number}"))
            return said

        return requests

    said = dict(pair for pairs in at_once(alice, *map(go_on, "abcdef")) for pair in pairs)

    step.refresh_from_db()
    assert sorted(said) == list(range(2, step.version + 1))
    kept = {revision.version: revision.content["theme"] for revision in step.revisions.all()}
    assert kept == {1: "", **said}


def test_many_starts_of_the_next_round(alice, project):
    answers = behind_a_lock(project, alice, *[post(f"/api/v1/projects/{project.pk}/rounds/")] * WRITERS)

    assert statuses(answers) == [201] * 4 + [400] * (WRITERS - 4)
    assert codes(answers) == {"BIZ_001"}
    assert list(project.rounds.values_list("number", flat=True)) == [1, 2, 3, 4, 5]
    assert {round.steps.count() for round in project.rounds.all()} == {5}


def test_of_many_starts_that_saw_the_same_version_one_wins(alice, project):
    start = post(f"/api/v1/projects/{project.pk}/rounds/", **{"If-Match": "1"})

    answers = behind_a_lock(project, alice, *[start] * WRITERS)

    assert statuses(answers) == [201] + [409] * (WRITERS - 1)
    assert project.rounds.count() == 2


def test_completed_pended_and_reopened_at_once(alice, project):
    """What was answered is a way that one person could have gone."""
    actions = ["complete", "pend", "reopen"] * 4

    answers = behind_a_lock(project, alice, *[post(f"/api/v1/projects/{project.pk}/{action}/") for action in actions])

    assert set(statuses(answers)) <= {200, 400}
    assert codes(answers) <= {"BIZ_001"}
    done = sorted(
        (answer.json()["version"], action, answer.json()["status"])
        for action, answer in zip(actions, answers, strict=True)
        if answer.status_code == 200
    )
    assert [version for version, *_ in done] == list(range(2, len(done) + 2))
    status = "active"
    for _version, action, after in done:
        allowed = {
            "complete": ({"active", "pending"}, "completed"),
            "pend": ({"active"}, "pending"),
            "reopen": ({"pending", "completed"}, "active"),
        }
        before, expected = allowed[action]
        assert (status in before, after) == (True, expected)
        status = after
    assert Project.objects.get(pk=project.pk).status == status


def test_a_project_goes_and_comes_back_while_it_is_written_in(alice, project, steps, node, every_write_is_a_revision):
    url = f"/api/v1/projects/{project.pk}/"
    requests = [
        *[lambda client: client.delete(url), post(f"{url}restore/")] * 4,
        *[write(steps["overview"], f"theme {number}") for number in range(6)],
        *[lambda client: client.patch(f"/api/v1/nodes/{node.pk}/", {"title": uuid.uuid4().hex})] * 3,
        *[post("/api/v1/nodes/", {"title": "a", "project": str(project.pk)})] * 3,
    ]

    answers = behind_a_lock(project, alice, *requests)

    assert set(statuses(answers)) <= {200, 201, 204, 404}
    written = [answer.json() for answer in answers[8:14] if answer.status_code == 200]
    history = {revision.version: revision.content["theme"] for revision in steps["overview"].revisions.all()}
    assert {step["version"]: step["content"]["theme"] for step in written}.items() <= history.items()
    assert len(history) in (0, len(written) + 1)
    made = [answer.json()["id"] for answer in answers[-3:] if answer.status_code == 201]
    assert Node.objects.filter(pk__in=made).count() == len(made)
    assert Node.objects.count() == len(made) + 1
    at_once(alice, post(f"{url}restore/"))
    assert set(statuses(at_once(alice, lambda client: client.get(url)))) == {200}


def test_a_project_is_deleted_for_good_or_restored(alice, project):
    at_once(alice, lambda client: client.delete(f"/api/v1/projects/{project.pk}/"))

    gone, *restored = behind_a_lock(
        project,
        alice,
        lambda client: client.delete(f"/api/v1/trash/{project.pk}/"),
        *[post(f"/api/v1/projects/{project.pk}/restore/")] * 4,
    )

    is_there = Project.objects.filter(pk=project.pk).exists()
    assert gone.status_code == (404 if is_there else 204)
    assert statuses(restored) == [200 if is_there else 404] * 4
    assert Round.objects.count() == is_there


def test_a_project_is_deleted_for_good_while_it_is_written_in(alice):
    for _ in range(5):
        project = rounds.start_project(alice, "a")
        one, other = (Node.objects.create(owner=alice, title=title, project=project) for title in "ab")
        step = project.rounds.get().steps.first()
        body = {"title": "c", "project": str(project.pk)}

        def delete(client, pk=project.pk):
            assert client.delete(f"/api/v1/projects/{pk}/").status_code == 204
            return client.delete(f"/api/v1/trash/{pk}/")

        answers = at_once(
            alice,
            delete,
            *[post("/api/v1/nodes/", body)] * 3,
            *[post(f"/api/v1/nodes/{one.pk}/links/", {"to": str(other.pk)})] * 3,
            post(f"/api/v1/projects/{project.pk}/rounds/"),
            write(step, "late"),
        )

        assert answers[0].status_code == 204
        assert set(statuses(answers[1:])) <= {200, 201, 404}
        assert [model.objects.count() for model in (Project, Round, Node, NodeLink)] == [0] * 4


@pytest.mark.parametrize("kind", ["projects", "nodes", "rounds", "links"])
def test_the_same_create_many_times(alice, project, node, kind):
    other = Node.objects.create(owner=alice, title="Anywhere")
    url, body = {
        "projects": ("/api/v1/projects/", {"title": "Once"}),
        "nodes": ("/api/v1/nodes/", {"title": "Once", "project": str(project.pk)}),
        "rounds": (f"/api/v1/projects/{project.pk}/rounds/", {}),
        "links": (f"/api/v1/nodes/{node.pk}/links/", {"to": str(other.pk), "weight": 0.7}),
    }[kind]
    body["id"] = str(uuid.uuid4())

    answers = at_once(alice, *[post(url, body)] * WRITERS)

    assert statuses(answers) == [200] * (WRITERS - 1) + [201]
    assert {answer.json()["id"] for answer in answers} == {body["id"]}


def test_the_same_pair_linked_from_both_ends_by_many(alice, project):
    one, other = (Node.objects.create(owner=alice, title=title, project=project) for title in "ab")
    requests = [post(f"/api/v1/nodes/{a.pk}/links/", {"to": str(b.pk)}) for a, b in [(one, other), (other, one)] * 6]

    answers = at_once(alice, *requests)

    assert statuses(answers) == [200] * (WRITERS - 1) + [201]
    link = NodeLink.objects.get()
    assert {answer.json()["id"] for answer in answers} == {str(link.pk)}


@pytest.mark.parametrize("title", ["別のこと", "誤差の少ない方法"], ids=["no ground any more", "another ground"])
def test_a_link_is_weighed_while_it_is_looked_at(alice, just_before, title):
    """What a person has made of it by then stays."""
    one, other = Node.objects.create(owner=alice, title="測定誤差"), Node.objects.create(owner=alice, title="誤差")
    linking.relink(one)
    link = NodeLink.objects.get()
    url = f"/api/v1/links/{link.pk}/"
    # Between reading which links there are and changing them.
    weighed = just_before(
        linking, "_neighbours", lambda: at_once(alice, lambda client: client.patch(url, {"weight": 1}))
    )

    [renamed] = at_once(alice, lambda client: client.patch(f"/api/v1/nodes/{other.pk}/", {"title": title}))

    assert [renamed.status_code, *statuses(weighed)] == [200, 200]
    link.refresh_from_db()
    assert (link.weight, link.origin, link.reason, link.version) == (1, "manual", "", weighed[0].json()["version"])


def test_a_link_is_removed_while_it_is_looked_at(alice, just_before):
    one, other = Node.objects.create(owner=alice, title="測定誤差"), Node.objects.create(owner=alice, title="誤差")
    linking.relink(one)
    link = NodeLink.objects.get()
    just_before(
        linking,
        "_neighbours",
        lambda: at_once(alice, lambda client: client.delete(f"/api/v1/links/{link.pk}/")),
    )

    for title in ("別のこと", "誤差"):
        at_once(alice, lambda client, title=title: client.patch(f"/api/v1/nodes/{other.pk}/", {"title": title}))

    [listed] = at_once(alice, lambda client: client.get(f"/api/v1/nodes/{one.pk}/links/"))
    assert listed.json()["count"] == 0


def test_a_node_in_a_project_that_is_deleted_for_good(alice, project, just_before):
    just_before(nodes, "create_node", lambda: at_once(alice, lambda client: project.delete()))

    [answer] = at_once(alice, post("/api/v1/nodes/", {"title": "a", "project": str(project.pk)}))

    refused(answer, 404, "RES_001")


def test_a_link_to_a_node_that_is_deleted_for_good(alice, just_before):
    one, other = (Node.objects.create(owner=alice, title=title) for title in "ab")
    just_before(linking, "link", lambda: at_once(alice, lambda client: other.delete()))

    [answer] = at_once(alice, post(f"/api/v1/nodes/{one.pk}/links/", {"to": str(other.pk)}))

    refused(answer, 404, "RES_004")


def test_words_are_taken_while_their_step_is_written(alice, project, steps):
    """Neither waits for the other for ever."""
    step = steps["overview"]
    at_once(alice, write(step, "測定誤差"))
    take = post(f"/api/v1/steps/{step.pk}/keywords/", {"accepted": ["測定誤差"]})

    for _ in range(5):
        answers = at_once(alice, *[take, write(step, "測定誤差")] * 3)

        assert set(statuses(answers)) == {200, 201}
    assert Node.objects.count() == 1


def test_nodes_move_between_projects_that_are_imported(alice):
    """The file has the projects in another order than the database locks them in."""
    places = [rounds.start_project(alice, "a", id=uuid.UUID(int=number)) for number in (3, 2, 1)]
    moved = [Node.objects.create(owner=alice, title="b", project=place) for place in places]
    file = json.loads(at_once(alice, exported)[0])

    def move(node, place):
        return lambda client: client.patch(f"/api/v1/nodes/{node.pk}/", {"project": str(place.pk)})

    for number in range(8):
        for project in file["projects"]:
            project["category"] = str(number)
        moves = [move(node, place) for node in moved for place in places]

        answers = at_once(alice, lambda client: client.post(IMPORT, file, "json"), *moves)

        assert set(statuses(answers)) == {200}


def test_many_images_of_one_node(alice, node, media):
    url = f"/api/v1/nodes/{node.pk}/image/"
    data = picture()

    answers = behind_a_lock(
        node,
        alice,
        *[lambda client: client.put(url, data, content_type="image/png")] * 4,
        *[lambda client: client.delete(url)] * 2,
    )

    assert statuses(answers) == [200] * 6
    node.refresh_from_db()
    assert [f"nodes/{path.name}" for path in media.iterdir()] == ([node.image.name] if node.image else [])
    assert node.version == max(versions(answers))
