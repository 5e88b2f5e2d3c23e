"""Files that rows have named."""

import logging

from django.core.files.storage import Storage

from apps.core.errors import StoreUnavailable

logger = logging.getLogger("thinkring.files")


def discard(storage: Storage, name: str) -> None:
    """Deletes a file that no row names any more. That a store is away undoes nothing of what was done besides."""
    try:
        storage.delete(name)
    except StoreUnavailable as error:
        logger.error("nothing names the upload %s any more, and the store did not delete it: %s", name, error)
