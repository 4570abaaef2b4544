"""Sessions get a column for their user. Sessions of today move to the new table, so that nobody has to sign in again."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import migrations, models
from django.utils import timezone

TOGETHER = 1_000


class OldSession(AbstractBaseSession):
    """Django's own table of sessions, which new installations never had."""

    class Meta:
        apps = Apps()
        app_label = "sessions"
        db_table = "django_session"


def read_alive(model, alias):
    """Yield the rows that have not expired, a thousand together."""
    alive = model._base_manager.using(alias).filter(expire_date__gt=timezone.now())
    last_key = ""
    while rows := list(alive.filter(session_key__gt=last_key).order_by("session_key")[:TOGETHER]):
        yield rows
        last_key = rows[-1].session_key


def move_to_new_table(apps, schema_editor):
    connection = schema_editor.connection
    if OldSession._meta.db_table not in connection.introspection.table_names():
        return
    sessions, users = apps.get_model("accounts", "Session"), apps.get_model("accounts", "User")
    decode = SessionStore().decode
    for rows in read_alive(OldSession, connection.alias):
        user_ids = {row.session_key: decode(row.session_data).get(SESSION_KEY) for row in rows}
        there = users._base_manager.using(connection.alias).filter(pk__in=filter(None, user_ids.values()))
        existing = set(map(str, there.values_list("pk", flat=True)))
        sessions._base_manager.using(connection.alias).bulk_create(
            sessions(
                session_key=row.session_key,
                session_data=row.session_data,
                expire_date=row.expire_date,
                user_id=user_id,
            )
            for row in rows
            if (user_id := user_ids[row.session_key]) is None or user_id in existing
        )
    schema_editor.delete_model(OldSession)


def move_back(apps, schema_editor):
    alias = schema_editor.connection.alias
    schema_editor.create_model(OldSession)
    for rows in read_alive(apps.get_model("accounts", "Session"), alias):
        OldSession._base_manager.using(alias).bulk_create(
            OldSession(row.session_key, row.session_data, row.expire_date) for row in rows
        )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_time_zone")]

    operations = [
        migrations.CreateModel(
            name="Session",
            fields=[
                ("session_key", models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name="session key")),
                ("session_data", models.TextField(verbose_name="session data")),
                ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                ("user", models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name="sessions", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
                "abstract": False,
            },
        ),
        migrations.RunPython(move_to_new_table, move_back, elidable=False),
    ]
