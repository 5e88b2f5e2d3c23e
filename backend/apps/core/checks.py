"""What has to be there before this server can answer: readiness."""

from django.core.cache import cache
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor


def readiness() -> dict[str, str]:
    """The state of each thing needed: "ok", or what is the matter."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        return {"database": "unreachable", "migrations": "unknown", "cache": "unknown"}
    pending = pending_migrations()
    return {
        "database": "ok",
        "migrations": f"pending: {', '.join(pending)}" if pending else "ok",
        "cache": _cache(),
    }


def pending_migrations() -> list[str]:
    """Migrations that this code has and the database has not, as "app.name", in order."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def _cache() -> str:
    try:
        cache.set("readiness", "ok", timeout=60)
        return "ok" if cache.get("readiness") == "ok" else "forgetful"
    except (DatabaseError, InterfaceError):
        return "unreachable"
