"""Accounts coming, changing, and going."""

import hashlib
from functools import partial

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.dispatch import Signal
from django.utils import translation
from django.utils.translation import gettext as _
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from apps.accounts import lockout, mails
from apps.accounts.models import User
from apps.core import audit

# Sent with the `user` before anything of an account is deleted, so that what others are writing in it can be locked.
leaving = Signal()


def register(*, username: str, email: str, password: str, language: str) -> User:
    with transaction.atomic():
        user = User.objects.create_user(username, email, password, language=language)
        audit.record("registered", account=user.pk)
    return user


def change_account(user: User, **values) -> None:
    address, language = user.email, user.language
    for name, value in values.items():
        setattr(user, name, value)
    user.save()
    tell_old_address(user, address, language)


def tell_old_address(user: User, address: str, language: str) -> None:
    """Whoever reads the old address is told of another one: it may be somebody else who has changed it."""
    if address.lower() == user.email.lower():
        return
    audit.record("email.changed", account=user.pk)
    if address:
        transaction.on_commit(partial(mails.send, partial(_notice, user.username, address, language)))


def _notice(name: str, address: str, language: str) -> EmailMultiAlternatives | None:
    # In the language of before as well.
    digest = hashlib.sha256(address.lower().encode()).hexdigest()
    return address_mail(name, address, language) if mails.is_first(f"address-{digest}") else None


def address_mail(name: str, address: str, language: str) -> EmailMultiAlternatives:
    with translation.override(language):
        subject = _("The e-mail address of your thinkRing account was changed")
    return mails.write("address_changed", language, subject, address, name=name)


def delete_account(user: User) -> None:
    """The account and everything that belongs to it."""
    with transaction.atomic():
        leaving.send(User, user=user)
        account = User.objects.filter(pk=user.pk)
        # Whoever changes the account finishes first, and whoever refreshes its tokens, who waits for it at the end.
        account.select_for_update(no_key=True).first()
        list(user.sessions.select_for_update().values_list("pk"))
        # From here on nothing new can belong to it: that would be left over, and nothing be deleted.
        account.select_for_update().first()
        # Would stay otherwise, with the account's id in it.
        OutstandingToken.objects.filter(user=user).delete()
        lockout.forget(user)
        audit.record("account.deleted", account=user.pk)
        audit.forget_addresses(user.pk)
        user.delete()
