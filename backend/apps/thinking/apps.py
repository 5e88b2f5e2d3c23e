from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ThinkingConfig(AppConfig):
    name = "apps.thinking"
    verbose_name = _("Thinking")
