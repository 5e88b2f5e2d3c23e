from django.conf import settings
from rest_framework.permissions import BasePermission


class FromOwnPages(BasePermission):
    """Refuses what a page of another site makes the browser send, cookie included; programs send neither header."""

    def has_permission(self, request, view):
        origin = request.headers.get("Origin")
        trusted = [f"{request.scheme}://{request.get_host()}", *settings.CORS_ALLOWED_ORIGINS]
        if origin is not None and origin not in trusted:
            return False
        match request.headers.get("Sec-Fetch-Site"):
            case None | "same-origin" | "none":
                return True
            case "same-site":
                return origin is not None
        return False
