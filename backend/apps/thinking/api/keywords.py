from django.db import transaction
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.settings import api_settings

from apps.accounts.replica import from_replica
from apps.core.errors import invalid
from apps.core.remembered import remembered
from apps.core.schema import IF_MATCH
from apps.core.versions import check_version
from apps.thinking import keywords, suggestions
from apps.thinking.api.base import LockedPlaceMixin
from apps.thinking.api.fields import TitleField
from apps.thinking.api.rows import NODES, STEPS
from apps.thinking.api.serializers import NodeSerializer
from apps.thinking.models import Node, Step

WORDS = 100  # in one answer to the suggestions


class KeywordSerializer(serializers.Serializer):
    word = serializers.CharField(help_text="As it is written in the step.")
    context = serializers.CharField(help_text="The sentence in which it comes first.")
    score = serializers.FloatField(help_text="How well it would do as a node, compared with the others.")


class WordsField(serializers.ListField):
    child = TitleField()

    def __init__(self, **options):
        super().__init__(required=False, max_length=WORDS, **options)


@extend_schema_serializer(component_name="ChosenKeywords")
class ChosenKeywordsSerializer(serializers.Serializer):
    accepted = WordsField(help_text="Words of the step's text: each becomes a node.")
    refused = WordsField(help_text="Words that are not offered again in this project.")

    def validate_accepted(self, words):
        step: Step = self.context["step"]
        for word in words:
            if keywords.context(step.text, word) is None:
                raise serializers.ValidationError(_("The step's text does not have this word."), "not_allowed")
        return words

    def validate(self, attrs):
        if {*attrs.get("accepted", [])} & {*attrs.get("refused", [])}:
            raise invalid("refused", _("A word is either accepted or refused."), "not_allowed")
        return attrs


class StepKeywordsView(LockedPlaceMixin):
    to_project = "round__project"
    not_found_code = "RES_003"
    filter_backends = ()
    queryset = Step.objects.none()
    serializer_class = KeywordSerializer

    @property
    def pagination_class(self):
        # The nodes that were made are no list with pages.
        return None if self.request.method == "POST" else api_settings.DEFAULT_PAGINATION_CLASS

    def get_queryset(self):
        steps = Step.objects.owned_by(self.request.user).kept()
        return steps.select_related("round__project__owner").defer("content", "folded")

    @extend_schema(
        summary="The words of a step that could become nodes, best first",
        responses=KeywordSerializer(many=True),
        operation_id="steps_keywords_list",
    )
    @remembered
    @from_replica
    def get(self, request, pk):
        page = self.paginate_queryset(suggestions.suggest(self.get_object()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        summary="Make nodes of words of a step, and refuse others",
        parameters=[IF_MATCH],
        request=ChosenKeywordsSerializer,
        responses={201: NodeSerializer(many=True)},
        operation_id="steps_keywords_choose",
    )
    def post(self, request, pk):
        with transaction.atomic():
            self.lock_place()
            # Locked: the words are those of the text that was seen.
            steps = self.get_queryset().select_for_update(of=("self",), no_key=True)
            step = generics.get_object_or_404(steps, pk=pk)
            check_version(request, step, lambda: STEPS.all(self.get_queryset().filter(pk=step.pk))[0])
            context = {**self.get_serializer_context(), "step": step}
            serializer = ChosenKeywordsSerializer(data=request.data, context=context)
            serializer.is_valid(raise_exception=True)
            chosen = serializer.validated_data
            ids = [node.pk for node in suggestions.choose(step, chosen.get("accepted", []), chosen.get("refused", []))]
        found = {row["id"]: row for row in NODES.all(Node.objects.filter(pk__in=ids))}
        return Response([found[str(id)] for id in ids], status=201)
