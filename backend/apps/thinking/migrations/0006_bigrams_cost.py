"""What thinking_bigrams() costs, for PostgreSQL's planner.

It takes a millisecond for a thousand characters and more. Left at 100 operations, the planner reads the few rows of a
small table rather than ask the index, and makes the pairs of every text in which the word stands.
"""

from django.db import migrations

# Enough for a handful of rows to be worth the index. The true one would be more, and make PostgreSQL compile every plan.
COST, DEFAULT = 1_000, 100


def set_cost(schema_editor, cost):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"ALTER FUNCTION thinking_bigrams(text) COST {cost}")


class Migration(migrations.Migration):
    dependencies = [("thinking", "0005_cascades")]
    operations = [
        migrations.RunPython(
            lambda apps, schema_editor: set_cost(schema_editor, COST),
            lambda apps, schema_editor: set_cost(schema_editor, DEFAULT),
        )
    ]
