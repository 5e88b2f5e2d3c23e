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

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "thinkring.settings")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.migrations.executor import MigrationExecutor  # noqa: E402

if sys.argv[1:] == ["settings"]:
    call_command("check_store")
    print("looked")
    sys.exit()
with connection.cursor() as cursor:
    cursor.execute("SET lock_timeout = 60000")
    cursor.execute("SELECT pg_advisory_lock(7465001)")
    cursor.execute("RESET lock_timeout")
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
print("looked", flush=True)
if plan and sys.argv[1:] == ["migrate"]:
    call_command("migrate", interactive=False, verbosity=0)
