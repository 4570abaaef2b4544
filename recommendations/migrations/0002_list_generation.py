from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recommendations", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="recommendationlist",
            name="generation",
            field=models.PositiveBigIntegerField(default=0, help_text="The listener's generation it was made from."),
        ),
        migrations.AddField(
            model_name="recommendationlist",
            name="segment",
            field=models.CharField(blank=True, max_length=8, verbose_name="listener is"),
        ),
    ]
