"""Foreign keys over two columns: what belongs together is of one project and one owner, and rounds have no gaps.

Django cannot express them and SQLite cannot add them to a table that exists; there the API's own checks stand alone.
They are deferred to the end of the transaction, like Django's own.
"""

from django.db import migrations

KEYS = [
    # constraint, table, columns, referenced table, referenced columns
    ("round_follows_previous", "thinking_round", "project_id, previous_number", "thinking_round", "project_id, number"),
    ("node_project_of_owner", "thinking_node", "project_id, owner_id", "thinking_project", "id, owner_id"),
    ("node_round_of_project", "thinking_node", "round_id, project_id", "thinking_round", "id, project_id"),
    ("node_step_of_round", "thinking_node", "step_id, round_id", "thinking_step", "id, round_id"),
    ("link_from_node_of_owner", "thinking_nodelink", "from_node_id, owner_id", "thinking_node", "id, owner_id"),
    ("link_to_node_of_owner", "thinking_nodelink", "to_node_id, owner_id", "thinking_node", "id, owner_id"),
]


def add_keys(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    for name, table, columns, referenced, referenced_columns in KEYS:
        schema_editor.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({columns}) "
            f"REFERENCES {referenced} ({referenced_columns}) DEFERRABLE INITIALLY DEFERRED"
        )


def drop_keys(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    for name, table, *_ in KEYS:
        schema_editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")


class Migration(migrations.Migration):
    dependencies = [("thinking", "0001_initial")]
    operations = [migrations.RunPython(add_keys, drop_keys)]
