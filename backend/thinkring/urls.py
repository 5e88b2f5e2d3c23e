from django.contrib import admin
from django.urls import include, path, re_path

from apps.accounts.admin import log_in
from apps.core import errors
from apps.core.views import security_txt, unknown_route
from apps.thinking.api.images import uploaded

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error

urlpatterns = [
    path("admin/login/", log_in),
    path("admin/", admin.site.urls),
    path(".well-known/security.txt", security_txt),
    path("api/v1/", include("apps.core.urls")),
    path("api/v1/auth/", include("apps.accounts.api.urls")),
    path("api/v1/", include("apps.thinking.api.urls")),
    # A route of its own, so that with DEBUG too the answer is our error and not Django's page.
    re_path(r"^api/", unknown_route),
    path("media/<path:name>", uploaded),
]
