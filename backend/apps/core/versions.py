"""Optimistic locking: a write may say which version it saw."""

import re
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import ApiError, invalid
from apps.core.models import VersionedModel
from apps.core.remembered import remembered

# nginx makes an ETag weak when it compresses the answer: W/"3" is the same version.
IF_MATCH = re.compile(r'(?:([0-9]{1,9})|(?:W/)?"([0-9]{1,9})")')


def seen_version(request: Request) -> int | None:
    """The version in If-Match (`3` or `"3"`) or in the body's `version`; None when neither is there."""
    header = request.headers.get("If-Match")
    if header is not None:
        match = IF_MATCH.fullmatch(header.strip())
        if not match:
            raise invalid("If-Match", _("Use the version as a number, for example 3."))
        return int(match[1] or match[2])
    version: Any = request.data.get("version") if isinstance(request.data, dict) else None
    if version is not None and (isinstance(version, bool) or not isinstance(version, int)):
        raise invalid("version", _("Use the version as a number, for example 3."))
    return version


def check_version(request: Request, instance: VersionedModel, current: Callable[[], dict]) -> None:
    """BIZ_002, with the object as it is, when the client saw another version of it; the caller holds its lock."""
    seen = seen_version(request)
    if seen is not None and seen != instance.version:
        raise ApiError("BIZ_002", current=current())


def versioned(answer: dict, status: int = 200) -> Response:
    """An object, with its version as its ETag."""
    return Response(answer, status=status, headers={"ETag": f'"{answer["version"]}"'})


class VersionedMixin(generics.GenericAPIView):
    """Reads that send an ETag, and writes that are refused when the object has moved on."""

    def get_current(self) -> dict:
        """The object as it is answered."""
        raise NotImplementedError

    def get_written(self) -> dict:
        """The object as it is answered to its write."""
        return self.get_current()

    def lock(self) -> VersionedModel:
        """The object, locked until the end of the transaction."""
        raise NotImplementedError

    @remembered
    def retrieve(self, request, *args, **kwargs):
        return versioned(self.get_current())

    def update(self, request, *args, **kwargs):
        with transaction.atomic():
            instance = self.get_locked_object()
            serializer = self.get_serializer(instance, data=request.data, partial=kwargs.get("partial", False))
            serializer.is_valid(raise_exception=True)
            serializer.save()
            # Still locked, so that the version that is answered is the one just written, and not the next writer's.
            written = self.get_written()
        return versioned(written)

    def partial_update(self, request, *args, **kwargs):
        return self.update(request, *args, **kwargs, partial=True)

    def get_locked_object(self):
        """The object, locked until the end of the transaction and as the client saw it, or BIZ_002."""
        instance = self.lock()
        check_version(self.request, instance, self.get_current)
        return instance
