"""The second factor: an authenticator app (TOTP, RFC 6238), and recovery codes for when it is lost."""

import base64
import hashlib
import re
import secrets
import unicodedata

import pyotp
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pyotp.exceptions import OTPVerificationError

from apps.accounts.models import RecoveryCode, SecondFactor, User
from apps.core import audit
from apps.core.errors import RuleBroken

RECOVERY_CODES = 10
# Half minutes by which the clock of a telephone may be wrong.
TOLERANCE = 1

CODE_MISSING = _("This account wants a code too. Type the one that your authenticator app shows, or a recovery code.")


def begin(user: User) -> pyotp.TOTP:
    """A new secret, which counts once it is confirmed."""
    with transaction.atomic():
        factor, _created = SecondFactor.objects.select_for_update().get_or_create(user=user)
        if factor.confirmed_at:
            raise RuleBroken(_("Two-step log-in is on already. Turn it off first to set it up anew."))
        factor.secret = pyotp.random_base32()
        factor.save()
    return pyotp.TOTP(factor.secret, name=user.username, issuer="thinkRing")


def confirm(user: User, code: str) -> list[str] | None:
    """Turns it on if the app shows this code, and makes the recovery codes; None if it is another."""
    with transaction.atomic():
        factor = SecondFactor.objects.select_for_update().filter(user=user, confirmed_at=None).first()
        if factor is None:
            raise RuleBroken(_("There is nothing to confirm. Begin to set up two-step log-in first."))
        if not _accepts(factor, _clean(code)):
            return None
        factor.confirmed_at = timezone.now()
        factor.save()
        codes = [base64.b32encode(secrets.token_bytes(10)).decode() for _number in range(RECOVERY_CODES)]
        audit.record("second_factor.on", account=user.pk)
        RecoveryCode.objects.bulk_create(RecoveryCode(second_factor=factor, digest=_digest(code)) for code in codes)
    return ["-".join(re.findall("....", code)).lower() for code in codes]


def is_on(user: User) -> bool:
    return SecondFactor.objects.filter(user=user).exclude(confirmed_at=None).exists()


def recovery_codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(second_factor__user=user).count()


def passes(user: User, code: str) -> bool:
    """Whether this code lets the account in, which it does once; without a second factor no code is needed."""
    code = _clean(code)
    with transaction.atomic():
        # Locked: the same code, sent twice at once, is accepted once.
        factor = SecondFactor.objects.select_for_update().filter(user=user).exclude(confirmed_at=None).first()
        if factor is None or _accepts(factor, code):
            return True
        used, _by_kind = factor.recovery_codes.filter(digest=_digest(code)).delete()
    return used > 0


def turn_off(user: User) -> None:
    SecondFactor.objects.filter(user=user).delete()


def _accepts(factor: SecondFactor, code: str) -> bool:
    now = timezone.now()
    try:
        timecode = pyotp.TOTP(factor.secret).verify_and_get_timecode(code, for_time=now, valid_window=TOLERANCE)
    except OTPVerificationError:
        return False
    if timecode <= factor.last_timecode:
        return False
    factor.last_timecode = timecode
    factor.save(update_fields=["last_timecode"])
    return True


def _clean(code: str) -> str:
    """As it is compared: an input method may have left it full-width, and a person may have grouped it."""
    return re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", code)).upper()


def _digest(code: str) -> str:
    # No slow hash: 80 random bits cannot be guessed, unlike a password.
    return hashlib.sha256(code.encode()).hexdigest()
