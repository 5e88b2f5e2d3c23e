"""What a release thinks of the schema that is there, a line each; its own Python runs it, on every engine.

    settings   nothing of the schema: whether it starts with its settings, and the store, if there is one, does its work
    look       `pending NAME`: a migration that it wants; `breaking NAME`: one of them that does not say that the
               release before it runs with it; `surplus NAME`: one that it does not know
    migrate    the same, and then what is pending is applied

Last comes `looked`, before anything is applied, so that an answer that was cut short is none.

One at a time, by the lock of prepare_database.py.
"""

import os
import sys

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor


def main(step):
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "thinkring.settings")
    django.setup()
    if step == "settings":
        call_command("check_store")
        print("looked")
        return
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 60000")
        cursor.execute("SELECT pg_advisory_lock(7465001)")
        cursor.execute("RESET lock_timeout")
    plan = look()
    print("looked", flush=True)
    if plan and step == "migrate":
        call_command("migrate", interactive=False, verbosity=0)


def look():
    executor = MigrationExecutor(connection)
    known = executor.loader.disk_migrations
    for key in sorted(set(executor.loader.applied_migrations) - set(known)):
        print("surplus", ".".join(key))
    # Of a package the migration of ours that came with it says so.
    harmless = {app for migration in known.values() for app in getattr(migration, "previous_release_runs_with", [])}
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    for migration, _ in plan:
        print("pending", f"{migration.app_label}.{migration.name}")
        if not getattr(migration, "previous_release_runs", False) and migration.app_label not in harmless:
            print("breaking", f"{migration.app_label}.{migration.name}")
    return plan


try:
    main(*sys.argv[1:])
except (ImproperlyConfigured, CommandError, OperationalError) as error:
    # A line, which the scripts show; a traceback would bury it.
    sys.exit(" ".join(str(error).split()))
