"""Accounts coming, changing, and going."""

import hashlib
from functools import partial

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from apps.accounts import mails
from apps.accounts.models import User


def register(*, username: str, email: str, password: str, language: str) -> User:
    return User.objects.create_user(username, email, password, language=language)


def change_account(user: User, **values) -> None:
    address, language = user.email, user.language
    for name, value in values.items():
        setattr(user, name, value)
    user.save()
    tell_old_address(user, address, language)


def tell_old_address(user: User, address: str, language: str) -> None:
    """Whoever reads the old address is told of another one: it may be somebody else who has changed it."""
    if address and address.lower() != user.email.lower():
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
        # Would stay otherwise, with the account's id in it.
        OutstandingToken.objects.filter(user=user).delete()
        user.delete()
