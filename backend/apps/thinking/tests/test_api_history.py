from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from apps.thinking import content, rounds, trash
from apps.thinking.models import Step
from conftest import refused


@pytest.fixture
def step(as_alice, steps):
    """Written in twice, an hour apart."""
    url = f"/api/v1/steps/{steps['flow'].pk}/"
    for hours, text in enumerate(("一", "二"), start=1):
        with time_machine.travel(timezone.now() + timedelta(hours=hours)):
            as_alice.patch(url, {"content": {"items": [{"text": text}]}})
    return Step.objects.get(pk=steps["flow"].pk)


@pytest.fixture
def url(step):
    return f"/api/v1/steps/{step.pk}/history/"


def test_it_works(as_alice, step, url):
    response = as_alice.get(url)

    assert response.status_code == 200
    body = response.json()
    assert (body["count"], body["next"], body["previous"]) == (3, None, None)
    told = [(entry["version"], entry["written_by"], entry["current"]) for entry in body["results"]]
    assert told == [(3, "alice", True), (2, "alice", False), (1, None, False)]
    assert body["results"][0]["begun_at"] == body["results"][0]["written_at"] > body["results"][1]["written_at"]


def test_one_revision(as_alice, step, url):
    body = as_alice.get(f"{url}3/").json()

    [listed] = [entry for entry in as_alice.get(url).json()["results"] if entry["version"] == 3]
    assert body == {
        **listed,
        "content": step.content,
        "text": "二",
        "changes": [
            {
                "field": "items",
                "before": "一",
                "after": "二",
                "runs": [{"op": "delete", "text": "一"}, {"op": "insert", "text": "二"}],
                "lines": [
                    {"kind": "dropped", "runs": [{"op": "delete", "text": "一"}]},
                    {"kind": "added", "runs": [{"op": "insert", "text": "二"}]},
                ],
            }
        ],
        "struck": [],
    }


def test_an_item_is_only_struck_out(as_alice, step, url):
    [item] = step.content["items"]
    for version, struck in ((4, True), (5, False)):
        with time_machine.travel(timezone.now() + timedelta(hours=version)):
            as_alice.patch(f"/api/v1/steps/{step.pk}/", {"content": {"items": [{**item, "struck": struck}]}})

        body = as_alice.get(f"{url}{version}/").json()
        assert (body["changes"], body["struck"]) == ([], [{"text": "二", "field": "items", "struck": struck}])


def test_the_first_revision(as_alice, url):
    body = as_alice.get(f"{url}1/").json()

    assert (body["content"], body["text"], body["changes"], body["struck"]) == ({"items": []}, "", [], [])


def test_a_write_of_nothing(as_alice, step, url):
    before = as_alice.get(url).json()["results"]

    as_alice.patch(f"/api/v1/steps/{step.pk}/", {})

    last, *others = as_alice.get(url).json()["results"]
    assert (last, others) == ({**before[0], "version": step.version + 1}, before[1:])


def test_restore(as_alice, step, url):
    response = as_alice.post(f"{url}2/restore/")

    assert response.status_code == 200
    body = response.json()
    assert response.headers["ETag"] == '"4"'
    assert body == as_alice.get(f"/api/v1/steps/{step.pk}/").json()
    assert (body["version"], body["content"]["items"][0]["text"]) == (4, "一")
    assert [entry["version"] for entry in as_alice.get(url).json()["results"]] == [4, 3, 2, 1]


def test_restore_what_was_seen_long_ago(as_alice, step, url):
    response = as_alice.post(f"{url}1/restore/", headers={"If-Match": '"2"'})

    refused(response, 409, "BIZ_002")
    assert response.json()["error"]["current"]["version"] == 3
    assert Step.objects.get(pk=step.pk).text == "二"


@pytest.mark.parametrize("version", ["0", "7", "99999999999999999999"])
def test_a_version_that_is_not_there(as_alice, url, version):
    refused(as_alice.get(f"{url}{version}/"), 404, "RES_006")
    refused(as_alice.post(f"{url}{version}/restore/"), 404, "RES_006")


def test_a_version_that_is_none(as_alice, url):
    refused(as_alice.get(f"{url}first/"), 404, "RES_006")


def test_a_step_that_nobody_wrote_in(as_alice, steps):
    assert as_alice.get(f"/api/v1/steps/{steps['mvp'].pk}/history/").json()["results"] == []


def test_a_project_in_the_trash(as_alice, project, url):
    trash.move_to_trash(project)

    refused(as_alice.get(url), 404, "RES_003")
    refused(as_alice.post(f"{url}1/restore/"), 404, "RES_003")


def test_pages(as_alice, url):
    body = as_alice.get(url, {"page_size": 2, "page": 2}).json()

    assert [entry["version"] for entry in body["results"]] == [1]


def test_the_list_reads_no_content(as_alice, alice, url, step, django_assert_num_queries):
    rounds.write_step(step, content.clean("flow", {"items": [{"text": "長" * 2_000}] * 500}), by=alice)

    # The step, the number of revisions, the revisions with their writers.
    with django_assert_num_queries(3) as queries:
        as_alice.get(url)

    assert not any('"content"' in query["sql"] for query in queries)
