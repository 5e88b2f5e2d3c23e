"""Log-ins and their tokens. A refresh token buys the next pair once; used again, it ends the whole session."""

import uuid
from datetime import timedelta
from typing import NamedTuple, TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token
from rest_framework_simplejwt.utils import datetime_to_epoch

from apps.accounts.models import Session, User
from apps.core import audit
from apps.core.errors import ApiError
from apps.core.prepared import Prepared

# How long a used refresh token is still taken: an answer got lost on the way, or two tabs asked at once.
GRACE = timedelta(seconds=10)

USER_AGENT_LENGTH = Session._meta.get_field("user_agent").max_length

AnyToken = TypeVar("AnyToken", bound=Token)


class SessionRefreshToken(RefreshToken):
    def check_blacklist(self) -> None:
        """Left to `rotate`, which looks while it holds the session's lock."""


class Pair(NamedTuple):
    access: str
    refresh: str


def start_session(user: User, user_agent: str = "") -> Pair:
    with transaction.atomic():
        # A change of the password ends the sessions, and one that begins with the old one comes too late.
        known = User.objects.filter(pk=user.pk, password=user.password, is_active=True)
        if not known.select_for_update(no_key=True).values_list("pk"):
            raise ApiError("AUTH_004")
        return _issue(Session.objects.create(user=user, user_agent=user_agent[:USER_AGENT_LENGTH]))


def _open(id: uuid.UUID) -> QuerySet[Session]:
    sessions = Session.objects.open().select_related("user").filter(pk=id, user__is_active=True)
    return sessions.annotate(changes=F("user__change_count__changes"), mark=F("user__change_count__mark"))


OPEN = Prepared(_open)


def session_of(access: str) -> Session:
    """The open session that an access token belongs to, with its user, and its user's `changes` and their `mark`."""
    session = OPEN.first(uuid.UUID(_read(AccessToken, access)["session"]))
    if session is None:
        raise ApiError("AUTH_002")
    return session


def rotate(refresh: str) -> Pair:
    """The next pair. Whoever uses a token a second time may have stolen it, and the session ends."""
    token = _read(SessionRefreshToken, refresh)
    with transaction.atomic():
        sessions = Session.objects.open().select_for_update(of=("self",)).select_related("user")
        session = sessions.filter(pk=token["session"], user__is_active=True).first()
        if session is None:
            raise ApiError("AUTH_002")
        used = BlacklistedToken.objects.filter(token__jti=token["jti"]).first()
        if used is None:
            token.blacklist()
        if used is None or timezone.now() - used.blacklisted_at <= GRACE:
            session.last_used_at = timezone.now()
            session.save(update_fields=["last_used_at"])
            return _issue(session)
        Session.objects.filter(pk=session.pk).end()
        audit.record("session.reused", account=session.user_id, session=str(session.pk))
    # Out here, since an error would undo the transaction.
    raise ApiError("AUTH_002")


def end_session(refresh: str) -> None:
    """Ends the session of a refresh token; one that is not valid has none."""
    try:
        token = _read(SessionRefreshToken, refresh)
    except ApiError:
        return
    if Session.objects.filter(pk=token["session"]).end():
        audit.record("logout", account=uuid.UUID(token["user_id"]), session=token["session"])


def _issue(session: Session) -> Pair:
    # Not RefreshToken.for_user(), which would store the token itself: whoever reads the database could use it.
    refresh = SessionRefreshToken()
    refresh["user_id"] = str(session.user_id)
    refresh["session"] = str(session.pk)
    access = refresh.access_token
    last = datetime_to_epoch(session.created_at + settings.SESSION_LIFETIME)
    for token in (refresh, access):
        token["exp"] = min(token["exp"], last)
    return Pair(access=str(access), refresh=str(refresh))


def _read(kind: type[AnyToken], text: str) -> AnyToken:
    try:
        token = kind(text)  # type: ignore[arg-type]
        uuid.UUID(str(token["session"]))
    except ExpiredTokenError as error:
        raise ApiError("AUTH_003") from error
    except (TokenError, LookupError, ValueError, OverflowError, RecursionError) as error:
        raise ApiError("AUTH_002") from error
    return token
