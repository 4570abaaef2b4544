"""What the demo brought into the catalog, and taking it away again: listeners, listens, songs, imports."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, check_password
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts import services as accounts
from accounts.models import User
from catalog.imports.demo_import import LISTENER, PASSWORD, SOURCE
from catalog.imports.models import ImportRun
from catalog.listening.models import Interaction
from catalog.listening.outdated_months import mark_plays
from catalog.playlists.models import Playlist, PlaylistItem
from catalog.records import AUDIO_FEATURES
from catalog.signals import listening_changed, songs_changed
from catalog.songs.models import Album, Artist, ArtistCredit, Genre, Song

CLICKED = ("site", "welcome")
"""Sources of what somebody did on these pages: no sign that a song of the demo exists outside of it."""
NAMES = r"^user_[0-9]{5,}$"
NEWCOMER = "somebody_new"
_LISTENERS_TOGETHER = 200
_ROWS_TOGETHER = 1_000


@dataclass(frozen=True)
class DemoContents:
    """What removing the demo takes away; `n_kept_songs` and `n_kept_accounts` belong to somebody by now."""

    n_listeners: int
    n_kept_accounts: int
    n_songs: int
    n_kept_songs: int
    n_clicks: int


def find_demo_begin() -> datetime | None:
    """Return when the demo was brought in; None when there is none."""
    runs = ImportRun.objects.filter(format=SOURCE).order_by("created_at")
    return runs.values_list("created_at", flat=True).first()


def is_being_made() -> bool:
    """Return whether the demo is still being brought in."""
    return ImportRun.objects.filter(format=SOURCE).running().exists()


def count_contents() -> DemoContents:
    """Count what removing the demo would take away, and what of it stays."""
    everybody, leaving = _find_accounts(), _find_leaving()
    brought = Song.objects.filter(import_run__format=SOURCE)
    doomed = _find_unclaimed_songs(brought, leaving)
    n_leaving, n_songs = leaving.count(), doomed.count()
    clicks = Interaction.objects.filter(song__in=doomed, source__in=CLICKED)
    return DemoContents(
        n_listeners=n_leaving,
        n_kept_accounts=everybody.count() - n_leaving,
        n_songs=n_songs,
        n_kept_songs=brought.count() - n_songs,
        n_clicks=clicks.exclude(listener__in=leaving).count(),
    )


def count_steps() -> int:
    """Return about how many steps `remove_contents` has."""
    n_songs = Song.objects.filter(import_run__format=SOURCE).count()
    return 2 + _find_leaving().count() // _LISTENERS_TOGETHER + n_songs // _ROWS_TOGETHER


def remove_contents() -> Iterator[None]:
    """Remove listeners, listens and songs of the demo; yields after each short transaction.

    May be left off anywhere and begun again: each step asks the tables what is left. The imports themselves stay
    until `forget_imports`, because they say what is of the demo.
    """
    yield from _delete_listeners()
    yield from _delete_listens()
    yield from _delete_songs()
    Playlist.objects.exclude(kind=Playlist.Kind.OWN).filter(items=None).delete()
    songs_changed.send(sender=Song)


def forget_imports() -> None:
    """Delete the demo's imports: from then on the site has no demo."""
    Song.objects.filter(import_run__format=SOURCE).update(import_run=None)
    ImportRun.objects.filter(format=SOURCE).delete()


# --- Listeners --------------------------------------------------------------------------------------------------------


def _find_accounts() -> QuerySet[User]:
    """Return the accounts that the demo made: those that have listens of it, or its newcomer."""
    begin = find_demo_begin()
    rows: QuerySet[User] = User.objects.all()
    if begin is None:
        return rows.none()
    listens = Interaction.objects.filter(listener=OuterRef("pk"), import_run__format=SOURCE)
    of_demo = Q(Exists(listens), username__regex=NAMES) | Q(username=NEWCOMER)
    return rows.filter(of_demo, date_joined__gte=begin)


def _find_leaving() -> QuerySet[User]:
    """Return the demo's accounts that nobody made their own.

    An account is somebody's when it is of the staff, has an e-mail address, a token, an account on a music server, an
    import of its own, or listens of another import. The sign-in whose password was published is nobody's.
    """
    imported = Interaction.objects.filter(listener=OuterRef("pk"), import_run__isnull=False)
    is_operated = Q(is_staff=True) | Q(is_superuser=True)
    is_imported = Exists(imported.exclude(import_run__format=SOURCE))
    is_connected = (
        ~Q(email="")
        | Q(auth_token_set__isnull=False)
        | Q(server_accounts__isnull=False)
        | Q(own_imports__isnull=False)
        # one that somebody chose; those of the demo are unusable
        | ~Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    )
    users = _find_accounts()
    connected = users.filter(is_connected).exclude(pk__in=_find_published(users))
    return users.exclude(is_operated | Q(pk__in=connected.values("pk"))).exclude(is_imported)


