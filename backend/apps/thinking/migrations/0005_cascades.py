"""The previous release deletes accounts, projects and nodes without knowing the tables that have come since: for them
the database itself deletes what belongs to a row.

SQLite cannot change a foreign key; there no two releases run side by side.
"""

from django.db import migrations

KEYS = [
    # table, column, referenced table, referenced column, what becomes of a row
    ("accounts_secondfactor", "user_id", "accounts_user", "id", "CASCADE"),
    ("accounts_recoverycode", "second_factor_id", "accounts_secondfactor", "user_id", "CASCADE"),
    ("thinking_steprevision", "step_id", "thinking_step", "id", "CASCADE"),
    ("thinking_steprevision", "written_by_id", "accounts_user", "id", "SET NULL"),
    ("thinking_noderename", "node_id", "thinking_node", "id", "CASCADE"),
    ("thinking_refusedkeyword", "project_id", "thinking_project", "id", "CASCADE"),
]


def replace_keys(schema_editor, actions):
    if schema_editor.connection.vendor != "postgresql":
        return
    for (table, column, referenced, key, _), action in zip(KEYS, actions, strict=True):
        with schema_editor.connection.cursor() as cursor:
            constraints = schema_editor.connection.introspection.get_constraints(cursor, table)
        (name,) = [name for name, one in constraints.items() if one["foreign_key"] and one["columns"] == [column]]
        schema_editor.execute(
            f"ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} FOREIGN KEY ({column}) "
            f"REFERENCES {referenced} ({key}) {action} DEFERRABLE INITIALLY DEFERRED"
        )


def cascade(apps, schema_editor):
    replace_keys(schema_editor, [f"ON DELETE {action}" for *_, action in KEYS])


def leave_to_django(apps, schema_editor):
    replace_keys(schema_editor, ["" for _ in KEYS])


class Migration(migrations.Migration):
    dependencies = [("thinking", "0004_search_index"), ("accounts", "0002_sessions_and_second_factor")]
    operations = [migrations.RunPython(cascade, leave_to_django)]
