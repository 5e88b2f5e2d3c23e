"""What the API says of each object (for its description; it is rows.py that makes the answer), and what it takes.

Two serializers for each: what is read is always complete, what is written has optional parts, and the schema (from
which the front end's types are generated) says both exactly. One that writes answers as the one that reads.
"""

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from apps.core.errors import invalid
from apps.core.fields import TextField
from apps.thinking import nodes, rounds
from apps.thinking.api.fields import ContentField, OwnField, TitleField, UUIDField
from apps.thinking.content import CATEGORY_LENGTH, TEXT_LENGTH
from apps.thinking.models import Node, Project, Round, Step


class WriteSerializer(serializers.Serializer):
    # Compared by apps.core.versions; here so that the schema has it.
    version = serializers.IntegerField(
        required=False, write_only=True, allow_null=True, help_text="The version that was seen; If-Match says the same."
    )
    # What is answered.
    reads: type[serializers.BaseSerializer]
    # What a POST or a PUT means by what is not in it. Not the fields' defaults: those would be said of a PATCH too.
    absent: dict = {}

    def validate(self, attrs):
        attrs.pop("version", None)
        return attrs if self.partial else {**self.absent, **attrs}


class ReferenceSerializer(serializers.Serializer):
    """A project or a node, where another thing names it."""

    id = serializers.UUIDField()
    title = serializers.CharField()


class RoundNumberSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    number = serializers.IntegerField()


class NextStepSerializer(serializers.ModelSerializer):
    class Meta:
        model = Step
        fields = read_only_fields = ["id", "type"]


class CurrentRoundSerializer(serializers.ModelSerializer):
    steps_filled = serializers.IntegerField(read_only=True)
    next_step = NextStepSerializer(read_only=True, allow_null=True, help_text="The first step that is not filled yet.")

    class Meta:
        model = Round
        fields = read_only_fields = ["id", "number", "steps_filled", "next_step"]


class ProjectSerializer(serializers.ModelSerializer):
    rounds_count = serializers.IntegerField(read_only=True)
    nodes_count = serializers.IntegerField(read_only=True)
    current_round = CurrentRoundSerializer(read_only=True)

    class Meta:
        model = Project
        fields = read_only_fields = [
            "id",
            "title",
            "category",
            "status",
            "rounds_count",
            "nodes_count",
            "current_round",
            "created_at",
            "updated_at",
            "deleted_at",
            "version",
        ]


@extend_schema_serializer(component_name="Project")
class ProjectWriteSerializer(WriteSerializer):
    reads = ProjectSerializer
    absent = {"category": ""}
    title = TitleField()
    category = TextField(required=False, allow_blank=True, max_length=CATEGORY_LENGTH)

    def validate(self, attrs):
        if "status" in self.initial_data:
            raise invalid("status", _("The status changes by complete, pend and reopen only."), "not_allowed")
        return super().validate(attrs)

    def update(self, instance, validated_data):
        rounds.change_project(instance, **validated_data)
        return instance


@extend_schema_serializer(component_name="NewProject")
class NewProjectSerializer(ProjectWriteSerializer):
    id = UUIDField(required=False, help_text="Chosen by the client, so that a create may be repeated.")

    version = None

    def create(self, validated_data):
        return rounds.start_project(**validated_data)


class RoundSerializer(serializers.ModelSerializer):
    steps_filled = serializers.IntegerField(read_only=True)

    class Meta:
        model = Round
        fields = read_only_fields = [
            "id",
            "project",
            "number",
            "note",
            "steps_filled",
            "created_at",
            "updated_at",
            "version",
        ]


@extend_schema_serializer(component_name="Round")
class RoundWriteSerializer(WriteSerializer):
    reads = RoundSerializer
    note = TextField(allow_blank=True, max_length=TEXT_LENGTH, trim_whitespace=False)

    def update(self, instance, validated_data):
        rounds.write_note(instance, validated_data.get("note", instance.note))
        return instance


