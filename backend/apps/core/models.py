import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _


class VersionedModel(models.Model):
    """What every object of the product has: a UUID, its times, and a version that each write increments."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)
    version = models.PositiveIntegerField(_("version"), default=1)

    class Meta:
        abstract = True

    def save(self, *args, **kwargs):
        """Writers hold the row's lock (apps.core.versions), so the version read is the version stored."""
        if not self._state.adding:
            self.version += 1
        super().save(*args, **kwargs)
