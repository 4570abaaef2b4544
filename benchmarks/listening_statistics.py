"""Statistics of a listener with a million plays, and search among 100,000 songs, against the direct query.

    python -m benchmarks.listening_statistics [--plays 1000000] [--songs 100000] [--database URL]

Makes a SQLite database of its own in a temporary folder; with `--database` it fills an empty one. Each figure is the
median of five by the clock; "direct" reads the plays themselves in the same run and "joined" makes the page without
entity totals, so that the ratios hold on any machine.
"""

import argparse
import os
import random
import statistics as numbers
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from accounts.models import User


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plays", type=int, default=1_000_000)
    parser.add_argument("--songs", type=int, default=100_000)
    parser.add_argument("--database", help="An empty database, such as postgres://user@host/name.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "DATA_DIR": folder,
            "DATABASE_URL": arguments.database or f"sqlite:///{folder}/musicrec.sqlite3",
            "SECRET_KEY": "only-for-benchmarks",
            "DJANGO_SETTINGS_MODULE": "musicrec_site.settings",
        }
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0, skip_checks=True)
        run(arguments.plays, arguments.songs)


def run(n_plays: int, n_songs: int) -> None:
    from accounts.models import User
    from catalog.statistics import entity_totals, sums

    listener = User.objects.create_user("alice", time_zone="Europe/Berlin")
    make_songs(n_songs)
    make_plays(listener, n_plays, n_songs)
    sums.mark_everything(listener)
    print(f"counting {n_plays:,} plays: {measure(lambda: sums.refresh_sums(listener), 1):.1f} s")
    seconds = measure(lambda: entity_totals.count_entities(listener), 1)
    print(f"counting entity totals: {seconds:.1f} s")
    measure_statistics(listener)
    measure_search(listener)


def make_songs(n_songs: int) -> None:
    """Add songs of ten an artist and five an album, with one to three of 300 genres."""
    from catalog.models import Album, Artist, Genre, Song

    rng = random.Random(1)
    syllables = [a + b for a in "bdfglmnprstv" for b in "aeiou"]
    words = ["".join(rng.choices(syllables, k=rng.randint(2, 4))) for _ in range(8_000)]
    artists = [
        Artist(name=f"{rng.choice(words)} {rng.choice(words)} {n}") for n in range(n_songs // 10)
    ]
    for artist in artists:
        artist.search_text = artist.name
    Artist.objects.bulk_create(artists, batch_size=2_000)
    albums = [
        Album(title=f"{rng.choice(words)} {n}", artist=artist)
        for n, artist in enumerate(2 * artists)
    ]
    for album in albums:
        album.search_text = album.title
    Album.objects.bulk_create(albums, batch_size=2_000)
    songs = []
    for n in range(n_songs):
        album = rng.choice(albums)
        title = " ".join(rng.choices(words, k=3))
        songs.append(Song(key=f"s{n}", title=title, artist=album.artist, album=album))
    for song in songs:
        song.update_derived()
    Song.objects.bulk_create(songs, batch_size=2_000)
    genres = Genre.objects.bulk_create(
        Genre(name=f"genre {n}", search_text=f"genre {n}") for n in range(300)
    )
    tagged = Song.genres.through
    tagged.objects.bulk_create(
        [
            tagged(song_id=song.pk, genre_id=genre.pk)
            for song in songs
            for genre in {rng.choice(genres) for _ in range(rng.randint(1, 3))}
        ],
        batch_size=2_000,
    )


def make_plays(listener: "User", n_plays: int, n_songs: int) -> None:
    """Add plays over fourteen years, some songs far more often than others."""
    from catalog.models import Interaction, Song
    from common.bulk_sql import insert_rows, make_moment_converter

    rng = random.Random(2)
    ids = list(Song.objects.values_list("pk", flat=True))
    convert = make_moment_converter()
    start, step = datetime(2012, 1, 1, tzinfo=UTC).timestamp(), 14 * 365 * 86_400 / n_plays
    fields = ("listener", "song", "kind", "plays", "occurred_at", "source")
    for begin in range(0, n_plays, 50_000):
        rows = [
            (
                listener.pk,
                ids[int(n_songs * rng.random() ** 3)],
                0,
                1,
                convert(int(start + n * step)),
                "player",
            )
            for n in range(begin, min(begin + 50_000, n_plays))
        ]
        insert_rows(Interaction, fields, rows, "ON CONFLICT DO NOTHING")


def measure(act: Callable[[], object], n_times: int = 5) -> float:
    """Return the median seconds of some calls."""
    seconds = []
    for _ in range(n_times):
        begun = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - begun)
    return numbers.median(seconds)


