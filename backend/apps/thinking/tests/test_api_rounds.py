import uuid

import pytest

from apps.thinking import content, rounds
from apps.thinking.models import Project, Round
from conftest import refused


@pytest.fixture
def list_url(project):
    return f"/api/v1/projects/{project.pk}/rounds/"


@pytest.fixture
def url(round):
    return f"/api/v1/rounds/{round.pk}/"


class TestStart:
    def test_it_works(self, as_alice, project, steps, list_url):
        rounds.write_step(steps["flow"], content.clean("flow", {"items": [{"text": "一"}]}))

        response = as_alice.post(list_url, {"note": " 紙は要る？\n"})

        assert response.status_code == 201
        second = project.rounds.get(number=2)
        body = response.json()
        assert body == {
            "id": str(second.pk),
            "project": str(project.pk),
            "number": 2,
            "note": " 紙は要る？\n",
            "steps_filled": 0,
            "created_at": body["created_at"],
            "updated_at": body["updated_at"],
            "version": 1,
        }
        assert response.headers["ETag"] == '"1"'
        assert second.steps.get(type="flow").text == "一"

    def test_without_a_body(self, as_alice, list_url):
        assert as_alice.post(list_url).status_code == 201
        assert Round.objects.get(number=2).note == ""

    def test_sent_again_it_answers_with_what_is_there(self, as_alice, project, list_url):
        body = {"id": str(uuid.uuid4()), "note": "a", "version": 1}

        first, second = as_alice.post(list_url, body), as_alice.post(list_url, body)

        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json() == second.json()
        assert project.rounds.count() == 2

    def test_the_fifth_sent_again(self, as_alice, project, list_url):
        for _ in range(3):
            rounds.start_next_round(project)
        body = {"id": str(uuid.uuid4())}

        assert as_alice.post(list_url, body).status_code == 201
        assert as_alice.post(list_url, body).status_code == 200
        refused(as_alice.post(list_url), 400, "BIZ_001")

    def test_an_id_of_another_project_is_refused(self, alice, as_alice, project, list_url, other_steps):
        mine = rounds.start_project(alice, "Another").rounds.get()
        theirs = other_steps["flow"].round

        refused(as_alice.post(list_url, {"id": str(mine.pk)}), 422, "VAL_005", "id")
        refused(as_alice.post(list_url, {"id": str(theirs.pk)}), 422, "VAL_005", "id")
        assert project.rounds.count() == 1

    def test_a_project_that_is_not_active(self, as_alice, project, list_url):
        rounds.pend(project)

        refused(as_alice.post(list_url), 400, "BIZ_001")

    def test_a_second_click_is_seen_by_the_version(self, as_alice, project, list_url):
        assert as_alice.post(list_url, headers={"If-Match": "1"}).status_code == 201

        error = refused(as_alice.post(list_url, headers={"If-Match": "1"}), 409, "BIZ_002")

        assert (error["current"]["version"], error["current"]["rounds_count"]) == (2, 2)
        assert project.rounds.count() == 2

    @pytest.mark.parametrize(
        ("body", "code", "field"),
        [
            ({"note": None}, "VAL_001", "note"),
            ({"note": "a" * 20_001}, "VAL_003", "note"),
            ({"note": "\x00"}, "VAL_002", "note"),
            ({"note": []}, "VAL_002", "note"),
            ({"note": 5.50}, "VAL_002", "note"),
            ({"id": "7"}, "VAL_002", "id"),
            ({"version": "new"}, "VAL_002", "version"),
            ([], "VAL_002", ""),
        ],
    )
    def test_bad_values(self, as_alice, project, list_url, body, code, field):
        refused(as_alice.post(list_url, body), 422, code, field)

        assert project.rounds.count() == 1


