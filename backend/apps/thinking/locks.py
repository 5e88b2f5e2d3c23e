"""Who has to wait for whom, beyond what the rows themselves say: a project's row is locked before what lies in it."""

from django.db import OperationalError, connection, models, transaction
from django.utils.translation import gettext_lazy as _

from apps.core.errors import RuleBroken

# https://www.postgresql.org/docs/15/errcodes-appendix.html
LOCK_NOT_AVAILABLE = "55P03"


def one_import(owner) -> None:
    """Two imports of one file at once would both find that nothing is there yet.

    A lock of its own: one on the account's row would hold up all that the person does meanwhile. Nobody waits for it,
    since an import may take minutes.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"import {owner.pk}"])
            [is_alone] = cursor.fetchone()
        if not is_alone:
            raise RuleBroken(_("An import is running. Nothing was changed; wait for its report."))


def one_or_two(rows: models.QuerySet) -> None:
    """Locks the rows until the end of the transaction, and waits for none of them while it has another.

    An import has some projects and comes to want more: who had one of those, and waited for one of these, would be
    waited for in turn.
    """
    ids = list(rows.order_by("pk").values_list("pk", flat=True))
    while ids and not _lock(rows.model._default_manager.select_for_update(no_key=True), ids):
        # Now it is the other one that is waited for.
        ids.reverse()


def _lock(rows: models.QuerySet, ids: list) -> bool:
    """Waits for the first; whether the others could be had at once. If not, the first is let go."""
    try:
        with transaction.atomic():
            list(rows.filter(pk=ids[0]).values_list("pk"))
            if len(ids) > 1:
                _lock_at_once(rows.filter(pk__in=ids[1:]))
    except _TakenError:
        return False
    return True


def _lock_at_once(rows: models.QuerySet) -> None:
    try:
        with transaction.atomic():
            list(rows.select_for_update(no_key=True, nowait=True).values_list("pk"))
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise _TakenError from error
        raise


class _TakenError(Exception):
    """Another transaction has the lock."""
