"""How often something that an account has was changed: what counts it comes with thinking/migrations/0007."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    # It deletes accounts without knowing the table; there the database does it.
    previous_release_runs = True
    dependencies = [("accounts", "0002_sessions_and_second_factor")]
    operations = [
        migrations.CreateModel(
            name="ChangeCount",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="change_count",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("changes", models.BigIntegerField()),
                ("mark", models.UUIDField()),
            ],
        ),
    ]
