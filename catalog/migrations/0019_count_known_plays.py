"""Have the plays that are here already counted: their months are marked, and a task counts them in turns.

Listener by listener, each batch in a transaction of its own; begun again, it marks nothing twice. A play near the end
of a month may belong to the next one in its listener's time zone, so the days around it count, too.
"""

from django.db import migrations, transaction

BATCH = 500
NAME = "Count new plays into the statistics"
_MONTHS = {
    "sqlite": "strftime('%Y-%m-01', occurred_at, '{days} days')",
    "postgresql": "date_trunc('month', (occurred_at AT TIME ZONE 'UTC') + interval '{days} days')::date",
}


def mark_months(apps, schema_editor):
    connection = schema_editor.connection
    User = apps.get_model("accounts", "User")
    ids = list(User.objects.using(connection.alias).order_by("pk").values_list("pk", flat=True))
    month = _MONTHS[connection.vendor]
    selects = [
        f"SELECT DISTINCT listener_id, {month.format(days=days)} AS month FROM catalog_interaction "
        "WHERE kind = 0 AND occurred_at IS NOT NULL AND listener_id BETWEEN {first} AND {last}"
        for days in (-1, 0, 1)
    ]
    untimed = "CAST('0001-01-01' AS date)" if connection.vendor == "postgresql" else "'0001-01-01'"
    selects.append(
        f"SELECT DISTINCT listener_id, {untimed} FROM catalog_interaction "
        "WHERE kind = 0 AND occurred_at IS NULL AND listener_id BETWEEN {first} AND {last}"
    )
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        rows = " UNION ".join(selects).format(first=some[0], last=some[-1])
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO catalog_outdatedmonth (listener_id, month, n_changes) "
                f"SELECT listener_id, month, 1 FROM ({rows}) AS months WHERE TRUE ON CONFLICT DO NOTHING"
            )


def add_schedule(apps, schema_editor):
    minutes, _ = apps.get_model("django_celery_beat", "IntervalSchedule").objects.get_or_create(
        every=300, period="seconds"
    )
    apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
        name=NAME,
        defaults={"task": "catalog.tasks.refresh_sums", "interval": minutes, "expire_seconds": 300},
    )


def remove_schedule(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("catalog", "0018_kept_sums")]

    operations = [
        migrations.RunPython(mark_months, migrations.RunPython.noop),
        migrations.RunPython(add_schedule, remove_schedule),
    ]
