from django.core.management.base import BaseCommand

from apps.thinking import trash


class Command(BaseCommand):
    help = f"Deletes for good what has lain in the trash for {trash.KEPT_FOR.days} days."

    def handle(self, **options):
        deleted = trash.delete_expired()
        self.stdout.write(f"Deleted {deleted['Project']} projects and {deleted['Node']} nodes from the trash.")
