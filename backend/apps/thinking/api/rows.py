"""What the API answers, column by column. What each key means, and its type, say the serializers of the same names."""

from django.conf import settings
from django.db.models import Case, CharField, Exists, F, OuterRef, Subquery, Value, When
from django.db.models.functions import Concat, JSONObject

from apps.core.expressions import Id, Nested, Numbers, Total, Written
from apps.core.reading import Rows
from apps.thinking.folding import Fold
from apps.thinking.models import Node, NodeLink, Round, Step

TIMES = {"created_at": "created_at", "updated_at": "updated_at"}

STEPS_FILLED = Total(Step.objects.filter(filled=True, round=OuterRef("pk")))
FIRST_UNFILLED = Step.objects.filter(round=OuterRef("pk"), filled=False).order_by("position")
LATEST = Round.objects.filter(project=OuterRef("pk")).order_by("-number")
CURRENT_ROUND = JSONObject(
    id=Id("pk"),
    number="number",
    steps_filled=STEPS_FILLED,
    next_step=Nested(Subquery(FIRST_UNFILLED.values(written=JSONObject(id=Id("pk"), type="type"))[:1])),
)

PROJECTS = Rows(
    id=Id("pk"),
    title="title",
    category="category",
    status="status",
    # Rounds have no gaps.
    rounds_count=Subquery(LATEST.values("number")[:1]),
    nodes_count=Total(Node.objects.filter(deleted_at=None, project=OuterRef("pk"))),
    current_round=Written(Subquery(LATEST.values(written=CURRENT_ROUND)[:1])),
    **TIMES,
    deleted_at="deleted_at",
    version="version",
)

ROUNDS = Rows(
    id=Id("pk"),
    project=Id("project"),
    number="number",
    note="note",
    steps_filled=STEPS_FILLED,
    **TIMES,
    version="version",
)

STEPS = Rows(
    id=Id("pk"),
    project=Id("round__project"),
    round=Id("round"),
    type="type",
    content=Written("content"),
    filled="filled",
    **TIMES,
    version="version",
)

LINKS = NodeLink.objects.kept()

NODES = Rows(
    id=Id("pk"),
    title="title",
    context="context",
    # Without a host: a page may show images of its own host only, and nginx serves them on each.
    image=Case(
        When(image="", then=None),
        default=Concat(Value(settings.MEDIA_URL), "image", output_field=CharField()),
        output_field=CharField(),
    ),
    project=Id("project"),
    project_title=F("project__title"),
    round=Id("round"),
    round_number=F("round__number"),
    step=Id("step"),
    step_type=F("step__type"),
    links_count=Total(LINKS.filter(from_node=OuterRef("pk"))) + Total(LINKS.filter(to_node=OuterRef("pk"))),
    **TIMES,
    deleted_at="deleted_at",
    version="version",
)

MENTIONS = Step.objects.filter(round=OuterRef("pk"), folded__contains=Fold(OuterRef(OuterRef("title"))))

NODE = Rows(
    **NODES.columns,
    appears_in=Numbers(Round.objects.filter(Exists(MENTIONS), project=OuterRef("project")).order_by("number")),
)
