"""A user name is one name in whatever case, on every database: its key is a column of its own."""

from django.db import migrations, models

import accounts.models

BATCH = 2_000


def fill_keys(apps, schema_editor):
    """Give each account its key; of names that were two before (Ärger, ärger), one has it and the others stay as written.

    It belongs to the one that is written like the key, whichever came first: no other could stay as written then.
    """
    User = apps.get_model("accounts", "User")
    names = User.objects.order_by("pk").values_list("username", flat=True)
    taken = {name for name in names.iterator(BATCH) if accounts.models.make_name_key(name) == name}
    batch = []
    for user in User.objects.order_by("pk").only("pk", "username").iterator(BATCH):
        key = accounts.models.make_name_key(user.username)
        user.name_key = user.username if key in taken else key
        taken.add(user.name_key)
        batch.append(user)
        if len(batch) == BATCH:
            User.objects.bulk_update(batch, ["name_key"])
            batch = []
    User.objects.bulk_update(batch, ["name_key"])


def drop_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS user_username_beginning")


def index_beginnings(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE INDEX user_username_beginning ON accounts_user "
            "(LOWER(username) text_pattern_ops)"
        )


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0007_find_by_email'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='name_key',
            field=models.CharField(default=None, editable=False, max_length=600, null=True),
        ),
        migrations.RunPython(fill_keys, migrations.RunPython.noop),
        migrations.RunPython(drop_index, index_beginnings),
        migrations.RemoveConstraint(
            model_name='user',
            name='user_username_without_case_is_unique',
        ),
        migrations.AlterField(
            model_name='user',
            name='name_key',
            field=accounts.models.NameKeyField(editable=False, max_length=600, unique=True),
        ),
    ]
