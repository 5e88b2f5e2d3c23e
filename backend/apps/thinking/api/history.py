from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.response import Response

from apps.core.errors import ApiError
from apps.core.schema import ETAG, IF_MATCH
from apps.thinking import content, diff, rounds
from apps.thinking.api.base import ChangeMixin, StepMixin
from apps.thinking.api.diff import FieldDiffSerializer, StrikeSerializer, fields_as_values
from apps.thinking.api.schema import CONTENT, STEP
from apps.thinking.api.serializers import StepSerializer
from apps.thinking.models import Step, StepRevision

VERSION = OpenApiParameter("version", OpenApiTypes.INT, OpenApiParameter.PATH)


class RevisionSerializer(serializers.ModelSerializer):
    written_by = serializers.SlugRelatedField("username", read_only=True, allow_null=True)
    current = serializers.SerializerMethodField()

    class Meta:
        model = StepRevision
        fields = read_only_fields = ["version", "written_by", "begun_at", "written_at", "current"]

    def get_current(self, revision) -> bool:
        return revision.version == revision.step.version


class WholeRevisionSerializer(RevisionSerializer):
    content = extend_schema_field(CONTENT)(serializers.JSONField(read_only=True))
    text = serializers.SerializerMethodField()
    changes = serializers.SerializerMethodField(help_text="The fields that differ from the revision before.")
    struck = serializers.SerializerMethodField(help_text="The items struck out or taken up again since then.")

    class Meta(RevisionSerializer.Meta):
        fields = read_only_fields = [*RevisionSerializer.Meta.fields, "content", "text", "changes", "struck"]

    def get_text(self, revision) -> str:
        return content.plain_text(revision.step.type, revision.content)

    @extend_schema_field(FieldDiffSerializer(many=True))
    def get_changes(self, revision):
        return fields_as_values(diff.revision_fields(revision))

    @extend_schema_field(StrikeSerializer(many=True))
    def get_struck(self, revision):
        return [strike._asdict() for strike in diff.revision_strikes(revision)]


class StepView(generics.GenericAPIView):
    not_found_code = "RES_003"
    queryset = Step.objects.none()

    def get_queryset(self):
        return Step.objects.owned_by(self.request.user).kept()

    def get_revision(self, step: Step) -> StepRevision:
        revision = step.revisions.select_related("written_by").filter(version=self.kwargs["version"]).first()
        if revision is None:
            raise ApiError("RES_006", _("The step's history does not have this version."))
        return revision


@extend_schema_view(
    get=extend_schema(summary="Who wrote a step and when, newest first", operation_id="steps_history_list")
)
class StepHistoryView(StepView, generics.ListAPIView):
    """Without the contents, of which one alone may be a megabyte."""

    serializer_class = RevisionSerializer

    def get_queryset(self):
        step = generics.get_object_or_404(
            super().get_queryset().defer("content", "text", "folded"), pk=self.kwargs["pk"]
        )
        return step.revisions.defer("content").select_related("written_by")


class StepRevisionView(StepView):
    serializer_class = WholeRevisionSerializer

    @extend_schema(summary="A step as it once was", parameters=[VERSION], operation_id="steps_history_retrieve")
    def get(self, request, pk, version):
        return Response(self.get_serializer(self.get_revision(self.get_object())).data)


class StepRestoreView(StepView, StepMixin, ChangeMixin):
    serializer_class = StepSerializer

    @extend_schema(
        summary="Write a step again as it once was, as a new version",
        parameters=[VERSION, IF_MATCH, ETAG],
        request=None,
        responses=STEP,
        operation_id="steps_history_restore",
    )
    def post(self, request, pk, version):
        return self.change(lambda step: rounds.restore_step(step, self.get_revision(step), by=request.user))
