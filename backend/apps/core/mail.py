import logging
import sys

from django.core.mail.backends import console
from django.core.mail.backends.base import BaseEmailBackend

logger = logging.getLogger("thinkring.mail")


class ConsoleBackend(console.EmailBackend):
    """Writes mails where the log goes; what the development server says on its standard output is often thrown away."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, stream=sys.stderr, **kwargs)


class UnsentBackend(BaseEmailBackend):
    """Stands in where no mail server is set: says so, with the remedy, and sends nothing."""

    def send_messages(self, email_messages):
        for mail in email_messages:
            logger.error(
                "A mail was not sent (%s): no mail server is set. Set EMAIL_HOST, EMAIL_HOST_USER and "
                "EMAIL_HOST_PASSWORD in .env.production.",
                mail.subject,
            )
        return 0
