from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError

from apps.core.errors import StoreUnavailable


class Command(BaseCommand):
    help = (
        "Moves the uploads from the volume into the bucket of MEDIA_BUCKET, while people go on working. Each is "
        "deleted from the volume once it has been read back from the bucket; what is not moved yet is found in the "
        "volume. After an interruption, run it again."
    )

    def handle(self, **options):
        if not settings.MEDIA_BUCKET:
            raise CommandError("set MEDIA_BUCKET to the bucket that uploads are to be moved into: none is set.")
        store: Any = default_storage
        folder = Path(settings.MEDIA_ROOT)
        names = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
        moved: list[int] = []
        different = []
        try:
            for name in names:
                size = store.take_over(name)
                if size is None:
                    different.append(name)
                else:
                    moved.append(size)
        except StoreUnavailable as error:
            raise CommandError(
                f"the store did not do what it was asked ({error}). {len(moved)} of {len(names)} uploads are moved; "
                "the others are in the volume as before, and are found there. Run it again."
            ) from error
        self.stdout.write(f"Moved {len(moved)} uploads ({sum(moved)} bytes) into the bucket {settings.MEDIA_BUCKET}.")
        if different:
            raise CommandError(
                f"the bucket has other files of the names {', '.join(different)}. They stay there, and in the volume "
                "those that people see: delete one of each two, then run it again."
            )
        self.stdout.write("None is left in the volume.")
