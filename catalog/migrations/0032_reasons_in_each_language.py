from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0031_recompute_names_of_collections")]

    operations = [
        migrations.AddField(
            model_name="playlistitem",
            name="reason_by_language",
            field=models.JSONField(
                blank=True,
                default=dict,
                editable=False,
                help_text="Why, in each language of the site, where this site wrote it.",
            ),
        ),
    ]
