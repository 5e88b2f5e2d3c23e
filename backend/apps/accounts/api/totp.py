import io

import segno
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import cache_control
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import second_factor
from apps.accounts.api.serializers import PasswordSerializer
from apps.accounts.api.views import ask_for_password, validated
from apps.core.errors import invalid
from apps.core.fields import TextField


class TotpSerializer(serializers.Serializer):
    enabled = serializers.BooleanField(help_text="Whether log-in wants a code.")
    recovery_codes_left = serializers.IntegerField()


class TotpSecretSerializer(serializers.Serializer):
    secret = serializers.CharField(help_text="To type in where the QR code cannot be read.")
    uri = serializers.CharField(help_text="What the QR code says: `otpauth://totp/...`.")
    qr = serializers.CharField(help_text="The QR code as an SVG.")


class TotpCodeSerializer(serializers.Serializer):
    code = TextField(max_length=40, write_only=True)


class RecoveryCodesSerializer(serializers.Serializer):
    recovery_codes = serializers.ListField(
        child=serializers.CharField(), help_text="Each stands in once for a code of the app. They are not shown again."
    )


def svg(text: str) -> str:
    """A QR code, black on white in both themes: not every camera reads the inverse."""
    picture = io.BytesIO()
    segno.make_qr(text, error="m").save(
        picture, "svg", light="#fff", xmldecl=False, svgclass=None, lineclass=None, omitsize=True
    )
    return picture.getvalue().decode().strip()


@method_decorator(cache_control(no_store=True), name="dispatch")
class TotpView(APIView):
    @extend_schema(
        operation_id="totp", summary="Whether log-in wants a code of an authenticator app", responses=TotpSerializer
    )
    def get(self, request):
        left = second_factor.recovery_codes_left(request.user)
        return Response({"enabled": second_factor.is_on(request.user), "recovery_codes_left": left})

    @extend_schema(
        operation_id="begin_totp",
        summary="Begin to set up an authenticator app; the last secret that was not confirmed is forgotten",
        request=None,
        responses={201: TotpSecretSerializer},
    )
    def post(self, request):
        totp = second_factor.begin(request.user)
        uri = totp.provisioning_uri()
        return Response({"secret": totp.secret, "uri": uri, "qr": svg(uri)}, status=201)

    @extend_schema(
        operation_id="delete_totp",
        summary="Log in without a code again",
        request=PasswordSerializer,
        responses={204: OpenApiResponse(description="Secret and recovery codes are forgotten.")},
    )
    def delete(self, request):
        ask_for_password(request, _("The password is not right. Nothing was changed."))
        second_factor.turn_off(request.user)
        return Response(status=204)


@method_decorator(cache_control(no_store=True), name="dispatch")
class ConfirmTotpView(APIView):
    @extend_schema(
        operation_id="confirm_totp",
        summary="Log in with a code from now on",
        request=TotpCodeSerializer,
        responses=RecoveryCodesSerializer,
    )
    def post(self, request):
        codes = second_factor.confirm(request.user, validated(TotpCodeSerializer, request)["code"])
        if codes is None:
            raise invalid(
                "code", _("The code is not right, or has passed. Type the one that the app shows now."), "not_allowed"
            )
        return Response({"recovery_codes": codes})
