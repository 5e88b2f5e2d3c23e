from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.response import Response

from apps.accounts import devices
from apps.accounts.api.views import delete_cookie
from apps.accounts.models import Session
from apps.core import audit


class SessionSerializer(serializers.ModelSerializer):
    device = serializers.SerializerMethodField(
        help_text="Such as Chrome on Windows, in the language of Accept-Language."
    )
    current = serializers.SerializerMethodField(help_text="Whether it is the one that asks.")

    class Meta:
        model = Session
        fields = read_only_fields = ["id", "device", "created_at", "last_used_at", "current"]

    def get_device(self, session) -> str:
        return devices.name(session.user_agent)

    def get_current(self, session) -> bool:
        return session == self.context["request"].auth


class OwnSessionsView(generics.GenericAPIView):
    queryset = Session.objects.none()

    def get_queryset(self):
        return self.request.user.sessions.usable().order_by("-last_used_at", "pk")


@extend_schema_view(get=extend_schema(operation_id="sessions", summary="One's own sessions, the last used first"))
class SessionsView(OwnSessionsView, generics.ListAPIView):
    filter_backends = ()
    serializer_class = SessionSerializer

    @extend_schema(
        operation_id="end_other_sessions",
        summary="End all other sessions",
        responses={204: OpenApiResponse(description="All but the one that asks have ended.")},
    )
    def delete(self, request):
        ended = request.user.sessions.exclude(pk=request.auth.pk).end()
        audit.record("sessions.ended", account=request.user.pk, count=ended)
        return Response(status=204)


class SessionView(OwnSessionsView):
    @extend_schema(
        operation_id="end_session",
        summary="End a session",
        responses={204: OpenApiResponse(description="Deletes the cookie too, if it is the one that asks.")},
    )
    def delete(self, request, pk):
        session = self.get_object()
        if self.get_queryset().filter(pk=session.pk).end():
            audit.record("session.ended", account=request.user.pk, session=str(session.pk))
        response = Response(status=204)
        return delete_cookie(response) if session == request.auth else response
