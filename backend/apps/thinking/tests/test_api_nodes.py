import uuid

import pytest
from django.core.files.base import ContentFile

from apps.thinking import rounds, trash
from apps.thinking.models import Node, Project
from conftest import refused

URL = "/api/v1/nodes/"


@pytest.fixture
def url(node):
    return f"{URL}{node.pk}/"


@pytest.fixture
def second_round(project):
    return rounds.start_next_round(project)


def titles(response):
    assert response.status_code == 200, response.content
    return [node["title"] for node in response.json()["results"]]


def place(node):
    node.refresh_from_db()
    return node.project, node.round, node.step


class TestCreate:
    def test_it_works(self, alice, as_alice, project, round, steps):
        response = as_alice.post(
            URL, {"title": " 口頭の確認 ", "context": "交代のとき\n", "step": str(steps["flow"].pk)}
        )

        assert response.status_code == 201
        node = Node.objects.get()
        assert node.owner == alice
        assert place(node) == (project, round, steps["flow"])
        body = response.json()
        assert body == {
            "id": str(node.pk),
            "title": "口頭の確認",
            "context": "交代のとき\n",
            "image": None,
            "project": str(project.pk),
            "project_title": project.title,
            "round": str(round.pk),
            "round_number": 1,
            "step": str(steps["flow"].pk),
            "step_type": "flow",
            "links_count": 0,
            "appears_in": [],
            "created_at": body["created_at"],
            "updated_at": body["updated_at"],
            "deleted_at": None,
            "version": 1,
        }
        assert response.headers["ETag"] == '"1"'

    def test_sent_again_when_its_project_is_in_the_trash(self, as_alice, project):
        body = {"id": str(uuid.uuid4()), "title": "口頭の確認", "project": str(project.pk)}
        assert as_alice.post(URL, body).status_code == 201
        trash.move_to_trash(project)

        again = as_alice.post(URL, body)

        assert again.status_code == 200
        assert again.json()["id"] == body["id"]

    def test_a_global_one(self, as_alice):
        response = as_alice.post(URL, {"title": "誤差"})

        assert response.status_code == 201
        body = response.json()
        assert [body[name] for name in ("project", "project_title", "round", "round_number", "step", "step_type")] == [
            None
        ] * 6

    @pytest.mark.parametrize(
        "names", [["project"], ["round"], ["project", "round"], ["project", "step"], ["round", "step"]]
    )
    def test_what_is_not_said_follows_from_what_is(self, as_alice, project, round, steps, names):
        given = {"project": project, "round": round, "step": steps["flow"]}

        response = as_alice.post(URL, {"title": "a", **{name: str(given[name].pk) for name in names}})

        assert response.status_code == 201
        last = max(["project", "round", "step"].index(name) for name in names)
        assert place(Node.objects.get()) == (
            project,
            round if last >= 1 else None,
            steps["flow"] if last >= 2 else None,
        )

    def test_its_project_becomes_the_one_last_worked_on_and_keeps_its_version(self, as_alice, project):
        as_alice.post(URL, {"title": "a", "project": str(project.pk)})

        stored = Project.objects.get()
        assert stored.updated_at > project.updated_at
        assert stored.version == 1

    def test_sent_again_it_answers_with_what_is_there(self, as_alice):
        body = {"id": str(uuid.uuid4()), "title": "Once"}

        first, second = as_alice.post(URL, body), as_alice.post(URL, body)

        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json() == second.json()
        assert Node.objects.count() == 1

    def test_an_id_of_somebody_else_is_refused(self, as_alice, other_node):
        refused(as_alice.post(URL, {"id": str(other_node.pk), "title": "Mine"}), 422, "VAL_005", "id")

    def test_an_id_of_a_project_is_refused(self, as_alice, project):
        trash.move_to_trash(project)

        refused(as_alice.post(URL, {"id": str(project.pk), "title": "Mine"}), 422, "VAL_005", "id")

        assert not Node.objects.exists()

    @pytest.mark.parametrize(("name", "code"), [("project", "RES_001"), ("round", "RES_002"), ("step", "RES_003")])
    def test_a_place_that_is_nobodys_or_somebody_elses(self, as_alice, other_node, name, code):
        for id in (uuid.uuid4(), getattr(other_node, f"{name}_id")):
            refused(as_alice.post(URL, {"title": "a", name: str(id)}), 404, code)
        assert Node.objects.get() == other_node

    @pytest.mark.parametrize("name", ["project", "round", "step"])
    @pytest.mark.parametrize("value", ["7", 7, True, [], {}, "", "\x00", "x" * 1_000_000])
    def test_a_place_that_is_no_id(self, db, as_alice, name, value):
        response = as_alice.post(URL, {"title": "a", name: value})

        refused(response, 422, "VAL_002", name)
        assert len(response.content) < 1000

    def test_places_that_do_not_belong_together(self, alice, as_alice, project, round, steps, second_round):
        other = rounds.start_project(alice, "Another")
        ids = {"project": str(other.pk), "round": str(second_round.pk), "step": str(steps["flow"].pk)}

        for names, field in (
            (["project", "round"], "round"),
            (["project", "step"], "round"),
            (["round", "step"], "step"),
        ):
            body = {"title": "a", **{name: ids[name] for name in names}}
            refused(as_alice.post(URL, body), 422, "VAL_005", field)
        assert not Node.objects.exists()

    @pytest.mark.parametrize(
        ("body", "code", "field"),
        [
            ({}, "VAL_001", "title"),
            ({"title": " "}, "VAL_001", "title"),
            ({"title": "\u200b\u2060\ufeff"}, "VAL_001", "title"),
            ({"title": "a" * 256}, "VAL_003", "title"),
            ({"title": "\x00"}, "VAL_002", "title"),
            ({"title": "a", "context": "a" * 20_001}, "VAL_003", "context"),
            ({"title": "a", "context": "\x00"}, "VAL_002", "context"),
            ({"title": "a", "context": None}, "VAL_001", "context"),
            ({"title": "a", "id": 7}, "VAL_002", "id"),
            (["a"], "VAL_002", ""),
        ],
    )
    def test_bad_values(self, as_alice, body, code, field):
        refused(as_alice.post(URL, body), 422, code, field)

        assert not Node.objects.exists()

    def test_the_image_is_not_written_here(self, as_alice):
        assert as_alice.post(URL, {"title": "a", "image": "/etc/passwd"}).json()["image"] is None


