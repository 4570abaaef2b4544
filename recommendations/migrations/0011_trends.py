"""Trends counted between trainings, every morning between the training and the lists."""

import django.db.models.deletion
from django.db import migrations, models


def add_schedule(apps, schema_editor):
    Crontab = apps.get_model("django_celery_beat", "CrontabSchedule")
    Task = apps.get_model("django_celery_beat", "PeriodicTask")
    before_the_lists, _ = Crontab.objects.get_or_create(hour="4", minute="45", timezone="UTC")
    Task.objects.get_or_create(
        name="Count anew what is trending",
        defaults={"task": "recommendations.tasks.count_trends", "crontab": before_the_lists},
    )


class Migration(migrations.Migration):
    dependencies = [("recommendations", "0010_retrain_when_due")]

    operations = [
        migrations.CreateModel(
            name="Trends",
            fields=[
                (
                    "version",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="trends",
                        serialize=False,
                        to="recommendations.modelversion",
                    ),
                ),
                ("computed_at", models.DateTimeField()),
                (
                    "counts",
                    models.BinaryField(help_text="A .npz archive of plain arrays, one row a song of the version."),
                ),
            ],
        ),
        migrations.RunPython(add_schedule, migrations.RunPython.noop),
    ]
