import mimetypes
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import storages
from django.core.management.base import BaseCommand, CommandError

from apps.core.errors import StoreUnavailable

DAY = 24 * 3600  # seconds
KEEP = 30 * DAY
# What is never another file under the same name.
HASHED = re.compile(r".*\.[0-9a-f]{12}(\.[^/.]+)?")
# The other half of the shared volume belongs to the front end.
FOREIGN = "_app"


class Command(BaseCommand):
    help = (
        "Copies the static files that the image was built with into STATIC_ROOT, a volume that nginx serves. Files of "
        "earlier releases stay for 30 days, so that a page opened before a deploy still finds what it names. With "
        "STATIC_BUCKET, what has a hash in its name goes there too."
    )

    def add_arguments(self, parser):
        parser.add_argument("source", type=Path, help="the folder that collectstatic filled at build time")

    def handle(self, *, source: Path, **options):
        if not source.is_dir():
            raise CommandError(f"{source} is not there: build the image with `manage.py collectstatic`.")
        target = Path(settings.STATIC_ROOT)
        try:
            kept = {self.publish(file, source, target) for file in sorted(source.rglob("*")) if file.is_file()}
            self.delete_old(target, kept)
        except PermissionError as error:
            raise CommandError(
                f"{error.filename} cannot be written: the volume has files of another user. Give it to user "
                f"{os.getuid()} (chown -R), or remove the volume; it holds nothing but copies."
            ) from error
        self.stdout.write(f"{len(kept)} static files published.")
        if settings.STATIC_BUCKET:
            self.publish_to_bucket(source)

    def publish(self, file: Path, source: Path, target: Path) -> Path:
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if copy.exists() and copy.stat().st_size == file.stat().st_size and copy.read_bytes() == file.read_bytes():
            os.utime(copy)
            return copy
        # Under a name of its own first: nginx must never serve half a file.
        temporary = copy.with_name(f".{copy.name}.{os.getpid()}")
        shutil.copyfile(file, temporary)
        temporary.replace(copy)
        return copy

    def delete_old(self, target: Path, kept: set[Path]):
        limit = time.time() - KEEP
        for file in target.rglob("*"):
            ours = file.is_file() and file.relative_to(target).parts[0] != FOREIGN
            if ours and file not in kept and file.stat().st_mtime < limit:
                file.unlink(missing_ok=True)

    def publish_to_bucket(self, source: Path):
        store: Any = storages["static_bucket"]
        files = {f"static/{file.relative_to(source).as_posix()}": file for file in source.rglob("*")}
        kept = {key: file for key, file in files.items() if file.is_file() and HASHED.fullmatch(key)}
        try:
            there = store.list("static/")
            for key, file in kept.items():
                # What is there is sent again once a day at most, so that its 30 days begin with its last release.
                if there.get(key, 0) < time.time() - DAY:
                    store.put(key, **self.as_object(file))
            for key, written in there.items():
                if key not in kept and written < time.time() - KEEP:
                    store.delete(key)
        except StoreUnavailable as error:
            raise CommandError(
                f"the bucket {settings.STATIC_BUCKET} did not take the static files ({error}). What is there stays. "
                "Start again when it answers, or set STATIC_URL and STATIC_BUCKET to nothing."
            ) from error
        self.stdout.write(f"{len(kept)} static files published into the bucket {settings.STATIC_BUCKET}.")

    def as_object(self, file: Path) -> dict:
        """A store sends the same to everybody; compressed, as the image has it, every browser takes it."""
        said: dict = {"CacheControl": "public, max-age=31536000, immutable"}
        compressed = file.with_name(f"{file.name}.gz")
        if compressed.exists():
            said["ContentEncoding"], file = "gzip", compressed
        type = mimetypes.guess_type(file.name.removesuffix(".gz"))[0] or "application/octet-stream"
        text = type.startswith("text/") or type.endswith("javascript")
        return said | {"Body": file.read_bytes(), "ContentType": f"{type}; charset=utf-8" if text else type}
