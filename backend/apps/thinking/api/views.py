import uuid

from django.db import transaction
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, viewsets
from rest_framework.decorators import action

from apps.core.reading import RowMixin, RowsMixin
from apps.core.schema import ETAG, IF_MATCH
from apps.core.versions import check_version
from apps.thinking import locks, rounds, trash
from apps.thinking.api import serializers
from apps.thinking.api.base import ChangeMixin, InProjectMixin, RepeatableCreateMixin, StepMixin, place
from apps.thinking.api.filters import NodeFilter, ProjectFilter, RoundFilter, StepFilter
from apps.thinking.api.rows import NODE, NODES, PROJECTS, ROUNDS, STEPS
from apps.thinking.api.schema import STEP
from apps.thinking.models import Node, Project, Round, Step


def created(serializer) -> dict:
    return {201: serializer, 200: serializer}


class ObjectViewSet(viewsets.GenericViewSet):
    """`write_serializers` has those of actions that have their own."""

    write_serializers: dict[str, type]

    def get_serializer_class(self):
        return self.write_serializers.get(self.action, self.serializer_class)


def change_schema(summary: str):
    return extend_schema(summary=summary, request=None, parameters=[IF_MATCH, ETAG])


@extend_schema_view(
    list=extend_schema(summary="The projects, the one last worked on first"),
    create=extend_schema(
        summary="Start a project, with round 1 and its five empty steps",
        parameters=[ETAG],
        responses=created(serializers.ProjectSerializer),
    ),
    retrieve=extend_schema(summary="A project"),
    update=extend_schema(summary="Change a project"),
    partial_update=extend_schema(summary="Change a project in part"),
    destroy=extend_schema(summary="Move a project to the trash", parameters=[IF_MATCH]),
)
class ProjectViewSet(RepeatableCreateMixin, RowMixin, ChangeMixin, RowsMixin, ObjectViewSet):
    not_found_code = "RES_001"
    filterset_class = ProjectFilter
    other_kind = Node
    queryset = Project.objects.none()
    rows = list_rows = PROJECTS
    serializer_class = serializers.ProjectSerializer
    write_serializers = {
        "create": serializers.NewProjectSerializer,
        "update": serializers.ProjectWriteSerializer,
        "partial_update": serializers.ProjectWriteSerializer,
    }

    def get_additions(self):
        return {"owner": self.request.user}

    @change_schema("Take a project out of the trash")
    @action(detail=True, methods=["post"])
    def restore(self, request, pk):
        return self.change(trash.restore)

    @change_schema("Complete a project")
    @action(detail=True, methods=["post"])
    def complete(self, request, pk):
        return self.change(rounds.complete)

    @change_schema("Set an active project to pending")
    @action(detail=True, methods=["post"])
    def pend(self, request, pk):
        return self.change(rounds.pend)

    @change_schema("Make a pending or completed project active again")
    @action(detail=True, methods=["post"])
    def reopen(self, request, pk):
        return self.change(rounds.reopen)


@extend_schema_view(
    get=extend_schema(summary="The rounds of a project"),
    post=extend_schema(
        summary="Start the next round of a project, its steps carried over",
        parameters=[IF_MATCH, ETAG],
        responses=created(serializers.RoundSerializer),
    ),
)
class ProjectRoundsView(RepeatableCreateMixin, RowsMixin, generics.ListCreateAPIView):
    not_found_code = "RES_001"
    filterset_class = RoundFilter
    queryset = Round.objects.none()
    rows = list_rows = ROUNDS
    is_within = True

    def get_serializer_class(self):
        return serializers.NewRoundSerializer if self.request.method == "POST" else serializers.RoundSerializer

    @classmethod
    def owned(cls, owner, within=None):
        return Round.objects.owned_by(owner).filter(project=within)

    def get_projects(self):
        return Project.objects.owned_by(self.request.user).kept()

    def get_queryset(self):
        # A project has a round at least; where there is none, the project may be missing.
        generics.get_object_or_404(self.get_projects(), pk=self.id)
        return super().get_queryset()

    def create(self, request, *args, **kwargs):
        # Locked first, so that the same create sent twice at once finds its round, whatever its number.
        with transaction.atomic():
            self.project = generics.get_object_or_404(self.get_projects().select_for_update(), pk=self.id)
            return super().create(request, *args, **kwargs)

    def get_additions(self):
        check_version(self.request, self.project, self.get_current)
        return {"project": self.project}

    def get_current(self) -> dict:
        return PROJECTS.all(self.get_projects().filter(pk=self.project.pk))[0]