def _read_anew(rows: "QuerySet[Any, Any]") -> list[Any]:
    return list(rows.all())


def measure_statistics(listener: "User") -> None:
    from django.db.models import Sum

    from accounts.time_zones import get_time_zone
    from catalog.listening import interactions
    from catalog.listening.periods import ALL_TIME, make_period, make_range
    from catalog.models import Interaction, ListeningSums, Song
    from catalog.statistics import entity_totals, statistics, sums
    from catalog.views.statistics import build_figures

    periods = {
        "week": make_period("week", date(2024, 5, 6)),
        "month": make_period("month", date(2024, 5, 6)),
        "year": make_period("year", date(2024, 5, 6)),
        "all": ALL_TIME,
        "7 years": make_range(date(2014, 2, 3), date(2021, 1, 5)),
    }
    plays = Interaction.objects.filter(listener=listener, kind=0).order_by()
    print(f"{'period':10}{'page':>9}{'joined':>9}{'top songs':>11}{'direct':>9}   (milliseconds)")
    for name, period in periods.items():
        moments = period.get_moments(get_time_zone(listener))
        rows = (
            plays.filter(occurred_at__gte=moments[0], occurred_at__lt=moments[1])
            if moments
            else plays
        )
        direct = rows.values("song").annotate(n=Sum("plays")).order_by("-n")[:10]
        page = measure(partial(build_figures, listener, period))
        ListeningSums.objects.update(entities=ListeningSums.Entities.OUTDATED)
        joined = measure(partial(build_figures, listener, period))
        ListeningSums.objects.update(entities=ListeningSums.Entities.KEPT)
        top = measure(partial(statistics.rank, listener, "songs", period, 10))
        peer = measure(partial(_read_anew, direct), 3)
        print(
            f"{name:10}{page * 1e3:9.0f}{joined * 1e3:9.0f}{top * 1e3:11.1f}{peer * 1e3:9.1f}",
            flush=True,
        )

    def hear_and_count() -> None:
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(seconds))
        interactions.record_play(listener, song, occurred_at=moment, source="player")
        sums.refresh_sums(listener)

    song, seconds = Song.objects.order_by("pk")[0], iter(range(0, 10_000, 300))
    print(f"a play and its month counted anew: {measure(hear_and_count) * 1e3:.0f} ms")
    assert entity_totals.find_kept_year(listener, ALL_TIME) == entity_totals.ALL_TIME


def measure_search(listener: "User") -> None:
    from catalog.models import Song, SongTotal
    from catalog.songs import search
    from catalog.songs.search import SongSearch

    order = {
        "popularity": SongTotal.objects.all(),
        "plays": SongTotal.objects.filter(listener=listener),
    }
    title = Song.objects.order_by("-pk")[500].title

    def search_words(words: str) -> list[Song]:
        return list(search.search_songs(SongSearch(words=words), None, **order)[:31])

    for words in (title, title.split()[0], title[:4], "ba"):
        ranked = measure(partial(search_words, words))
        scan = Song.objects.available().matching(words).order_by("title", "id").for_cards()
        peer = measure(partial(_read_anew, scan[:31]))
        print(f"search {words[:24]!r:28}{ranked * 1e3:8.1f} ms, unranked scan {peer * 1e3:8.1f} ms")
    wrong = title.replace("a", "e", 1)
    print(
        f"written almost alike: {measure(lambda: search.find_similar_names(wrong, None)) * 1e3:.1f} ms"
    )


if __name__ == "__main__":
    main()
