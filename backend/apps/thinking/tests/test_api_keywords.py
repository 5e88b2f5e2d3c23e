import pytest

from apps.thinking import content, rounds, trash
from apps.thinking.models import Node, RefusedKeyword, Step
from conftest import refused

TEXT = "検査記録を紙から移す。誤記が多い。検査記録は二重に書く。"


@pytest.fixture
def step(alice, steps):
    rounds.write_step(steps["overview"], content.clean("overview", {"theme": TEXT, "pain": "The count sheets."}), alice)
    return Step.objects.get(pk=steps["overview"].pk)


@pytest.fixture
def url(step):
    return f"/api/v1/steps/{step.pk}/keywords/"


@pytest.fixture
def offered(as_alice, url):
    def words():
        return [keyword["word"] for keyword in as_alice.get(url).json()["results"]]

    return words


def test_it_works(as_alice, url):
    response = as_alice.get(url)

    assert response.status_code == 200
    body = response.json()
    assert (body["count"], body["next"], body["previous"]) == (3, None, None)
    assert [(keyword["word"], keyword["context"]) for keyword in body["results"]] == [
        ("検査記録", "検査記録を紙から移す。"),
        ("count sheets", "The count sheets."),
        ("誤記", "誤記が多い。"),
    ]
    scores = [keyword["score"] for keyword in body["results"]]
    assert scores == sorted(scores, reverse=True)


def test_pages(as_alice, url):
    body = as_alice.get(url, {"page_size": 2, "page": 2}).json()

    assert (body["count"], [keyword["word"] for keyword in body["results"]]) == (3, ["誤記"])


def test_an_empty_step(as_alice, steps):
    assert as_alice.get(f"/api/v1/steps/{steps['flow'].pk}/keywords/").json()["results"] == []


class TestAccept:
    def test_it_works(self, as_alice, step, url, offered):
        response = as_alice.post(url, {"accepted": ["誤記", "検査記録"]})

        assert response.status_code == 201
        body = response.json()
        assert [(node["title"], node["context"]) for node in body] == [
            ("誤記", "誤記が多い。"),
            ("検査記録", "検査記録を紙から移す。"),
        ]
        assert {(node["project"], node["round"], node["step"]) for node in body} == {
            (str(step.round.project_id), str(step.round_id), str(step.pk))
        }
        [listed] = [node for node in as_alice.get("/api/v1/nodes/").json()["results"] if node["title"] == "誤記"]
        # Linked at once: both arose in this step.
        assert body[0] == {**listed, "links_count": 1}
        assert offered() == ["count sheets"]

    def test_a_word_that_is_a_node_already(self, as_alice, url, offered):
        [first] = as_alice.post(url, {"accepted": ["count sheets"]}).json()

        [again] = as_alice.post(url, {"accepted": ["count sheets"]}).json()

        assert again == first
        assert Node.objects.count() == 1
        assert "count sheets" not in offered()

    def test_a_word_twice(self, as_alice, url):
        body = as_alice.post(url, {"accepted": ["誤記", "誤記"]}).json()

        assert [node["title"] for node in body] == ["誤記"]

    def test_a_node_in_the_trash(self, as_alice, url, offered):
        [gone] = as_alice.post(url, {"accepted": ["誤記"]}).json()
        as_alice.delete(f"/api/v1/nodes/{gone['id']}/")
        assert "誤記" in offered()

        [node] = as_alice.post(url, {"accepted": ["誤記"]}).json()

        assert node["id"] != gone["id"]

    def test_a_node_that_was_renamed(self, as_alice, url, offered):
        [node] = as_alice.post(url, {"accepted": ["誤記"]}).json()

        for title in ("書き誤り", "検査記録", "転記の誤り"):
            as_alice.patch(f"/api/v1/nodes/{node['id']}/", {"title": title})

        # Only what was taken: a name that it had for a while is no choice of a word.
        assert offered() == ["検査記録", "count sheets"]

    def test_a_renamed_node_in_the_trash(self, as_alice, url, offered):
        [node] = as_alice.post(url, {"accepted": ["誤記"]}).json()
        as_alice.patch(f"/api/v1/nodes/{node['id']}/", {"title": "書き誤り"})
        as_alice.delete(f"/api/v1/nodes/{node['id']}/")

        assert "誤記" in offered()

    def test_a_word_whose_node_was_renamed(self, as_alice, url):
        [node] = as_alice.post(url, {"accepted": ["誤記"]}).json()
        as_alice.patch(f"/api/v1/nodes/{node['id']}/", {"title": "書き誤り"})

        [again] = as_alice.post(url, {"accepted": ["誤記"]}).json()

        assert (again["id"], again["title"]) == (node["id"], "書き誤り")
        assert Node.objects.count() == 1

    def test_a_refused_word(self, as_alice, url):
        as_alice.post(url, {"refused": ["誤記"]})

        as_alice.post(url, {"accepted": ["誤記"]})

        assert Node.objects.get().title == "誤記"
        assert not RefusedKeyword.objects.exists()

    def test_a_word_that_is_not_in_the_text(self, as_alice, url):
        response = as_alice.post(url, {"accepted": ["誤記", "在庫"], "refused": ["検査記録"]})

        refused(response, 422, "VAL_005", "accepted")
        assert not Node.objects.exists()
        assert not RefusedKeyword.objects.exists()

    def test_a_word_of_which_nothing_is_seen(self, as_alice, alice, step, url):
        rounds.write_step(step, content.clean("overview", {"theme": "誤記\u200b\u200bが多い"}), alice)

        refused(as_alice.post(url, {"accepted": ["\u200b\u200b"]}), 422, "VAL_001", "accepted.0")

    def test_of_a_text_that_is_not_the_one_that_was_seen(self, as_alice, step, url):
        response = as_alice.post(url, {"accepted": ["誤記"]}, headers={"If-Match": "1"})

        error = refused(response, 409, "BIZ_002")
        assert error["current"] == as_alice.get(f"/api/v1/steps/{step.pk}/").json()
        assert not Node.objects.exists()
        assert as_alice.post(url, {"accepted": ["誤記"]}, headers={"If-Match": '"2"'}).status_code == 201


