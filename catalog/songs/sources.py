"""Which songs can be heard here and have a picture: computed from the tables of all sources, kept on the songs.

A table that says where a song's audio is names itself with a class attribute `audio_source`; this module finds it by
its relation to Song. Code that adds, changes or removes rows of such a table calls `refresh_sources` with the songs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2s
from typing import Any

from django.db import transaction

from catalog.signals import songs_changed
from catalog.songs.models import Song
from common.bulk_sql import cut_chunks, update_rows

_KEPT = ("has_audio", "lost_audio", "cover_tag", "is_available")


@dataclass(frozen=True)
class AudioSource:
    """How a table says that a song can be heard, and which of its columns together name the song's picture."""

    present: Mapping[str, Any] = field(default_factory=dict)
    cover_columns: tuple[str, ...] = ()

    def make_cover_tag(self, values: tuple[Any, ...]) -> str:
        """Return the tag of the picture that a row names; empty where it names none."""
        if not values or not all(values):
            return ""
        name = "\x1f".join(map(str, values))
        return blake2s(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def refresh_sources(song_ids: Iterable[int]) -> None:
    """Compute anew what the sources have of these songs.

    A song whose last audio vanished is withdrawn, unless it has an address of its own; it comes back with its audio.
    A song that an operator withdrew stays withdrawn. Call it in the transaction that changed the sources.
    """
    for some_ids in cut_chunks(dict.fromkeys(song_ids)):
        _refresh(some_ids)


def _refresh(song_ids: list[int]) -> None:
    tags = _load_cover_tags(song_ids)
    changed: list[tuple[Any, ...]] = []
    moved: list[int] = []
    for song in Song.objects.filter(pk__in=song_ids).only("pk", "audio_url", *_KEPT):
        before = [getattr(song, name) for name in _KEPT]
        _apply(song, tags.get(song.pk))
        after = [getattr(song, name) for name in _KEPT]
        if before != after:
            changed.append((*after, song.pk))
            moved += [song.pk] if before[-1] != song.is_available else []
    update_rows(Song, _KEPT, changed)
    if moved:
        transaction.on_commit(partial(songs_changed.send_robust, sender=Song, song_ids=moved))


def _load_cover_tags(song_ids: list[int]) -> dict[int, str]:
    """Return for each song that has audio the tag of its first picture, empty where it has none."""
    tags: dict[int, str] = {}
    for relation in Song._meta.related_objects:
        model: Any = relation.related_model
        source: AudioSource | None = getattr(model, "audio_source", None)
        if source is None:
            continue
        name = relation.field.attname
        rows = model._base_manager.filter(**{f"{name}__in": song_ids}, **source.present).order_by(
            "pk"
        )
        for song_id, *values in rows.values_list(name, *source.cover_columns):
            tags[song_id] = tags.get(song_id) or source.make_cover_tag(tuple(values))
    return tags


def _apply(song: Song, tag: str | None) -> None:
    has_audio = tag is not None
    song.cover_tag = tag or ""
    if song.has_audio and not has_audio and song.is_available and not song.audio_url:
        song.is_available, song.lost_audio = False, True
    elif has_audio and song.lost_audio:
        song.is_available, song.lost_audio = True, False
    song.has_audio = has_audio