@extend_schema_serializer(component_name="NewRound")
class NewRoundSerializer(WriteSerializer):
    reads = RoundSerializer
    id = UUIDField(required=False, help_text="Chosen by the client, so that a create may be repeated.")
    note = TextField(required=False, allow_blank=True, max_length=TEXT_LENGTH, trim_whitespace=False)

    def create(self, validated_data):
        return rounds.start_next_round(**validated_data)


class StepSerializer(serializers.ModelSerializer):
    project = serializers.UUIDField(source="round.project_id", read_only=True)

    class Meta:
        model = Step
        fields = read_only_fields = [
            "id",
            "project",
            "round",
            "type",
            "content",
            "filled",
            "created_at",
            "updated_at",
            "version",
        ]


@extend_schema_serializer(component_name="Step")
class StepWriteSerializer(WriteSerializer):
    reads = StepSerializer
    content = ContentField()

    def update(self, instance, validated_data):
        if "content" in validated_data:
            rounds.write_step(instance, validated_data["content"], by=self.context["request"].user)
        else:
            rounds.write_nothing(instance)
        return instance


class NodeSerializer(serializers.ModelSerializer):
    project_title = serializers.CharField(read_only=True, allow_null=True)
    round_number = serializers.IntegerField(read_only=True, allow_null=True)
    step_type = serializers.ChoiceField(Step.Type.choices, read_only=True, allow_null=True)
    image = serializers.CharField(read_only=True, allow_null=True, help_text="Its address, or null.")
    links_count = serializers.IntegerField(read_only=True)

    class Meta:
        model = Node
        fields = read_only_fields = [
            "id",
            "title",
            "context",
            "image",
            "project",
            "project_title",
            "round",
            "round_number",
            "step",
            "step_type",
            "links_count",
            "created_at",
            "updated_at",
            "deleted_at",
            "version",
        ]


class NodeDetailSerializer(NodeSerializer):
    appears_in = serializers.ListField(
        child=serializers.IntegerField(),
        read_only=True,
        help_text="The numbers of the rounds of its project in whose steps its title was written.",
    )

    class Meta:
        model = Node
        fields = read_only_fields = [*NodeSerializer.Meta.fields, "appears_in"]


@extend_schema_serializer(component_name="Node")
class NodeWriteSerializer(WriteSerializer):
    reads = NodeDetailSerializer
    absent = {"context": "", "project": None, "round": None, "step": None}
    title = TitleField()
    context = TextField(required=False, allow_blank=True, max_length=TEXT_LENGTH, trim_whitespace=False)
    project = OwnField(Project, not_found_code="RES_001")
    round = OwnField(Round, not_found_code="RES_002")
    step = OwnField(Step, not_found_code="RES_003")

    def validate(self, attrs):
        attrs = super().validate(attrs)
        return {**attrs, **self.place(attrs)} if {"project", "round", "step"} & attrs.keys() else attrs

    def place(self, attrs) -> dict:
        """The project, round and step as they will be; they have to belong together."""
        project, round, step = (
            attrs[name] if name in attrs else getattr(self.instance, name) for name in ("project", "round", "step")
        )
        # A step says which round it belongs to, and a round which project, as long as nothing else is said.
        if attrs.get("step"):
            round = attrs.get("round") or step.round
        if attrs.get("step") or attrs.get("round"):
            project = attrs.get("project") or round.project
        if step and step.round != round:
            raise invalid("step", _("The step does not belong to this round."), "not_allowed")
        if round and round.project != project:
            raise invalid("round", _("The round does not belong to this project."), "not_allowed")
        return {"project": project, "round": round, "step": step}

    def update(self, instance, validated_data):
        nodes.change_node(instance, **validated_data)
        return instance


@extend_schema_serializer(component_name="NewNode")
class NewNodeSerializer(NodeWriteSerializer):
    id = UUIDField(required=False, help_text="Chosen by the client, so that a create may be repeated.")

    version = None

    def create(self, validated_data):
        return nodes.create_node(**validated_data)
