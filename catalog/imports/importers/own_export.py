"""Our own export (Settings → My data, `/api/v1/me/export/`), so that a listener can move to another Musicrec.

Plays, skips, likes, dislikes, playlists, taste, and what was hidden, muted or counted more come in; what was
computed from them is computed again.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from catalog.imports.importers.json_histories import (
    read_first_value,
    read_numbered_values,
    require_object,
)
from catalog.imports.importers.registry import register_importer
from catalog.imports.reading import values
from catalog.imports.reading.json_files import EACH, Path
from catalog.imports.reading.source_files import SourceFile
from catalog.records import (
    KIND_NAMES,
    LeftOut,
    LeftOutRow,
    ListenRecord,
    Outcome,
    PlaylistRecord,
    PreferenceRecord,
    SongRecord,
    WrongFile,
)

FORMAT = "musicrec-my-data-1"
_HISTORY = ("history", EACH)
_PLAYLIST = ("playlists", EACH, "title")
_PLAYLIST_TEXT = ("playlists", EACH, "description")
_PLAYLIST_KIND = ("playlists", EACH, "kind")
_PLAYLIST_SONG = ("playlists", EACH, "songs", EACH)
_CONTROL = ("controls", EACH)
_OLD_CONTROL = ("wishes", EACH)  # as exports before 0.6 call it
_DISCOVERY = ("taste", "discovery")
_PICKED_SONG = ("taste", "picked_songs", EACH)
_PICKED_ARTIST = ("taste", "artists", EACH)
_PICKED_GENRE = ("taste", "genres", EACH)
RULE_BOUNDS = {
    "new_artist_share": (0.0, 1.0),
    "artist_cap": (1, 200),
    "genre_distance": (0.0, 1.0),
    "tail_share": (0.0, 1.0),
}
"""The rules for lists that a listener may set, with the lowest and the highest value of each."""
_RULES = {("taste", "rules", name): name for name in RULE_BOUNDS}
_PATHS = (
    _HISTORY, _PLAYLIST, _PLAYLIST_TEXT, _PLAYLIST_KIND, _PLAYLIST_SONG,
    _CONTROL, _OLD_CONTROL, _DISCOVERY, _PICKED_SONG, _PICKED_ARTIST, _PICKED_GENRE,
    *_RULES,
)  # fmt: skip
_PICKED_NAMES = {_PICKED_ARTIST: "pick-artist", _PICKED_GENRE: "pick-genre"}
_SONG_CONTROLS = ("hide-song", "ignore-song", "mute-song", "boost-song", "not-me")
_KINDS = {name: kind for kind, name in enumerate(KIND_NAMES)}


@register_importer("musicrec", "history", "Musicrec: my data", extensions=(".json", ".gz"))
def read(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read history, playlists and settings; each row of the history keeps the source that it had."""
    if read_first_value(opened, [("format",)]) != FORMAT:
        raise WrongFile(f"{opened.name} is no export of Musicrec.")
    return values.make_records(read_numbered_values(opened, _PATHS), _Reader())


class _Reader:
    """Makes records; keeps the playlist that is being read."""

    def __init__(self) -> None:
        self._title = ""
        self._n_of_title: Counter[str] = Counter()

    def __call__(self, line: int, pair: tuple[Path, Any]) -> Outcome:
        path, entry = pair
        if path == _HISTORY:
            return _build_interaction(line, require_object(entry))
        if path == _PLAYLIST:
            self._title = self._name_playlist(
                values.parse_required_name(entry, "name of the playlist")
            )
            return PlaylistRecord(line, self._title)
        if path == _PLAYLIST_SONG:
            row = require_object(entry)
            reason = values.parse_optional_name(row.get("reason"))
            return PlaylistRecord(line, self._title, _build_song(row), reason=reason)
        if path in (_CONTROL, _OLD_CONTROL) or path[0] == "taste":
            return _build_preference(line, path, entry)
        text = values.parse_optional_name(entry) if path == _PLAYLIST_TEXT else ""
        return PlaylistRecord(line, self._title, description=text)

    def _name_playlist(self, title: str) -> str:
        """Return the title of a playlist; of several with one title the later ones have a number."""
        self._n_of_title[title] += 1
        n = self._n_of_title[title]
        return title if n == 1 else f"{title} ({n})"


def _build_preference(line: int, path: Path, entry: Any) -> PreferenceRecord | LeftOutRow:
    if path in _RULES:
        return _build_rule(line, _RULES[path], entry)
    if path == _DISCOVERY:
        is_number = isinstance(entry, int | float) and not isinstance(entry, bool)
        if not is_number or not 0 <= entry <= 1:
            raise values.BadValue("discovery is a number from 0 to 1")
        return PreferenceRecord(line, "discovery", value=float(entry))
    if path in _PICKED_NAMES:
        name = values.parse_required_name(entry, "name that was picked")
        return PreferenceRecord(line, _PICKED_NAMES[path], name=name)
    row = require_object(entry)
    if path == _PICKED_SONG:
        return PreferenceRecord(line, "pick-song", _build_song(row))
    kind = row.get("kind")
    if kind == "hide-artist":
        return PreferenceRecord(
            line, kind, name=values.parse_required_name(row.get("artist"), "artist")
        )
    if kind not in _SONG_CONTROLS:
        raise values.BadValue(f"{str(kind)[:20]!r} is no kind of control")
    return PreferenceRecord(line, kind, _build_song(row))


def _build_rule(line: int, name: str, value: Any) -> PreferenceRecord | LeftOutRow:
    if value is None:  # not set, as earlier exports say
        return LeftOutRow(line, LeftOut.UNREAD_KIND)
    lowest, highest = RULE_BOUNDS[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not lowest <= value <= highest or type(lowest)(value) != value:
        raise values.BadValue(f"the rule {name} is a number from {lowest} to {highest}")
    return PreferenceRecord(line, "rule", name=name, value=value)


def _build_interaction(line: int, row: Mapping[str, Any]) -> ListenRecord:
    kind = _KINDS.get(str(row.get("kind")))
    if kind is None:
        raise values.BadValue(f"{str(row.get('kind'))[:20]!r} is not play, skip, like or dislike")
    moment, source = row.get("occurred_at"), row.get("source")
    return ListenRecord(
        line,
        "",
        song=_build_song(row),
        kind=kind,
        plays=values.parse_optional_number(row.get("plays"), 1, values.MOST_PLAYS) or 1,
        played_ms=values.parse_optional_number(row.get("played_ms"), 0, values.LONGEST_MS),
        occurred_at=None if moment is None else values.parse_json_moment(moment),
        source=source[:40] if isinstance(source, str) and source.isprintable() else "",
    )


def _build_song(row: Mapping[str, Any]) -> SongRecord:
    spotify_id, isrc = row.get("spotify_id"), row.get("isrc")
    return SongRecord(
        0,
        values.parse_required_name(row.get("title"), "title"),
        values.parse_required_name(row.get("artist"), "artist"),
        album=values.parse_optional_name(row.get("album")),
        duration_ms=values.parse_duration_ms(milliseconds=row.get("duration_ms")),
        mbid=values.parse_optional_mbid(row.get("mbid")),
        isrc=isrc[:20] if isinstance(isrc, str) else "",
        spotify_id=spotify_id
        if isinstance(spotify_id, str) and values.is_spotify_id(spotify_id)
        else "",
    )
