"""Recompute what names are searched and matched by: notes of titles in more languages, parts behind guests.

As in 0009, batch by batch, each in a transaction of its own; a migration that was stopped begins again and changes
nothing that is right already. Songs that have the same key now stay two until they are merged in the admin; listens go
to the first.
"""

from importlib import import_module

from django.db import migrations, transaction

from catalog.names.artist_keys import build_lookup_key
from catalog.names.song_keys import build_song_keys
from catalog.names.text import build_search_text, normalise

BATCH = 2_000
_link_guests = import_module("catalog.migrations.0013_credits_of_known_songs").link


def recompute(apps, schema_editor):
    connection = schema_editor.connection
    Artist, Song = (apps.get_model("catalog", name) for name in ("Artist", "Song"))

    def update(statement, rows):
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.executemany(statement, rows)

    for rows in _batches(Artist, "name", "search_text", "lookup_key", "mbid"):
        update(
            "UPDATE catalog_artist SET lookup_key = %s WHERE id = %s",
            [(key, pk) for pk, name, _, old, _ in rows if (key := build_lookup_key(name)) != old],
        )
        with transaction.atomic(using=connection.alias):
            for pk, name, old, _, mbid in rows:
                text = normalise(name)[:500]
                same = Artist.objects.filter(search_text=text, mbid=None).exclude(pk=pk)
                # of two artists without an id the later one keeps its old text
                if text != old and not (mbid is None and same.exists()):
                    Artist.objects.filter(pk=pk).update(search_text=text)
    for rows in _batches(Song, "title", "credit", "artist__name", "search_text", "match_key", "work_key"):
        changed = []
        for pk, title, credit, artist, *old in rows:
            named = credit or artist
            new = [build_search_text(title, named), *build_song_keys(named, title)]
            if new != old:
                changed.append((*new, pk))
        update("UPDATE catalog_song SET search_text = %s, match_key = %s, work_key = %s WHERE id = %s", changed)
    _link_guests(apps, schema_editor)


def _batches(model, *fields):
    last = 0
    while rows := list(model.objects.filter(pk__gt=last).order_by("pk").values_list("pk", *fields)[:BATCH]):
        yield rows
        last = rows[-1][0]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("catalog", "0024_find_songs_of_one_listener")]

    operations = [migrations.RunPython(recompute, migrations.RunPython.noop)]
