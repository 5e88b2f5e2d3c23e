from datetime import timedelta

from django.db import transaction
from django.db.models import Count, Q
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import generics, viewsets
from rest_framework.decorators import action

from plain_drf import linking
from plain_drf.models import Node, Project, Round, Step
from plain_drf.serializers import (
    NodeSerializer,
    ProjectSerializer,
    RoundSerializer,
    StepSerializer,
    UserSerializer,
)


class MeView(generics.RetrieveAPIView):
    serializer_class = UserSerializer

    def get_object(self):
        return self.request.user


class ProjectViewSet(viewsets.ModelViewSet):
    serializer_class = ProjectSerializer

    def get_queryset(self):
        projects = Project.objects.filter(owner=self.request.user, deleted_at=None)
        nodes = Count("nodes", filter=Q(nodes__deleted_at=None))
        # Grouped, rows lose the order of the model.
        projects = projects.annotate(nodes_count=nodes).order_by("-updated_at")
        return projects.prefetch_related("rounds__steps")

    @action(detail=True, serializer_class=RoundSerializer)
    def rounds(self, request, pk):
        project = get_object_or_404(Project, pk=pk, owner=request.user, deleted_at=None)
        return self.answer(project.rounds.prefetch_related("steps"))

    def answer(self, queryset):
        page = self.paginate_queryset(queryset)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class RoundViewSet(viewsets.ModelViewSet):
    serializer_class = RoundSerializer

    def get_queryset(self):
        return Round.objects.filter(project__owner=self.request.user, project__deleted_at=None)

    @action(detail=True, serializer_class=StepSerializer)
    def steps(self, request, pk):
        steps = self.get_object().steps.select_related("round")
        page = self.paginate_queryset(steps)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class StepViewSet(viewsets.ModelViewSet):
    serializer_class = StepSerializer

    def get_queryset(self):
        steps = Step.objects.filter(round__project__owner=self.request.user, round__project__deleted_at=None)
        return steps.select_related("round")

    @transaction.atomic
    def perform_update(self, serializer):
        step, user, now = serializer.instance, self.request.user, timezone.now()
        last = step.revisions.first()
        if last is None:
            before = {"content": step.content, "begun_at": step.updated_at, "written_at": step.updated_at}
            last = step.revisions.create(version=step.version, **before)
        content = serializer.validated_data["content"]
        if last.written_by == user and now - last.begun_at < timedelta(minutes=10):
            last.version, last.content, last.written_at = step.version + 1, content, now
            last.save()
        else:
            step.revisions.create(
                version=step.version + 1, content=content, written_by=user, begun_at=now, written_at=now
            )
        texts = [
            line
            for value in content.values()
            for line in ([value] if isinstance(value, str) else [item["text"] for item in value])
            if line.strip()
        ]
        serializer.save(text="\n".join(texts), filled=bool(texts))
        step.round.project.save()


class NodeViewSet(viewsets.ModelViewSet):
    serializer_class = NodeSerializer

    def get_queryset(self):
        nodes = Node.objects.filter(owner=self.request.user, deleted_at=None)
        return nodes.select_related("project", "round", "step")

    @transaction.atomic
    def perform_create(self, serializer):
        node = serializer.save(owner=self.request.user)
        linking.link(node)
        if node.project:
            node.project.save()
