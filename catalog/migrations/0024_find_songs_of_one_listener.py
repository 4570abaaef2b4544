"""Find the songs that one listener's plays alone brought before `Song.brought_by` was there.

A song of the operator's (a catalog file, a folder, a music server, a file of many listeners) stays seen by all, and so
does one whose rows are of several listeners, of none, of an operator, or of an account that nobody can sign in to: such
accounts come with an operator's file. Songs are looked at by ranges of ids, each in a transaction of its own; begun
again, it finds the same.
"""

from django.db import migrations, transaction
from django.db.models import Max

BATCH = 5_000
_SOLE_LISTENERS = """
SELECT song.id, MIN(used.listener_id)
FROM catalog_song AS song
JOIN (
    SELECT song_id, listener_id FROM catalog_interaction WHERE song_id BETWEEN %(first)s AND %(last)s
    UNION
    SELECT item.song_id, playlist.owner_id
    FROM catalog_playlistitem AS item JOIN catalog_playlist AS playlist ON playlist.id = item.playlist_id
    WHERE item.song_id BETWEEN %(first)s AND %(last)s
) AS used ON used.song_id = song.id
LEFT JOIN catalog_importrun AS run ON run.id = song.import_run_id
WHERE song.id BETWEEN %(first)s AND %(last)s
    AND (song.key LIKE %(mb)s OR song.key LIKE %(heard)s)
    AND (song.import_run_id IS NULL OR run.listener_id IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM catalog_musicfile AS file WHERE file.song_id = song.id)
    AND NOT EXISTS (SELECT 1 FROM catalog_serversong AS item WHERE item.song_id = song.id)
GROUP BY song.id
HAVING COUNT(DISTINCT used.listener_id) = 1
"""


def find_songs(apps, schema_editor):
    alias = schema_editor.connection.alias
    Song = apps.get_model("catalog", "Song")
    users = apps.get_model("accounts", "User").objects.using(alias)
    listeners = users.filter(is_staff=False).exclude(password__startswith="!")
    allowed = set(listeners.values_list("pk", flat=True))
    last = Song.objects.using(alias).aggregate(last=Max("pk"))["last"] or 0
    for first in range(1, last + 1 if allowed else 0, BATCH):
        values = {"first": first, "last": first + BATCH - 1, "mb": "mb-%", "heard": "heard-%"}
        with transaction.atomic(using=alias):
            with schema_editor.connection.cursor() as cursor:
                cursor.execute(_SOLE_LISTENERS, values)
                found = [row for row in cursor.fetchall() if row[1] in allowed]
            own = [Song(pk=pk, brought_by_id=listener_id) for pk, listener_id in found]
            Song.objects.using(alias).bulk_update(own, ["brought_by"], batch_size=300)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("catalog", "0023_songs_of_one_listener"), ("accounts", "0001_initial")]

    operations = [migrations.RunPython(find_songs, migrations.RunPython.noop, elidable=True)]
