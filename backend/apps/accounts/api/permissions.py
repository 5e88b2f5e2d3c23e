from django.conf import settings
from rest_framework.permissions import BasePermission

from apps.core import audit


class FromOwnPages(BasePermission):
    """Refuses what a page of another site makes the browser send, cookie included; programs send neither header."""

    def has_permission(self, request, view):
        if self._is_own(request):
            return True
        # Limits are looked at after permissions, and this writes a row.
        view.check_throttles(request)
        audit.record("refused", account=None, path=request.path, origin=request.headers.get("Origin", "")[:200])
        return False

    def _is_own(self, request) -> bool:
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
