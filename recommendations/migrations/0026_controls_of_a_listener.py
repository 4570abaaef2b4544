"""Find a listener's controls by an index, and count the figures of large sites every half hour."""

from django.conf import settings
from django.db import migrations, models


def add_schedule(apps, schema_editor):
    Interval = apps.get_model("django_celery_beat", "IntervalSchedule")
    Task = apps.get_model("django_celery_beat", "PeriodicTask")
    half_hour, _ = Interval.objects.get_or_create(every=30, period="minutes")
    Task.objects.get_or_create(
        name="Count the site's figures",
        defaults={"task": "recommendations.tasks.count_site_figures", "interval": half_hour},
    )


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0028_kept_figures_and_orders'),
        ('recommendations', '0025_worker_heartbeats'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name='listenercontrol',
            index=models.Index(fields=['listener', 'kind'], name='wish_listener'),
        ),
        migrations.RunPython(add_schedule, migrations.RunPython.noop),
    ]
