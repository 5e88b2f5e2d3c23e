"""
What this release thinks of the database's schema, a line a migration: `pending` it wants, `unknown` it does not know.

`look` says so and changes nothing, `migrate` applies what is pending; one at a time, by the lock of prepare_database. A
schema with migrations that this release does not know is refused by both: it is older than the data.
"""

import os
import sys

import django


def main(word):
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from apps.core.management.commands.prepare_database import MIGRATION_LOCK

    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 60000")
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        cursor.execute("RESET lock_timeout")
    executor = MigrationExecutor(connection)
    unknown = sorted(set(executor.loader.applied_migrations) - set(executor.loader.disk_migrations))
    pending = [migration for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]
    for name in unknown:
        print("unknown", ".".join(name))
    for migration in pending:
        print("pending", f"{migration.app_label}.{migration.name}", flush=True)
    if unknown:
        return (
            "The database is of a newer release than this image. Deploy that one; or, if you know that this one runs "
            "on its schema, go back to it with `kubectl -n thinkring rollout undo deployment/backend`."
        )
    if word == "migrate":
        call_command("migrate", interactive=False, verbosity=0)
    return None


if __name__ == "__main__":
    # Beside the application, not of it.
    sys.path.insert(0, os.getcwd())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "thinkring.settings")
    django.setup()
    sys.exit(main(*sys.argv[1:]))
