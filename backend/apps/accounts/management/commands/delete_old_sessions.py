from datetime import timedelta

from axes.models import AccessAttempt
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db.models import Q
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken

from apps.accounts.models import Session
from apps.core.models import AuditEvent, CallCount

DAYS = 30


class Command(BaseCommand):
    help = (
        f"Deletes the sessions that ended, or ran out, more than {DAYS} days ago; the used refresh tokens that have "
        "expired; the expired sessions of the admin; what the audit log has had for more than a year; and what was "
        "counted against limits that are over."
    )

    def handle(self, **options):
        now = timezone.now()
        long_ago = now - timedelta(days=DAYS)
        old = Q(ended_at__lt=long_ago) | Q(last_used_at__lt=long_ago - RefreshToken.lifetime)
        sessions, _by_kind = Session.objects.filter(old).delete()
        expired = OutstandingToken.objects.filter(expires_at__lte=now)
        tokens = expired.count()
        # Takes their entries in the blacklist along.
        expired.delete()
        call_command("clearsessions")
        events, _by_kind = AuditEvent.objects.filter(at__lt=now - timedelta(days=365)).delete()
        counts, _by_kind = CallCount.objects.filter(ends_at__lt=now.timestamp()).delete()
        wrong, _by_kind = AccessAttempt.objects.filter(attempt_time__lt=now - settings.AXES_COOLOFF_TIME).delete()
        self.stdout.write(
            f"Deleted {sessions} old sessions, {tokens} expired tokens, {events} events of the audit log, "
            f"{counts} counts of calls and {wrong} of wrong log-ins."
        )
