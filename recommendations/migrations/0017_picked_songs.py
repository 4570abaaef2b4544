"""Songs picked at the start are taste, not likes: what was written as likes becomes picked songs."""

from django.db import migrations, models

LIKE, SOURCE = 1, "welcome"
ROWS = 500


def move_likes(apps, schema_editor):
    Interaction = apps.get_model("catalog", "Interaction")
    Taste = apps.get_model("recommendations", "Taste")
    likes = Interaction.objects.filter(kind=LIKE, source=SOURCE)
    for listener_id in list(likes.values_list("listener_id", flat=True).distinct()):
        taste, _is_new = Taste.objects.get_or_create(listener_id=listener_id)
        taste.songs.add(*likes.filter(listener_id=listener_id).values_list("song_id", flat=True))
        likes.filter(listener_id=listener_id).delete()


def restore_likes(apps, schema_editor):
    Interaction = apps.get_model("catalog", "Interaction")
    Taste = apps.get_model("recommendations", "Taste")
    picks = Taste.songs.through.objects.values_list("taste_id", "song_id")
    Interaction.objects.bulk_create(
        (
            Interaction(listener_id=listener_id, song_id=song_id, kind=LIKE, source=SOURCE)
            for listener_id, song_id in picks.iterator()
        ),
        batch_size=ROWS,
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0013_credits_of_known_songs"),
        ("recommendations", "0016_retention_schedule"),
    ]

    operations = [
        migrations.AddField(
            model_name="taste",
            name="songs",
            field=models.ManyToManyField(
                blank=True, related_name="+", to="catalog.song", verbose_name="chosen songs"
            ),
        ),
        migrations.RunPython(move_likes, restore_likes),
    ]
