"""Find accounts by their e-mail address and by the beginning of their name, in whatever case."""

import django.db.models.functions.text
from django.db import migrations, models


def index_beginnings(apps, schema_editor):
    """Let PostgreSQL find beginnings in every collation; SQLite's index of lower-case names does."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE INDEX user_username_beginning ON accounts_user "
            "(LOWER(username) text_pattern_ops)"
        )


def drop_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX user_username_beginning")


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_sessions_with_users'),
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='user',
            index=models.Index(django.db.models.functions.text.Lower('email'), name='user_email_without_case'),
        ),
        migrations.RunPython(index_beginnings, drop_index),
    ]
