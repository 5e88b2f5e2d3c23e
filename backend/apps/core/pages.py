"""Middleware of Django's own pages, which are the admin's. The API has no sessions, and answers faster without them."""

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
