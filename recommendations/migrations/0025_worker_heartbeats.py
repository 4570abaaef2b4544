import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("recommendations", "0024_rules_and_served_lists"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RenameModel("WorkerPulse", "WorkerHeartbeat"),
        migrations.AlterModelOptions(
            name="listenercontrol",
            options={
                "ordering": ["-id"],
                "verbose_name": "control",
                "verbose_name_plural": "controls",
            },
        ),
        migrations.AlterField(
            model_name="listenercontrol",
            name="listener",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="controls",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
