from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.fields import get_error_detail
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import passwords
from apps.accounts.api.views import delete_cookie, is_password, set_cookie, validated
from apps.core import audit
from apps.core.errors import invalid
from apps.core.fields import TextField
from apps.core.views import OpenView


class ChangePasswordSerializer(serializers.Serializer):
    old = TextField(trim_whitespace=False, write_only=True)
    new = TextField(max_length=128, trim_whitespace=False, write_only=True)

    def validate_old(self, value):
        # Not 401, which a browser takes for the end of its session.
        if not is_password(self.context["request"], value):
            raise serializers.ValidationError(
                _("The current password is not right. Nothing was changed."), code="not_allowed"
            )
        return value

    def validate_new(self, value):
        validate_password(value, self.context["request"].user)
        return value


class AskForLinkSerializer(serializers.Serializer):
    email = serializers.EmailField(max_length=254)


class NewPasswordSerializer(serializers.Serializer):
    uid = TextField(max_length=50, help_text="From the link: `/reset/{uid}/{token}`.")
    token = TextField(max_length=100, help_text="From the link.")
    new = TextField(max_length=128, trim_whitespace=False, write_only=True)


class ChangePasswordView(APIView):
    @extend_schema(
        operation_id="change_password",
        summary="Change the password",
        request=ChangePasswordSerializer,
        responses={
            204: OpenApiResponse(description="Ends all sessions; sets the refresh token of a new one as a cookie.")
        },
    )
    def post(self, request):
        serializer = ChangePasswordSerializer(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        pair = passwords.change(request.user, serializer.validated_data["new"], request.auth)
        return set_cookie(Response(status=204), pair.refresh)


class ResetPasswordView(OpenView):
    @extend_schema(
        operation_id="reset_password",
        summary="Have a link mailed to set a new password",
        request=AskForLinkSerializer,
        responses={204: OpenApiResponse(description="Whether or not there is such an account.")},
    )
    def post(self, request):
        passwords.send_link(validated(AskForLinkSerializer, request)["email"])
        return Response(status=204)


class ConfirmResetView(OpenView):
    @extend_schema(
        operation_id="confirm_password_reset",
        summary="Set a new password by a link that was mailed",
        request=NewPasswordSerializer,
        responses={204: OpenApiResponse(description="Ends all sessions; the link is used up.")},
    )
    def post(self, request):
        given = validated(NewPasswordSerializer, request)
        try:
            passwords.reset_by_link(given["uid"], given["token"], given["new"])
        except passwords.LinkExpired as error:
            audit.record("reset.refused", account=None)
            reason = _("This link has expired or was used already. Ask for a new one.")
            raise invalid("token", reason, "not_allowed") from error
        except ValidationError as error:
            raise serializers.ValidationError({"new": get_error_detail(error)}) from error
        return delete_cookie(Response(status=204))