class TestList:
    @pytest.fixture
    def three(self, alice, node, second_round):
        Node.objects.create(owner=alice, title="Second", project=node.project, round=second_round)
        Node.objects.create(owner=alice, title="Global")

    def test_it_works(self, as_alice, three, other_node):
        body = as_alice.get(URL).json()

        assert body["count"] == 3
        assert [node["title"] for node in body["results"]] == ["Global", "Second", "口頭の確認"]

    def test_by_place(self, as_alice, node, three, second_round):
        assert titles(as_alice.get(URL, {"project": str(node.project_id)})) == ["Second", "口頭の確認"]
        assert titles(as_alice.get(URL, {"round": str(node.round_id)})) == ["口頭の確認"]
        assert titles(as_alice.get(URL, {"round": str(second_round.pk)})) == ["Second"]
        assert titles(as_alice.get(URL, {"step": str(node.step_id)})) == ["口頭の確認"]
        assert titles(as_alice.get(URL, {"step": str(node.step_id), "round": str(second_round.pk)})) == []
        assert titles(as_alice.get(URL, {"scope": "global"})) == ["Global"]

    @pytest.mark.parametrize(("name", "code"), [("project", "RES_001"), ("round", "RES_002"), ("step", "RES_003")])
    def test_by_a_place_that_is_none(self, as_alice, other_node, name, code):
        refused(as_alice.get(URL, {name: "7"}), 422, "VAL_002", name)
        refused(as_alice.get(URL, {name: "\x00"}), 422, "VAL_002", name)
        refused(as_alice.get(URL, {name: str(uuid.uuid4())}), 404, code)
        refused(as_alice.get(URL, {name: str(getattr(other_node, f"{name}_id"))}), 404, code)

    def test_by_words(self, as_alice, three):
        assert titles(as_alice.get(URL, {"q": "交代"})) == ["口頭の確認"]
        assert titles(as_alice.get(URL, {"q": "sec"})) == ["Second"]
        refused(as_alice.get(URL, {"q": "a" * 201}), 422, "VAL_003", "q")

    def test_another_scope_or_order(self, as_alice):
        refused(as_alice.get(URL, {"scope": "local"}), 422, "VAL_005", "scope")
        refused(as_alice.get(URL, {"ordering": "image"}), 422, "VAL_005", "ordering")

    def test_in_order(self, as_alice, three):
        assert titles(as_alice.get(URL, {"ordering": "title"})) == ["Global", "Second", "口頭の確認"]
        assert titles(as_alice.get(URL, {"ordering": "created_at"})) == ["口頭の確認", "Second", "Global"]

    def test_the_trash_is_not_listed(self, as_alice, project, node, three):
        trash.move_to_trash(node)
        assert titles(as_alice.get(URL)) == ["Global", "Second"]

        trash.move_to_trash(project)
        assert titles(as_alice.get(URL)) == ["Global"]

    @pytest.mark.parametrize("count", [1, 6])
    def test_queries_do_not_grow_with_the_list(self, alice, as_alice, steps, count, django_assert_num_queries):
        step = steps["flow"]
        for number in range(count):
            Node.objects.create(owner=alice, title=str(number), project=step.round.project, round=step.round, step=step)

        with django_assert_num_queries(1):
            as_alice.get(URL)