def _find_published(users: QuerySet[User]) -> QuerySet[User]:
    """Return the account whose sign-in is in the documentation, while it has the password that is there, too."""
    user = users.filter(username=LISTENER).first()
    is_open = user is not None and check_password(PASSWORD, user.password)
    return users.filter(username=LISTENER) if is_open else users.none()


def _delete_listeners() -> Iterator[None]:
    user = _find_published(_find_accounts()).first()
    if user is not None:
        if _find_leaving().filter(pk=user.pk).exists():
            accounts.delete_account(user)  # its imports, sessions and servers, too
        else:
            user.set_unusable_password()
            user.save()
        yield
    while ids := list(_find_leaving().values_list("pk", flat=True)[:_LISTENERS_TOGETHER]):
        with transaction.atomic():
            User.objects.filter(pk__in=ids).delete()
        yield


def _delete_listens() -> Iterator[None]:
    """Delete the demo's listens of the accounts that stay."""
    listens = Interaction.objects.filter(import_run__format=SOURCE)
    while batch := dict(listens.values_list("pk", "listener_id")[:_ROWS_TOGETHER]):
        with transaction.atomic():
            some = Interaction.objects.filter(pk__in=list(batch))
            mark_plays(some)
            some.delete()
        listening_changed.send_robust(sender=Interaction, listener_ids=set(batch.values()))
        yield


# --- Songs ------------------------------------------------------------------------------------------------------------


def _find_unclaimed_songs(
    songs: QuerySet[Song], leaving: QuerySet[User] | None = None
) -> QuerySet[Song]:
    """Return the songs that nothing outside of the demo has: no file, server, player, import or imported playlist."""
    listens = Interaction.objects.filter(song=OuterRef("pk")).exclude(source__in=CLICKED)
    listens = listens.exclude(import_run__format=SOURCE)
    items = PlaylistItem.objects.filter(song=OuterRef("pk"), playlist__import_run__isnull=False)
    if leaving is not None:
        listens = listens.exclude(listener__in=leaving)
        items = items.exclude(playlist__owner__in=leaving)
    held = songs.filter(Q(music_files__isnull=False) | Q(server_songs__isnull=False)).values("pk")
    return songs.exclude(pk__in=held).exclude(Exists(listens)).exclude(Exists(items))


def _delete_songs() -> Iterator[None]:
    brought = Song.objects.filter(import_run__format=SOURCE)
    unclaimed = _find_unclaimed_songs(brought)
    while songs := list(
        unclaimed.order_by().values_list("pk", "artist_id", "album_id")[:_ROWS_TOGETHER]
    ):
        with transaction.atomic():
            _delete_some_songs(songs)
        yield
    # What stays is a real song; how it sounds was made up.
    brought.filter(features_source="demo").update(
        **dict.fromkeys(AUDIO_FEATURES), features_source="", other_sources=None
    )


def _delete_some_songs(songs: Sequence[tuple[int, int, int | None]]) -> None:
    """Delete songs, and the albums, artists and genres that have none besides."""
    ids = [song_id for song_id, _, _ in songs]
    credited = ArtistCredit.objects.filter(song__in=ids).values_list("artist_id", flat=True)
    artist_ids = {artist_id for _, artist_id, _ in songs} | set(credited)
    genre_ids = list(Genre.objects.filter(songs__in=ids).distinct().values_list("pk", flat=True))
    heard = Interaction.objects.filter(song__in=ids).values_list("listener_id", flat=True)
    listener_ids = set(heard)
    Song.objects.filter(pk__in=ids).delete()
    Album.objects.filter(pk__in={album_id for _, _, album_id in songs}, songs=None).delete()
    Artist.objects.filter(pk__in=artist_ids, songs=None, credits=None).delete()
    Genre.objects.filter(pk__in=genre_ids, songs=None).delete()
    if listener_ids:
        transaction.on_commit(
            lambda: listening_changed.send_robust(sender=Interaction, listener_ids=listener_ids)
        )
