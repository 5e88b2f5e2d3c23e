from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.permissions import BasePermission
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core import checks, errors


# It takes no form; without this a wrong method would be answered by a page about forms.
@csrf_exempt
def health_check(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked, so that a slow database does not get healthy servers killed."""
    if request.method not in ("GET", "HEAD"):
        response = errors.json_error("REQ_001")
        response["Allow"] = "GET, HEAD"
        return response
    return JsonResponse({"status": "healthy"})


def security_txt(request: HttpRequest) -> HttpResponse:
    """Whom to tell of a hole (RFC 9116)."""
    lines = [
        f"Contact: {settings.SECURITY_CONTACT}",
        # The file is made for each request, and says the truth for as long as it is served.
        f"Expires: {timezone.now() + timedelta(days=90):%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: ja, en",
        f"Canonical: {request.build_absolute_uri(request.path)}",
    ]
    return HttpResponse("".join(f"{line}\n" for line in lines), content_type="text/plain; charset=utf-8")


class OpenView(APIView):
    """Answers everyone, and does not look at a token, so that an expired one cannot get in the way."""

    authentication_classes = ()
    permission_classes: Sequence[type[BasePermission]] = ()


ReadinessSerializer = inline_serializer(
    "Readiness",
    {
        "status": serializers.ChoiceField(choices=["ready", "unavailable"]),
        "checks": inline_serializer(
            "Checks",
            {name: serializers.CharField() for name in ("database", "migrations", "cache")},
        ),
    },
)


class OperationView(OpenView):
    """Asked by monitoring and by deploys, as often as nginx's guard against floods lets them."""

    throttle_classes = ()


class ReadinessView(OperationView):
    @extend_schema(
        operation_id="readiness",
        summary="Whether database, migrations and cache are there",
        tags=["operation"],
        responses={
            200: ReadinessSerializer,
            503: OpenApiResponse(ReadinessSerializer, description="Names what is not there."),
        },
    )
    def get(self, request):
        states = checks.readiness()
        if all(state == "ok" for state in states.values()):
            return Response({"status": "ready", "checks": states})
        headers = {"Retry-After": str(errors.RETRY_AFTER)}
        return Response({"status": "unavailable", "checks": states}, status=503, headers=headers)


class VersionView(OperationView):
    @extend_schema(
        operation_id="version",
        summary="Release and commit of the code that answers",
        tags=["operation"],
        responses=inline_serializer("Version", {"version": serializers.CharField(), "commit": serializers.CharField()}),
    )
    def get(self, request):
        return Response({"version": settings.RELEASE, "commit": settings.COMMIT})


class DocsView(OpenView):
    """The API's description as a page to try it, made of files of this server only."""

    schema = None

    def get(self, request):
        return render(request, "core/docs.html")


class UnknownRoute(OpenView):
    schema = None

    def initial(self, request, *args, **kwargs):
        raise NotFound


unknown_route = UnknownRoute.as_view()
