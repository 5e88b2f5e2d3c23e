from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import generics, serializers
from rest_framework.response import Response

from apps.accounts.replica import from_replica
from apps.core.remembered import remembered
from apps.thinking.content import LEAST_WEIGHT, MOST_WEIGHT
from apps.thinking.graph import graph
from apps.thinking.models import NodeLink, Project, Step


@extend_schema_serializer(component_name="GraphNode")
class GraphNodeSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    title = serializers.CharField()
    round = serializers.IntegerField(allow_null=True, help_text="The number of the round that it arose in.")
    step = serializers.ChoiceField(Step.Type.choices, allow_null=True)
    recurs = serializers.IntegerField(help_text="In how many rounds its title was written.")
    x = serializers.FloatField(help_text="In rings: round n has the radius n, the centre is 0, 0.")
    y = serializers.FloatField(help_text="Downward.")

    def get_fields(self):
        return {**super().get_fields(), "global": serializers.BooleanField(help_text="Without a project.")}


@extend_schema_serializer(component_name="GraphLink")
class GraphLinkSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    to = serializers.UUIDField()
    weight = serializers.FloatField(min_value=LEAST_WEIGHT, max_value=MOST_WEIGHT)
    origin = serializers.ChoiceField(NodeLink.Origin.choices)

    def get_fields(self):
        return {**super().get_fields(), "from": serializers.UUIDField()}


@extend_schema_serializer(component_name="Graph")
class GraphSerializer(serializers.Serializer):
    """Says what is answered; thousands of rows are not passed through it."""

    project = serializers.UUIDField()
    rounds = serializers.IntegerField()
    nodes = GraphNodeSerializer(many=True)
    links = GraphLinkSerializer(many=True)


class ProjectGraphView(generics.GenericAPIView):
    not_found_code = "RES_001"
    queryset = Project.objects.none()
    serializer_class = GraphSerializer

    def get_queryset(self):
        return Project.objects.owned_by(self.request.user).kept()

    @extend_schema(summary="The ring map of a project: nodes with their places, and links")
    @remembered
    @from_replica
    def get(self, request, *args, **kwargs):
        return Response(graph(self.get_object()))
