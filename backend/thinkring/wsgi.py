import os

from django.core.wsgi import get_wsgi_application

from apps.core.requests import Utf8Request

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "thinkring.settings")
application = get_wsgi_application()
application.request_class = Utf8Request
