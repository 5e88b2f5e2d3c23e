"""The index of the search: each two characters that stand side by side in a text.

Any substring of two characters and more is found by it, in every language and locale; pg_trgm's three characters are
too many for most Japanese words. SQLite reads every row instead.
"""

from django.db import migrations

# The characters are numbered once and joined with their successors: substr() would count from the start for each.
BIGRAMS = """
CREATE FUNCTION thinking_bigrams(text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT coalesce(pg_catalog.array_agg(DISTINCT pair), '{}')
    FROM (
        SELECT character OPERATOR(pg_catalog.||) pg_catalog.lead(character) OVER (ORDER BY place) AS pair
        FROM pg_catalog.unnest(pg_catalog.string_to_array($1, NULL)) WITH ORDINALITY AS characters (character, place)
    ) AS pairs
    WHERE pair IS NOT NULL
$$
"""
TABLES = ["project", "round", "step", "node"]


def add_index(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(BIGRAMS)
    for table in TABLES:
        schema_editor.execute(
            f"CREATE INDEX {table}_bigrams ON thinking_{table} USING gin (thinking_bigrams(folded))"
        )


def drop_index(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    for table in TABLES:
        schema_editor.execute(f"DROP INDEX {table}_bigrams")
    schema_editor.execute("DROP FUNCTION thinking_bigrams(text)")


class Migration(migrations.Migration):
    dependencies = [("thinking", "0003_search_and_history")]
    operations = [migrations.RunPython(add_index, drop_index)]
