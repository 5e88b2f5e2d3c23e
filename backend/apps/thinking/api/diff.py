from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import generics, serializers
from rest_framework.response import Response

from apps.accounts.replica import from_replica
from apps.core.errors import invalid
from apps.core.remembered import remembered
from apps.thinking import diff
from apps.thinking.api.fields import UUIDField
from apps.thinking.api.serializers import ReferenceSerializer, RoundNumberSerializer
from apps.thinking.models import Round, Step


class RunSerializer(serializers.Serializer):
    op = serializers.ChoiceField(["equal", "delete", "insert"])
    text = serializers.CharField()


class LineSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(["kept", "changed", "added", "dropped", "moved", "left"])
    runs = RunSerializer(many=True)


class FieldDiffSerializer(serializers.Serializer):
    field = serializers.CharField()
    before = serializers.CharField(help_text="Whole; the items of a list are a line each.")
    after = serializers.CharField()
    runs = RunSerializer(many=True, help_text="Deleted and equal runs make `before`, equal and inserted ones `after`.")
    lines = LineSerializer(
        many=True,
        help_text="Of a list: its items as they stood and stand; one that moved is `left` where it was, `moved` where "
        "it is. Of a text: empty.",
    )


class PositionSerializer(serializers.Serializer):
    field = serializers.CharField()
    position = serializers.IntegerField(help_text="From 1.")


class StrikeSerializer(serializers.Serializer):
    text = serializers.CharField()
    field = serializers.CharField()
    struck = serializers.BooleanField(help_text="False when it was taken up again.")


class StepDiffSerializer(serializers.Serializer):
    type = serializers.ChoiceField(Step.Type.choices)
    fields_ = FieldDiffSerializer(many=True)
    moves = inline_serializer(
        "Move",
        {
            "text": serializers.CharField(),
            "from": PositionSerializer(),
            "to": PositionSerializer(),
            "runs": RunSerializer(many=True, help_text="What was reworded in it."),
        },
        many=True,
    )
    struck = StrikeSerializer(many=True)

    def get_fields(self):
        # `fields` is DRF's own name.
        return {{"fields_": "fields"}.get(name, name): field for name, field in super().get_fields().items()}


class RenamedNodeSerializer(ReferenceSerializer):
    old_title = serializers.CharField()


class NodesDiffSerializer(serializers.Serializer):
    born = ReferenceSerializer(many=True)
    renamed = RenamedNodeSerializer(many=True)
    gone = ReferenceSerializer(many=True)


DIFF = inline_serializer(
    "Diff",
    {
        "from": RoundNumberSerializer(help_text="The earlier one, whichever was asked for."),
        "to": RoundNumberSerializer(),
        "steps": StepDiffSerializer(many=True),
        "nodes": NodesDiffSerializer(),
    },
)


class WithSerializer(serializers.Serializer):
    def get_fields(self):
        return {"with": UUIDField()}


class RoundDiffView(generics.GenericAPIView):
    """Answers with plain values: serializers would take longer than the comparison."""

    not_found_code = "RES_002"
    queryset = Round.objects.none()

    @extend_schema(
        summary="What changed between two rounds of a project",
        parameters=[OpenApiParameter("with", OpenApiTypes.UUID, required=True, description="The other round.")],
        responses=DIFF,
    )
    @remembered
    @from_replica
    def get(self, request, pk):
        rounds = Round.objects.owned_by(request.user).kept().defer("note", "folded")
        round = generics.get_object_or_404(rounds, pk=pk)
        serializer = WithSerializer(data=request.query_params)
        serializer.is_valid(raise_exception=True)
        other = generics.get_object_or_404(rounds, pk=serializer.validated_data["with"])
        first, last = sorted([round, other], key=lambda one: one.number)
        if first.project_id != last.project_id or first == last:
            raise invalid("with", _("Choose another round of the same project."), "not_allowed")
        steps, nodes = diff.compare_rounds(first, last)
        return Response(
            {
                "from": {"id": first.pk, "number": first.number},
                "to": {"id": last.pk, "number": last.number},
                "steps": [step_as_values(step) for step in steps],
                "nodes": nodes._asdict(),
            }
        )


def step_as_values(step: diff.StepDiff) -> dict:
    return {
        "type": step.type,
        "fields": fields_as_values(step.fields),
        "moves": [
            {
                "text": move.text,
                "from": move.before._asdict(),
                "to": move.after._asdict(),
                "runs": runs_as_values(move.runs),
            }
            for move in step.moves
        ],
        "struck": [strike._asdict() for strike in step.struck],
    }


def fields_as_values(fields: list[diff.Field]) -> list[dict]:
    return [
        {
            **field._asdict(),
            "runs": runs_as_values(field.runs),
            "lines": [{"kind": line.kind, "runs": runs_as_values(line.runs)} for line in field.lines],
        }
        for field in fields
    ]


def runs_as_values(runs: list[diff.Run]) -> list[dict]:
    return [run._asdict() for run in runs]
