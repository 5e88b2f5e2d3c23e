import contextlib
import re
import time

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError, connection, transaction

from apps.core import checks

# Waiting does not change these.
FINAL = re.compile(r'password authentication failed|(database|role) ".*" does not exist|root certificate file')
# Any number, the same in every release: whoever holds it is the one who migrates.
MIGRATION_LOCK = 7_465_001


class Command(BaseCommand):
    help = (
        "Tries out the store (check_store), waits until the database answers, and migrates it if it is empty. A "
        "database that has tables is left as it is: later migrations are the deploy's step, and this and "
        "readiness name them until then."
    )

    def add_arguments(self, parser):
        parser.add_argument("--deadline", type=int, default=60, help="seconds to wait (default: 60)")

    def handle(self, *, deadline: int, **options):
        # Here, since Django takes a second to start.
        call_command("check_store", stdout=self.stdout)
        self.wait(deadline)
        if connection.vendor != "postgresql":
            self.migrate_or_tell()
            return
        with connection.cursor() as cursor:
            # Two backends may start at once; the second one waits here and finds the work done.
            cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
            try:
                self.keep_values_out_of_the_log()
                self.migrate_or_tell()
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])

    def keep_values_out_of_the_log(self):
        """Of what a constraint refuses PostgreSQL would write the row into its log, and that is what people wrote."""
        name = connection.ops.quote_name(connection.settings_dict["NAME"])
        # Of a database that is not our own server's, whoever runs it decides.
        with contextlib.suppress(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {name} SET log_error_verbosity = terse")

    def wait(self, deadline: int):
        end = time.monotonic() + deadline
        told = False
        while True:
            try:
                connection.ensure_connection()
                return
            except OperationalError as error:
                address = f"{connection.settings_dict['HOST']}:{connection.settings_dict['PORT'] or 5432}"
                reason = str(error).strip()
                if FINAL.search(reason):
                    raise CommandError(f"the database at {address} refused: {reason}\n{self.remedy()}") from error
                if time.monotonic() > end:
                    raise CommandError(
                        f"the database at {address} did not answer within {deadline} seconds: {reason}"
                    ) from error
                if not told:
                    self.stdout.write(f"Waiting for the database at {address}.")
                    told = True
                time.sleep(0.5)

    def remedy(self):
        if settings.DATABASE_ELSEWHERE:
            return (
                "Mend DATABASE_URL: user, password, host and name are those that this server knows, and `sslrootcert` "
                "is /database/ca.pem, as which the container has the file that DATABASE_CA names."
            )
        return (
            "It keeps the names and the password that it was first started with: put those back into DB_NAME, DB_USER "
            "and DB_PASSWORD, or change the database's (ALTER ROLE). With nothing in it to keep, `docker-compose "
            "down -v` deletes it, uploads included."
        )

    def migrate_or_tell(self):
        if connection.introspection.table_names():
            if pending := checks.pending_migrations():
                self.stdout.write(
                    f"The database lacks {len(pending)} migrations of this code ({', '.join(pending)}), and not "
                    "everything works without them. Take a backup, then run: docker-compose -f "
                    "docker-compose.prod.yml exec -T backend python manage.py migrate"
                )
            return
        self.stdout.write("Empty database: migrating.")
        # All or nothing: a first start that is interrupted leaves the database empty for the next one. SQLite's
        # schema cannot be changed inside a transaction.
        with transaction.atomic() if connection.vendor == "postgresql" else contextlib.nullcontext():
            call_command("migrate", interactive=False, verbosity=0)
        self.stdout.write("Migrated.")
