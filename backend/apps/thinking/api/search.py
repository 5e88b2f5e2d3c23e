from functools import partial

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers

from apps.accounts.replica import from_replica
from apps.core.pagination import OnePassPagination
from apps.core.remembered import remembered
from apps.thinking import search
from apps.thinking.api.serializers import ReferenceSerializer, RoundNumberSerializer
from apps.thinking.models import Node, Step


class QuerySerializer(serializers.Serializer):
    q = serializers.CharField(max_length=search.QUERY_LENGTH)


class SnippetRunSerializer(serializers.Serializer):
    text = serializers.CharField()
    hit = serializers.BooleanField()


class SearchResultSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(["project", "round", "step", "node"])
    id = serializers.UUIDField()
    title = serializers.CharField(help_text="The node's title; of all others the project's.")
    snippet = SnippetRunSerializer(many=True)
    project = ReferenceSerializer(allow_null=True)
    round = RoundNumberSerializer(allow_null=True)
    step = serializers.ChoiceField(Step.Type.choices, allow_null=True)


class SearchView(generics.ListAPIView):
    queryset = Node.objects.none()
    serializer_class = SearchResultSerializer
    pagination_class = OnePassPagination

    @extend_schema(
        summary="Everything that has a word in it, newest change first",
        parameters=[
            OpenApiParameter("q", {"type": "string", "minLength": 1, "maxLength": search.QUERY_LENGTH}, required=True)
        ],
        operation_id="search",
    )
    @remembered
    @from_replica
    def get(self, request):
        serializer = QuerySerializer(data=request.query_params)
        serializer.is_valid(raise_exception=True)
        q = serializer.validated_data["q"]
        page = self.paginate_queryset(partial(search.search, request.user, q))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)
