import orjson
import pytest
from django.db.models import F, JSONField, OuterRef, Value
from django.db.models.functions import Cast, JSONObject

from apps.core.expressions import Id, Nested, Numbers, Total, Written
from apps.core.renderers import JSONRenderer
from apps.thinking import rounds
from apps.thinking.models import Project, Round

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(alice):
    project = rounds.start_project(alice, "入力ミスを減らす")
    for _ in range(2):
        rounds.start_next_round(project)
    return project


def answered(*columns):
    """A row of the only project, as a client reads it."""
    [row] = Project.objects.values_list(*columns)
    return orjson.loads(JSONRenderer().render(row))


def test_an_id_is_written_as_uuids_are(project):
    assert answered(Id("id"), Id("owner_id")) == [str(project.pk), str(project.owner_id)]


def test_no_id_is_none(alice):
    alice.nodes.create(title="Free")

    assert [*alice.nodes.values_list(Id("project_id"))] == [(None,)]


@pytest.mark.parametrize("value", [{"テーマ": '100% \\ "を" \n'}, [1, None, True], {}, None])
def test_json_goes_into_the_answer_as_it_is(project, value):
    assert answered(Written(Cast(Value(value, JSONField()), JSONField()))) == [value]


def test_json_within_json_is_not_text(project):
    first = Round.objects.filter(project=OuterRef("pk"), number=1).values(made=JSONObject(number=F("number")))
    within = JSONObject(title=F("title"), first=Nested(first))

    assert answered(Written(within)) == [{"title": project.title, "first": {"number": 1}}]


@pytest.mark.parametrize(("order", "numbers"), [("number", [1, 2, 3]), ("-number", [3, 2, 1])])
def test_numbers_are_in_the_order_of_the_queryset(project, order, numbers):
    assert answered(Numbers(Round.objects.filter(project=OuterRef("pk")).order_by(order))) == [numbers]


def test_no_numbers_are_an_empty_list(project):
    assert answered(Numbers(Round.objects.none().union(Round.objects.filter(number=0)))) == [[]]


def test_a_total_is_not_that_of_a_page(project):
    assert answered(Total(Round.objects.filter(project=OuterRef("pk")))) == [3]
    assert answered(Total(Round.objects.filter(number=0))) == [0]