class TestRetrieve:
    def test_it_works(self, as_alice, node, url):
        response = as_alice.get(url)

        assert response.status_code == 200
        assert (response.json()["id"], response.json()["step_type"]) == (str(node.pk), "flow")
        assert response.headers["ETag"] == '"1"'

    def test_an_image_is_its_address(self, as_alice, node, url, settings, tmp_path):
        settings.MEDIA_ROOT = tmp_path
        node.image.save("a.png", ContentFile(b"a"))

        assert as_alice.get(url).json()["image"] == "/media/nodes/a.png"

    @pytest.mark.parametrize("id", [uuid.uuid4(), "7"])
    def test_an_id_that_is_none(self, as_alice, id):
        for method in ("get", "patch", "put", "delete"):
            refused(getattr(as_alice, method)(f"{URL}{id}/"), 404, "RES_004")

    def test_queries(self, as_alice, url, django_assert_num_queries):
        with django_assert_num_queries(1):
            as_alice.get(url)


class TestChange:
    def test_it_works(self, as_alice, project, node, url):
        before = Project.objects.get().updated_at

        response = as_alice.patch(url, {"title": "声かけ"})

        assert response.status_code == 200
        assert (response.json()["title"], response.json()["context"]) == ("声かけ", "交代のとき")
        assert (response.json()["version"], response.json()["step_type"]) == (2, "flow")
        stored = Project.objects.get()
        assert stored.updated_at > before
        assert stored.version == 1

    def test_a_put_empties_what_it_does_not_name(self, as_alice, node, url):
        assert as_alice.put(url, {"title": "a"}).status_code == 200

        assert place(node) == (None, None, None)
        assert node.context == ""

    def test_a_put_needs_the_title(self, as_alice, url):
        refused(as_alice.put(url, {"context": "a"}), 422, "VAL_001", "title")

    def test_to_another_step(self, as_alice, node, second_round, url):
        step = second_round.steps.get(type="mvp")

        assert as_alice.patch(url, {"step": str(step.pk)}).status_code == 200

        assert place(node) == (node.project, second_round, step)

    def test_to_another_project(self, alice, as_alice, node, url):
        other = rounds.start_project(alice, "Another")
        body = {"project": str(other.pk), "round": None, "step": None}

        assert as_alice.patch(url, body).status_code == 200

        assert place(node) == (other, None, None)

    def test_places_that_do_not_belong_together(self, alice, as_alice, node, url, second_round):
        other = rounds.start_project(alice, "Another")
        before = place(node)

        for body, field in (
            ({"project": str(other.pk)}, "round"),
            ({"project": None}, "round"),
            ({"round": str(second_round.pk)}, "step"),
            ({"round": None}, "step"),
            ({"round": None, "step": None, "project": "7"}, "project"),
        ):
            refused(as_alice.patch(url, body), 422, "VAL_002" if body.get("project") == "7" else "VAL_005", field)
        assert place(node) == before

    def test_to_a_place_of_somebody_else(self, as_alice, node, url, other_node):
        before = place(node)

        refused(as_alice.patch(url, {"project": str(other_node.project_id)}), 404, "RES_001")
        refused(as_alice.patch(url, {"step": str(other_node.step_id)}), 404, "RES_003")
        assert place(node) == before

    @pytest.mark.parametrize("wanted", ["none", [], [[]], {}, 7, -1, 0.5, True, "\0"])
    def test_a_project_that_is_none(self, as_alice, url, wanted):
        assert as_alice.patch(url, {"project": wanted}).status_code == 422

    def test_an_id_that_is_none(self, as_alice):
        refused(as_alice.patch("/api/v1/nodes/none/", {"title": "a"}), 404, "RES_004")

    def test_queries(self, as_alice, url, django_assert_max_num_queries):
        # Nine to write it, two to read it again; the others link it, one of them for each word on SQLite.
        with django_assert_max_num_queries(18):
            as_alice.patch(url, {"title": "a"})


class TestTrash:
    def test_it_works(self, as_alice, node, url):
        assert as_alice.delete(url).status_code == 204

        stored = Node.objects.get()
        assert stored.deleted_at is not None
        assert stored.version == 2
        refused(as_alice.get(url), 404, "RES_004")
        refused(as_alice.delete(url), 404, "RES_004")

    def test_restoring(self, as_alice, node, url):
        as_alice.delete(url)

        response = as_alice.post(f"{url}restore/")

        assert response.status_code == 200
        assert (response.json()["deleted_at"], response.json()["version"]) == (None, 3)
        assert as_alice.get(url).status_code == 200

    def test_restoring_what_belongs_to_a_project_in_the_trash(self, as_alice, project, url):
        as_alice.delete(url)
        trash.move_to_trash(project)

        refused(as_alice.post(f"{url}restore/"), 400, "BIZ_001")
