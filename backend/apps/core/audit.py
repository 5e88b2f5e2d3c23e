"""Who did what that matters for the safety of accounts: a line of JSON in the log, and a row that outlives it.

Written down are ids, kinds, and of a page that was refused its origin, never names, texts or secrets: an account's id
says nothing once the account is deleted.
"""

import ipaddress
import logging
import uuid

from django.conf import settings

from apps.core.models import AuditEvent
from apps.core.requests import current_address, current_request_id

logger = logging.getLogger("thinkring.audit")


def record(event: str, *, account: uuid.UUID | None, **details) -> None:
    """`event` is a word such as "login", or one with what it is about, "session.ended"; `details` become JSON.

    Inside a transaction it is written with what it tells of, or not at all.
    """
    address = current_address.get()
    if settings.AUDIT_MASK_ADDRESSES:
        address = masked(address)
    AuditEvent.objects.create(
        event=event, account=account, address=address, request_id=current_request_id.get(), details=details
    )
    account_id = str(account) if account else None
    logger.info(event, extra={"event": event, "account": account_id, "address": address, "details": details})


def forget_addresses(account: uuid.UUID) -> None:
    """Of an account that is deleted only the networks stay: an address is of a person."""
    events = AuditEvent.objects.filter(account=account).exclude(address__contains="/")
    for address in events.order_by().values_list("address", flat=True).distinct():
        events.filter(address=address).update(address=masked(address))


def masked(address: str) -> str:
    """The network that the address is in: enough to see that two are near each other, not to find a person."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False))
