"""The schedule that a new site begins with; operators edit the rows in the admin."""

from django.db import migrations


def add_schedule(apps, schema_editor):
    Interval = apps.get_model("django_celery_beat", "IntervalSchedule")
    Crontab = apps.get_model("django_celery_beat", "CrontabSchedule")
    Task = apps.get_model("django_celery_beat", "PeriodicTask")
    half_minute, _ = Interval.objects.get_or_create(every=30, period="seconds")
    night, _ = Crontab.objects.get_or_create(hour="3", minute="30", timezone="UTC")
    morning, _ = Crontab.objects.get_or_create(hour="5", minute="0", timezone="UTC")
    rows = [
        {
            "name": "Look after trainings whose worker is gone",
            "task": "recommendations.tasks.sweep",
            "interval": half_minute,
            "expire_seconds": 60,
        },
        {
            "name": "Train anew and refresh what is trending",
            "task": "recommendations.tasks.retrain",
            "crontab": night,
        },
        {
            "name": "Compute everybody's list anew",
            "task": "recommendations.tasks.precompute_lists",
            "crontab": morning,
        },
    ]
    for row in rows:
        Task.objects.get_or_create(name=row.pop("name"), defaults=row)


class Migration(migrations.Migration):
    dependencies = [
        ("recommendations", "0003_worker_pulse"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(add_schedule, migrations.RunPython.noop)]
