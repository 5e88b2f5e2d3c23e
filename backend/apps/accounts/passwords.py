"""Passwords: changed by who knows the old one, set anew by who reads the account's mail."""

import uuid
from functools import partial

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from apps.accounts import mails, tokens
from apps.accounts.models import Session, User
from apps.core import audit


class LinkExpired(ValueError):
    """A link to set a new password that has expired, was used already, or never was one."""


def change(user: User, new: str, session: Session) -> tokens.Pair:
    """The new password; every session ends, and another one takes the place of the one that asks."""
    with transaction.atomic():
        user.set_password(new)
        user.save(update_fields=["password"])
        return tokens.start_session(user, session.user_agent)


def send_link(email: str) -> None:
    """Mails a link to set a new password, if there is such an account.

    All that differs between an address that is known and one that is not happens in another thread, so that neither
    the answer nor its time tells.
    """
    mails.send(partial(_find, email))


def reset_by_link(uid: str, token: str, new: str) -> None:
    """The new password, which uses up the link; every session ends. ValidationError when it may not be a password."""
    with transaction.atomic():
        user = _find_by_link(uid, token)
        if user is None:
            raise LinkExpired
        validate_password(new, user)
        user.set_password(new)
        user.save(update_fields=["password"])


def _find_by_link(uid: str, token: str) -> User | None:
    """Whose link this is, locked until the end of the transaction: of two uses at once, one comes too late."""
    try:
        user = User.objects.select_for_update().filter(pk=uuid.UUID(uid), is_active=True).first()
    except ValueError:
        return None
    return user if default_token_generator.check_token(user, token) else None


def _find(email: str) -> EmailMultiAlternatives | None:
    user = User.objects.named("email", email).filter(is_active=True).first()
    audit.record("reset.asked", account=user and user.pk)
    if user and user.has_usable_password() and mails.is_first(f"password-link-{user.pk}"):
        return link_mail(user)
    return None


def link_mail(user: User) -> EmailMultiAlternatives:
    with translation.override(user.language):
        subject = _("Set a new password for thinkRing")
    return mails.write(
        "password_link",
        user.language,
        subject,
        # Not to what was typed: another address may look the same to the database.
        user.email,
        name=user.username,
        link=f"{settings.PAGE_URL}/reset/{user.pk}/{default_token_generator.make_token(user)}",
        minutes=settings.PASSWORD_RESET_TIMEOUT // 60,
    )
