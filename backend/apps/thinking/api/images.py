import re
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.static import serve
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser, MultiPartParser

from apps.core.errors import invalid, json_error
from apps.core.parsers import StrictJSONParser
from apps.core.reading import RowMixin
from apps.core.schema import ETAG, IF_MATCH
from apps.thinking import images
from apps.thinking.api.base import ChangeMixin
from apps.thinking.api.rows import NODE
from apps.thinking.api.serializers import NodeDetailSerializer
from apps.thinking.models import Node

TYPES = ["image/png", "image/jpeg", "image/webp"]
# By how their names end, as nginx has it for those in the volume.
TYPE_OF = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
# What a bucket has besides is not for browsers.
STORED = re.compile(rf"nodes/[\w-]+\.({'|'.join(TYPE_OF)})", re.ASCII)
REASONS = {
    "unreadable": ("invalid", _("This is not a PNG, JPEG or WebP image that can be read.")),
    "too_many_pixels": ("not_allowed", _("The image has more than 25 million pixels. Make it smaller.")),
}


class ImageParser(BaseParser):
    """An image as the body itself."""

    media_type = "image/*"

    def parse(self, stream, media_type=None, parser_context=None):
        if media_type not in TYPES:
            raise UnsupportedMediaType(media_type)
        return stream.read(images.MAXIMUM + 1)


class NodeImageView(RowMixin, ChangeMixin):
    not_found_code = "RES_004"
    queryset = Node.objects.none()
    serializer_class = NodeDetailSerializer
    rows = NODE
    # JSON for the version in the body of a DELETE.
    parser_classes = [ImageParser, MultiPartParser, StrictJSONParser]

    @extend_schema(
        summary="Give a node an image; it is scaled to 1600 pixels",
        request={
            **dict.fromkeys(TYPES, OpenApiTypes.BINARY),
            "multipart/form-data": inline_serializer("NodeImage", {"image": serializers.ImageField()}),
        },
        responses=NodeDetailSerializer,
    )
    def put(self, request, *args, **kwargs):
        self.get_current()
        try:
            image = images.clean(self.read())
        except images.ImageError as error:
            code, sentence = REASONS[error.reason]
            raise invalid("image", sentence, code) from error
        return self.change(lambda node: images.replace(node, image))

    @extend_schema(
        summary="Take a node's image away",
        parameters=[IF_MATCH, ETAG],
        # Named, because a DELETE is taken for one that answers nothing.
        responses={200: NodeDetailSerializer},
    )
    def delete(self, request, *args, **kwargs):
        return self.change(lambda node: images.replace(node, None))

    def read(self) -> bytes:
        # Before it is parsed: what is wrong is that it is no image.
        if self.request.content_type.startswith("application/json"):
            raise UnsupportedMediaType(self.request.content_type)
        data = self.request.data
        if isinstance(data, bytes):
            body = data
        else:
            file = data.get("image")
            if not hasattr(file, "read"):
                raise invalid("image", _("This is required."), "required")
            body = file.read(images.MAXIMUM + 1)
        if len(body) > images.MAXIMUM:
            raise RequestDataTooBig
        return body


# It takes no form; without this a wrong method would be answered by a page about forms.
@csrf_exempt
def uploaded(request: HttpRequest, name: str) -> HttpResponseBase:
    """An image that nginx has not found in the volume: where nginx gets it from the store, which no browser learns."""
    if request.method not in ("GET", "HEAD"):
        return json_error("REQ_001")
    if settings.DEBUG and not settings.MEDIA_BUCKET:
        # In development there is no nginx.
        return serve(request, name, document_root=str(settings.MEDIA_ROOT))
    found = STORED.fullmatch(name)
    if not settings.MEDIA_BUCKET or not found:
        raise Http404
    store: Any = default_storage
    # To the location @store of nginx.conf. The type is told here: a store may say anything.
    headers = {"X-Accel-Redirect": "@store", "X-Stored-At": store.signed_address(name)}
    return HttpResponse(content_type=TYPE_OF[found[1]], headers=headers)
