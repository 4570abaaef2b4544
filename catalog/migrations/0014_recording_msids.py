"""The table of message ids under the field's own word."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0013_credits_of_known_songs")]

    operations = [
        migrations.RenameModel(old_name="HeardName", new_name="RecordingMsid"),
        migrations.AlterField(
            model_name="recordingmsid",
            name="song",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="recording_msids", to="catalog.song"
            ),
        ),
    ]
