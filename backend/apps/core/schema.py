"""What the OpenAPI description says of every view: the error shape, and the version in If-Match and ETag."""

from functools import lru_cache
from uuid import UUID

from django.utils.translation import override
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from apps.core import versions
from apps.core.errors import KINDS
from apps.core.versions import VersionedMixin


class ErrorDetailSerializer(serializers.Serializer):
    field = serializers.CharField(help_text="Empty when it is about the whole request.")
    reason = serializers.CharField()


class ErrorBodySerializer(serializers.Serializer):
    code = serializers.ChoiceField(choices=list(KINDS))
    type = serializers.CharField()
    message = serializers.CharField(help_text="In the language of Accept-Language: ja or en.")
    details = ErrorDetailSerializer(many=True)
    request_id = serializers.CharField(help_text="Also the header X-Request-ID.")
    timestamp = serializers.DateTimeField()
    current = serializers.DictField(required=False, help_text="With BIZ_002: the object as it is.")


class ErrorSerializer(serializers.Serializer):
    error = ErrorBodySerializer()


ID = OpenApiParameter("id", UUID, OpenApiParameter.PATH)
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    pattern=f"^{versions.IF_MATCH.pattern}$",
    description='The version that was seen, `3` or `"3"`; a write to a newer one is refused with 409.',
)
ETAG = OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200, 201], description="The version, quoted.")


class Generator(SchemaGenerator):
    def get_schema(self, request=None, public=False):
        return _description()


@lru_cache
def _description() -> dict:
    """Made once, in English: it takes as long as a hundred other requests, and anyone may ask."""
    with override("en"):
        return SchemaGenerator().get_schema(public=True)


class Schema(AutoSchema):
    def get_description(self):
        # Docstrings speak to who reads the code; what callers need to know stands in `extend_schema`.
        return ""

    def get_override_parameters(self):
        parameters = [ID] if "{id}" in self.path else []
        if not isinstance(self.view, VersionedMixin) or getattr(self.view, "action", None) == "list":
            return parameters
        return parameters + {"GET": [ETAG], "PUT": [IF_MATCH, ETAG], "PATCH": [IF_MATCH, ETAG]}.get(self.method, [])

    def get_response_serializers(self):
        serializer = super().get_response_serializers()
        # One that writes answers as the one that reads.
        return getattr(serializer, "reads", serializer)

    def get_request_serializer(self):
        # Only where a DELETE names its body (the password) has it one.
        return None if self.method == "DELETE" else super().get_request_serializer()

    def get_operation(self, path, path_regex, path_prefix, method, registry):
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is None:
            return None
        body = self.get_request_serializer() if self.method == "DELETE" else None
        if body:
            operation["requestBody"] = {"required": True, "content": self._json(body, "request")}
        error = {"description": "An error", "content": self._json(ErrorSerializer, "response")}
        operation["responses"] |= {"4XX": error, "5XX": error}
        return operation

    def _map_basic_serializer(self, serializer, direction):
        """A stored object is answered whole, also where a write may leave something out."""
        schema = super()._map_basic_serializer(serializer, direction)
        if direction == "response" and isinstance(serializer, serializers.ModelSerializer):
            schema["required"] = sorted(schema["properties"])
        return schema

    def _json(self, serializer, direction) -> dict:
        return {"application/json": {"schema": self.resolve_serializer(serializer, direction).ref}}


def add_health(result: dict, generator, request, public) -> dict:
    """Health is a plain Django view, as specified, which drf-spectacular does not see."""
    health = {"type": "object", "properties": {"status": {"enum": ["healthy"]}}, "required": ["status"]}
    result["paths"]["/health/"] = {
        "get": {
            "operationId": "health",
            "summary": "Whether the process answers",
            "tags": ["operation"],
            "responses": {"200": {"description": "", "content": {"application/json": {"schema": health}}}},
        }
    }
    return result
