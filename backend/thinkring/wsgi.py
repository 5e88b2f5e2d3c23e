import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "thinkring.settings")
application = get_wsgi_application()

# It needs the settings.
from apps.core.requests import Utf8Request  # noqa: E402

application.request_class = Utf8Request
