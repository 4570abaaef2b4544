"""Look every hour whether enough was heard for a training; RETRAIN_AFTER says how much that is."""

from django.db import migrations


def add_schedule(apps, schema_editor):
    Interval = apps.get_model("django_celery_beat", "IntervalSchedule")
    Task = apps.get_model("django_celery_beat", "PeriodicTask")
    hour, _ = Interval.objects.get_or_create(every=1, period="hours")
    Task.objects.get_or_create(
        name="Train when enough was heard",
        defaults={"task": "recommendations.tasks.retrain_when_due", "interval": hour},
    )


class Migration(migrations.Migration):
    dependencies = [("recommendations", "0009_experiment_schedule")]

    operations = [migrations.RunPython(add_schedule, migrations.RunPython.noop)]