class TestRefuse:
    def test_it_works(self, as_alice, project, url, offered):
        response = as_alice.post(url, {"refused": ["検査記録", "Count Sheets"]})

        assert (response.status_code, response.json()) == (201, [])
        assert offered() == ["誤記"]
        words = RefusedKeyword.objects.filter(project=project).values_list("word", flat=True)
        assert set(words) == {"検査記録", "count sheets"}

    def test_twice(self, as_alice, url, offered):
        for _ in range(2):
            assert as_alice.post(url, {"refused": ["誤記"]}).status_code == 201

        assert "誤記" not in offered()

    def test_the_whole_project_remembers(self, as_alice, alice, url, steps):
        as_alice.post(url, {"refused": ["誤記"]})
        rounds.write_step(steps["flow"], content.clean("flow", {"items": [{"text": "誤記を探す"}]}), alice)

        assert as_alice.get(f"/api/v1/steps/{steps['flow'].pk}/keywords/").json()["results"] == []

    def test_a_word_that_grows_when_it_is_folded(self, as_alice, url):
        assert as_alice.post(url, {"refused": ["ﷺ" * 255]}).status_code == 201


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"accepted": "誤記"}, "VAL_002", "accepted"),
        ({"accepted": [""]}, "VAL_001", "accepted.0"),
        ({"accepted": [None]}, "VAL_001", "accepted.0"),
        ({"accepted": [{}]}, "VAL_002", "accepted.0"),
        ({"accepted": ["誤" * 256]}, "VAL_003", "accepted.0"),
        ({"refused": ["誤\x00記"]}, "VAL_002", "refused.0"),
        ({"refused": ["誤記"] * 101}, "VAL_003", "refused"),
        ({"accepted": ["誤記"], "refused": ["誤記"]}, "VAL_005", "refused"),
        ([], "VAL_002", None),
    ],
)
def test_what_is_not_taken(as_alice, url, body, code, field):
    refused(as_alice.post(url, body), 422, code, field)

    assert not Node.objects.exists()
    assert not RefusedKeyword.objects.exists()


def test_half_a_character(as_alice, url):
    response = as_alice.post(url, '{"accepted": ["\\ud800"]}', content_type="application/json")

    refused(response, 422, "VAL_002", "accepted.0")


def test_nothing_chosen(as_alice, url):
    response = as_alice.post(url, {})

    assert (response.status_code, response.json()) == (201, [])


def test_a_project_in_the_trash(as_alice, project, url):
    trash.move_to_trash(project)

    refused(as_alice.get(url), 404, "RES_003")
    refused(as_alice.post(url, {"accepted": ["誤記"]}), 404, "RES_003")


def test_queries_do_not_grow(as_alice, url, django_assert_num_queries):
    # The step, what was refused, what is a node, what became one and was renamed.
    with django_assert_num_queries(4):
        as_alice.get(url)
