from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.thinking import masking


class Command(BaseCommand):
    help = (
        "Masks the personal data of a staging server that was given a copy of production: names, addresses and texts "
        "become others, and nobody can log in. seed_demo and createsuperuser make new accounts."
    )

    def handle(self, **options):
        if not settings.STAGING:
            raise CommandError("this is no staging server: STAGING=True is not in its .env.production.")
        self.stdout.write(f"Masked {masking.mask_everything()} accounts and all that they wrote.")
