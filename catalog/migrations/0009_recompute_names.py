"""Recompute what names are searched and matched by: marks that are letters are kept, notes are judged one by one.

Batch by batch, each in a transaction of its own, so that a site of a million songs is never locked for long; a
migration that was stopped begins again and changes nothing that is right already. Where two artists, albums or genres
would now have the same name ("Don't" and "Dont"), the later one keeps its old text: they stay two until they are merged
in the admin, and new songs go to the first.
"""

from django.db import migrations, transaction

from catalog.names.artist_keys import build_lookup_key
from catalog.names.song_keys import build_song_keys
from catalog.names.text import normalise

BATCH = 2_000


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
        _rename(Artist, connection.alias, [(pk, name[:500], text, mbid, {}) for pk, name, text, _, mbid in rows], 500)
    recompute_albums_and_genres(apps, schema_editor)
    for rows in _batches(Song, "title", "artist__name", "search_text", "match_key", "work_key"):
        changed = []
        for pk, title, artist, *old in rows:
            new = [f"{normalise(title)[:500]} {normalise(artist)[:500]}", *build_song_keys(artist, title)]
            if new != old:
                changed.append((*new, pk))
        update("UPDATE catalog_song SET search_text = %s, match_key = %s, work_key = %s WHERE id = %s", changed)


def recompute_albums_and_genres(apps, schema_editor):
    alias = schema_editor.connection.alias
    Album, Genre = (apps.get_model("catalog", name) for name in ("Album", "Genre"))
    for rows in _batches(Album, "title", "search_text", "artist_id", "mbid"):
        albums = [(pk, title, text, mbid, {"artist_id": artist}) for pk, title, text, artist, mbid in rows]
        _rename(Album, alias, albums, 500)
    for rows in _batches(Genre, "name", "search_text"):
        _rename(Genre, alias, [(pk, name, text, None, {}) for pk, name, text in rows], 100)


def _batches(model, *fields):
    last = 0
    while rows := list(model.objects.filter(pk__gt=last).order_by("pk").values_list("pk", *fields)[:BATCH]):
        yield rows
        last = rows[-1][0]


def _rename(model, alias, rows, length):
    with transaction.atomic(using=alias):
        for pk, name, old, mbid, place in rows:
            text = normalise(name)[:length]
            if text == old:
                continue
            same = model.objects.filter(search_text=text, **place).exclude(pk=pk)
            if mbid is None and (same.filter(mbid=None) if hasattr(model, "mbid") else same).exists():
                continue
            model.objects.filter(pk=pk).update(search_text=text)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("catalog", "0008_work_and_lookup_keys")]

    operations = [migrations.RunPython(recompute, migrations.RunPython.noop)]
