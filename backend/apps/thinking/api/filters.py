import django_filters
from django.db.models import Q, Value
from django.db.models.lookups import Contains
from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError
from apps.thinking.folding import Fold
from apps.thinking.models import Node, Project, Round, Step
from apps.thinking.search import QUERY_LENGTH, contains


class OrderingFilter(django_filters.ChoiceFilter):
    """Newest change first unless told otherwise; the id decides between equals, so that no page repeats a row."""

    def __init__(self, *fields: str, usual: str = "-updated_at", label=None):
        choices = [(name, name) for field in fields for name in (field, f"-{field}")]
        super().__init__(choices=choices, label=label or _("Newest change first unless told otherwise"))
        self.usual = usual

    def filter(self, qs, value):
        return qs.order_by(value or self.usual, "pk")


class OwnFilter(django_filters.UUIDFilter):
    """By an object of the one who asks; an id that is nobody's or somebody else's is `not_found_code`."""

    def __init__(self, rows, not_found_code: str):
        super().__init__()
        self.rows, self.not_found_code = rows, not_found_code

    def filter(self, qs, value):
        # Without a request (apps.core.reading) the rows that are found say it: where there are some, it is there.
        asks = value and self.parent.request
        if asks and not self.rows.owned_by(self.parent.request.user).kept().filter(pk=value).exists():
            raise ApiError(self.not_found_code)
        return super().filter(qs, value)


class ProjectFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=Project.Status.choices)
    q = django_filters.CharFilter(method="search", max_length=QUERY_LENGTH, label=_("Part of title or category"))
    ordering = OrderingFilter("updated_at", "created_at", "title")

    class Meta:
        model = Project
        fields: list[str] = []

    def search(self, queryset, name, value):
        in_category = Contains(Fold("category"), Fold(Value(value)))
        return queryset.filter(contains(value, Project)[Project] | Q(in_category))


class RoundFilter(django_filters.FilterSet):
    ordering = OrderingFilter(
        "number", "updated_at", "created_at", usual="number", label=_("By number unless told otherwise")
    )


class StepFilter(django_filters.FilterSet):
    ordering = OrderingFilter(
        "position", "updated_at", usual="position", label=_("In the order of the steps unless told otherwise")
    )


class NodeFilter(django_filters.FilterSet):
    project = OwnFilter(Project.objects.all(), "RES_001")
    round = OwnFilter(Round.objects.all(), "RES_002")
    step = OwnFilter(Step.objects.all(), "RES_003")
    scope = django_filters.ChoiceFilter(choices=[("global", _("without a project"))], method="only_global")
    q = django_filters.CharFilter(method="search", max_length=QUERY_LENGTH, label=_("Part of title or context"))
    ordering = OrderingFilter("updated_at", "created_at", "title")

    class Meta:
        model = Node
        fields: list[str] = []

    def only_global(self, queryset, name, value):
        return queryset.filter(project=None)

    def search(self, queryset, name, value):
        return queryset.filter(contains(value, Node)[Node])
