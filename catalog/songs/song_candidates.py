"""Which song of the catalog a record means: the candidates, read for a whole batch, and the rule that chooses.

Reads only; `resolver` adds what is new. docs/matching.md ("Identity") explains the rule.
"""

import re
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from catalog.names import note_words
from catalog.names.artist_credits import list_guest_names
from catalog.names.artist_keys import build_lookup_key
from catalog.names.external_ids import parse_uuid
from catalog.names.song_keys import build_song_keys, is_same_name
from catalog.names.title_keys import build_title_key, is_composed
from catalog.records import SongRecord
from catalog.songs.aliases import SongAlias, compute_name_value, parse_alias_value
from catalog.songs.models import Song
from common.bulk_sql import cut_chunks

IDS = ("mbid", "spotify_id", "isrc")
_COLUMNS = ("pk", "match_key", *IDS, "duration_ms", "album__title", "title", "credit")
_DISC = re.compile(
    r"(?:\s|[,:(\[-])(?:disc|disk|cd|disque|disco|диск|ディスク)\s?(?:\d{1,2}|one|two|three|four)"
    r"(?:\s(?:of|von|de)\s\d{1,2})?(?::\s[^()\[\]]{1,60})?[)\]]?$",
    re.IGNORECASE,
)
# beside what titles have, too: "(3am Edition)", "【通常盤】", "(2CD)", ": Deluxe Edition"; "(Ana's Version)" is another
_EDITION = re.compile(
    r"\s?[(\[（【](?:[^()\[\]（）【】]{0,40}(?:\bedition|\bedición|\bedição|\bédition|\bedizione|盤|盘|"
    r"デラックス|디럭스|豪华版|豪華版|\bexclusive|\bvinyl|\bvinyl rip|\bausgabe)[A-Z]?|"
    r"\d{1,2}\s?cds?|\d\d-?bit[^()\[\]]{0,12}|"
    r"(?:uk|us|international|japanese|european|standard) version|edici[óo]n [a-z]{4,10}|édition [a-z]{4,10})[)\]）】]$|"
    r":?\s(?:super\s)?deluxe(?:\s(?:edition|version))?$|・デラックス$|"
    r"\s(?:ost|original (?:motion picture )?soundtrack)$",
    re.IGNORECASE,
)
_KEPT_ALBUMS = 10_000
_FORMER_NAME = f"former {SongAlias.Kind.NAME}"
_PLACEHOLDER_ARTISTS = frozenset(map(build_lookup_key, note_words.PLACEHOLDER_ARTISTS))
# lengths that differ by more than either are lengths of different recordings
_OTHER_LENGTH_MS = 10_000
_OTHER_LENGTH_SHARE = 0.07


@dataclass
class Resolution:
    """The result for each record by its position: the id of its song, or why it has none."""

    ids: list[int | None]
    new: set[int] = field(default_factory=set)
    reasons: dict[int, str] = field(default_factory=dict)


class Description(NamedTuple):
    """What a record says about its song, in the form in which it is compared."""

    artist: str
    title: str
    match_key: str
    mbid: uuid.UUID | None
    spotify_id: str | None
    isrc: str
    duration_ms: int | None
    album: str
    written_title: str
    guest_keys: Sequence[tuple[str, frozenset[str]]] = ()
    """Other match keys that mean the song, with the guests who have to be named there."""


@dataclass(eq=False, slots=True)
class Candidate:
    """A song that records may mean: of the catalog, or brought by an earlier record of the batch (`position`).

    One that was merged into another, or renamed, is a candidate as it was then; `now` is the song it leads to.
    """

    pk: int | None
    match_key: str
    mbid: uuid.UUID | None
    spotify_id: str | None
    isrc: str
    duration_ms: int | None
    album: str
    written_title: str
    credit: str = ""
    position: int = -1
    now: "Candidate | None" = None

    @property
    def artist(self) -> str:
        return self.match_key.partition("|")[0]

    @property
    def title(self) -> str:
        return self.match_key.partition("|")[2]


