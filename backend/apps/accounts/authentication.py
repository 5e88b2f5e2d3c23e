from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication

from apps.accounts import tokens
from apps.core.errors import ApiError


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer`, followed by an access token; `request.auth` is its session."""

    def authenticate(self, request):
        header = request.headers.get("Authorization")
        if header is None:
            return None
        match header.split():
            case [scheme, token] if scheme.lower() == "bearer":
                session = tokens.session_of(token)
                return session.user, session
        raise ApiError("AUTH_002")

    def authenticate_header(self, request):
        return "Bearer"


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
