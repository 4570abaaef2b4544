"""Make everybody's playlists early every morning; on Mondays that includes the weekly ones."""

from django.db import migrations


def add_schedule(apps, schema_editor):
    Crontab = apps.get_model("django_celery_beat", "CrontabSchedule")
    Task = apps.get_model("django_celery_beat", "PeriodicTask")
    early, _ = Crontab.objects.get_or_create(hour="5", minute="30", timezone="UTC")
    Task.objects.get_or_create(
        name="Make everybody's playlists",
        defaults={"task": "recommendations.tasks.make_playlists", "crontab": early},
    )


class Migration(migrations.Migration):
    dependencies = [("recommendations", "0006_events")]

    operations = [migrations.RunPython(add_schedule, migrations.RunPython.noop)]
