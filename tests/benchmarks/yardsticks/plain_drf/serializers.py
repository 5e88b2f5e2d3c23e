from rest_framework import serializers

from plain_drf.models import Node, Project, Round, Step, User


class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "username", "email", "language", "theme"]


class NextStepSerializer(serializers.ModelSerializer):
    class Meta:
        model = Step
        fields = ["id", "type"]


class CurrentRoundSerializer(serializers.ModelSerializer):
    steps_filled = serializers.IntegerField()
    next_step = NextStepSerializer()

    class Meta:
        model = Round
        fields = ["id", "number", "steps_filled", "next_step"]


class ProjectSerializer(serializers.ModelSerializer):
    rounds_count = serializers.IntegerField(read_only=True)
    nodes_count = serializers.IntegerField(read_only=True)
    current_round = CurrentRoundSerializer(read_only=True)

    class Meta:
        model = Project
        fields = [
            *("id", "title", "category", "status", "rounds_count", "nodes_count", "current_round"),
            *("created_at", "updated_at", "deleted_at", "version"),
        ]


class RoundSerializer(serializers.ModelSerializer):
    steps_filled = serializers.IntegerField(read_only=True)

    class Meta:
        model = Round
        fields = ["id", "project", "number", "note", "steps_filled", "created_at", "updated_at", "version"]


def long_text():
    return serializers.CharField(allow_blank=True, max_length=20_000, default="", trim_whitespace=False)


class ItemSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    text = serializers.CharField(max_length=2_000, trim_whitespace=False)
    struck = serializers.BooleanField(default=False)
    origin = serializers.UUIDField(allow_null=True, default=None)


def items():
    return ItemSerializer(many=True, default=list)


class OverviewSerializer(serializers.Serializer):
    theme, purpose, pain, constraints, success = (long_text() for _ in range(5))


class ExtractSerializer(serializers.Serializer):
    ui, operation, data, judgement, flow, other = (items() for _ in range(6))


class FlowSerializer(serializers.Serializer):
    items = items()


class MinimumSerializer(serializers.Serializer):
    must, optional, later = (items() for _ in range(3))


class ExpandSerializer(serializers.Serializer):
    ideas, improvements, automation = (long_text() for _ in range(3))


CONTENTS = {
    "overview": OverviewSerializer,
    "extract": ExtractSerializer,
    "flow": FlowSerializer,
    "mvp": MinimumSerializer,
    "expand": ExpandSerializer,
}


class StepSerializer(serializers.ModelSerializer):
    project = serializers.UUIDField(source="round.project_id", read_only=True)

    class Meta:
        model = Step
        fields = ["id", "project", "round", "type", "content", "filled", "created_at", "updated_at", "version"]
        read_only_fields = ["round", "type", "filled"]

    def validate_content(self, content):
        serializer = CONTENTS[self.instance.type](data=content)
        serializer.is_valid(raise_exception=True)
        return serializer.data


class NodeSerializer(serializers.ModelSerializer):
    # To be chosen by who creates it, as thinkRing's may be.
    id = serializers.UUIDField(required=False)
    project_title = serializers.CharField(source="project.title", read_only=True, default=None)
    round_number = serializers.IntegerField(source="round.number", read_only=True, default=None)
    step_type = serializers.CharField(source="step.type", read_only=True, default=None)
    links_count = serializers.SerializerMethodField()
    appears_in = serializers.SerializerMethodField()

    class Meta:
        model = Node
        fields = [
            *("id", "title", "context", "image", "project", "project_title", "round", "round_number", "step"),
            *("step_type", "links_count", "created_at", "updated_at", "deleted_at", "version", "appears_in"),
        ]
        read_only_fields = ["deleted_at", "version", "image"]

    def validate(self, attrs):
        user = self.context["request"].user
        if attrs.get("project") and attrs["project"].owner_id != user.pk:
            raise serializers.ValidationError({"project": "There is no such project."})
        if attrs.get("round") and attrs["round"].project != attrs.get("project"):
            raise serializers.ValidationError({"round": "The round does not belong to this project."})
        if attrs.get("step") and attrs["step"].round != attrs.get("round"):
            raise serializers.ValidationError({"step": "The step does not belong to this round."})
        return attrs

    def get_links_count(self, node):
        return node.links_from.filter(removed_at=None).count() + node.links_to.filter(removed_at=None).count()

    def get_appears_in(self, node):
        rounds = Round.objects.filter(project=node.project, steps__text__icontains=node.title)
        return list(rounds.distinct().values_list("number", flat=True))
