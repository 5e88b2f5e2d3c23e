import os
import shutil
import time
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

KEEP = 30 * 24 * 3600  # seconds
# The other half of the shared volume belongs to the front end.
FOREIGN = "_app"


class Command(BaseCommand):
    help = (
        "Copies the static files that the image was built with into STATIC_ROOT, a volume that nginx serves. Files of "
        "earlier releases stay for 30 days, so that a page opened before a deploy still finds what it names."
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
