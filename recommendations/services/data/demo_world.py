"""The synthetic world as records, and its way into the database."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from catalog.imports import demo_import
from catalog.models import ImportRun
from catalog.records import ListenRecord, SongRecord
from recommendations.engine import World

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
    demo_import.check_songs(song_records(world))
    songs = demo_import.write_world(
        demo_import.find_or_create_world_run(ImportRun.Content.SONGS, asdict(world)),
        song_records(world),
        world.n_songs,
        lambda run: on_progress("songs", run),
    )
    listens = demo_import.write_world(
        demo_import.find_or_create_world_run(ImportRun.Content.LISTENS, asdict(world)),
        listen_records(world),
        world.n_interactions or 50 * world.n_listeners,
        lambda run: on_progress("listens", run),
    )
    return SeedResult(songs, listens)


def song_records(world: World) -> Iterator[SongRecord]:
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


def listen_records(world: World) -> Iterator[ListenRecord]:
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
