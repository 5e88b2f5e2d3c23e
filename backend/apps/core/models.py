import uuid

from django.db import models
from django.utils import timezone
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


class CallCount(models.Model):
    """Calls of somebody in a minute or a longer window, until it ends (apps.core.throttling).

    PostgreSQL may forget them in a crash.
    """

    key = models.CharField(max_length=80, primary_key=True)
    calls = models.PositiveIntegerField()
    ends_at = models.FloatField()  # seconds since 1970

    def __str__(self):
        return self.key


class AuditEvent(models.Model):
    """Something that the log of apps.core.audit has, kept where a deploy and a restart do not take it away."""

    at = models.DateTimeField(_("time"), default=timezone.now)
    event = models.CharField(_("event"), max_length=40)
    # No foreign key: what an account did stays when it is gone, and nobody can be found by it then.
    account = models.UUIDField(_("account"), null=True, blank=True, db_index=True)
    address = models.CharField(_("address"), max_length=50, blank=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    details = models.JSONField(_("details"), default=dict)

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        indexes = [models.Index(fields=["at"], name="audit_event_at")]

    def __str__(self):
        return f"{self.at:%Y-%m-%d %H:%M} {self.event}"
