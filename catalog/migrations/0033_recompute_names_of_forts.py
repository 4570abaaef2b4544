"""Recompute the keys of songs whose title has a fort in it, which counted as a guest: "Leaving Ft. Worth"."""

from django.db import migrations

from catalog.names.song_keys import build_song_keys


def recompute(apps, schema_editor):
    Song = apps.get_model("catalog", "Song")
    named = Song.objects.filter(title__icontains="ft. ").select_related("artist")
    for song in named.order_by("pk").iterator():
        keys = build_song_keys(song.credit or song.artist.name, song.title)
        if keys != (song.match_key, song.work_key):
            Song.objects.filter(pk=song.pk).update(match_key=keys.match_key, work_key=keys.work_key)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0032_reasons_in_each_language")]

    operations = [migrations.RunPython(recompute, migrations.RunPython.noop)]
