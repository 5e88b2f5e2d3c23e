import django_filters
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_serializer, extend_schema_view
from rest_framework import generics, serializers, viewsets
from rest_framework.response import Response

from apps.core.errors import invalid
from apps.core.schema import ETAG, IF_MATCH
from apps.core.versions import VersionedMixin, versioned
from apps.thinking import linking
from apps.thinking.api.base import id_taken
from apps.thinking.api.fields import OwnField, UUIDField
from apps.thinking.api.filters import OrderingFilter
from apps.thinking.api.serializers import ReferenceSerializer, WriteSerializer
from apps.thinking.content import LEAST_WEIGHT, MOST_WEIGHT
from apps.thinking.models import Node, NodeLink


def weight_field(**options) -> serializers.DecimalField:
    limits = {"min_value": LEAST_WEIGHT, "max_value": MOST_WEIGHT}
    return serializers.DecimalField(max_digits=2, decimal_places=1, coerce_to_string=False, **limits, **options)


class LinkSerializer(serializers.ModelSerializer):
    to = ReferenceSerializer(source="to_node", read_only=True)
    weight = serializers.FloatField(read_only=True, min_value=LEAST_WEIGHT, max_value=MOST_WEIGHT)
    reason = serializers.SerializerMethodField(help_text="Why it arose by itself, as a sentence; else empty.")

    class Meta:
        model = NodeLink
        fields = read_only_fields = ["id", "to", "weight", "origin", "reason", "created_at", "updated_at", "version"]

    def get_fields(self):
        fields = super().get_fields()
        return {"id": fields.pop("id"), "from": ReferenceSerializer(source="from_node", read_only=True), **fields}

    def get_reason(self, link) -> str:
        if link.origin == NodeLink.Origin.MANUAL:
            return ""
        if link.reason:
            return _("both mention %(words)s") % {"words": link.reason}
        return _("both arose in the same step")


@extend_schema_serializer(component_name="NewLink")
class NewLinkSerializer(serializers.Serializer):
    id = UUIDField(required=False, help_text="Chosen by the client, so that a create may be repeated.")
    to = OwnField(Node, not_found_code="RES_004", required=True)
    weight = weight_field(required=False)


@extend_schema_serializer(component_name="Link")
class LinkWriteSerializer(WriteSerializer):
    reads = LinkSerializer
    weight = weight_field()

    def update(self, instance, validated_data):
        if "weight" in validated_data:
            linking.weigh(instance, validated_data["weight"])
        else:
            instance.save()
        return instance


class LinkFilter(django_filters.FilterSet):
    ordering = OrderingFilter("updated_at", "created_at", "weight")


@extend_schema_view(
    get=extend_schema(summary="The links of a node, both ways, newest change first"),
    post=extend_schema(
        summary="Link a node to another; a link that arose by itself, or was removed, becomes the person's",
        parameters=[ETAG],
        responses={201: LinkSerializer, 200: LinkSerializer},
    ),
)
class NodeLinksView(generics.ListCreateAPIView):
    not_found_code = "RES_004"
    filterset_class = LinkFilter
    queryset = NodeLink.objects.none()

    def get_serializer_class(self):
        return NewLinkSerializer if self.request.method == "POST" else LinkSerializer

    def get_node(self) -> Node:
        return generics.get_object_or_404(Node.objects.owned_by(self.request.user).kept(), pk=self.kwargs["pk"])

    def get_queryset(self):
        node = self.get_node()
        both_ways = Q(from_node=node) | Q(to_node=node)
        return NodeLink.objects.kept().filter(both_ways).select_related("from_node", "to_node")

    def create(self, request, *args, **kwargs):
        node = self.get_node()
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.validated_data
        if wanted["to"] == node:
            raise invalid("to", _("A node cannot be linked to itself."), "not_allowed")
        try:
            link, created = linking.link(node, wanted["to"], wanted.get("weight"), wanted.get("id"))
        except linking.IdTaken as error:
            raise id_taken() from error
        answer = LinkSerializer(link, context=self.get_serializer_context()).data
        return versioned(answer, status=201 if created else 200)


@extend_schema_view(
    retrieve=extend_schema(summary="A link"),
    partial_update=extend_schema(summary="Weigh a link, which makes it the person's"),
    destroy=extend_schema(summary="Remove a link, which does not arise by itself again", parameters=[IF_MATCH]),
)
class LinkViewSet(VersionedMixin, viewsets.GenericViewSet):
    http_method_names = ["get", "head", "patch", "delete", "options"]
    queryset = NodeLink.objects.none()
    serializer_class = LinkSerializer
    filter_backends = ()

    def get_serializer_class(self):
        return LinkWriteSerializer if self.action == "partial_update" else LinkSerializer

    def get_queryset(self):
        links = NodeLink.objects.owned_by(self.request.user).kept().select_related("from_node", "to_node")
        return links.defer("from_node__folded", "from_node__context", "to_node__folded", "to_node__context")

    def get_current(self):
        return LinkSerializer(self.get_object(), context=self.get_serializer_context()).data

    def lock(self):
        locked = self.get_queryset().select_for_update(of=("self",), no_key=True)
        return generics.get_object_or_404(locked, pk=self.kwargs["pk"])

    def destroy(self, request, *args, **kwargs):
        with transaction.atomic():
            linking.remove(self.get_locked_object())
        return Response(status=204)
