"""Counts, at the end of each transaction, that something of an account was changed: once, whatever it was.

By triggers, so that nothing that writes can forget it, not even the previous release or an operator's SQL; at the end,
so that the account's count is locked for a moment only. What may be read from a replica is found by this count, and by
its mark what an account keeps in Redis.

SQLite counts nothing.
"""

from django.db import migrations

COUNT = """
CREATE FUNCTION thinking_count_change(account uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    counted text := coalesce(current_setting('thinkring.counted', true), '');
BEGIN
    IF position(account::text IN counted) > 0 THEN
        RETURN;
    END IF;
    INSERT INTO accounts_changecount AS known (user_id, changes, mark)
        SELECT id, 1, gen_random_uuid() FROM accounts_user WHERE id = account
        ON CONFLICT (user_id) DO UPDATE SET changes = known.changes + 1, mark = excluded.mark;
    -- Until the end of the transaction.
    PERFORM set_config('thinkring.counted', counted || account, true);
END $$;

CREATE FUNCTION thinking_row_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed record;
    account uuid;
BEGIN
    IF TG_OP = 'DELETE' THEN
        changed := OLD;
    ELSE
        changed := NEW;
    END IF;
    CASE TG_ARGV[0]
        WHEN 'owner' THEN
            account := changed.owner_id;
            IF TG_OP = 'UPDATE' AND OLD.owner_id <> account THEN
                PERFORM thinking_count_change(OLD.owner_id);
            END IF;
        WHEN 'project' THEN
            SELECT owner_id INTO account FROM thinking_project WHERE id = changed.project_id;
        WHEN 'round' THEN
            SELECT project.owner_id INTO account FROM thinking_round AS round
                JOIN thinking_project AS project ON project.id = round.project_id WHERE round.id = changed.round_id;
        WHEN 'step' THEN
            SELECT project.owner_id INTO account FROM thinking_step AS step
                JOIN thinking_round AS round ON round.id = step.round_id
                JOIN thinking_project AS project ON project.id = round.project_id WHERE step.id = changed.step_id;
        WHEN 'node' THEN
            SELECT owner_id INTO account FROM thinking_node WHERE id = changed.node_id;
    END CASE;
    -- What lay in something that is gone went with it, which is counted there.
    IF account IS NOT NULL THEN
        PERFORM thinking_count_change(account);
    END IF;
    RETURN NULL;
END $$;
"""
FORGET = """
DROP FUNCTION thinking_row_changed() CASCADE;
DROP FUNCTION thinking_count_change(uuid);
"""
# What says whose a row is.
TABLES = {
    "thinking_project": "owner",
    "thinking_node": "owner",
    "thinking_nodelink": "owner",
    "thinking_round": "project",
    "thinking_refusedkeyword": "project",
    "thinking_step": "round",
    "thinking_steprevision": "step",
    "thinking_noderename": "node",
}


def count(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        constraints = schema_editor.connection.introspection.get_constraints(cursor, "accounts_changecount")
    (name,) = [name for name, one in constraints.items() if one["foreign_key"]]
    schema_editor.execute(
        f"ALTER TABLE accounts_changecount DROP CONSTRAINT {name}, ADD CONSTRAINT {name} FOREIGN KEY (user_id) "
        "REFERENCES accounts_user (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
    )
    schema_editor.execute(COUNT)
    for table, whose in TABLES.items():
        # After the checks of foreign keys, which come in the order of their names.
        schema_editor.execute(
            f"CREATE CONSTRAINT TRIGGER zz_count_change AFTER INSERT OR UPDATE OR DELETE ON {table} "
            f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION thinking_row_changed('{whose}')"
        )


def forget(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(FORGET)


class Migration(migrations.Migration):
    previous_release_runs = True
    dependencies = [("thinking", "0006_bigrams_cost"), ("accounts", "0003_change_count")]
    operations = [migrations.RunPython(count, forget)]
