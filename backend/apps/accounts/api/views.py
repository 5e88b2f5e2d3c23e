from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import cache_control
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.tokens import RefreshToken

from apps.accounts import lockout, registration, second_factor, tokens
from apps.accounts.api.permissions import FromOwnPages
from apps.accounts.api.serializers import (
    GivenRefreshSerializer,
    LoginSerializer,
    PairSerializer,
    PasswordSerializer,
    RefreshedSerializer,
    RegisterSerializer,
    SignedInSerializer,
    UserSerializer,
)
from apps.accounts.models import User
from apps.core.errors import ApiError, invalid
from apps.core.views import OpenView

CODE_WRONG = _("The code is not right, or was used already. Type the one that the app shows now, or a recovery code.")
COOKIE_SET = "Sets the refresh token as a cookie."


def validated(serializer_class, request) -> dict:
    serializer = serializer_class(data=request.data)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data


def ask_for_password(request, refusal) -> None:
    """Before what only the person may do, and not who finds the page open."""
    # Not 401, which a browser takes for the end of its session.
    if not is_password(request, validated(PasswordSerializer, request)["password"]):
        raise invalid("password", refusal, "not_allowed")


def is_password(request, password: str) -> bool:
    """Whether it is that of who is signed in. A wrong one counts as at log-in: a token may be stolen."""
    return authenticate(request._request, username=request.user.username, password=password) is not None


def set_cookie(response: Response, refresh: str) -> Response:
    response.set_cookie(
        settings.REFRESH_COOKIE,
        refresh,
        max_age=RefreshToken.lifetime,
        path=settings.REFRESH_COOKIE_PATH,
        secure=not settings.DEBUG,
        httponly=True,
        samesite="Strict",
    )
    return response


def delete_cookie(response: Response) -> Response:
    response.delete_cookie(settings.REFRESH_COOKIE, path=settings.REFRESH_COOKIE_PATH, samesite="Strict")
    return response


def start_session(request, user) -> tokens.Pair:
    pair = tokens.start_session(user, request.headers.get("User-Agent", ""))
    user_logged_in.send(User, request=request._request, user=user)
    return pair


def signed_in(request, user, status: int) -> Response:
    pair = start_session(request, user)
    data = {"access": pair.access, "user": UserSerializer(user).data}
    return set_cookie(Response(data, status=status), pair.refresh)


def by_password(request):
    """Whose name or address and password these are, the second factor included."""
    given = validated(LoginSerializer, request)
    code = given.pop("code", "")
    # Not DRF's request: what django-axes notes on it has to be seen by its middleware.
    user = authenticate(request._request, **given)
    if user is None:
        raise ApiError("AUTH_004")
    if not lockout.accepts_code(request._request, user, given["username"], code):
        reason = CODE_WRONG if code else second_factor.CODE_MISSING
        raise ApiError("AUTH_004", reason, details=[{"field": "code", "reason": str(reason)}])
    return user


@method_decorator(cache_control(no_store=True), name="dispatch")
class TokenView(OpenView):
    """What hands out or takes tokens; no cache may keep them."""


class ByPasswordView(TokenView):
    throttle_classes = (lockout.LoginAddressLimit, lockout.LoginNameLimit)


class RegisterView(TokenView):
    @extend_schema(
        operation_id="register",
        summary="Open an account",
        request=RegisterSerializer,
        responses={201: OpenApiResponse(SignedInSerializer, description=COOKIE_SET)},
    )
    def post(self, request):
        serializer = RegisterSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        user = serializer.save(language=get_language())
        return signed_in(request, user, 201)


class LoginView(ByPasswordView):
    @extend_schema(
        operation_id="login",
        summary="Log in, for browsers",
        request=LoginSerializer,
        responses={200: OpenApiResponse(SignedInSerializer, description=COOKIE_SET)},
    )
    def post(self, request):
        return signed_in(request, by_password(request), 200)


class TokenPairView(ByPasswordView):
    @extend_schema(
        operation_id="token",
        summary="Log in, for programs",
        request=LoginSerializer,
        responses={200: PairSerializer},
    )
    def post(self, request):
        pair = start_session(request, by_password(request))
        return Response(PairSerializer(pair).data)


class RefreshView(TokenView):
    permission_classes = (FromOwnPages,)

    @extend_schema(
        operation_id="refresh",
        summary="Get the next tokens for a refresh token, which is used up",
        request=GivenRefreshSerializer,
        responses={200: OpenApiResponse(RefreshedSerializer, description=f"{COOKIE_SET[:-1]}, if it came as one.")},
    )
    def post(self, request):
        given = validated(GivenRefreshSerializer, request).get("refresh")
        if given:
            return Response(PairSerializer(tokens.rotate(given)).data)
        cookie = request.COOKIES.get(settings.REFRESH_COOKIE)
        if not cookie:
            raise ApiError("AUTH_001")
        pair = tokens.rotate(cookie)
        return set_cookie(Response({"access": pair.access}), pair.refresh)


class LogoutView(TokenView):
    permission_classes = (FromOwnPages,)

    @extend_schema(
        operation_id="logout",
        summary="End the session of a refresh token",
        request=GivenRefreshSerializer,
        responses={204: OpenApiResponse(description="Also when there was none; deletes the cookie.")},
    )
    def post(self, request):
        given = validated(GivenRefreshSerializer, request).get("refresh")
        tokens.end_session(given or request.COOKIES.get(settings.REFRESH_COOKIE, ""))
        return delete_cookie(Response(status=204))


class MeView(APIView):
    @extend_schema(operation_id="me", summary="Who is logged in", responses=UserSerializer)
    def get(self, request):
        return Response(UserSerializer(request.user).data)

    @extend_schema(
        operation_id="change_me",
        summary="Change address, language or theme",
        request=UserSerializer,
        responses=UserSerializer,
    )
    def patch(self, request):
        with transaction.atomic():
            # Read under the lock: of two changes at once, neither may write back what the other has just replaced.
            user = User.objects.select_for_update().filter(pk=request.user.pk).first()
            if user is None:
                raise ApiError("AUTH_002")
            serializer = UserSerializer(user, data=request.data, partial=True)
            serializer.is_valid(raise_exception=True)
            serializer.save()
        return Response(serializer.data)

    @extend_schema(
        operation_id="delete_me",
        summary="Delete the account and all its data",
        request=PasswordSerializer,
        responses={204: OpenApiResponse(description="Deletes the cookie too.")},
    )
    def delete(self, request):
        ask_for_password(request, _("The password is not right. Nothing was deleted."))
        registration.delete_account(request.user)
        return delete_cookie(Response(status=204))
