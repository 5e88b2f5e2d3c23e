import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models import Value
from django.db.models.functions import Lower
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework_simplejwt.tokens import RefreshToken

from apps.core import audit

NAME_CHARACTERS = _("Use letters, digits and . + - _ only.")
NAME_TAKEN = _("This name is taken. Choose another.")
ADDRESS_TAKEN = _("There is an account with this e-mail address already. Log in with it, or use another address.")


# Sent with the `user` whose password is a new one.
password_set = Signal()

valid_name = RegexValidator(r"^[\w.+-]+\Z", NAME_CHARACTERS)


class CaseInsensitiveUserManager(UserManager):
    """Names and addresses differ by more than their case."""

    def named(self, field: str, value: str) -> models.QuerySet:
        return self.alias(folded=Lower(field)).filter(folded=Lower(Value(value)))

    def known_as(self, name: str) -> models.QuerySet:
        """Whose name or address this is: one account at most."""
        if "@" in name:
            return self.named("email", name)
        return self.named("username", self.model.normalize_username(name))

    def get_by_natural_key(self, username):
        """Whom Django looks up at log-in."""
        return self.known_as(username).get()


class User(AbstractUser):
    class Language(models.TextChoices):
        JAPANESE = "ja", "日本語"
        ENGLISH = "en", "English"

    class Theme(models.TextChoices):
        SYSTEM = "system", _("as the system")
        LIGHT = "light", _("light")
        DARK = "dark", _("dark")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(
        _("name"),
        max_length=150,
        unique=True,
        validators=[valid_name],
        error_messages={"unique": NAME_TAKEN},
    )
    email = models.EmailField(_("e-mail address"))
    language = models.CharField(_("language"), max_length=2, choices=Language, default=Language.JAPANESE)
    theme = models.CharField(_("theme"), max_length=6, choices=Theme, default=Theme.SYSTEM)

    objects: ClassVar[CaseInsensitiveUserManager] = CaseInsensitiveUserManager()

    class Meta(AbstractUser.Meta):
        constraints = [
            models.UniqueConstraint(
                Lower("username"),
                name="user_username_unique",
                violation_error_code="unique",
                violation_error_message=NAME_TAKEN,
            ),
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_unique",
                violation_error_code="unique",
                violation_error_message=ADDRESS_TAKEN,
            ),
            # A name never looks like an address, so that "name or address" at log-in means one account at most.
            models.CheckConstraint(
                condition=~models.Q(username__contains="@"),
                name="user_username_no_address",
                violation_error_message=NAME_CHARACTERS,
            ),
            models.CheckConstraint(condition=models.Q(language__in=["ja", "en"]), name="user_language_known"),
            models.CheckConstraint(condition=models.Q(theme__in=["system", "light", "dark"]), name="user_theme_known"),
        ]

    def save(self, *args, **kwargs):
        """A new password ends all sessions, however it was set, and so does disabling the account."""
        new_password = self._password is not None and not self._state.adding  # type: ignore[attr-defined]
        with transaction.atomic():
            super().save(*args, **kwargs)
            if new_password:
                audit.record("password.changed", account=self.pk)
                password_set.send(User, user=self)
            if new_password or not self.is_active:
                self.sessions.end()


class SessionQuerySet(models.QuerySet["Session"]):
    def open(self):
        return self.filter(ended_at=None)

    def usable(self):
        """Those that are open and whose refresh token has not run out."""
        now = timezone.now()
        return self.open().filter(
            last_used_at__gt=now - RefreshToken.lifetime, created_at__gt=now - settings.SESSION_LIFETIME
        )

    def end(self) -> int:
        """Ends those that are open, and says how many that were."""
        return self.open().update(ended_at=timezone.now())


class Session(models.Model):
    """One log-in: the family of tokens that grew out of it. Ended, none of them is accepted any more."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, verbose_name=_("user"), on_delete=models.CASCADE, related_name="sessions")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    last_used_at = models.DateTimeField(_("last used"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    # What it was started with; apps.accounts.devices reads it.
    user_agent = models.CharField(_("user agent"), max_length=300, blank=True, default="", db_default="")

    objects = SessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")

    def __str__(self):
        return f"{self.user} {self.created_at:%Y-%m-%d %H:%M}"


class ChangeCount(models.Model):
    """How often something that an account has was changed.

    PostgreSQL counts it by itself at the end of each transaction (thinking/migrations/0007), so that nothing that
    writes can forget it, and deletes it with the account. SQLite counts nothing.

    After a restore the same count comes again, of another change; its `mark`, which is drawn by lot, does not.
    """

    user = models.OneToOneField(User, on_delete=models.DO_NOTHING, primary_key=True, related_name="change_count")
    changes = models.BigIntegerField()
    mark = models.UUIDField()

    def __str__(self):
        return f"{self.user} {self.changes}"


class SecondFactor(models.Model):
    """The authenticator app of an account; asked for at log-in once it is confirmed."""

    user = models.OneToOneField(
        User, verbose_name=_("user"), on_delete=models.CASCADE, primary_key=True, related_name="second_factor"
    )
    secret = models.CharField(_("secret"), max_length=32)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True)
    # The half minute of the last code that was accepted: neither it nor an older one is accepted again.
    last_timecode = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = _("second factor")
        verbose_name_plural = _("second factors")

    def __str__(self):
        return str(self.user)


class RecoveryCode(models.Model):
    """Stands in once for the authenticator app; used, it is gone."""

    second_factor = models.ForeignKey(SecondFactor, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["second_factor", "digest"], name="recovery_code_unique")]

    def __str__(self):
        return str(self.second_factor)
