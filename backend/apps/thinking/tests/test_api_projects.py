import uuid

import pytest
import time_machine
from django.utils import timezone

from apps.thinking import content, rounds, trash
from apps.thinking.models import Node, Project
from conftest import refused

URL = "/api/v1/projects/"


@pytest.fixture
def url(project):
    return f"{URL}{project.pk}/"


def titles(response):
    assert response.status_code == 200, response.content
    return [project["title"] for project in response.json()["results"]]


class TestCreate:
    def test_it_works(self, alice, as_alice):
        response = as_alice.post(URL, {"title": "  夜勤の引き継ぎ　", "category": "改善"})

        assert response.status_code == 201
        project = Project.objects.get()
        assert (project.owner, project.title, project.category) == (alice, "夜勤の引き継ぎ", "改善")
        assert response.headers["ETag"] == '"1"'
        round = project.rounds.get()
        assert response.json() == {
            "id": str(project.pk),
            "title": "夜勤の引き継ぎ",
            "category": "改善",
            "status": "active",
            "rounds_count": 1,
            "nodes_count": 0,
            "current_round": {
                "id": str(round.pk),
                "number": 1,
                "steps_filled": 0,
                "next_step": {"id": str(round.steps.get(type="overview").pk), "type": "overview"},
            },
            "created_at": response.json()["created_at"],
            "updated_at": response.json()["updated_at"],
            "deleted_at": None,
            "version": 1,
        }

    def test_sent_again_it_answers_with_what_is_there(self, as_alice):
        body = {"id": str(uuid.uuid4()), "title": "Once"}

        first, second = as_alice.post(URL, body), as_alice.post(URL, {**body, "title": "Twice"})

        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json() == second.json()
        assert Project.objects.count() == 1

    def test_sent_again_after_it_went_to_the_trash(self, as_alice, project):
        trash.move_to_trash(project)

        response = as_alice.post(URL, {"id": str(project.pk), "title": "Again"})

        assert response.status_code == 200
        assert response.json()["deleted_at"] is not None

    def test_an_id_of_somebody_else_is_refused(self, as_alice, other_project):
        refused(as_alice.post(URL, {"id": str(other_project.pk), "title": "Mine"}), 422, "VAL_005", "id")

        assert Project.objects.get().title == "Learn the piano"

    def test_an_id_of_a_node_is_refused(self, as_alice, alice):
        node = Node.objects.create(owner=alice, title="Anywhere")

        refused(as_alice.post(URL, {"id": str(node.pk), "title": "Mine"}), 422, "VAL_005", "id")

        assert not Project.objects.exists()

    @pytest.mark.parametrize(
        ("body", "code", "field"),
        [
            ({}, "VAL_001", "title"),
            ({"title": None}, "VAL_001", "title"),
            ({"title": ""}, "VAL_001", "title"),
            ({"title": " \t　"}, "VAL_001", "title"),
            ({"title": "\u200b\u2060\ufeff"}, "VAL_001", "title"),
            ({"title": "a" * 256}, "VAL_003", "title"),
            ({"title": ["a"]}, "VAL_002", "title"),
            ({"title": {"a": 1}}, "VAL_002", "title"),
            ({"title": True}, "VAL_002", "title"),
            ({"title": 1e20}, "VAL_002", "title"),
            ({"title": "a\x00b"}, "VAL_002", "title"),
            ({"title": "a", "category": "a" * 101}, "VAL_003", "category"),
            ({"title": "a", "category": "\x00"}, "VAL_002", "category"),
            ({"title": "a", "category": None}, "VAL_001", "category"),
            ({"title": "a", "category": 5}, "VAL_002", "category"),
            ({"title": "a", "id": "7"}, "VAL_002", "id"),
            ({"title": "a", "id": 7}, "VAL_002", "id"),
            ({"title": "a", "id": None}, "VAL_001", "id"),
            ({"title": "a", "status": "active"}, "VAL_005", "status"),
            ([], "VAL_002", ""),
            ("title", "VAL_002", ""),
        ],
    )
    def test_bad_values(self, as_alice, body, code, field):
        refused(as_alice.post(URL, body), 422, code, field)

        assert not Project.objects.exists()

    def test_a_lone_surrogate(self, as_alice):
        response = as_alice.post(URL, b'{"title": "a\\ud83d"}', content_type="application/json")

        refused(response, 422, "VAL_002", "title")

    @pytest.mark.parametrize("name", ["title", "id"])
    def test_a_megabyte_is_refused_without_reading_it_back(self, as_alice, name):
        response = as_alice.post(URL, {"title": "a", name: "x" * 1_000_000})

        refused(response, 422, "VAL_003" if name == "title" else "VAL_002", name)
        assert len(response.content) < 1000

    @pytest.mark.parametrize(
        "type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    )
    def test_another_content_type(self, as_alice, type):
        refused(as_alice.post(URL, b"title=a", content_type=type), 415, "REQ_002")

    def test_broken_json(self, as_alice):
        refused(as_alice.post(URL, b'{"title": ', content_type="application/json"), 400, "VAL_002")

    def test_another_method(self, as_alice):
        refused(as_alice.delete(URL), 405, "REQ_001")

    def test_without_a_login(self, db, client):
        refused(client.post(URL, {"title": "a"}), 401, "AUTH_001")


class TestList:
    def test_it_works(self, as_alice, project, steps, node, other_project):
        rounds.write_step(steps["overview"], content.clean("overview", {"theme": "引き継ぎ"}))

        response = as_alice.get(URL)

        body = response.json()
        assert (body["count"], body["next"], body["previous"]) == (1, None, None)
        (found,) = body["results"]
        assert (found["id"], found["nodes_count"]) == (str(project.pk), 1)
        assert found["current_round"]["steps_filled"] == 1
        assert found["current_round"]["next_step"] == {"id": str(steps["extract"].pk), "type": "extract"}

    def test_the_current_round_is_the_last(self, as_alice, project):
        second = rounds.start_next_round(project)

        (found,) = as_alice.get(URL).json()["results"]

        assert found["rounds_count"] == 2
        assert found["current_round"]["id"] == str(second.pk)
        assert found["current_round"]["steps_filled"] == 0

    def test_when_all_five_steps_are_filled_none_is_next(self, as_alice, round):
        round.steps.update(filled=True)

        (found,) = as_alice.get(URL).json()["results"]

        assert found["current_round"]["steps_filled"] == 5
        assert found["current_round"]["next_step"] is None

    def test_the_one_last_worked_on_comes_first(self, alice, as_alice):
        with time_machine.travel(timezone.now(), tick=False) as clock:
            first, second = (rounds.start_project(alice, title) for title in ("first", "second"))
            clock.shift(1)
            for write in (
                lambda step: rounds.write_step(step, content.empty("overview")),
                lambda step: rounds.write_note(step.round, "a"),
            ):
                for title, project in (("first", first), ("second", second)):
                    clock.shift(1)
                    write(project.rounds.get().steps.get(type="overview"))
                    assert titles(as_alice.get(URL))[0] == title
            clock.shift(1)
            as_alice.post("/api/v1/nodes/", {"title": "a", "project": str(first.pk)})
            assert titles(as_alice.get(URL)) == ["first", "second"]

    def test_the_trash_is_not_listed(self, as_alice, project):
        trash.move_to_trash(project)

        assert titles(as_alice.get(URL)) == []

    def test_by_status(self, alice, as_alice, project):
        rounds.complete(rounds.start_project(alice, "Done"))

        assert titles(as_alice.get(URL, {"status": "completed"})) == ["Done"]
        assert titles(as_alice.get(URL, {"status": "active"})) == [project.title]
        assert titles(as_alice.get(URL, {"status": "pending"})) == []
        refused(as_alice.get(URL, {"status": "gone"}), 422, "VAL_005", "status")

    def test_by_words(self, alice, as_alice, project):
        rounds.start_project(alice, "100% Piano", "Music")

        assert titles(as_alice.get(URL, {"q": "引き継ぎ"})) == [project.title]
        assert titles(as_alice.get(URL, {"q": "改善"})) == [project.title]
        assert titles(as_alice.get(URL, {"q": "piano"})) == ["100% Piano"]
        assert titles(as_alice.get(URL, {"q": "0%"})) == ["100% Piano"]
        assert titles(as_alice.get(URL, {"q": "_"})) == []
        assert len(titles(as_alice.get(URL, {"q": " "}))) == 2
        refused(as_alice.get(URL, {"q": "a" * 201}), 422, "VAL_003", "q")
        refused(as_alice.get(URL, {"q": "a\x00"}), 422, "VAL_002", "q")

    def test_in_order(self, alice, as_alice):
        for title in ("b", "a", "c"):
            rounds.start_project(alice, title)

        assert titles(as_alice.get(URL, {"ordering": "title"})) == ["a", "b", "c"]
        assert titles(as_alice.get(URL, {"ordering": "-title"})) == ["c", "b", "a"]
        assert titles(as_alice.get(URL, {"ordering": "created_at"})) == ["b", "a", "c"]
        assert titles(as_alice.get(URL, {"ordering": "updated_at"})) == ["b", "a", "c"]
        refused(as_alice.get(URL, {"ordering": "owner__password"}), 422, "VAL_005", "ordering")

    def test_in_pages(self, alice, as_alice):
        for number in range(5):
            rounds.start_project(alice, str(number))

        pages = [as_alice.get(URL, {"page": page, "page_size": 2, "ordering": "title"}) for page in (1, 2, 3)]

        assert [titles(page) for page in pages] == [["0", "1"], ["2", "3"], ["4"]]
        assert pages[0].json()["count"] == 5
        assert "page=3" in pages[1].json()["next"]
        refused(as_alice.get(URL, {"page": 4, "page_size": 2}), 404, "RES_006")
        refused(as_alice.get(URL, {"page": "x"}), 422, "VAL_002", "page")

    @pytest.mark.parametrize("count", [1, 6])
    def test_queries_do_not_grow_with_the_list(self, alice, as_alice, count, django_assert_num_queries):
        for number in range(count):
            project = rounds.start_project(alice, str(number))
            rounds.start_next_round(project)
            Node.objects.create(owner=alice, title="a", project=project)

        with django_assert_num_queries(1):
            as_alice.get(URL)


class TestRetrieve:
    def test_it_works(self, as_alice, project, url):
        response = as_alice.get(url)

        assert response.status_code == 200
        assert response.json()["title"] == project.title
        assert response.headers["ETag"] == '"1"'

    def test_a_lists_filters_have_no_say(self, as_alice, url):
        assert as_alice.get(url, {"status": "completed", "q": "a\x00", "ordering": "x"}).status_code == 200

    @pytest.mark.parametrize("id", [uuid.uuid4(), "7", "a.b", "%00", "%F0%9F%92%A9", "a" * 2000])
    def test_an_id_that_is_none(self, as_alice, id):
        refused(as_alice.get(f"{URL}{id}/"), 404, "RES_001")

    def test_in_the_trash(self, as_alice, project, url):
        trash.move_to_trash(project)

        refused(as_alice.get(url), 404, "RES_001")

    def test_queries(self, as_alice, url, django_assert_num_queries):
        with django_assert_num_queries(1):
            as_alice.get(url)


class TestChange:
    def test_it_works(self, as_alice, project, url):
        response = as_alice.patch(url, {"title": " 新しい題 "})

        assert response.status_code == 200
        assert (response.json()["title"], response.json()["category"]) == ("新しい題", "改善")
        assert response.json()["version"] == 2
        assert response.headers["ETag"] == '"2"'
        project.refresh_from_db()
        assert (project.title, project.version) == ("新しい題", 2)

    def test_a_put_empties_what_it_does_not_name(self, as_alice, project, url):
        assert as_alice.put(url, {"title": "a"}).status_code == 200

        project.refresh_from_db()
        assert (project.title, project.category) == ("a", "")

    def test_a_put_needs_the_title(self, as_alice, url):
        refused(as_alice.put(url, {"category": "a"}), 422, "VAL_001", "title")

    @pytest.mark.parametrize("method", ["patch", "put"])
    def test_the_status_is_not_written(self, as_alice, project, url, method):
        refused(getattr(as_alice, method)(url, {"title": "a", "status": "completed"}), 422, "VAL_005", "status")

        assert Project.objects.get(pk=project.pk).title == project.title

    def test_what_is_read_only_is_left_alone(self, bob, as_alice, alice, project, url):
        body = {"id": str(uuid.uuid4()), "owner": str(bob.pk), "deleted_at": "2020-01-01T00:00:00Z", "rounds_count": 9}

        assert as_alice.patch(url, body).status_code == 200

        stored = Project.objects.get()
        assert (stored.pk, stored.owner, stored.deleted_at) == (project.pk, alice, None)

    def test_bad_values(self, as_alice, url):
        for title in ("", "\u200b \u200b"):
            refused(as_alice.patch(url, {"title": title}), 422, "VAL_001", "title")
        refused(as_alice.patch(url, {"title": "a" * 256}), 422, "VAL_003", "title")
        refused(as_alice.patch(url, ["title"]), 422, "VAL_002")
        refused(as_alice.patch(url, b"x", content_type="text/plain"), 415, "REQ_002")

    def test_queries(self, as_alice, url, django_assert_num_queries):
        # Begin; lock; write; read again; commit.
        with django_assert_num_queries(5):
            as_alice.patch(url, {"title": "a"})


class TestTrash:
    def test_it_works(self, as_alice, project, url):
        response = as_alice.delete(url)

        assert (response.status_code, response.content) == (204, b"")
        stored = Project.objects.get(pk=project.pk)
        assert stored.deleted_at is not None
        assert stored.version == 2

    def test_what_is_gone_cannot_go_again(self, as_alice, url):
        as_alice.delete(url)

        refused(as_alice.delete(url), 404, "RES_001")

    def test_everything_in_it_is_gone_with_it(self, as_alice, url, steps, node):
        as_alice.delete(url)

        refused(as_alice.get(f"{url}rounds/"), 404, "RES_001")
        refused(as_alice.get(f"/api/v1/rounds/{node.round_id}/"), 404, "RES_002")
        refused(as_alice.get(f"/api/v1/rounds/{node.round_id}/steps/"), 404, "RES_002")
        refused(as_alice.patch(f"/api/v1/steps/{node.step_id}/", {"content": {}}), 404, "RES_003")
        refused(as_alice.get(f"/api/v1/nodes/{node.pk}/"), 404, "RES_004")
        refused(as_alice.get("/api/v1/nodes/", {"project": str(node.project_id)}), 404, "RES_001")
        refused(as_alice.post("/api/v1/nodes/", {"title": "a", "step": str(node.step_id)}), 404, "RES_003")

    def test_restoring_brings_it_all_back(self, as_alice, project, url, node):
        as_alice.delete(url)

        response = as_alice.post(f"{url}restore/")

        assert response.status_code == 200
        assert (response.json()["deleted_at"], response.json()["nodes_count"]) == (None, 1)
        assert response.headers["ETag"] == '"3"'
        assert as_alice.get(f"/api/v1/nodes/{node.pk}/").status_code == 200

    def test_restoring_twice_does_no_harm(self, as_alice, url):
        response = as_alice.post(f"{url}restore/")

        assert (response.status_code, response.json()["version"]) == (200, 1)


class TestStatus:
    @pytest.mark.parametrize(
        ("action", "before", "after"),
        [("complete", "active", "completed"), ("pend", "active", "pending"), ("reopen", "completed", "active")],
    )
    def test_it_works(self, as_alice, project, url, action, before, after):
        Project.objects.update(status=before)

        response = as_alice.post(f"{url}{action}/")

        assert response.status_code == 200
        assert (response.json()["status"], response.json()["version"]) == (after, 2)
        assert Project.objects.get().status == after

    @pytest.mark.parametrize(
        ("action", "status"),
        [("complete", "completed"), ("pend", "completed"), ("pend", "pending"), ("reopen", "active")],
    )
    def test_what_the_status_does_not_allow(self, as_alice, project, url, action, status):
        Project.objects.update(status=status)

        refused(as_alice.post(f"{url}{action}/"), 400, "BIZ_001")

        assert Project.objects.get().version == 1

    @pytest.mark.parametrize("action", ["complete", "pend", "reopen"])
    def test_in_the_trash(self, as_alice, project, url, action):
        trash.move_to_trash(project)

        refused(as_alice.post(f"{url}{action}/"), 404, "RES_001")

    def test_another_method(self, as_alice, url):
        response = as_alice.get(f"{url}complete/")

        refused(response, 405, "REQ_001")
        assert response.headers["Allow"] == "POST, OPTIONS"