@extend_schema_view(
    retrieve=extend_schema(summary="A round"),
    partial_update=extend_schema(summary="Change a round's note"),
)
class RoundViewSet(InProjectMixin, ObjectViewSet):
    to_project = "project"
    not_found_code = "RES_002"
    http_method_names = ["get", "head", "patch", "options"]
    queryset = Round.objects.none()
    rows = ROUNDS
    serializer_class = serializers.RoundSerializer
    write_serializers = {"partial_update": serializers.RoundWriteSerializer}


@extend_schema_view(get=extend_schema(summary="The five steps of a round", responses=STEP))
class RoundStepsView(RowsMixin, generics.ListAPIView):
    not_found_code = "RES_002"
    filterset_class = StepFilter
    queryset = Step.objects.none()
    serializer_class = serializers.StepSerializer
    rows = list_rows = STEPS
    is_within = True

    @classmethod
    def owned(cls, owner, within=None):
        return Step.objects.owned_by(owner).filter(round=within)

    def get_queryset(self):
        # A round has its five steps.
        generics.get_object_or_404(Round.objects.owned_by(self.request.user).kept(), pk=self.id)
        return super().get_queryset()


@extend_schema_view(
    retrieve=extend_schema(summary="A step", responses=STEP),
    partial_update=extend_schema(summary="Write a step's content", responses=STEP),
)
class StepViewSet(StepMixin, ObjectViewSet):
    not_found_code = "RES_003"
    http_method_names = ["get", "head", "patch", "options"]
    queryset = Step.objects.none()
    serializer_class = serializers.StepSerializer
    write_serializers = {"partial_update": serializers.StepWriteSerializer}


@extend_schema_view(
    list=extend_schema(summary="The nodes, newest change first"),
    create=extend_schema(summary="Make a node", parameters=[ETAG], responses=created(serializers.NodeDetailSerializer)),
    retrieve=extend_schema(summary="A node", responses=serializers.NodeDetailSerializer),
    update=extend_schema(summary="Change a node"),
    partial_update=extend_schema(summary="Change a node in part"),
    destroy=extend_schema(summary="Move a node to the trash", parameters=[IF_MATCH]),
)
class NodeViewSet(RepeatableCreateMixin, InProjectMixin, ChangeMixin, RowsMixin, ObjectViewSet):
    to_project = "project"
    not_found_code = "RES_004"
    filterset_class = NodeFilter
    other_kind = Project
    queryset = Node.objects.none()
    rows = NODE
    list_rows = NODES
    serializer_class = serializers.NodeDetailSerializer
    write_serializers = {
        "list": serializers.NodeSerializer,
        "create": serializers.NewNodeSerializer,
        "update": serializers.NodeWriteSerializer,
        "partial_update": serializers.NodeWriteSerializer,
    }

    def lock_place(self):
        wanted = self.request.data.get("project") if isinstance(self.request.data, dict) else None
        try:
            to = uuid.UUID(wanted)
        except (TypeError, ValueError, AttributeError):
            # What is no id is answered when the values are looked at.
            super().lock_place()
            return
        owner = self.request.user.pk
        here = place(Node, self.to_project, owner, self.id)
        locks.one_or_two(here | Project.objects.owned_by(owner).filter(pk=to))

    def get_additions(self):
        return {"owner": self.request.user}

    @change_schema("Take a node out of the trash")
    @action(detail=True, methods=["post"])
    def restore(self, request, pk):
        return self.change(trash.restore)
