import time

from django.conf import settings
from django.core.files.storage import storages
from django.core.management.base import BaseCommand, CommandError

from apps.core.errors import StoreUnavailable

# What a store says by its codes, and what to do about it.
REMEDIES = {
    "NoSuchBucket": "there is no bucket {bucket} at {endpoint}: make it, or set {setting} to one that is there.",
    "InvalidAccessKeyId": "{endpoint} does not know this S3_ACCESS_KEY_ID: set it to one of its own.",
    "SignatureDoesNotMatch": "set S3_SECRET_ACCESS_KEY to the one of S3_ACCESS_KEY_ID: {endpoint} refused it.",
    "AccessDenied": (
        "let the key of S3_ACCESS_KEY_ID put, get, list and delete objects in the bucket {bucket}: {endpoint} refused."
    ),
    "AuthorizationHeaderMalformed": "set S3_REGION to the region of the bucket {bucket}: {endpoint} refused another.",
    "PermanentRedirect": "set S3_REGION and S3_ENDPOINT_URL to those of the bucket {bucket}: it is not at {endpoint}.",
}


BUCKETS = [("MEDIA_BUCKET", "default", "nodes"), ("STATIC_BUCKET", "static_bucket", "static")]


class Command(BaseCommand):
    help = (
        "Tries out the buckets of MEDIA_BUCKET and STATIC_BUCKET, so that what is wrong with a store is said at the "
        "start and not at the first upload. Without either it has nothing to do."
    )

    def add_arguments(self, parser):
        parser.add_argument("--deadline", type=int, default=30, help="seconds to wait for the store (default: 30)")

    def handle(self, *, deadline: int, **options):
        end = time.monotonic() + deadline
        for setting, alias, folder in BUCKETS:
            if getattr(settings, setting):
                self.try_out(setting, storages[alias], folder, end)

    def try_out(self, setting: str, store, folder: str, end: float):
        told = False
        while True:
            try:
                store.try_out(folder)
                return
            except StoreUnavailable as error:
                if sentence := self.remedy(error, setting, store):
                    # Waiting does not change these.
                    raise CommandError(sentence) from error
                if time.monotonic() > end:
                    raise CommandError(
                        f"set S3_ENDPOINT_URL to the address of an S3-compatible store that answers: "
                        f"{store.endpoint_url} did not do what it was asked ({error})."
                    ) from error
            if not told:
                self.stdout.write(f"Waiting for the store at {store.endpoint_url}.")
                told = True
            time.sleep(0.5)

    def remedy(self, error: StoreUnavailable, setting: str, store) -> str | None:
        code = getattr(error.__cause__, "response", {}).get("Error", {}).get("Code")
        if code not in REMEDIES:
            return None
        return REMEDIES[code].format(setting=setting, bucket=store.bucket_name, endpoint=store.endpoint_url)
