"""Files in an S3-compatible store, by django-storages, which is in the image with EXTRAS=s3 (docs/storage.md)."""

import contextlib
import uuid

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage
from storages.backends.s3 import S3Storage

from apps.core.errors import StoreUnavailable

# What other stores than Amazon's speak too: the bucket in the path, and no checksums but those that are asked for.
# Whoever waits for a store holds a thread, so it is not waited for long.
CLIENT = Config(
    signature_version="s3v4",
    s3={"addressing_style": "path"},
    connect_timeout=2,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 2},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


@contextlib.contextmanager
def answers():
    """Within it the store answers, or it is StoreUnavailable, whatever the library calls it."""
    try:
        yield
    except (BotoCoreError, ClientError, Boto3Error) as error:
        raise StoreUnavailable(str(error)) from error


class Store(S3Storage):
    """A bucket."""

    def __init__(self, **options):
        super().__init__(client_config=CLIENT, **options)

    @property
    def client(self):
        return self.connection.meta.client

    def _open(self, name: str, mode: str = "rb") -> File:
        # Whole, since what fails later would fail where nobody expects it. Nothing here is larger than an upload.
        with answers(), super()._open(name, mode) as file:
            return ContentFile(file.read(), name)

    def _save(self, name: str, content: File) -> str:
        with answers():
            return super()._save(name, content)

    def delete(self, name: str) -> None:
        with answers():
            super().delete(name)

    def list(self, folder: str) -> dict[str, float]:
        """What is in the folder, and when it was written."""
        with answers():
            return {file.key: file.last_modified.timestamp() for file in self.bucket.objects.filter(Prefix=folder)}

    def put(self, name: str, **told) -> None:
        with answers():
            self.client.put_object(Bucket=self.bucket_name, Key=name, **told)

    def try_out(self, folder: str) -> None:
        """Writes, reads and deletes a file, as it will have to."""
        where = {"Bucket": self.bucket_name, "Key": f"{folder}/.{uuid.uuid4().hex}"}
        with answers():
            # Not as an upload is read: HEAD has no body that could tell what is the matter.
            self.client.put_object(**where, Body=b"thinkRing")
            self.client.get_object(**where)["Body"].read()
            self.client.delete_object(**where)


class MediaStore(Store):
    """Uploads. What was there before the store is in the volume until `move_uploads` has moved it, and found there."""

    def __init__(self, **options):
        super().__init__(**options)
        self.volume = FileSystemStorage()

    def _open(self, name: str, mode: str = "rb") -> File:
        with contextlib.suppress(FileNotFoundError):
            return self.volume.open(name, mode)
        return super()._open(name, mode)

    def delete(self, name: str) -> None:
        # In this order, on which `take_over` relies.
        self.volume.delete(name)
        super().delete(name)

    def take_over(self, name: str) -> int | None:
        """Moves it out of the volume, once it has been read back from the bucket; says how many bytes that were.

        None if the bucket has another file of the name: then both stay.
        """
        try:
            with self.volume.open(name) as file:
                content = file.read()
        except FileNotFoundError:
            return 0
        if self._in_bucket(name) is None:
            self.save(name, ContentFile(content))
        if self._in_bucket(name) != content:
            return None
        if self.volume.exists(name):
            self.volume.delete(name)
        else:
            # Somebody has deleted it meanwhile, perhaps before it was in the bucket.
            super().delete(name)
        return len(content)

    def _in_bucket(self, name: str) -> bytes | None:
        try:
            return super()._open(name).read()
        except FileNotFoundError:
            return None

    def url(self, name: str | None, *args, **kwargs) -> str:
        """The address that browsers know: nginx gets from the store what is not in the volume."""
        return self.volume.url(name)

    def signed_address(self, name: str) -> str:
        """Where nginx gets it, for a minute."""
        return super().url(name)
