import uuid

from django.db import transaction
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.exceptions import NotFound
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core import audit
from apps.core.schema import IF_MATCH
from apps.core.versions import check_version
from apps.thinking import trash
from apps.thinking.api.rows import NODE, PROJECTS
from apps.thinking.api.serializers import ReferenceSerializer
from apps.thinking.models import Node, Project

KINDS = ["project", "node"]


class TrashSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=KINDS)
    title = serializers.CharField()
    project = ReferenceSerializer(allow_null=True, help_text="A node's; null for a global node and for a project.")
    deleted_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(help_text="When it is deleted for good.")

    def to_representation(self, thing):
        place = {"id": thing["place"], "title": thing["place_title"]} if thing["place"] else None
        return super().to_representation(
            {**thing, "project": place, "expires_at": thing["deleted_at"] + trash.KEPT_FOR}
        )


@extend_schema_view(get=extend_schema(operation_id="trash", summary="What lies in the trash, newest first"))
class TrashView(generics.ListAPIView):
    filter_backends = ()
    serializer_class = TrashSerializer

    def get_queryset(self):
        return trash.contents(self.request.user)


class TrashItemView(APIView):
    @extend_schema(
        operation_id="delete_for_good",
        summary="Delete a project or a node that lies in the trash for good",
        parameters=[IF_MATCH],
        responses={204: OpenApiResponse(description="A project goes with everything that belongs to it.")},
    )
    def delete(self, request, pk):
        try:
            id = uuid.UUID(pk)
        except ValueError as error:
            raise NotFound from error
        with transaction.atomic():
            thing = trash.get_locked(request.user, id)
            if thing is None:
                raise NotFound
            check_version(request, thing, lambda: as_it_is(thing))
            audit.record("deleted", account=request.user.pk, model=thing._meta.model_name, object=str(thing.pk))
            thing.delete()
        return Response(status=204)


def as_it_is(thing: Project | Node) -> dict:
    kind = PROJECTS if isinstance(thing, Project) else NODE
    return kind.all(type(thing).objects.filter(pk=thing.pk))[0]
