"""Mails to the people behind accounts, each in the account's language."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from django.conf import settings
from django.core.cache import cache
from django.core.mail import EmailMultiAlternatives
from django.db import close_old_connections
from django.template.loader import render_to_string

logger = logging.getLogger("thinkring.mail")

# Mails leave one after the other, after their requests were answered.
outbox = ThreadPoolExecutor(max_workers=1, thread_name_prefix="outbox")
# Seconds in which there is one mail for one reason, however often somebody gives it.
PAUSE = 60


def send(find: Callable[[], EmailMultiAlternatives | None]) -> None:
    """Sends what `find` comes back with, if anything; it is called in another thread too."""
    outbox.submit(copy_context().run, _find_and_send, find)


def is_first(reason: str) -> bool:
    """Whether there was no mail for this reason just now."""
    return cache.add(f"mail-{reason}", True, PAUSE)


def write(template: str, language: str, subject: str, to: str, **context) -> EmailMultiAlternatives:
    context["page"] = settings.PAGE_URL
    text, html = (render_to_string(f"accounts/{template}.{language}.{kind}", context) for kind in ("txt", "html"))
    mail = EmailMultiAlternatives(subject, text, to=[to], headers={"Auto-Submitted": "auto-generated"})
    mail.attach_alternative(html, "text/html")
    return mail


def _find_and_send(find: Callable[[], EmailMultiAlternatives | None]) -> None:
    # As Django does it around a request.
    close_old_connections()
    try:
        if mail := find():
            mail.send()
    except Exception:
        # Nobody waits for this thread; what is not logged here is lost.
        logger.exception("A mail was not sent.")
    finally:
        close_old_connections()