class TestList:
    def test_it_works(self, as_alice, project, list_url, round):
        round.steps.filter(type__in=["flow", "mvp"]).update(filled=True)
        rounds.start_next_round(project)
        rounds.write_note(round, "Written last, and still first")

        body = as_alice.get(list_url).json()

        assert body["count"] == 2
        assert [(found["number"], found["steps_filled"]) for found in body["results"]] == [(1, 2), (2, 0)]

    @pytest.mark.parametrize("id", [uuid.uuid4(), "7"])
    def test_an_id_that_is_none(self, as_alice, id):
        refused(as_alice.get(f"/api/v1/projects/{id}/rounds/"), 404, "RES_001")
        refused(as_alice.post(f"/api/v1/projects/{id}/rounds/"), 404, "RES_001")

    @pytest.mark.parametrize("count", [0, 4])
    def test_queries_do_not_grow_with_the_list(self, as_alice, project, list_url, count, django_assert_num_queries):
        for _ in range(count):
            rounds.start_next_round(project)

        with django_assert_num_queries(1):
            as_alice.get(list_url)

    def test_another_order(self, as_alice, project, list_url):
        rounds.start_next_round(project)

        response = as_alice.get(list_url, {"ordering": "-number"})

        assert [round["number"] for round in response.json()["results"]] == [2, 1]
        refused(as_alice.get(list_url, {"ordering": "project__owner"}), 422, "VAL_005", "ordering")


class TestRetrieve:
    def test_it_works(self, as_alice, round, url):
        response = as_alice.get(url)

        assert response.status_code == 200
        assert (response.json()["id"], response.json()["number"]) == (str(round.pk), 1)
        assert response.headers["ETag"] == '"1"'

    @pytest.mark.parametrize("id", [uuid.uuid4(), "7"])
    def test_an_id_that_is_none(self, as_alice, id):
        refused(as_alice.get(f"/api/v1/rounds/{id}/"), 404, "RES_002")


class TestNote:
    def test_it_works(self, as_alice, project, round, url):
        response = as_alice.patch(url, {"note": "思いついた "})

        assert response.status_code == 200
        assert (response.json()["note"], response.json()["version"]) == ("思いついた ", 2)
        round.refresh_from_db()
        assert round.note == "思いついた "
        stored = Project.objects.get()
        assert stored.updated_at > project.updated_at
        assert stored.version == 1

    def test_nothing_else_is_written(self, as_alice, round, url):
        assert as_alice.patch(url, {"number": 5, "project": str(uuid.uuid4())}).status_code == 200

        stored = Round.objects.get()
        assert (stored.number, stored.project_id, stored.version) == (1, round.project_id, 2)

    def test_bad_values(self, as_alice, url):
        refused(as_alice.patch(url, {"note": "a" * 20_001}), 422, "VAL_003", "note")
        refused(as_alice.patch(url, {"note": "\x00"}), 422, "VAL_002", "note")

    @pytest.mark.parametrize("method", ["put", "post", "delete"])
    def test_other_methods(self, as_alice, url, method):
        refused(getattr(as_alice, method)(url, {"note": "a"}), 405, "REQ_001")


class TestSteps:
    def test_it_works(self, as_alice, steps, url):
        body = as_alice.get(f"{url}steps/").json()

        assert body["count"] == 5
        assert [step["id"] for step in body["results"]] == [str(steps[type].pk) for type in content.SHAPES]

    def test_the_order_is_the_rounds_not_the_last_writing(self, as_alice, steps, url):
        rounds.write_step(steps["expand"], content.empty("expand"))

        assert [step["type"] for step in as_alice.get(f"{url}steps/").json()["results"]] == list(content.SHAPES)

    @pytest.mark.parametrize("id", [uuid.uuid4(), "7"])
    def test_an_id_that_is_none(self, as_alice, id):
        refused(as_alice.get(f"/api/v1/rounds/{id}/steps/"), 404, "RES_002")

    def test_another_order(self, as_alice, url):
        response = as_alice.get(f"{url}steps/", {"ordering": "-position"})

        assert [step["type"] for step in response.json()["results"]] == list(reversed(content.SHAPES))
        refused(as_alice.get(f"{url}steps/", {"ordering": "text"}), 422, "VAL_005", "ordering")

    def test_queries(self, as_alice, url, django_assert_num_queries):
        with django_assert_num_queries(1):
            as_alice.get(f"{url}steps/")
