"""What drf-spectacular cannot find out by itself."""

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.utils import (
    PolymorphicProxySerializer,
    extend_schema_serializer,
    inline_serializer,
)
from rest_framework import serializers

from apps.thinking import content
from apps.thinking.api.serializers import StepSerializer
from apps.thinking.models import Step


class ItemSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    text = serializers.CharField(allow_blank=True, max_length=content.ITEM_LENGTH)
    struck = serializers.BooleanField(help_text="Struck out as not needed.")
    origin = serializers.UUIDField(allow_null=True, help_text="The item of the last round that it came from.")


@extend_schema_serializer(component_name="Item")
class ItemRequestSerializer(serializers.Serializer):
    id = serializers.UUIDField(required=False, help_text="Made by the server if missing.")
    text = serializers.CharField(allow_blank=True, max_length=content.ITEM_LENGTH)
    struck = serializers.BooleanField(required=False)
    origin = serializers.UUIDField(required=False, allow_null=True)


def content_serializer(name: str, item, required: bool) -> serializers.Serializer:
    shape = content.SHAPES[name]
    texts = {
        text: serializers.CharField(allow_blank=True, max_length=content.TEXT_LENGTH, required=required)
        for text in shape.texts
    }
    lists = {items: item(many=True, required=required, max_length=content.ITEMS) for items in shape.lists}
    return inline_serializer(f"{name.capitalize()}Content", {**texts, **lists})


def step_serializer(name: str) -> type[serializers.Serializer]:
    """The step as it is read, its type and content narrowed down to one type."""
    narrowed = {
        "type": serializers.ChoiceField([(name, Step.Type(name).label)]),
        "content": content_serializer(name, ItemSerializer, required=True),
        "Meta": type("Meta", (StepSerializer.Meta,), {}),
    }
    return type(f"{name.capitalize()}StepSerializer", (StepSerializer,), narrowed)


STEP = PolymorphicProxySerializer(
    component_name="Step",
    serializers={name: step_serializer(name) for name in content.SHAPES},
    resource_type_field_name="type",
)

CONTENT = PolymorphicProxySerializer(
    component_name="Content",
    serializers=[content_serializer(name, ItemSerializer, required=True) for name in content.SHAPES],
    resource_type_field_name=None,
)


class ContentFieldSchema(OpenApiSerializerFieldExtension):
    target_class = "apps.thinking.api.fields.ContentField"

    def map_serializer_field(self, auto_schema, direction):
        contents = [content_serializer(name, ItemRequestSerializer, required=False) for name in content.SHAPES]
        return {"anyOf": [auto_schema.resolve_serializer(one, direction).ref for one in contents]}
