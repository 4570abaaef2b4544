"""Taking imports back: what one added, and everything that a closing account imported."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from catalog.imports.import_requests import ImportRefused, delete_uploads, list_imports
from catalog.imports.models import ImportRun
from catalog.listening.models import Interaction
from catalog.listening.outdated_months import mark_plays
from catalog.playlists.models import Playlist
from catalog.playlists.playlist_writer import undo_playlists
from catalog.signals import interactions_deleted, listening_changed
from catalog.songs.models import Album, Artist, ArtistCredit, Song
from common import jobs
from common.bulk_sql import cut_chunks
from common.transactions import lock_rows

_DELETED_TOGETHER = 5_000


def undo_import(run: ImportRun) -> int:
    """Take back exactly what the import added and nobody uses otherwise; return how many listens that were.

    Listens of it are deleted, then the songs it brought that have no other listens and are in no playlist, then
    artists and albums that this leaves empty. May be repeated after an interruption.
    """
    if run.is_active:
        raise ImportRefused(_("The import is still running; cancel it first."))
    listener_ids = list(
        Interaction.objects.filter(import_run=run)
        .order_by()
        .values_list("listener_id", flat=True)
        .distinct()
    )
    n_deleted = 0
    while ids := list(
        Interaction.objects.filter(import_run=run).values_list("pk", flat=True)[:_DELETED_TOGETHER]
    ):
        with transaction.atomic():
            some = Interaction.objects.filter(pk__in=ids)
            mark_plays(some)
            n_deleted_now = some.delete()[0]
            interactions_deleted.send(
                sender=Interaction,
                listener_id=listener_ids[0] if len(listener_ids) == 1 else None,
                n_deleted=n_deleted_now,
                is_import=True,
            )
        n_deleted += n_deleted_now
    undo_playlists(run)
    _remove_unused_songs(Song.objects.filter(import_run=run))
    ImportRun.objects.filter(pk=run.pk).update(
        status=ImportRun.Status.UNDONE, finished_at=timezone.now()
    )
    run.refresh_from_db()
    for batch in cut_chunks(listener_ids, _DELETED_TOGETHER):
        listening_changed.send_robust(sender=Interaction, listener_ids=batch)
    return n_deleted


def delete_imports(listener: User) -> None:
    """Stop and delete a listener's imports with their uploads, and the songs that only this listener brought.

    Belongs in the transaction that deletes the account. Deletes the listener's interactions and
    playlists, too, because a song that is in one of them still counts as used.
    """
    runs = list_imports(listener)
    # First, and waiting for a chunk that is being written: the worker's next chunk finds its lease gone.
    jobs.cancel_jobs(runs)
    stopped = list(runs)
    mark_plays(Interaction.objects.filter(import_run__in=stopped).exclude(listener=listener))
    Interaction.objects.filter(Q(listener=listener) | Q(import_run__in=stopped)).delete()
    Playlist.objects.filter(owner=listener).delete()
    for run in stopped:
        _remove_unused_songs(Song.objects.filter(import_run=run))
    own = Song.objects.filter(brought_by=listener)
    _remove_unused_songs(own)
    own.update(brought_by=None)  # somebody else uses what is left
    runs.delete()
    uploads = [Path(run.stored_path) for run in stopped if run.stored_path]
    transaction.on_commit(partial(delete_uploads, uploads))


def _remove_unused_songs(songs: QuerySet[Song]) -> None:
    """Delete those of the songs without listens, playlists, files and servers, and artists and albums only they had."""
    unused = songs.filter(
        interactions=None, playlist_items=None, music_files=None, server_songs=None
    )
    while song_ids := list(unused.values_list("pk", flat=True)[:_DELETED_TOGETHER]):
        with transaction.atomic():
            # who writes about one of them just now is waited for: then it is used
            lock_rows(Song(pk=song_id) for song_id in song_ids)
            rows = list(unused.filter(pk__in=song_ids).values_list("pk", "artist_id", "album_id"))
            _delete_songs(rows)


def _delete_songs(rows: Sequence[tuple[int, int, int | None]]) -> None:
    """Delete songs, given as their id, artist and album, and artists and albums that only they had."""
    song_ids = [song_id for song_id, _, _ in rows]
    credits = ArtistCredit.objects.filter(song__in=song_ids)
    artist_ids = {artist_id for _, artist_id, _ in rows} | set(
        credits.values_list("artist_id", flat=True)
    )
    Song.objects.filter(pk__in=song_ids).delete()
    Album.objects.filter(pk__in={album_id for _, _, album_id in rows}, songs=None).delete()
    unused_artists = Artist.objects.filter(songs=None, credits=None)
    unused_artists.filter(pk__in=artist_ids).delete()
