"""How songs can be heard here: from a file of a music folder, or through a music server."""

from collections.abc import Iterable
from dataclasses import dataclass

from catalog.files.models import MusicFile
from catalog.servers.models import ServerSong
from common.bulk_sql import cut_chunks


@dataclass(frozen=True)
class PlaySources:
    """What holds a song: files first, as they need nobody else, then items of servers."""

    files: tuple[MusicFile, ...] = ()
    items: tuple[ServerSong, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.files or self.items)


def find_sources(song_ids: Iterable[int]) -> dict[int, PlaySources]:
    """Return what holds each of the songs that something holds; two queries for up to 900 songs."""
    files: dict[int, list[MusicFile]] = {}
    items: dict[int, list[ServerSong]] = {}
    for some_ids in cut_chunks(dict.fromkeys(song_ids)):
        for file in (
            MusicFile.objects.present()
            .filter(song__in=some_ids)
            .select_related("folder")
            .order_by("pk")
        ):
            files.setdefault(file.song_id or 0, []).append(file)
        for item in (
            ServerSong.objects.present()
            .filter(song__in=some_ids)
            .select_related("server")
            .order_by("pk")
        ):
            items.setdefault(item.song_id, []).append(item)
    return {
        song_id: PlaySources(tuple(files.get(song_id, ())), tuple(items.get(song_id, ())))
        for song_id in {*files, *items}
    }
