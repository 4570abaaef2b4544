"""The synthetic world as records, and its way into the database."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from scipy.sparse import csr_matrix

from catalog.imports import demo_import
from catalog.models import ImportRun
from catalog.names.song_keys import build_match_key
from catalog.records import ListenRecord, SongRecord
from recommendations.engine import Kind, Labels, Prior, SeedPack, World

OnProgress = Callable[[str, ImportRun], None]


@dataclass(frozen=True)
class SeedResult:
    """What became of the world: one run for its songs, one for its listens."""

    songs: ImportRun
    listens: ImportRun


def seed_database(world: World, on_progress: OnProgress = lambda stage, run: None) -> SeedResult:
    """Bring a world into the database; what is there already stays and is not doubled.

    Raises AnotherWorld, and changes nothing, when the database holds other songs with the same ids.
    """
    options = asdict(world)
    world = World(**{**options, "now": demo_import.find_earlier_now(options) or world.now})
    demo_import.check_songs(make_song_records(world))
    songs = demo_import.write_world(
        demo_import.find_or_create_world_run(ImportRun.Content.SONGS, asdict(world)),
        make_song_records(world),
        world.n_songs,
        lambda run: on_progress("songs", run),
    )
    listens = demo_import.write_world(
        demo_import.find_or_create_world_run(ImportRun.Content.LISTENS, asdict(world)),
        make_listen_records(world),
        world.n_interactions or 50 * world.n_listeners,
        lambda run: on_progress("listens", run),
    )
    return SeedResult(songs, listens)


def make_song_records(world: World) -> Iterator[SongRecord]:
    songs = world.songs
    genres = songs.genres.tolil().rows
    for row, (key, title) in enumerate(zip(songs.ids.tolist(), songs.titles, strict=True)):
        yield SongRecord(
            line=row + 1,
            key=key,
            title=title,
            artist=songs.artist_names[songs.artist[row]],
            album=songs.album_titles[songs.album[row]],
            genres=tuple(songs.genre_names[genre] for genre in genres[row]),
            year=int(songs.year[row]),
            duration_ms=int(songs.duration_ms[row]),
            # float32 → the decimal number that was meant
            features=tuple(round(value, 3) for value in songs.audio[row].tolist()),
            features_source="demo",
        )


def make_listen_records(world: World) -> Iterator[ListenRecord]:
    keys = world.songs.ids.tolist()
    line = 0
    for events in world.events():
        names = [f"user_{number + 1:05d}" for number in events.listener.tolist()]
        columns = (
            events.song.tolist(),
            events.kind.tolist(),
            events.played_ms.tolist(),
            events.timestamp.tolist(),
        )
        for name, song, kind, played_ms, timestamp in zip(names, *columns, strict=True):
            line += 1
            yield ListenRecord(
                line,
                name,
                keys[song],
                None,
                kind,
                1,
                played_ms if played_ms >= 0 else None,
                timestamp,
            )


def make_pack(world: World) -> SeedPack:
    """Return what 2,048 other made-up listeners of the same songs heard together; takes some seconds."""
    songs, events = world.songs, world.events_elsewhere()
    names = [songs.artist_names[artist] for artist in songs.artist]
    keys, first, key_of_song = np.unique(
        [
            f"name:{build_match_key(name, title)}"
            for name, title in zip(names, songs.titles, strict=True)
        ],
        return_index=True,
        return_inverse=True,
    )
    liked = np.isin(events.kind, [Kind.PLAY, Kind.LIKE])
    rows, columns = events.listener[liked], key_of_song[events.song[liked]]
    heard = csr_matrix(
        (np.ones(len(rows), np.float32), (rows - rows.min(), columns)),
        shape=(int(rows.max() - rows.min()) + 1, len(keys)),
    )
    artists = songs.artist[first]
    prior = Prior.count(heard, keys, artist=artists)
    kept = np.searchsorted(keys, prior.keys)
    labels = Labels(
        [songs.titles[row] for row in first[kept]],
        [names[row] for row in first[kept]],
        [""] * len(kept),
    )
    until = datetime.fromtimestamp(world.now, tz=UTC).date()
    about = {
        "source": "the demo's made-up world",
        "licence": "CC0 (nobody's listening)",
        "data_from": (until - timedelta(days=world.n_days)).isoformat(),
        "data_until": until.isoformat(),
        "made_at": datetime.now(UTC).date().isoformat(),
    }
    return SeedPack(prior, {}, about, labels)
