import secrets
import uuid

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.accounts.models import User
from apps.thinking.example import make_example
from apps.thinking.models import Project

DEVELOPMENT_PASSWORD = "thinkring-demo"  # noqa: S105
# Of the ids made here, so that a second run finds what the first one made, and nothing of anybody else's.
NAMESPACE = uuid.UUID("5f0c8a52-9b1e-4f8e-8f43-2d6a1b7c9e10")


class Command(BaseCommand):
    help = (
        "Makes one demo account in each language, demo-ja and demo-en, with a worked example in it. Run again, it sets "
        "the password and brings back what is missing."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--password", help="of both accounts; required, unless DEBUG is on, or STAGING, which makes and says one"
        )

    def handle(self, *, password: str | None, **options):
        if password is None and settings.STAGING:
            password = secrets.token_urlsafe(12)
            self.stdout.write(f"The password of both accounts is {password}; it is not said again.")
        elif password is None and not settings.DEBUG:
            raise CommandError("give the demo accounts a password of your own: seed_demo --password …")
        given, password = password is not None, password or DEVELOPMENT_PASSWORD
        try:
            validate_password(password)
        except ValidationError as error:
            raise CommandError(f"choose another --password: {' '.join(error.messages)}") from error
        for language, _name in settings.LANGUAGES:
            with transaction.atomic():
                account = self.account(language, password)
                self.example(account, language)
        self.stdout.write(f"Log in as demo-ja or demo-en with the password {'that was given' if given else password}.")

    def account(self, language: str, password: str) -> User:
        name = f"demo-{language}"
        id = uuid.uuid5(NAMESPACE, name)
        account = User.objects.filter(pk=id).first()
        if account is None:
            if User.objects.named("username", name).exists():
                raise CommandError(f"the name {name} belongs to an account of somebody else, which is left alone.")
            account = User(pk=id, username=name, email=f"{name}@example.com", language=language)
        # A new password, even if it is the same, would end the sessions.
        if not account.check_password(password):
            account.set_password(password)
        account.save()
        return account

    def example(self, account: User, language: str) -> None:
        id = uuid.uuid5(NAMESPACE, f"{account.username} project")
        if Project.objects.filter(pk=id).exists():
            self.stdout.write(f"{account.username} has its example already.")
            return
        project = make_example(account, language, id)
        self.stdout.write(f"{account.username} has “{project.title}”.")