class Candidates:
    """The songs that the records of one batch may mean, by their ids and match keys."""

    def __init__(self) -> None:
        self._by: dict[tuple[str, object], list[Candidate]] = {}
        self._by_pk: dict[int, Candidate] = {}

    def read(self, descriptions: Collection[Description]) -> None:
        """Read what the catalog has.

        One query for each kind of id that occurs, one for names, and one for aliases where there are ids, or names
        that no song has now.
        """
        aliases: set[str] = set()
        for name in (*IDS, "match_key"):
            values = {value for one in descriptions if (value := getattr(one, name))}
            if name == "match_key":
                values.update(key for one in descriptions for key, _ in one.guest_keys)
            for some_values in cut_chunks(values):
                rows = (
                    Song.objects.filter(**{f"{name}__in": some_values})
                    .order_by("pk")
                    .values_list(*_COLUMNS)
                )
                for row in rows:
                    self._note(row, name, row[_COLUMNS.index(name)])
            if name in IDS:
                aliases.update(map(str, values))
        for one in descriptions:
            if one.match_key and not _list_named(one, self):
                aliases.add(compute_name_value(one.match_key))
                aliases.update(compute_name_value(key) for key, _ in one.guest_keys)
        self._read_aliases(aliases)

    def _read_aliases(self, values: Collection[str]) -> None:
        columns = [f"song__{name}" for name in _COLUMNS]
        for some_values in cut_chunks(values):
            aliased = SongAlias.objects.filter(value__in=some_values).order_by("pk")
            for kind, value, former, *row in aliased.values_list(
                "kind", "value", "former", *columns
            ):
                parsed = parse_alias_value(kind, value)
                candidate = self._note(tuple(row), kind, parsed)
                if former is not None:
                    self.add(f"former {kind}", parsed, _build_former(former, candidate))

    def get(self, name: str, value: object) -> list[Candidate]:
        return self._by.get((name, value), [])

    def add(self, name: str, value: object, candidate: Candidate) -> None:
        same_value = self._by.setdefault((name, value), [])
        if candidate not in same_value:
            same_value.append(candidate)

    def find_owner(self, name: str, value: object) -> Candidate | None:
        """Return the song whose own id this is, not an alias."""
        return next((one for one in self.get(name, value) if getattr(one, name) == value), None)

    def _note(self, row: tuple[Any, ...], name: str, value: object) -> Candidate:
        pk = row[0]
        candidate = self._by_pk.get(pk)
        if candidate is None:
            candidate = self._by_pk[pk] = Candidate(*(*row[:-3], row[-3] or "", *row[-2:]))
        self.add(name, value, candidate)
        return candidate


def _build_former(former: dict[str, Any], now: Candidate) -> Candidate:
    """Return a song as it was before it was merged or renamed."""
    return Candidate(
        now.pk,
        build_song_keys(former["credit"], former["title"]).match_key,
        parse_uuid(former["mbid"]),
        None,
        former["isrc"],
        former["duration_ms"],
        former["album"],
        former["title"],
        former["credit"],
        now=now,
    )


def choose_candidate(description: Description, candidates: Candidates) -> Candidate | None:
    """Return the song that is meant; None when it is new.

    What a song was called before decides only where no song is called so now.
    """
    for name in IDS:
        value = getattr(description, name)
        for candidate in candidates.get(name, value) if value else ():
            if not description.match_key or _do_names_agree(description, candidate):
                return candidate
    if not description.match_key:
        return None
    same = _list_named(description, candidates)
    if not same and (former := _choose_former(description, candidates)) is not None:
        return former.now
    return min(same, key=lambda one: _count_differences(description, one), default=None)


def _list_named(
    description: Description, candidates: Candidates, *, former: bool = False
) -> list[Candidate]:
    """Return the songs that have, or had, the names of a description and are not another recording."""

    def list_same(match_key: str) -> list[Candidate]:
        named = (
            candidates.get(_FORMER_NAME, compute_name_value(match_key))
            if former
            else candidates.get("match_key", match_key)
        )
        return [one for one in named if not _are_different_recordings(description, one)]

    return list_same(description.match_key) or [
        one
        for key, guests in description.guest_keys
        for one in list_same(key)
        if _names_guests(one, guests)
    ]


