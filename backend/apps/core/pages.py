"""Middleware of Django's own pages, which are the admin's. The API has no sessions, and answers faster without them."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.utils.deprecation import MiddlewareMixin


class PagesMixin(MiddlewareMixin):
    def __call__(self, request):
        return self.get_response(request) if request.path.startswith("/api/") else super().__call__(request)


class SessionMiddleware(PagesMixin, sessions.SessionMiddleware):
    pass


class AuthenticationMiddleware(PagesMixin, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(PagesMixin, messages.MessageMiddleware):
    pass


class PolicyMiddleware:
    """What a browser may do with the admin and the documentation where STATIC_URL is of another host.

    Otherwise nginx says it, which has the same but for that host; what stands here it passes on.
    """

    PAGES = ("/admin/", "/api/v1/docs/")

    def __init__(self, get_response):
        self.get_response = get_response
        static = urlsplit(settings.STATIC_URL)
        files = f"'self' {static.scheme}://{static.netloc}"
        self.policy = (
            f"default-src 'none'; script-src {files}; style-src {files}; img-src {files} data:; font-src {files}; "
            "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )

    def __call__(self, request):
        response = self.get_response(request)
        # A 304 would take the place of what came with the page.
        if request.path.startswith(self.PAGES) and response.status_code != 304:
            response["Content-Security-Policy"] = self.policy
        return response
