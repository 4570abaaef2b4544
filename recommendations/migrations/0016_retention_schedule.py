"""Delete every night what is over."""

from django.db import migrations

NAME = "Delete what is over"


def add_schedule(apps, schema_editor):
    Crontab = apps.get_model("django_celery_beat", "CrontabSchedule")
    Task = apps.get_model("django_celery_beat", "PeriodicTask")
    night, _ = Crontab.objects.get_or_create(hour="2", minute="30", timezone="UTC")
    Task.objects.get_or_create(
        name=NAME, defaults={"task": "musicrec_site.tasks.delete_expired", "crontab": night}
    )


def remove_schedule(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [("recommendations", "0015_background_jobs")]

    operations = [migrations.RunPython(add_schedule, remove_schedule)]
