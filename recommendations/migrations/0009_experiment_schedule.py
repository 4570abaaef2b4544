"""Look every hour whether an arm of the running experiment does harm."""

from django.db import migrations


def add_schedule(apps, schema_editor):
    Interval = apps.get_model("django_celery_beat", "IntervalSchedule")
    Task = apps.get_model("django_celery_beat", "PeriodicTask")
    hour, _ = Interval.objects.get_or_create(every=1, period="hours")
    Task.objects.get_or_create(
        name="Stop arms of the experiment that do harm",
        defaults={"task": "recommendations.tasks.watch_experiment", "interval": hour},
    )


class Migration(migrations.Migration):
    dependencies = [("recommendations", "0008_experiments")]

    operations = [migrations.RunPython(add_schedule, migrations.RunPython.noop)]
