"""Who has to wait for whom, beyond what the rows themselves say: a project's row is locked before what lies in it."""

from django.db import connection
from django.utils.translation import gettext_lazy as _

from apps.core.errors import RuleBroken


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
