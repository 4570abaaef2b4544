"""Link the songs that are here already to every artist whom their artist's name or their title names.

Only what the letters show by themselves is linked: guests, and joint credits of full names. Batch by batch, each in a
transaction of its own; begun again, it adds nothing twice.
"""

from django.db import migrations, transaction

from catalog.names.artist_credits import find_guests, is_list_of_full_names, split_credit
from catalog.names.artist_keys import build_lookup_key
from catalog.names.text import normalise

BATCH = 2_000


def link(apps, schema_editor):
    Artist, ArtistCredit, Song = (apps.get_model("catalog", name) for name in ("Artist", "ArtistCredit", "Song"))
    last = 0
    columns = ("pk", "title", "artist_id", "artist__name")
    while rows := list(Song.objects.filter(pk__gt=last).order_by("pk").values_list(*columns)[:BATCH]):
        last = rows[-1][0]
        named = [(pk, artist_id, names) for pk, title, artist_id, artist in rows if (names := _names(artist, title))]
        with transaction.atomic(using=schema_editor.connection.alias):
            ids = _find_or_add(Artist, {build_lookup_key(name): name for _, _, names in named for name in names})
            ArtistCredit.objects.bulk_create(
                [
                    ArtistCredit(song_id=pk, artist_id=found)
                    for pk, artist_id, names in named
                    for found in dict.fromkeys(ids.get(build_lookup_key(name)) for name in names)
                    if found not in (None, artist_id)
                ],
                ignore_conflicts=True,
                batch_size=500,
            )


def _names(artist, title):
    parts = split_credit(artist)
    joint = parts if len(parts) > 1 and is_list_of_full_names(parts) else []
    return [*joint, *find_guests(title)]


def _find_or_add(Artist, names):
    def read():
        keys, found = list(names), {}
        for start in range(0, len(keys), 900):
            rows = Artist.objects.filter(lookup_key__in=keys[start : start + 900]).order_by("-pk")
            found.update(rows.values_list("lookup_key", "pk"))
        return found

    ids = read()
    new = [
        Artist(name=name[:500], search_text=normalise(name)[:500], lookup_key=key)
        for key, name in names.items()
        if key not in ids
    ]
    Artist.objects.bulk_create(new, ignore_conflicts=True, batch_size=500)
    return read() if new else ids


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("catalog", "0012_credits_and_aliases")]

    operations = [migrations.RunPython(link, migrations.RunPython.noop)]
