"""What most listeners played, straight from the database: the answer while there is no model."""

from collections import Counter
from collections.abc import Mapping, Sequence

from django.db.models import Count, Q

from catalog.models import Interaction, Song
from catalog.songs.kept_figures import Figure, read_figure
from recommendations.conf import conf
from recommendations.engine import Explanation, PopularityNote, Recommender
from recommendations.services.lists.artist_order import space_songs
from recommendations.services.lists.fallback import Fallback
from recommendations.services.lists.listener_context import HeardSong, Unwanted
from recommendations.services.lists.served_list import Served, ServedSong
from recommendations.services.reasons.explanation_facts import LEAST_CROWD

_FIRST_SONGS = 2_000
"""So many of the oldest songs are looked at where nobody has heard anything."""


def list_most_played(n: int, unwanted: Unwanted) -> list[tuple[Song, int]]:
    """Return at most n available songs and how many listeners played or liked each, most first."""
    counted = read_figure(MOST_PLAYED, conf.popular_cache_seconds).value or []
    counts = {
        song_id: count
        for song_id, count, bringer in counted
        if bringer in (None, unwanted.listener_id)
    }
    songs = Song.objects.available().for_cards().in_bulk(list(counts))
    wanted = [
        (songs[id_], count)
        for id_, count in counts.items()
        if id_ in songs and unwanted.allows(songs[id_])
    ]
    return wanted[:n]


def _count() -> list[tuple[int, int, int | None]]:
    """Count listeners a song over the whole table, then keep twice the longest list; (song, listeners, whose own).

    As many of the songs that only one listener sees come after it, for a site that has no others.
    """
    heard = Interaction.objects.filter(kind__in=[Interaction.Kind.PLAY, Interaction.Kind.LIKE])
    counts = (
        heard.values("song_id", "song__brought_by_id")
        .annotate(n=Count("listener_id", distinct=True))
        .order_by("-n", "song_id")
        .values_list("song_id", "n", "song__brought_by_id")
    )
    n_kept = 2 * conf.longest_list
    own = counts.filter(song__brought_by__isnull=False)
    return [*counts.filter(song__brought_by=None)[:n_kept], *own[:n_kept]]


MOST_PLAYED = Figure("most_played", _count)


def list_by_played_artists(
    n: int, heard: Mapping[int, HeardSong], unwanted: Unwanted
) -> list[Song]:
    """Return at most n unheard songs by the artists a listener plays, one of each in turn, most played first.

    Two queries over the songs of at most n artists.
    """
    plays: Counter[int] = Counter()
    for song in heard.values():
        plays[song.artist_id] += song.n_plays
    artist_ids = [artist_id for artist_id, n_plays in plays.most_common(n) if n_plays]
    rows = Song.objects.available().filter(_is_offered(unwanted), artist_id__in=artist_ids)
    turn: Counter[int] = Counter()
    ranked = []
    for song_id, artist_id in rows.order_by("pk").values_list("pk", "artist_id"):
        if song_id not in heard:
            ranked.append((turn[artist_id], artist_ids.index(artist_id), song_id))
            turn[artist_id] += 1
    ids = [song_id for _turn, _place, song_id in sorted(ranked)][: 2 * n]
    songs = Song.objects.for_cards().in_bulk(ids)
    return [songs[song_id] for song_id in ids if unwanted.allows(songs[song_id])][:n]


def list_unheard(n: int, unwanted: Unwanted) -> list[Song]:
    """Return at most n songs of a catalog in which nobody has heard anything yet; one an artist first."""
    wanted = Song.objects.available().filter(_is_offered(unwanted))
    wanted = wanted.exclude(pk__in=unwanted.song_ids).exclude(artist_id__in=unwanted.artist_ids)
    first_songs = wanted.order_by("pk").values_list("pk", "artist_id")[: max(_FIRST_SONGS, n)]
    firsts: list[int] = []
    others: list[int] = []
    artist_ids: set[int] = set()
    for song_id, artist_id in first_songs:
        (others if artist_id in artist_ids else firsts).append(song_id)
        artist_ids.add(artist_id)
    ids = [*firsts, *others][:n]
    songs = Song.objects.for_cards().in_bulk(ids)
    return [songs[song_id] for song_id in ids]


def list_newest(n: int, heard: Mapping[int, HeardSong], unwanted: Unwanted) -> list[Song]:
    """Return at most n unheard songs, the last that came in first; of the newest two thousand and what was heard."""
    rows = Song.objects.available().filter(_is_offered(unwanted)).order_by("-pk")
    newest = rows.values_list("pk", flat=True)[: max(_FIRST_SONGS, n)]
    ids = [song_id for song_id in newest if song_id not in heard][: 2 * n]
    songs = Song.objects.for_cards().in_bulk(ids)
    return [songs[song_id] for song_id in ids if unwanted.allows(songs[song_id])][:n]


def _is_offered(unwanted: Unwanted) -> Q:
    """Return the condition that a song is everybody's or the listener's own."""
    return Q(brought_by=None) | Q(brought_by=unwanted.listener_id)


def make_explanation(count: int) -> Explanation:
    """Say that a song is here because so many listeners played it."""
    return Explanation(
        {"popularity": float(count)},
        {"popularity": 1.0},
        popularity=PopularityNote("all_time", count),
    )


def serve_without_model(
    n: int, unwanted: Unwanted, heard: Mapping[int, HeardSong] | None = None
) -> Served:
    """Serve what a site can before its first training: what many play, else by artists who are `heard`, else any."""
    played = list_most_played(n, unwanted)
    if heard and (not played or played[0][1] < LEAST_CROWD):
        songs = list_by_played_artists(n, heard, unwanted)
        if songs:
            by_artist = Explanation({"artist": 1.0}, {"artist": 1.0})
            return _serve_unscored(songs, Fallback.PLAYED_ARTISTS, by_artist)
    if played:
        items = [
            ServedSong(song, float(count), make_explanation(count), position)
            for position, (song, count) in enumerate(
                space_songs(played, lambda row: row[0]), start=1
            )
        ]
        return Served(items, "popular", fallback=Fallback.NO_MODEL)
    songs = list_unheard(n, unwanted)
    if not songs:
        return Served([], "empty", fallback=Fallback.NO_SONGS)
    return _serve_unscored(songs, Fallback.NOBODY_PLAYED, Explanation({}, {}))


def serve_newer(
    n: int, unwanted: Unwanted, heard: Mapping[int, HeardSong], recommender: Recommender
) -> Served | None:
    """Serve songs that the model has never seen to a listener who has heard all that it has; None without such songs.

    Those by artists who are `heard` come first, else the newest.
    """
    for songs, why in (
        (list_by_played_artists(n, heard, unwanted), Explanation({"artist": 1.0}, {"artist": 1.0})),
        (list_newest(n, heard, unwanted), Explanation({}, {})),
    ):
        newer = [song for song in songs if recommender.items.row(song.pk) < 0]
        if newer:
            return _serve_unscored(newer, Fallback.HEARD_ALL, why)
    return None


def _serve_unscored(songs: Sequence[Song], fallback: Fallback, why: Explanation) -> Served:
    spaced = space_songs(songs, lambda song: song)
    items = [ServedSong(song, 0.0, why, position) for position, song in enumerate(spaced, start=1)]
    return Served(items, "popular", fallback=fallback)