def _choose_former(description: Description, candidates: Candidates) -> Candidate | None:
    """Return the song, as it was, that a description means by one of its ids or by its names."""
    for name in IDS:
        for candidate in candidates.get(f"former {name}", getattr(description, name)):
            if _do_names_agree(description, candidate):
                return candidate
    same = _list_named(description, candidates, former=True)
    return min(same, key=lambda one: _count_differences(description, one), default=None)


def _names_guests(candidate: Candidate, guests: Collection[str]) -> bool:
    """Whether a song's title or credit names some guests, given by their lookup keys."""
    if not guests:
        return True
    names = list_guest_names(candidate.credit, candidate.written_title)
    return {build_lookup_key(name) for name in names}.issuperset(guests)


def _do_names_agree(description: Description, candidate: Candidate) -> bool:
    return is_same_name(description.artist, description.title, candidate.artist, candidate.title)


def _are_different_recordings(description: Description, candidate: Candidate) -> bool:
    """Whether two songs of the same names are two recordings.

    One sign is not enough: compilations give a song other ids, a single another album, a radio edit another length.
    Under placeholder names ("Unknown Artist", "Intro") and for works that many perform ("Sonata No. 2") another album,
    or another disc of one, is enough.
    """
    is_generic = (
        description.artist in _PLACEHOLDER_ARTISTS
        or _is_generic(description.title)
        or is_composed(description.title)
    )
    if is_generic and _build_album_key(description.album) != _build_album_key(candidate.album):
        return (
            bool(description.album and candidate.album)
            or description.artist in _PLACEHOLDER_ARTISTS
        )
    return _count_differences(description, candidate) >= (1 if is_generic else 2)


def _count_differences(description: Description, candidate: Candidate) -> int:
    """Count the signs that two songs of the same names are two recordings: ids, lengths, and albums or titles."""
    ids = any(
        (own := getattr(description, name)) and (other := getattr(candidate, name)) and own != other
        for name in ("mbid", "isrc")
    )
    lengths = _differ_in_length(description.duration_ms, candidate.duration_ms)
    own_album, other_album = map(
        _build_album_key_without_disc, (description.album, candidate.album)
    )
    albums = own_album and other_album and own_album != other_album
    # two songs of one album may differ by the sign alone; but sources leave it out, too
    is_one_a_question = description.written_title.endswith("?") != candidate.written_title.endswith(
        "?"
    )
    titles = is_one_a_question and own_album and own_album == other_album
    return bool(ids) + lengths + bool(albums or titles)


@lru_cache(_KEPT_ALBUMS)
def _build_album_key(album: str) -> str:
    """Return an album's title as it is compared, without its edition: "A (Deluxe Edition)" is "A"."""
    edition = _EDITION.search(album)
    bare = album[: edition.start()] if edition else album
    return build_title_key(bare or album) if album else ""


@lru_cache(_KEPT_ALBUMS)
def _build_album_key_without_disc(album: str) -> str:
    """Return the same without its disc: "A (Disc 2)" is "A"."""
    disc = _DISC.search(album)
    bare = album[: disc.start()].rstrip(" ,:-–—([") if disc else album
    return _build_album_key(bare or album)


def is_same_recording(song: Song, record: SongRecord) -> bool:
    """Return whether nothing but names has changed, as far as one can tell."""
    mbid = parse_uuid(record.mbid)
    has_other_id = mbid is not None and song.mbid is not None and mbid != song.mbid
    return not has_other_id and not _differ_in_length(song.duration_ms, record.duration_ms)


def _differ_in_length(one: int | None, other: int | None) -> bool:
    if not one or not other:
        return False
    return abs(one - other) > max(_OTHER_LENGTH_MS, _OTHER_LENGTH_SHARE * max(one, other))


def _is_generic(title: str) -> bool:
    words = title.split()
    is_counted = len(words) == 2 and words[0] in note_words.COUNTED_TRACKS and words[1].isdigit()
    return title in note_words.GENERIC_TITLES or is_counted
